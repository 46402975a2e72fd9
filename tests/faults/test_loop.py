"""The loop misbehaves: it is blocked, its clock's neighbour jumps, it ends too early; and objects are forgotten.

See also ``tests/repo/test_sources.py``: nothing in the packages reads the wall clock to measure an age.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import itertools
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tcpip_core
from tests.contract._rigs import CLIENT, SERVER, LineServer, make, rigged
from tests.faults._programs import LOOPS, run_program
from tests.support import IPV4, Changes, Peer, listening, soon, started, turns, until

BLOCKED = pytest.mark.parametrize("blocked", [0.2, pytest.param(3.0, marks=pytest.mark.slow)])
"""How long the loop stands still (seconds)."""


class HeartbeatServer(LineServer):
    """Takes heartbeats, answers other lines, and stands still when told to."""

    blocked = 0.0
    heartbeats = 0

    async def read_and_dispatch(self) -> None:
        """Handle one line."""
        line = await self.read_str()
        if line == "heartbeat":
            if self.run_heartbeat_monitor_task:
                await self.handle_received_heartbeat()
            self.heartbeats += 1
            return
        if line == "block":
            time.sleep(self.blocked)  # noqa: ASYNC251  # the misdeed
        await self.write_str(line.upper())


@contextlib.contextmanager
def sending(peer: Peer, interval: float) -> Iterator[None]:
    """Send heartbeats from a thread: a peer whose own loop is not blocked."""
    stop = threading.Event()

    def send() -> None:
        while not stop.wait(interval):
            with contextlib.suppress(ConnectionError):
                peer.socket.send(b"heartbeat\r\n")

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@BLOCKED
@pytest.mark.parametrize("watch", ["monitor", "two-way"])
async def test_blocked_loop_is_no_silence_of_the_peer(watch: str, blocked: float, log: logging.Logger) -> None:
    """Heartbeats that came while the program stood still count: three times over, nobody is thrown out."""
    bound = blocked / 3
    more: dict[str, Any] = (
        {"run_heartbeat_monitor_task": True, "max_heartbeat_interval": bound}
        if watch == "monitor"
        else {"heartbeat": tcpip_core.Heartbeat(interval=60, timeout=bound)}
    )
    changes = Changes()
    async with HeartbeatServer(host=IPV4, port=0, log=log, connect_callback=changes.callback, **more) as server:
        server.blocked = blocked
        async with Peer(IPV4, server.port) as peer:
            with sending(peer, bound / 10):
                for _ in range(3):
                    peer.send(b"block\r\n")
                    assert (await peer.read_until(b"BLOCK\r\n")).endswith(b"BLOCK\r\n")
            assert server.connected
            assert changes.seen == [True]


@BLOCKED
async def test_blocked_loop_is_no_slowness_of_the_peer(blocked: float, log: logging.Logger) -> None:
    """The peer's reading goes on meanwhile, so a blocked write is not taken to be without progress."""
    limits = tcpip_core.Limits(write_timeout=blocked / 2)
    data = bytes(32 * 1024 * 1024)
    async with rigged(SERVER, IPV4, log, limits=limits) as rig:
        writing = asyncio.ensure_future(rig.subject.write(data))
        await turns()
        sock = rig.peer.socket.dup()
        received = 0

        def read_all() -> None:
            nonlocal received
            with sock:
                sock.settimeout(10)
                while received < len(data):
                    received += len(sock.recv(1 << 20))

        thread = threading.Thread(target=read_all)
        thread.start()
        time.sleep(blocked)  # noqa: ASYNC251  # the misdeed
        await soon(writing)
        await until(lambda: not thread.is_alive())
        thread.join()
        assert rig.changes.seen == [True]


@BLOCKED
async def test_blocked_loop_is_no_slow_frame_of_the_peer(blocked: float, log: logging.Logger) -> None:
    """The rest of a frame came in time; that nobody looked is not the peer's fault."""
    limits = tcpip_core.Limits(frame_timeout=blocked / 2)
    async with rigged(SERVER, IPV4, log, limits=limits) as rig:
        rig.peer.send(b"half a ")
        reading = asyncio.ensure_future(rig.subject.read_str())
        await turns()
        rig.peer.send(b"line\r\n")
        time.sleep(blocked)  # noqa: ASYNC251  # the misdeed
        assert await soon(reading) == "half a line"


@BLOCKED
async def test_service_resumes_after_a_blocked_callback(kind: str, blocked: float, log: logging.Logger) -> None:
    """A callback that sleeps like a thread holds everybody up for so long, and costs no link."""
    seen: list[bool] = []

    async def callback(who: Any) -> None:
        seen.append(who.connected)
        time.sleep(blocked if len(seen) == 1 else 0)  # noqa: ASYNC251  # the misdeed

    async with rigged(kind, IPV4, log, connect_callback=callback) as rig:
        await rig.write_reaches_peer()
        assert seen == [True]
        rig.lose("fin")
        await until(lambda: len(seen) == 2)
    assert seen == [True, False]


