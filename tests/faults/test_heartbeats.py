"""Two-way heartbeats: any byte is a sign of life, silence is not, in both directions."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from tcpip_core import Client, Heartbeat, Keepalive, Limits, LossReason, OneClientServer
from tests.contract._rigs import READ_LOOP_SERVER, SERVERS, make, rigged
from tests.faults._faults import SLACK, die, errors, is_holder, needs_dead_peer, timed
from tests.faults.conftest import Figure
from tests.support import IPV4, Peer, connected, soon, until

BEAT = Heartbeat(interval=0.05, timeout=0.2)


async def test_silent_peer_is_ended_in_time(
    kind: str, log: logging.Logger, figure: Figure, caplog: pytest.LogCaptureFixture
) -> None:
    """Within a quarter more than the time-out, on all sides; a server serves on."""
    async with rigged(kind, IPV4, log, heartbeat=BEAT) as rig:
        with timed() as watch:
            assert await rig.changes.next() is False
        figure("silent peer, heartbeat time-out 200 ms", watch.seconds, 0.25)
        assert 0.15 < watch.seconds < 0.25 + SLACK
        assert rig.subject.loss_reason is LossReason.HEARTBEAT
        assert rig.subject.should_be_connected
        assert await rig.peer.read_until(b"\r\n") == b"heartbeat\r\n"
        assert errors(caplog) == []
        if kind in SERVERS:
            async with Peer(IPV4, rig.server.port) as second:
                await until(lambda: is_holder(rig.server, second))


@pytest.mark.slow
@pytest.mark.parametrize("data", [b"x", b"\0", b"heartbeat\r\n", b"\xff\r\n"], ids=["x", "nul", "beat", "bad"])
async def test_any_byte_is_a_sign_of_life(data: bytes, log: logging.Logger) -> None:
    """Whatever the peer sends, and whether or not anybody reads it."""
    async with rigged("server", IPV4, log, heartbeat=BEAT) as rig:
        for _ in range(20):
            rig.peer.send(data)
            await asyncio.sleep(0.04)  # That is the claim: four times the time-out in all.
        assert rig.changes.seen == [True]


@pytest.mark.slow
async def test_half_a_line_at_a_time_is_a_sign_of_life_to_a_reader(kind: str, log: logging.Logger) -> None:
    """The reader waits on, the link stays."""
    async with rigged(kind, IPV4, log, heartbeat=BEAT) as rig:
        for _ in range(20):
            rig.peer.send(b"x")
            await asyncio.sleep(0.04)  # That is the claim.
        assert rig.changes.seen == [True]


@pytest.mark.slow
async def test_peer_that_is_made_to_wait_is_not_silent(kind: str, log: logging.Logger) -> None:
    """Nobody reads, so what it sends stays in the kernels: that is not held against it, and nothing is lost."""
    if kind == READ_LOOP_SERVER:
        pytest.skip("it reads")
    async with rigged(kind, IPV4, log, heartbeat=BEAT) as rig:
        flooding = asyncio.create_task(rig.peer.send_all(b"0123456789\r\n" * 1_000_000))
        await asyncio.sleep(0.6)  # That is the claim: three times the time-out.
        assert rig.changes.seen == [True]
        assert [await soon(rig.subject.read_str()) for _ in range(1000)] == ["0123456789"] * 1000
        flooding.cancel()
        await asyncio.wait({flooding})


@pytest.mark.slow
async def test_two_of_ours_keep_each_other_alive(server_kind: str, log: logging.Logger) -> None:
    """Neither program says anything for five times the time-out."""
    server: Any = make(server_kind, IPV4, 0, log, heartbeat=BEAT)
    async with server, Client(IPV4, server.port, log, heartbeat=BEAT) as client:
        await connected(server)
        await asyncio.sleep(1.0)  # That is the claim.
        assert client.connected
        assert server.connected
        await soon(client.write_str("hello"))


async def test_one_side_that_only_watches_ends_a_link_that_the_other_keeps(log: logging.Logger) -> None:
    """A peer that reads heartbeats, and sends nothing back, is silent."""
    async with OneClientServer(IPV4, 0, log) as server:
        async with Client(IPV4, server.port, log, heartbeat=BEAT) as client:
            await connected(server)
            await soon(client.done_task)
            assert client.loss_reason is LossReason.HEARTBEAT


async def test_silent_peer_that_never_reads_is_ended_though_a_heartbeat_is_blocked(
    kind: str, log: logging.Logger, figure: Figure
) -> None:
    """The watch does not depend on the sender, which waits for a peer that takes nothing."""
    async with rigged(kind, IPV4, log, heartbeat=BEAT, limits=Limits(write_timeout=None)) as rig:
        assert rig.subject._writer is not None
        rig.subject._writer.write(bytes(64 * 1024 * 1024))
        with timed() as watch:
            assert await rig.changes.next() is False
        figure("frozen peer, heartbeat time-out 200 ms, no write time-out", watch.seconds, 0.25)
        assert watch.seconds < 0.25 + SLACK
        assert rig.subject.loss_reason is LossReason.HEARTBEAT


@needs_dead_peer
async def test_dead_peer_is_ended_before_the_kernel_notices(kind: str, log: logging.Logger) -> None:
    """A heartbeat asks the program, so it is as fast as it is told to be."""
    async with rigged(kind, IPV4, log, heartbeat=BEAT, keepalive=Keepalive(user_timeout=None)) as rig:
        die(rig.peer)
        assert await rig.changes.next(timeout=0.25 + SLACK) is False
        assert rig.subject.loss_reason is LossReason.HEARTBEAT


async def test_close_is_not_held_up_by_heartbeats(kind: str, log: logging.Logger, figure: Figure) -> None:
    """Sender and watch end with the link."""
    async with rigged(kind, IPV4, log, heartbeat=Heartbeat(interval=60, timeout=60)) as rig:
        with timed() as watch:
            await soon(rig.subject.close())
        figure("close with heartbeats", watch.seconds, 2.5)
        assert watch.seconds < SLACK


@pytest.mark.parametrize("timeout", [0.001, 0.01])
@pytest.mark.parametrize("watch", ["both ways", "one way"])
async def test_timeout_may_be_shorter_than_the_loop_is_exact(watch: str, timeout: float, log: logging.Logger) -> None:
    """It ends the link as soon as the loop sees to it; the first look is always a little late."""
    options: dict[str, dict[str, Any]] = {
        "both ways": {"heartbeat": Heartbeat(interval=1, timeout=timeout)},
        "one way": {"run_heartbeat_monitor_task": True, "max_heartbeat_interval": timeout},
    }
    async with rigged(READ_LOOP_SERVER, IPV4, log, **options[watch]) as rig:
        assert await rig.changes.next(timeout=SLACK) is False
        assert rig.subject.loss_reason is LossReason.HEARTBEAT


async def test_each_client_has_a_watch_of_its_own(server_kind: str, log: logging.Logger) -> None:
    """The watch of one that has gone does not end the next one early."""
    async with rigged(server_kind, IPV4, log, heartbeat=Heartbeat(interval=60, timeout=0.4)) as rig:
        rig.peer.reset()
        assert await rig.changes.next() is False
        async with Peer(IPV4, rig.server.port):
            assert await rig.changes.next() is True
            with timed() as watch:
                assert await rig.changes.next() is False
            assert watch.seconds > 0.35


@pytest.mark.parametrize("name", ["interval", "timeout"])
@pytest.mark.parametrize("value", [0, -1.0, float("inf"), float("nan"), "1", None])
def test_bad_time_is_refused(name: str, value: Any) -> None:
    """A heartbeat that never comes, or always, is a mistake that is told at once."""
    with pytest.raises(ValueError, match=name):
        Heartbeat(**{name: value})


async def test_heartbeat_of_another_type_is_refused_before_anything_exists(kind: str, log: logging.Logger) -> None:
    """No task and no socket."""
    with pytest.raises(TypeError, match="heartbeat"):
        make(kind, IPV4, 1, log, heartbeat=1.0)
