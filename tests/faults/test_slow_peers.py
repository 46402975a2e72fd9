"""Peers that take nothing, or give little: nothing waits for them longer than its bound."""

from __future__ import annotations

import asyncio
import logging
import re
import sys

import pytest

from tcpip_core import Client, Heartbeat, Keepalive, Limits, LossReason, OneClientReadLoopServer
from tests.contract._links import Side, linked
from tests.contract._rigs import READ_LOOP_SERVER, SERVERS, rigged
from tests.faults._faults import SLACK, blocked_write, die, errors, logged, needs_dead_peer, serves_on, timed
from tests.faults.conftest import Figure
from tests.support import IPV4, Peer, listening, soon, started, until

SIDES = pytest.mark.parametrize("side", ["client", "server"])


async def test_write_to_a_peer_that_never_reads_times_out(kind: str, log: logging.Logger, figure: Figure) -> None:
    """The write is an error, the link is gone, the callback knew first."""
    async with rigged(kind, IPV4, log, limits=Limits(write_timeout=0.2)) as rig:
        with timed() as watch:
            with pytest.raises(ConnectionError):
                await soon(await blocked_write(rig.subject))
        figure("write to a frozen peer, write_timeout 200 ms", watch.seconds)
        assert watch.seconds < 0.4 + SLACK
        assert rig.subject.loss_reason is LossReason.WRITE_TIMEOUT
        assert rig.changes.seen == [True, False]
        if kind in SERVERS:
            await serves_on(rig.server)


async def test_all_writers_of_a_peer_that_never_reads_are_told(kind: str, log: logging.Logger) -> None:
    """Nobody gets "sent" for what was not handed over."""
    async with rigged(kind, IPV4, log, limits=Limits(write_timeout=0.2)) as rig:
        writers = [await blocked_write(rig.subject)]
        writers += [asyncio.create_task(rig.subject.write_str(f"line {number}")) for number in range(10)]
        results = await soon(asyncio.gather(*writers, return_exceptions=True))
        assert all(isinstance(one, ConnectionError) for one in results)
        assert rig.changes.seen == [True, False]


@pytest.mark.parametrize(
    "close_timeout", [0.0, 0.2, pytest.param(Limits().close_timeout, marks=pytest.mark.slow, id="default")]
)
@pytest.mark.parametrize("write_timeout", [None, 60.0])
async def test_close_is_not_held_up_by_a_peer_that_never_reads(
    write_timeout: float | None, close_timeout: float, kind: str, log: logging.Logger, figure: Figure
) -> None:
    """What cannot be flushed within the bound is dropped, and the blocked write is told."""
    limits = Limits(write_timeout=write_timeout, close_timeout=close_timeout)
    async with rigged(kind, IPV4, log, limits=limits) as rig:
        writing = await blocked_write(rig.subject)
        with timed() as watch:
            await soon(rig.subject.close())
        figure(f"close beside a frozen peer, close_timeout {close_timeout:g} s", watch.seconds, close_timeout + 0.5)
        assert watch.seconds < close_timeout + 0.5 + SLACK
        assert rig.subject.done_task.done()
        with pytest.raises(ConnectionError):
            await soon(writing)
        assert rig.changes.seen == [True, False]


async def test_close_client_is_not_held_up_by_a_peer_that_never_reads(
    server_kind: str, log: logging.Logger, figure: Figure
) -> None:
    """A server gets rid of a frozen client, and serves the next one."""
    async with rigged(server_kind, IPV4, log, limits=Limits(write_timeout=None, close_timeout=0.2)) as rig:
        writing = await blocked_write(rig.subject)
        with timed() as watch:
            await soon(rig.server.close_client())
        figure("close_client of a frozen peer, close_timeout 0.2 s", watch.seconds, 0.7)
        assert watch.seconds < 0.7 + SLACK
        with pytest.raises(ConnectionError):
            await soon(writing)
        await serves_on(rig.server)


async def test_cancelled_blocked_write_ends_the_link(kind: str, log: logging.Logger) -> None:
    """How much went over is unknown, so no later line may follow the torn one."""
    async with rigged(kind, IPV4, log, limits=Limits(write_timeout=None)) as rig:
        writing = await blocked_write(rig.subject)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await soon(writing)
        assert not rig.subject.connected
        assert rig.subject.loss_reason is LossReason.WRITE_CANCELLED
        with pytest.raises(ConnectionError):
            await soon(rig.subject.write_str("after it"))
        assert await rig.changes.next() is False
        await rig.peer.wait_hung_up()