@BLOCKED
async def test_losses_and_newcomers_of_a_blocked_time_are_told_in_order(blocked: float, log: logging.Logger) -> None:
    """One client leaves and two come while the program stands still: one end, one start, one turned away."""
    changes = Changes()
    async with LineServer(host=IPV4, port=0, log=log, connect_callback=changes.callback) as server:
        first = Peer(IPV4, server.port)
        assert await changes.next() is True
        first.close()
        newcomers = [Peer(IPV4, server.port) for _ in range(2)]
        time.sleep(blocked)  # noqa: ASYNC251  # the misdeed
        assert await changes.next() is False
        assert await changes.next() is True
        served = 0
        for peer in newcomers:
            peer.send(b"hello\r\n")
        for peer in newcomers:
            with contextlib.suppress(ConnectionError):
                served += await peer.read_until() == b"HELLO\r\n"
            peer.close()
        assert await changes.next() is False
        assert served == 1
    assert changes.seen == [True, False] * 2


# --- the wall clock ---------------------------------------------------------------------------------------------------


async def beat(server: HeartbeatServer, peer: Peer) -> None:
    """Send a heartbeat, and return once it was handled."""
    before = server.heartbeats
    peer.send(b"heartbeat\r\n")
    await until(lambda: server.heartbeats > before)


WATCHES: dict[str, dict[str, Any]] = {
    "monitor": {"run_heartbeat_monitor_task": True, "max_heartbeat_interval": 0.1},
    "two-way": {"heartbeat": tcpip_core.Heartbeat(interval=60, timeout=0.1)},
}


