"""Closing from every state, bounded: what is left afterwards, who else waits, who gave up waiting.

See also ``tests/contract/test_close.py`` (what close means) and ``test_waiting.py`` (who may wait for it, and how).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import tcpip_core
from tests.contract._rigs import CLIENT, SERVER, Subject, make, opened, rigged
from tests.faults._moments import CASES, Hung, Moment, Stubborn, frozen_peer
from tests.faults.conftest import Figure
from tests.support import IPV4, Peer, connected, soon, started, turns, until

ALLOWANCE = 0.5
"""What closing may take beyond ``close_timeout`` (seconds)."""

SLACK = 0.25
"""What a busy machine may add to that (seconds); the table shows the times themselves."""


def timers() -> list[asyncio.TimerHandle]:
    """List the timers that the loop still has, where it shows them."""
    known = getattr(asyncio.get_running_loop(), "_scheduled", [])
    return [one for one in known if not one.cancelled() and "asyncio.timeouts" not in repr(one)]


def has_no_socket(subject: Subject) -> bool:
    """Tell whether the descriptor of the last connection is closed."""
    transport = subject._tcpip.connection.transport
    sock = None if transport is None else transport.get_extra_info("socket")
    return sock is None or sock.fileno() < 0


async def seconds_to(close: Callable[[], Awaitable[None]]) -> float:
    """Measure how long something takes."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await soon(close())
    return loop.time() - begun


CLOSE_TIMEOUTS = pytest.mark.parametrize("close_timeout", [0.02, pytest.param(2.0, marks=pytest.mark.slow)])


@CLOSE_TIMEOUTS
@pytest.mark.parametrize(("moment", "kind"), CASES)
async def test_close_ends_in_time_and_leaves_nothing(
    moment: Moment, kind: str, close_timeout: float, log: logging.Logger, figure: Figure
) -> None:
    """Whatever the object and its peer are in the middle of: no task, no timer, no connection, nobody listens."""
    limits = tcpip_core.Limits(close_timeout=close_timeout)
    tasks = asyncio.all_tasks()
    async with moment(kind, log, limits) as (subject, close):
        took = await seconds_to(close)
        assert subject.done_task.done()
        assert not subject.connected
        assert not [one for one in subject._tcpip.tasks if not one.done()]
        assert timers() == []
        if isinstance(subject, tcpip_core.OneClientServer) and subject.port:
            with pytest.raises(ConnectionRefusedError):
                Peer(IPV4, subject.port)
        assert has_no_socket(subject)
    assert asyncio.all_tasks() == tasks
    assert took <= close_timeout + ALLOWANCE + SLACK
    figure(
        f"close, {moment.__name__.replace('_', ' ')}, close_timeout {close_timeout:g} s",
        took,
        close_timeout + ALLOWANCE,
    )


@CLOSE_TIMEOUTS
@pytest.mark.parametrize("kind", [pytest.param(CLIENT, marks=pytest.mark.slow), SERVER])
async def test_callback_that_swallows_cancellation_does_not_hold_close(
    kind: str, close_timeout: float, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """Its task cannot be ended from outside; the object closes all the same and names the culprit."""
    callback = Stubborn()
    limits = tcpip_core.Limits(close_timeout=close_timeout)
    async with opened(kind, IPV4, log, limits=limits, connect_callback=callback) as (subject, _):
        with callback.released():
            await soon(callback.is_running.wait())
            assert await seconds_to(subject.close) <= close_timeout + ALLOWANCE + SLACK
            assert subject.done_task.done()
        assert "connect callback did not end although it was cancelled" in caplog.text
        await until(lambda: not list(subject._tcpip.tasks))


@CLOSE_TIMEOUTS
async def test_dispatch_that_swallows_cancellation_does_not_hold_close(
    close_timeout: float, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """A handler with a bare except must not keep the program from ending."""
    work = Stubborn()
    server = Hung(host=IPV4, port=0, log=log, limits=tcpip_core.Limits(close_timeout=close_timeout))
    server.work = work
    async with server, Peer(IPV4, server.port) as peer:
        peer.send(b"hang\r\n")
        await soon(work.is_running.wait())
        with work.released():
            assert await seconds_to(server.close) <= close_timeout + ALLOWANCE + SLACK
            assert server.done_task.done()
        assert "read loop did not end although it was cancelled" in caplog.text
        await until(lambda: not list(server._tcpip.tasks))


async def test_close_client_does_not_wait_for_a_peer_that_stands_still(server_kind: str, log: logging.Logger) -> None:
    """The bound is the same as for close, and the next client is served."""
    async with rigged(server_kind, IPV4, log, limits=tcpip_core.Limits(close_timeout=0.05)) as rig:
        assert rig.server._writer is not None
        rig.server._writer.write(bytes(32 * 1024 * 1024))
        assert await seconds_to(rig.server.close_client) <= 0.05 + ALLOWANCE + SLACK
        async with Peer(IPV4, rig.server.port):
            await connected(rig.server)


async def test_ten_closers_of_a_peer_that_stands_still_return_together(kind: str, log: logging.Logger) -> None:
    """One task closes, and everybody is held as long as that takes, and no longer."""
    async with frozen_peer(kind, log, tcpip_core.Limits(close_timeout=0.05)) as (subject, _):
        closers = [asyncio.ensure_future(subject.close()) for _ in range(10)]
        await soon(subject.done_task)
        await turns(5)
        assert all(one.done() for one in closers)


async def test_closer_that_gives_up_waiting_learns_so_at_once(kind: str, log: logging.Logger) -> None:
    """A program's own, shorter time-out around close holds, and the object goes on closing."""
    async with frozen_peer(kind, log, tcpip_core.Limits(close_timeout=0.1)) as (subject, close):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await close()
        assert not subject.done_task.done()
        await soon(subject.done_task, timeout=0.1 + ALLOWANCE)


async def test_close_from_a_done_callback_of_its_own_future(kind: str, log: logging.Logger) -> None:
    """Programs hang further steps on done_task; closing once more from there is harmless."""
    again: list[asyncio.Task[None]] = []

    def close_again(_: object) -> None:
        again.append(asyncio.ensure_future(subject.close()))

    async with rigged(kind, IPV4, log) as rig:
        subject = rig.subject
        subject.done_task.add_done_callback(close_again)
        await soon(subject.close())
        await until(lambda: again)
        await soon(again[0])


async def test_close_while_a_newcomer_is_between_kernel_and_program(server_kind: str, log: logging.Logger) -> None:
    """Twenty clients in the queue of the kernel: each is told of the end, none gets in."""
    server = make(server_kind, IPV4, 0, log)
    await started(server)
    peers = [Peer(IPV4, server.port) for _ in range(20)]
    await soon(server.close())
    for peer in peers:
        await peer.wait_hung_up()
        peer.close()
    assert not server.connected


async def test_close_waits_for_the_reaction_to_the_end(kind: str, log: logging.Logger) -> None:
    """A slow callback gets the time that there is: who waits for close may rely on what it does."""
    told: list[Any] = []

    async def callback(who: tcpip_core.BaseClientOrServer) -> None:
        state = who.connected
        await asyncio.sleep(0.02)
        told.append(state)

    async with opened(kind, IPV4, log, connect_callback=callback) as (subject, _):
        await until(lambda: told == [True])
        await soon(subject.close())
        assert told == [True, False]