@SIDES
@pytest.mark.slow
async def test_peer_that_reads_slowly_is_not_cut(side: Side, log: logging.Logger) -> None:
    """The write time-out counts while the peer takes nothing at all, not while it takes little."""
    if sys.platform != "linux":
        pytest.skip("elsewhere nobody tells how much the peer has acknowledged")
    data = bytes(16 * 1024 * 1024)
    async with linked(side, IPV4, log, limits=Limits(write_timeout=0.3)) as link:
        writing = asyncio.create_task(link.subject.write(data))
        taken = 0
        while taken < len(data):
            taken += len(await link.peer.read_exactly(min(1024 * 1024, len(data) - taken)))
            await asyncio.sleep(0.1)  # That is the fault.
        await soon(writing)
        assert link.told == [True]


async def test_heartbeats_to_a_peer_that_never_reads_end_the_link(log: logging.Logger, figure: Figure) -> None:
    """A heartbeat that cannot be sent is a write that times out."""
    async with listening() as listener:
        limits = Limits(write_timeout=0.2)
        client = Client(
            IPV4, listener.port, log, run_heartbeat_send_task=True, heartbeat_send_sleep=0.02, limits=limits
        )
        await listener.accept()
        await started(client)
        assert client._writer is not None
        client._writer.write(bytes(64 * 1024 * 1024))
        with timed() as watch:
            await soon(client.done_task)
        figure("heartbeats to a frozen peer, write_timeout 200 ms", watch.seconds)
        assert watch.seconds < 0.5 + SLACK
        assert client.loss_reason is LossReason.WRITE_TIMEOUT
        assert client.heartbeat_send_task.done()


async def test_two_way_heartbeats_to_a_peer_that_never_reads_end_the_link(kind: str, log: logging.Logger) -> None:
    """Sender and watch do not get into each other's way: whichever bound is first ends the link, once."""
    limits, heartbeat = Limits(write_timeout=0.2), Heartbeat(interval=0.02, timeout=0.3)
    async with rigged(kind, IPV4, log, limits=limits, heartbeat=heartbeat) as rig:
        assert rig.subject._writer is not None
        rig.subject._writer.write(bytes(64 * 1024 * 1024))
        assert await rig.changes.next() is False
        assert rig.subject.loss_reason in {LossReason.WRITE_TIMEOUT, LossReason.HEARTBEAT}
        await soon(rig.subject.close())
        assert rig.changes.seen == [True, False]


# Slow loris: a byte now and then, a line never


async def test_frame_that_is_not_finished_in_time_ends_the_link(kind: str, log: logging.Logger, figure: Figure) -> None:
    """With ``frame_timeout`` a peer that dribbles is cut, however often it sends a byte."""
    async with rigged(kind, IPV4, log, limits=Limits(frame_timeout=0.2)) as rig:
        reading = asyncio.create_task(rig.subject.read_str()) if kind != READ_LOOP_SERVER else None
        with timed() as watch:
            dribbling = asyncio.create_task(_dribble(rig.peer))
            assert await rig.changes.next() is False
        figure("slow loris, frame_timeout 200 ms", watch.seconds)
        assert 0.1 < watch.seconds < 0.2 + SLACK
        assert rig.subject.loss_reason is LossReason.LIMIT
        if reading is not None:
            with pytest.raises(ConnectionError):
                await soon(reading)
        if kind in SERVERS:
            await serves_on(rig.server)
        await soon(dribbling)


