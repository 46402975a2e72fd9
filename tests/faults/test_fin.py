"""The peer closes its side: in the middle of a line, after whole lines, with data that nobody read."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tcpip_core import Limits, LossReason
from tests.contract._links import Side, linked
from tests.contract._rigs import READ_LOOP_SERVER, LineServer, Rig, rigged
from tests.faults._faults import SLACK, errors, logged, serves_on, timed
from tests.faults.conftest import Figure
from tests.support import IPV4, Peer, connected, soon, until

SIDES = pytest.mark.parametrize("side", ["client", "server"])


async def test_fin_is_told_at_once_and_once(rig: Rig, figure: Figure) -> None:
    """A hang-up reaches the callback while nobody reads, with its reason, and is not told again by the close."""
    with timed() as watch:
        rig.peer.write_eof()
        assert await rig.changes.next() is False
    figure("FIN to the callback", watch.seconds, 0.001)
    assert watch.seconds < SLACK
    assert rig.subject.loss_reason is LossReason.FIN
    assert rig.subject.should_be_connected
    await soon(rig.subject.close())
    assert rig.changes.seen == [True, False]


@SIDES
async def test_fin_in_mid_line_gives_up_the_part(side: Side, log: logging.Logger) -> None:
    """A reader gets an error that holds what came, never half a line as if it were whole."""
    async with linked(side, IPV4, log) as link:
        await link.send_and_take(b"half a li")
        link.peer.write_eof()
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await soon(link.subject.read_str())
        assert caught.value.partial == b"half a li"
        assert link.told == [True, False]
        assert link.subject.loss_reason is LossReason.FIN


async def test_fin_in_mid_line_of_a_read_loop_is_noted_once(
    log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """The part is in the log, for whoever wonders; it is no error, and the next client is served."""
    async with rigged(READ_LOOP_SERVER, IPV4, log) as rig:
        rig.peer.send(b"whole\r\nhalf a li")
        rig.peer.write_eof()
        assert await rig.changes.next() is False
        assert isinstance(rig.subject, LineServer)
        await until(rig.subject.read_loop_task.done)
        assert len([line for line in logged(caplog) if "half a li" in line]) == 1
        assert errors(caplog) == []
        await serves_on(rig.server)


@SIDES
async def test_fin_after_whole_lines_delivers_them(side: Side, log: logging.Logger) -> None:
    """What arrived is read once and in order, then comes the end."""
    lines = [f"line {number}" for number in range(200)]
    async with linked(side, IPV4, log) as link:
        link.send("".join(f"{line}\r\n" for line in lines).encode())
        await link.finish_and_take()
        assert [await soon(link.subject.read_str()) for _ in lines] == lines
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await soon(link.subject.read_str())
        assert link.told == [True, False]


async def test_fin_after_whole_lines_lets_a_read_loop_answer_all(log: logging.Logger) -> None:
    """Each line is dispatched and answered, although the peer was done before the first one was read."""
    lines = [f"line {number}" for number in range(200)]
    async with rigged(READ_LOOP_SERVER, IPV4, log) as rig:
        rig.peer.send("".join(f"{line}\r\n" for line in lines).encode())
        rig.peer.write_eof()
        answers = await rig.peer.read_to_eof()
        assert answers.decode().split("\r\n") == [*(line.upper() for line in lines), ""]
        assert await rig.changes.next() is False


@SIDES
async def test_unread_bytes_of_a_peer_that_left_end_with_the_drain_time(
    side: Side, log: logging.Logger, figure: Figure
) -> None:
    """Nobody reads: the link does not stay connected for ever."""
    async with linked(side, IPV4, log, limits=Limits(drain_timeout=0.1)) as link:
        await link.send_and_take(b"never read\r\n")
        with timed() as watch:
            link.peer.write_eof()
            assert await link.changes.next() is False
        figure("unread data behind a FIN, drain_timeout 100 ms", watch.seconds)
        assert 0.05 < watch.seconds < 0.1 + SLACK
        assert link.subject.loss_reason is LossReason.FIN


async def test_unread_bytes_of_a_peer_that_left_keep_nobody_out(log: logging.Logger, figure: Figure) -> None:
    """The next client gets the place at once, and is told after the loss."""
    async with rigged("server", IPV4, log, limits=Limits(drain_timeout=60)) as rig:
        rig.peer.send(b"never read\r\n")
        rig.peer.write_eof()
        await until(lambda: rig.subject._tcpip.connection.peer_is_done)
        with timed() as watch:
            async with Peer(IPV4, rig.server.port) as second:
                assert [await rig.changes.next(), await rig.changes.next()] == [False, True]
                second.send(b"mine\r\n")
                assert await soon(rig.server.read_str()) == "mine"
        figure("newcomer beside a link that drains", watch.seconds)


async def test_fin_behind_more_than_is_buffered_is_noticed(log: logging.Logger) -> None:
    """A peer that was made to wait, and leaves, is noticed although nothing reads from its socket."""
    limits = Limits(frame_size=1024, drain_timeout=0.1)
    async with rigged("server", IPV4, log, limits=limits) as rig:
        await rig.peer.send_all(b"x" * 65536)
        rig.peer.write_eof()
        assert await rig.changes.next() is False
        assert rig.subject.loss_reason is LossReason.FIN
        await serves_on(rig.server)


async def test_fin_while_a_dispatch_works_lets_it_end(log: logging.Logger) -> None:
    """A command that takes its time is answered to a peer that has closed its sending side meanwhile."""
    go_on = asyncio.Event()

    class Slow(LineServer):
        async def read_and_dispatch(self) -> None:
            line = await self.read_str()
            await go_on.wait()
            await self.write_str(f"did {line}")

    async with Slow(host=IPV4, port=0, log=log) as server:
        async with Peer(IPV4, server.port) as peer:
            await connected(server)
            peer.send(b"move\r\n")
            peer.write_eof()
            await until(lambda: server._tcpip.connection.peer_is_done)
            go_on.set()
            assert await peer.read_to_eof() == b"did move\r\n"
