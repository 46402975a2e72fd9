"""The peer resets the connection: in the middle of a line, after whole lines, with data that nobody read."""

from __future__ import annotations

import logging
import socket

import pytest

from tcpip_core import Limits, LossReason
from tests.contract._links import Side, linked
from tests.contract._rigs import LineServer, Rig, rigged
from tests.faults._faults import SLACK, blocked_write, errors, serves_on, timed
from tests.faults.conftest import Figure
from tests.support import IPV4, Peer, soon, until

SIDES = pytest.mark.parametrize("side", ["client", "server"])


async def test_rst_is_told_at_once_and_once(rig: Rig, figure: Figure) -> None:
    """A reset reaches the callback while nobody reads, with its reason, and is not told again by the close."""
    with timed() as watch:
        rig.peer.reset()
        assert await rig.changes.next() is False
    figure("RST to the callback", watch.seconds, 0.001)
    assert watch.seconds < SLACK
    assert rig.subject.loss_reason is LossReason.RST
    assert rig.subject.should_be_connected
    await soon(rig.subject.close())
    assert rig.changes.seen == [True, False]


@SIDES
async def test_rst_in_mid_line_is_an_error(side: Side, log: logging.Logger) -> None:
    """Half a line behind a reset is not a line, and not an orderly end."""
    async with linked(side, IPV4, log) as link:
        await link.send_and_take(b"half a li")
        link.peer.reset()
        with pytest.raises(ConnectionResetError):
            await soon(link.subject.read_str())
        assert link.told == [True, False]
        assert link.subject.loss_reason is LossReason.RST


@SIDES
async def test_rst_after_whole_lines_delivers_them_first(side: Side, log: logging.Logger) -> None:
    """What had arrived is read once and in order, then comes the error."""
    lines = [f"line {number}" for number in range(200)]
    async with linked(side, IPV4, log) as link:
        await link.send_and_take("".join(f"{line}\r\n" for line in lines).encode())
        link.peer.reset()
        assert [await soon(link.subject.read_str()) for _ in lines] == lines
        with pytest.raises(ConnectionResetError):
            await soon(link.subject.read_str())
        assert link.told == [True, False]


@SIDES
async def test_reply_to_a_line_in_front_of_a_reset_meets_the_loss(side: Side, log: logging.Logger) -> None:
    """Once the socket is gone, and lines are left to be read, a write is refused as after any loss."""
    async with linked(side, IPV4, log) as link:
        await link.send_and_take(b"one\r\ntwo\r\n")
        link.peer.reset()
        await until(lambda: link.subject._tcpip.connection.is_cut)
        assert await soon(link.subject.read_str()) == "one"
        with pytest.raises(ConnectionResetError):
            await soon(link.subject.write_str("reply"))
        assert link.told == [True, False]


async def test_rst_after_whole_lines_lets_a_read_loop_dispatch_all(
    log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """Commands that had arrived are carried out, and the reset is no error of the read loop."""

    class Silent(LineServer):
        async def read_and_dispatch(self) -> None:
            self.lines.put_nowait(await self.read_str())

    lines = [f"line {number}" for number in range(200)]
    async with Silent(host=IPV4, port=0, log=log) as server:
        peer = Peer(IPV4, server.port)
        peer.send("".join(f"{line}\r\n" for line in lines).encode())
        assert await soon(server.lines.get()) == lines[0]
        peer.reset()
        assert [await soon(server.lines.get()) for _ in lines[1:]] == lines[1:]
        await until(lambda: not server.connected)
        assert errors(caplog) == []


@SIDES
async def test_unread_bytes_of_a_peer_that_reset_end_with_the_drain_time(
    side: Side, log: logging.Logger, figure: Figure
) -> None:
    """Nobody reads: the link does not stay connected for ever, and the reason is kept."""
    async with linked(side, IPV4, log, limits=Limits(drain_timeout=0.1)) as link:
        await link.send_and_take(b"never read\r\n")
        with timed() as watch:
            link.peer.reset()
            assert await link.changes.next() is False
        figure("unread data behind an RST, drain_timeout 100 ms", watch.seconds)
        assert 0.05 < watch.seconds < 0.1 + SLACK
        assert link.subject.loss_reason is LossReason.RST


async def test_rst_behind_more_than_is_buffered_is_noticed(log: logging.Logger) -> None:
    """A peer that was made to wait, and resets, is noticed although nothing reads from its socket."""
    async with rigged("server", IPV4, log, limits=Limits(frame_size=1024, drain_timeout=0.1)) as rig:
        await rig.peer.send_all(b"x" * 65536)
        rig.peer.reset()
        assert await rig.changes.next() is False
        assert rig.subject.loss_reason is LossReason.RST
        await serves_on(rig.server)


def _has_data(peer: Peer) -> bool:
    try:
        return bool(peer.socket.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False


async def test_peer_that_closes_without_reading_our_answer_resets(rig: Rig) -> None:
    """A close over unread data is a reset: it is told once, whichever of the two the kernel reports first."""
    await soon(rig.subject.write_str("never read"))
    await until(lambda: _has_data(rig.peer))
    rig.peer.close()
    assert await rig.changes.next() is False
    assert rig.subject.loss_reason in {LossReason.RST, LossReason.FIN}
    assert rig.changes.seen == [True, False]


async def test_rst_ends_a_blocked_write(rig: Rig, figure: Figure) -> None:
    """A writer that waits for a peer is told that it is gone, after the callback was."""
    writing = await blocked_write(rig.subject)
    with timed() as watch:
        rig.peer.reset()
        with pytest.raises(ConnectionResetError):
            await soon(writing)
    figure("RST to a blocked writer", watch.seconds)
    assert watch.seconds < SLACK
    assert rig.changes.seen == [True, False]


async def test_write_after_an_unseen_rst_is_an_error(rig: Rig) -> None:
    """A write in the very step in which the link died is not "sent" for ever: the next one says so."""
    rig.peer.reset()
    with pytest.raises(ConnectionError):
        for _ in range(1000):
            await soon(rig.subject.write_str("hello?"))
    assert rig.changes.seen == [True, False]


async def test_server_serves_on_after_100_resets(server_kind: str, log: logging.Logger, figure: Figure) -> None:
    """Each client is told twice, in order; none stays."""
    async with rigged(server_kind, IPV4, log) as rig:
        rig.peer.reset()
        assert await rig.changes.next() is False
        with timed() as watch:
            for _ in range(100):
                peer = Peer(IPV4, rig.server.port)
                assert await rig.changes.next() is True
                peer.reset()
                assert await rig.changes.next() is False
        figure("connect, RST, both told", watch.seconds / 100)
        await serves_on(rig.server)