async def test_error_and_log_say_which_limit_a_frame_exceeded(
    kind: str, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """Its name and its value, once; as an error where nobody but the log is told, as with a frame too long."""
    async with rigged(kind, IPV4, log, limits=Limits(frame_timeout=0.05)) as rig:
        reading = asyncio.create_task(rig.subject.read_str()) if kind != READ_LOOP_SERVER else None
        rig.peer.send(b"half a ")
        assert await rig.changes.next() is False
        limit = "the peer exceeded a limit: no whole message within 0.05 s of its first byte (frame_timeout)"
        assert len([line for line in logged(caplog) if line.endswith(f"ended: {limit}")]) == 1
        if reading is not None:
            with pytest.raises(ConnectionError, match=re.escape(limit)):
                await soon(reading)
        elif isinstance(rig.subject, OneClientReadLoopServer):
            await soon(asyncio.wait({rig.subject.read_loop_task}))
        assert [line.partition(": ")[2] for line in errors(caplog)] == [limit] * (kind == READ_LOOP_SERVER)


async def _dribble(peer: Peer) -> None:
    try:
        while True:
            peer.send(b"x")
            await asyncio.sleep(0.02)  # That is the fault.
    except ConnectionError:
        pass


@pytest.mark.parametrize("timeout", [0.0, 0.001, 0.01])
async def test_frame_timeout_may_be_shorter_than_the_loop_is_exact(
    timeout: float, kind: str, log: logging.Logger
) -> None:
    """It ends the link as soon as the loop sees to it; the first look is always a little late."""
    async with rigged(kind, IPV4, log, limits=Limits(frame_timeout=timeout)) as rig:
        reading = asyncio.create_task(rig.subject.read_str()) if kind != READ_LOOP_SERVER else None
        rig.peer.send(b"x")
        assert await rig.changes.next(timeout=SLACK) is False
        assert rig.subject.loss_reason is LossReason.LIMIT
        if reading is not None:
            with pytest.raises(ConnectionError):
                await soon(reading)


async def test_pause_between_frames_is_no_slow_frame(kind: str, log: logging.Logger) -> None:
    """The bound counts from the first byte of a frame: a peer with nothing to say may be silent."""
    async with rigged(kind, IPV4, log, limits=Limits(frame_timeout=0.05)) as rig:
        reading = asyncio.create_task(rig.subject.read_str()) if kind != READ_LOOP_SERVER else None
        await asyncio.sleep(0.15)  # That is the claim.
        rig.peer.send(b"hello\r\n")
        if reading is not None:
            assert await soon(reading) == "hello"
        else:
            assert await rig.peer.read_until(b"\r\n") == b"HELLO\r\n"
        assert rig.changes.seen == [True]


async def test_frame_that_comes_byte_by_byte_is_one_frame(kind: str, log: logging.Logger) -> None:
    """Without a bound a slow line is a line."""
    async with rigged(kind, IPV4, log) as rig:
        reading = asyncio.create_task(rig.subject.read_str()) if kind != READ_LOOP_SERVER else None
        for byte in b"hello\r\n":
            rig.peer.send(bytes([byte]))
            await asyncio.sleep(0)
        if reading is not None:
            assert await soon(reading) == "hello"
        else:
            assert await rig.peer.read_until(b"\r\n") == b"HELLO\r\n"


@SIDES
async def test_cancelled_read_of_a_slow_frame_loses_nothing(side: Side, log: logging.Logger) -> None:
    """A program with a bound of its own gets the line later."""
    async with linked(side, IPV4, log) as link:
        for part in (b"he", b"ll", b"o"):
            await link.send_and_take(part)
            with pytest.raises(TimeoutError):
                await soon(link.subject.read_str(), timeout=0.01)
        link.send(b"\r\n")
        assert await soon(link.subject.read_str()) == "hello"


async def test_close_is_not_held_up_by_half_a_frame(kind: str, log: logging.Logger, figure: Figure) -> None:
    """A read that waits for the rest is told."""
    async with rigged(kind, IPV4, log) as rig:
        reading = asyncio.create_task(rig.subject.read_str()) if kind != READ_LOOP_SERVER else None
        rig.peer.send(b"half a li")
        await until(lambda: len(rig.subject._tcpip.connection.incoming) > 0)
        with timed() as watch:
            await soon(rig.subject.close())
        figure("close while half a frame is there", watch.seconds, 2.5)
        assert watch.seconds < SLACK
        if reading is not None:
            with pytest.raises(ConnectionError):
                await soon(reading)


async def test_peer_that_sends_what_nobody_reads_does_not_fill_us(log: logging.Logger) -> None:
    """It is made to wait at a little more than twice the frame size."""
    async with rigged("server", IPV4, log) as rig:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await asyncio.get_running_loop().sock_sendall(rig.peer.socket, bytes(64 * 1024 * 1024))
        assert len(rig.subject._tcpip.connection.incoming) <= 2 * Limits().frame_size + 256 * 1024
        assert rig.subject.connected


# A peer whose kernel answers no more


@needs_dead_peer
@pytest.mark.parametrize("blocked", [False, True], ids=["idle", "writing"])
async def test_close_is_not_held_up_by_a_dead_peer(
    blocked: bool, kind: str, log: logging.Logger, figure: Figure, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is acknowledged any more, not even our FIN."""
    async with rigged(kind, IPV4, log, limits=Limits(close_timeout=0.2, write_timeout=None)) as rig:
        die(rig.peer)
        writing = await blocked_write(rig.subject) if blocked else None
        with timed() as watch:
            await soon(rig.subject.close())
        figure("close of a dead link, close_timeout 0.2 s", watch.seconds, 0.7)
        assert watch.seconds < 0.7 + SLACK
        if writing is not None:
            with pytest.raises(ConnectionError):
                await soon(writing)
        assert rig.changes.seen == [True, False]
        assert errors(caplog) == []


@needs_dead_peer
async def test_write_to_a_dead_peer_times_out(kind: str, log: logging.Logger, figure: Figure) -> None:
    """The same as for a peer that is frozen, though this one will never read again."""
    async with rigged(kind, IPV4, log, limits=Limits(write_timeout=0.2)) as rig:
        die(rig.peer)
        with timed() as watch:
            with pytest.raises(ConnectionError):
                await soon(await blocked_write(rig.subject))
        figure("write to a dead peer, write_timeout 200 ms", watch.seconds)
        assert watch.seconds < 0.4 + SLACK
        assert rig.subject.loss_reason is LossReason.WRITE_TIMEOUT
        if kind in SERVERS:
            await serves_on(rig.server)


@pytest.mark.slow
@needs_dead_peer
async def test_a_first_write_late_in_the_silence_does_not_prolong_it(
    kind: str, log: logging.Logger, figure: Figure
) -> None:
    """The kernel would begin anew at the first retransmission, and notice after 8 s."""
    patient = Keepalive(time=3, interval=1, probes=3, user_timeout=5)
    async with rigged(kind, IPV4, log, keepalive=patient) as rig:
        await rig.write_reaches_peer()
        with timed() as watch:
            die(rig.peer)
            await asyncio.sleep(2.5)
            await rig.subject.write_str("anybody there?")
            assert await rig.changes.next(timeout=10) is False
        figure("dead peer, first write after 2.5 s, user time-out 5 s", watch.seconds, 5.5)
        assert watch.seconds < 5.5 + SLACK
        assert rig.subject.loss_reason is LossReason.SILENT


@pytest.mark.slow
@needs_dead_peer
@SIDES
async def test_what_a_peer_said_before_it_fell_silent_is_read(side: Side, log: logging.Logger) -> None:
    """It does not matter whether the kernel or the watch of our own has noticed first."""
    patient = Keepalive(time=2, interval=1, probes=3, user_timeout=3)
    async with rigged(side, IPV4, log, keepalive=patient) as rig:
        rig.peer.send(b"first\r\nsecond\r\n")
        await until(lambda: len(rig.subject._tcpip.connection.incoming) > 0)
        await asyncio.sleep(0.1)  # Our kernel may put off its acknowledgement for 40 ms.
        die(rig.peer)
        await asyncio.sleep(1.5)
        await rig.subject.write_str("anybody there?")
        await until(lambda: rig.subject._tcpip.connection.peer_is_done)
        assert [await soon(rig.subject.read_str()) for _ in range(2)] == ["first", "second"]
        with pytest.raises(ConnectionAbortedError):
            await soon(rig.subject.read_str())
        assert rig.subject.loss_reason is LossReason.SILENT
        assert rig.changes.seen == [True, False]


async def test_an_idle_link_has_no_timer(kind: str, log: logging.Logger) -> None:
    """The one that a write into a silence arms is gone once the peer has acknowledged all; the next arms it again."""
    async with rigged(kind, IPV4, log, keepalive=Keepalive(interval=1)) as rig:
        silence = rig.subject._tcpip.connection.outgoing.silence
        await rig.write_reaches_peer()  # Right after a sign of life, which the handshake was, none is needed.
        for _ in range(2):
            await rig.write_reaches_peer()
            assert not silence.is_needed
            await until(lambda: silence.is_needed)
