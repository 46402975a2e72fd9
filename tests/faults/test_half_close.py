"""The peer closes its sending side and goes on to receive, or seems to."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tcpip_core import Limits, LossReason
from tests.contract._links import Side, linked
from tests.contract._rigs import READ_LOOP_SERVER, LineServer, rigged
from tests.faults._faults import MORE_THAN_BUFFERS, SLACK, blocked_write, serves_on, timed
from tests.faults.conftest import Figure
from tests.support import IPV4, Peer, connected, soon, until

SIDES = pytest.mark.parametrize("side", ["client", "server"])


async def test_half_closed_peer_gets_the_answers(host: str, log: logging.Logger) -> None:
    """``printf 'a\\nb\\n' | nc -N host port`` shows both answers."""
    async with rigged(READ_LOOP_SERVER, host, log) as rig:
        rig.peer.send(b"a\r\nb\r\n")
        rig.peer.write_eof()
        assert await rig.peer.read_to_eof() == b"A\r\nB\r\n"
        assert await rig.changes.next() is False
        assert rig.subject.loss_reason is LossReason.FIN


@SIDES
async def test_answer_written_in_the_step_of_the_read_goes_out(side: Side, log: logging.Logger) -> None:
    """Without a read loop, whoever answers before waiting for anything else is heard."""
    async with linked(side, IPV4, log) as link:
        link.send(b"question\r\n")
        await link.finish_and_take()
        assert await soon(link.subject.read_str()) == "question"
        await link.subject.write_str("answer")
        assert await link.peer.read_until(b"\r\n") == b"answer\r\n"


@SIDES
async def test_half_close_does_not_cut_a_long_answer(side: Side, log: logging.Logger) -> None:
    """A write that is under way when the FIN comes goes over whole."""
    answer = bytes(range(256)) * (MORE_THAN_BUFFERS // 256)
    async with linked(side, IPV4, log) as link:
        writing = asyncio.create_task(link.subject.write(answer))
        await until(lambda: link.subject._tcpip.connection.outgoing.is_waited_for)
        link.peer.write_eof()
        assert await link.peer.read_exactly(len(answer)) == answer
        await soon(writing)
        assert await link.changes.next() is False
        assert link.subject.loss_reason is LossReason.FIN


@SIDES
async def test_half_closed_peer_that_takes_nothing_meets_the_write_time_out(
    side: Side, log: logging.Logger, figure: Figure
) -> None:
    """To be half-closed is no way to hold a writer for ever."""
    async with linked(side, IPV4, log, limits=Limits(write_timeout=0.2)) as link:
        with timed() as watch:
            writing = await blocked_write(link.subject)
            link.peer.write_eof()
            with pytest.raises(ConnectionError):
                await soon(writing)
        figure("write to a half-closed, frozen peer, write_timeout 200 ms", watch.seconds)
        assert watch.seconds < 0.4 + SLACK
        assert link.subject.loss_reason is LossReason.WRITE_TIMEOUT
        assert link.told == [True, False]


@pytest.mark.parametrize("unread", [b"", b"never read\r\n"])
async def test_half_closed_peer_keeps_nobody_out(unread: bytes, server_kind: str, log: logging.Logger) -> None:
    """A peer that sends no more, but never leaves, loses the place to the next client."""
    async with rigged(server_kind, IPV4, log, limits=Limits(drain_timeout=60)) as rig:
        if unread:
            rig.peer.send(unread)
        rig.peer.write_eof()
        await until(lambda: rig.subject._tcpip.connection.peer_is_done)
        await serves_on(rig.server)


async def test_half_closed_peer_of_a_hung_dispatch_keeps_nobody_out(log: logging.Logger, figure: Figure) -> None:
    """A command that never returns ends when the next client comes: it works for one that has gone."""
    cancelled = asyncio.Event()

    class Hung(LineServer):
        async def read_and_dispatch(self) -> None:
            if await self.read_str() == "hang":
                try:
                    await asyncio.Event().wait()
                finally:
                    cancelled.set()
            await self.write_str("STILL THERE?")

    async with Hung(host=IPV4, port=0, log=log, limits=Limits(drain_timeout=60)) as server:
        async with Peer(IPV4, server.port) as peer:
            await connected(server)
            peer.send(b"hang\r\n")
            peer.write_eof()
            await until(lambda: server._tcpip.connection.peer_is_done)
            with timed() as watch:
                await serves_on(server)
            figure("newcomer beside a half-closed peer of a hung dispatch", watch.seconds)
            assert cancelled.is_set()


async def test_half_close_with_nothing_asked_is_a_hang_up(log: logging.Logger) -> None:
    """Nothing to read and nothing to write: the link ends, and the peer sees it."""
    async with rigged("server", IPV4, log) as rig:
        rig.peer.write_eof()
        assert await rig.changes.next() is False
        assert await rig.peer.read_to_eof() == b""


async def test_close_of_a_half_closed_link_is_prompt(kind: str, log: logging.Logger, figure: Figure) -> None:
    """A link that drains is closed like any other."""
    async with rigged(kind, IPV4, log, limits=Limits(drain_timeout=60)) as rig:
        rig.peer.send(b"half a li")
        rig.peer.write_eof()
        await until(lambda: rig.subject._tcpip.connection.peer_is_done)
        with timed() as watch:
            await soon(rig.subject.close())
        figure("close of a half-closed link", watch.seconds, 2.5)
        assert watch.seconds < SLACK
        assert rig.changes.seen == [True, False]
