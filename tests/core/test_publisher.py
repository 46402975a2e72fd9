"""The connect callback when it misbehaves, or is replaced."""

from __future__ import annotations

import asyncio
import logging

import tcpip_core
from tests.contract._rigs import SERVER, rigged
from tests.support import IPV4, Peer, connected, soon, started, until


async def test_close_does_not_wait_for_a_callback_that_cannot_be_cancelled(log: logging.Logger) -> None:
    """Whatever the callback does, closing ends within its bound."""
    release = asyncio.Event()

    async def stubborn(_server: tcpip_core.BaseClientOrServer) -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    limits = tcpip_core.Limits(close_timeout=0.1)
    server = tcpip_core.OneClientServer(IPV4, 0, log, stubborn, limits=limits)
    await started(server)
    async with Peer(IPV4, server.port):
        await connected(server)
        await soon(server.close())
        assert server.done_task.done()
        release.set()
        await until(lambda: not list(server._tcpip.tasks))


async def test_reader_does_not_wait_for_a_callback_that_cannot_be_cancelled(log: logging.Logger) -> None:
    """A read at EOF waits for the callback, but not beyond its time-out."""
    release = asyncio.Event()

    async def stubborn(_server: tcpip_core.BaseClientOrServer) -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    limits = tcpip_core.Limits(callback_timeout=0.05, close_timeout=0.1)
    async with rigged(SERVER, IPV4, log, connect_callback=stubborn, limits=limits) as rig:
        rig.peer.write_eof()
        assert await soon(rig.subject.read(1)) == b""
        release.set()


async def test_replaced_notifier_of_an_instance_is_used(log: logging.Logger) -> None:
    """Programs assign to our objects at any time; what they put there is what is called."""
    told: list[bool] = []
    server = tcpip_core.OneClientServer(IPV4, 0, log)

    async def notify() -> None:
        told.append(server.connected)

    server.call_connect_callback = notify  # type: ignore[method-assign]
    async with server, Peer(IPV4, server.port):
        await until(lambda: told)
    assert told == [True, False]


async def test_flood_of_changes_during_a_call_is_bounded_and_stays_in_order(log: logging.Logger) -> None:
    """Clients that come and go while a callback hangs must not fill the memory, nor turn the order round."""
    told: list[bool] = []
    gate = asyncio.Event()

    async def callback(server: tcpip_core.BaseClientOrServer) -> None:
        told.append(server.connected)
        await gate.wait()

    async with tcpip_core.OneClientServer(IPV4, 0, log, callback) as server:
        for _ in range(150):
            async with Peer(IPV4, server.port):
                await connected(server)
            await until(lambda: not server.connected)
        gate.set()
        await soon(server.call_connect_callback())
    assert told == [True, False] * (len(told) // 2)
    assert len(told) <= 102