@pytest.mark.parametrize("step", [3600, -3600])
@pytest.mark.parametrize("watch", WATCHES)
async def test_wall_clock_that_is_set_is_no_age_of_heartbeats(
    watch: str, step: int, log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set by an hour whenever somebody looks at it, it neither shortens nor prolongs the silence that is tolerated."""
    changes, now = Changes(), asyncio.get_running_loop().time
    looks = itertools.count(1)
    wall, wall_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: wall() + step * next(looks))
    monkeypatch.setattr(time, "time_ns", lambda: wall_ns() + step * next(looks) * 10**9)
    server = HeartbeatServer(host=IPV4, port=0, log=log, connect_callback=changes.callback, **WATCHES[watch])
    async with server, Peer(IPV4, server.port) as peer:
        assert await changes.next() is True
        await beat(server, peer)
        sent = now()
        await beat(server, peer)
        assert await changes.next() is False
        assert 0.1 < now() - sent < 1
    assert changes.seen == [True, False]
    assert server.loss_reason is tcpip_core.LossReason.HEARTBEAT


def later(clock: Callable[[], int], ahead: int) -> int:
    """Read a clock that was set."""
    return clock() + ahead


async def test_stamp_of_a_heartbeat_follows_the_wall_clock(
    log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stamp is for people; its clock may be set."""
    server = HeartbeatServer(host=IPV4, port=0, log=log, run_heartbeat_monitor_task=True)
    async with server, Peer(IPV4, server.port) as peer:
        wall_ns = time.time_ns
        for ahead in (0, 3600, -3600):
            monkeypatch.setattr(time, "time_ns", functools.partial(later, wall_ns, ahead * 10**9))
            await beat(server, peer)
            assert abs(server.heartbeat_received_tai - (wall_ns() / 1e9 + ahead + 37)) < 1


# --- the end of the loop ----------------------------------------------------------------------------------------------

KEEP_OPEN = """
async def main():
    global keep
    server = LineServer(host=IPV4, port=0, log=log, name="dome")
    await started(server)
    client = tcpip_core.Client(IPV4, server.port, log, name="operator")
    await started(client)
    idle = tcpip_core.OneClientServer(IPV4, 0, log, name="idle")
    await started(idle)
    closed = tcpip_core.OneClientServer(IPV4, 0, log, name="closed")
    await closed.close()
    keep = server, client, idle, closed
"""


@LOOPS
def test_loop_that_ends_with_open_objects_says_which(loop: str) -> None:
    """One warning for each that was left open, by its name, and no other word: nothing 'destroyed but pending'."""
    said = run_program(KEEP_OPEN, loop, "-W", "default").stderr
    for name in ("LineServer(dome)", "Client(operator)", "OneClientServer(idle)"):
        assert said.count(f"program.{name} was open when its event loop ended") == 1
    assert said.count("ResourceWarning: program.") == 3
    assert "failed" not in said
    assert "never" not in said
    assert "destroyed" not in said
    assert "Traceback" not in said
    assert "unclosed" not in said


LINKED = """
async def main():
    global keep
    asyncio.get_running_loop().slow_callback_duration = 10
    server = tcpip_core.OneClientServer(IPV4, 0, log, name="one end")
    await started(server)
    client = tcpip_core.Client(IPV4, server.port, log, name="other end")
    await started(client)
    await soon(server.connected_task)
    keep = server, client
"""


@LOOPS
def test_loop_that_ends_with_both_ends_of_a_link_says_just_that(loop: str) -> None:
    """What one end does to the other while both are cleaned up is not worth a word."""
    said = run_program(LINKED, loop, "-W", "default").stderr.splitlines()
    # Below each warning stands the line that it comes from, indented.
    told = sorted(line.partition("ResourceWarning: ")[2] or line for line in said if not line.startswith("  "))
    end = "was open when its event loop ended: close it, or use async with"
    assert told == [f"program.Client(other end) {end}", f"program.OneClientServer(one end) {end}"]


STARTING = """
async def main():
    global keep
    listener = socket.create_server((IPV4, 0), backlog=0)
    first = socket.create_connection(listener.getsockname())
    client = tcpip_core.Client(IPV4, listener.getsockname()[1], log, name="starting")
    server = tcpip_core.OneClientServer(IPV4, 0, log, name="just made")
    await turns(5)
    late = tcpip_core.OneClientServer(IPV4, 0, log, name="never had a turn")
    keep = client, server, late
    first.close()
    listener.close()
"""


@LOOPS
def test_loop_that_ends_during_a_start_leaves_nothing_pending(loop: str) -> None:
    """Objects in the middle of their start end with the loop, and nothing is 'destroyed but pending'."""
    said = run_program(STARTING, loop, "-W", "default").stderr
    assert "never" not in said.replace("never had a turn", "")
    assert "destroyed" not in said
    assert "Traceback" not in said
    assert "unclosed" not in said


IN_A_CALLBACK = """
async def main():
    global keep

    async def callback(who):
        await asyncio.Event().wait()

    server = LineServer(host=IPV4, port=0, log=log, name="dome", connect_callback=callback)
    await started(server)
    peer = Peer(IPV4, server.port)
    await connected(server)
    await turns()
    keep = server
    peer.close()
"""


@LOOPS
def test_loop_that_ends_while_a_callback_hangs_leaves_nothing_pending(loop: str) -> None:
    """The same while user code is at work."""
    said = run_program(IN_A_CALLBACK, loop, "-W", "default").stderr
    assert said.count("program.LineServer(dome) was open when its event loop ended") == 1
    assert "destroyed" not in said
    assert "never" not in said
    assert "unclosed" not in said


# --- forgotten objects ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [CLIENT, SERVER])
async def test_closed_object_is_collected(kind: str, log: logging.Logger) -> None:
    """Nothing of ours keeps it: a program that reconnects for years must not grow."""

    async def use() -> weakref.ref[Any]:
        async with rigged(kind, IPV4, log) as rig:
            await rig.write_reaches_peer()
        return weakref.ref(rig.subject)

    forgotten = await use()
    await turns()
    gc.collect()
    assert forgotten() is None


async def test_lost_client_that_was_forgotten_is_collected(log: logging.Logger) -> None:
    """Nobody closed it, because the peer did: it has taken itself down."""

    async def use() -> tuple[weakref.ref[Any], Any]:
        async with listening() as listener:
            client = tcpip_core.Client(IPV4, listener.port, log)
            peer = await listener.accept()
            await started(client)
            peer.reset()
            return weakref.ref(client), client.done_task

    forgotten, done = await use()
    await soon(done)
    del done
    await turns()
    gc.collect()
    assert forgotten() is None


async def test_client_whose_start_failed_and_was_forgotten_is_collected(log: logging.Logger) -> None:
    """A program that tries again every second while its device is off must not grow, or be shouted at."""

    log.setLevel(logging.CRITICAL)  # pytest keeps what is logged, the error with its frames included

    def forget() -> weakref.ref[Any]:
        return weakref.ref(make(CLIENT, IPV4, 1, log))

    forgotten = forget()
    await until(lambda: forgotten() is None or forgotten().done_task.done())  # type: ignore[union-attr]
    await turns()
    gc.collect()
    assert forgotten() is None


async def test_forgotten_server_goes_on_serving(log: logging.Logger) -> None:
    """The loop holds what listens and what is connected: forgetting is no closing, a collection no fault."""
    closes: list[Any] = []

    async def callback(who: Any) -> None:
        closes.append(who.close)

    port = (await started(LineServer(host=IPV4, port=0, log=log, connect_callback=callback))).port
    for _ in range(4):
        gc.collect()
        told = len(closes)
        async with Peer(IPV4, port) as peer:
            peer.send(b"hello\r\n")
            assert await peer.read_until() == b"HELLO\r\n"
        while len(closes) < told + 2:
            await asyncio.sleep(0)
    await soon(closes[-1]())
