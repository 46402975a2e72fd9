"""A ``read_and_dispatch`` that misbehaves costs its own client, and nobody else.

See also ``tests/contract/test_read_loop_server.py`` (raising, sleeping, closing) and ``test_close.py`` here (hanging
and swallowing cancellation while the server closes).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.contract._rigs import LineServer
from tests.faults._moments import Stubborn
from tests.support import IPV4, Changes, Peer, connected, soon, turns, until

Misdeed = Callable[["Device"], Awaitable[object]]


class Device(LineServer):
    """Does something wrong when it is told to, and is an ordinary line server otherwise."""

    def __init__(self, misdeed: Misdeed, **kwargs: Any) -> None:
        super().__init__(host=IPV4, port=0, **kwargs)
        self.misdeed = misdeed
        self.is_at_it = asyncio.Event()

    async def read_and_dispatch(self) -> None:
        """Read a line; answer it, or do the misdeed."""
        line = await self.read_str()
        if line == "sin":
            self.is_at_it.set()
            await self.misdeed(self)
        else:
            await self.write_str(line.upper())


async def _serves(device: Device, within: float = 0.75) -> None:
    """Check that a new client gets its answer at once."""
    async with Peer(IPV4, device.port) as peer:
        peer.send(b"hello\r\n")
        assert await soon(peer.read_until(), timeout=within) == b"HELLO\r\n"


async def _await_a_cancelled_child(_: Device) -> None:
    child = asyncio.ensure_future(asyncio.sleep(60))
    child.cancel()
    await child


async def _await_a_cancelled_future(_: Device) -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def _raise_cancelled(_: Device) -> None:
    raise asyncio.CancelledError("by itself")


async def _await_its_own_task(device: Device) -> None:
    await device.read_loop_task


async def _raise_group(_: Device) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_fail(_))


async def _fail(_: Device) -> None:
    raise ZeroDivisionError("in dispatch")


async def _time_out(_: Device) -> None:
    async with asyncio.timeout(0.01):
        await asyncio.Event().wait()


async def _stop_iteration(_: Device) -> None:
    next(iter(()))


async def _bad_json(_: Device) -> None:
    json.loads("{")


async def _recurse(_: Device) -> None:
    raise RecursionError


async def _run_out_of_memory(_: Device) -> None:
    raise MemoryError


@pytest.mark.parametrize(
    "misdeed",
    [
        _await_a_cancelled_child,
        _await_a_cancelled_future,
        _raise_cancelled,
        _await_its_own_task,
        _raise_group,
        _fail,
        _time_out,
        _stop_iteration,
        _bad_json,
        _recurse,
        _run_out_of_memory,
    ],
)
async def test_misdeed_costs_that_client_and_nobody_else(
    misdeed: Misdeed, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged once, the client is hung up on, told lost once, and the next is served; three times over."""
    changes = Changes()
    async with Device(misdeed, log=log, connect_callback=changes.callback) as device:
        for number in range(1, 4):
            async with Peer(IPV4, device.port) as peer:
                peer.send(b"sin\r\n")
                await peer.wait_hung_up()
            assert await changes.next() is True
            assert await changes.next() is False
            assert sum(one.levelno >= logging.ERROR for one in caplog.records) == number
        await _serves(device)
    assert changes.seen == [True, False] * 4


async def _cancel_its_own_task(_: Device) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def test_dispatch_that_cancels_its_own_task_stops_reading_only(log: logging.Logger) -> None:
    """The same as a program that cancels ``read_loop_task``: the client stays, and the next one has a loop again."""
    async with Device(_cancel_its_own_task, log=log) as device:
        async with Peer(IPV4, device.port) as peer:
            peer.send(b"sin\r\n")
            await until(lambda: device.is_at_it.is_set() and device.read_loop_task.done())
            assert device.connected
            await soon(device.write_str("still here"))
            assert await peer.read_until() == b"still here\r\n"
        await until(lambda: not device.connected)
        await _serves(device)


async def _hang(_: Device) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_hung_dispatch_ends_for_the_next_client(how: str, log: logging.Logger) -> None:
    """A handler that waits for ever for hardware does not keep the next operator out."""
    async with Device(_hang, log=log) as device:
        for _ in range(3):
            async with Peer(IPV4, device.port) as peer:
                peer.send(b"sin\r\n")
                await soon(device.is_at_it.wait())
                device.is_at_it.clear()
                {"fin": peer.write_eof, "rst": peer.reset}[how]()
                await turns()
                await _serves(device)
            await until(lambda: not device.connected)


@pytest.mark.slow
async def test_dispatch_that_swallows_cancellation_delays_the_next_client_for_a_second(
    log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """It cannot be ended; after a bounded wait the next client is served beside it, and the log says so."""
    stubborn = Stubborn()
    async with Device(stubborn, log=log) as device:
        with stubborn.released():
            async with Peer(IPV4, device.port) as peer:
                peer.send(b"sin\r\n")
                await soon(stubborn.is_running.wait())
                peer.reset()
            await until(lambda: not device.connected)
            await _serves(device, within=2)
            assert "does not end although it was cancelled" in caplog.text
        await until(lambda: not device.connected)


async def _close(device: Device) -> None:
    await device.close()


async def _close_in_a_child(device: Device) -> None:
    await asyncio.gather(device.close())


async def _close_and_fail(device: Device) -> None:
    await device.close()
    raise ZeroDivisionError


async def _close_and_hang(device: Device) -> None:
    await device.close()
    await asyncio.Event().wait()


async def _close_and_read_on(device: Device) -> None:
    await device.close()
    await device.read_str()


async def _close_client_and_close(device: Device) -> None:
    await device.close_client()
    await device.close()


@pytest.mark.parametrize(
    "misdeed",
    [
        _close,
        _close_in_a_child,
        _close_and_fail,
        pytest.param(_close_and_hang, marks=pytest.mark.slow),
        _close_and_read_on,
        _close_client_and_close,
    ],
)
async def test_server_closed_from_dispatch_is_down(misdeed: Misdeed, log: logging.Logger) -> None:
    """Whatever the handler does after it has closed its server: the end comes, in time and once."""
    changes = Changes()
    device = Device(misdeed, log=log, connect_callback=changes.callback)
    async with device, Peer(IPV4, device.port) as peer:
        peer.send(b"sin\r\n")
        await soon(device.done_task, timeout=2.5 + 0.25)
        await peer.wait_hung_up()
    with pytest.raises(ConnectionRefusedError):
        Peer(IPV4, device.port)
    assert changes.seen == [True, False]


async def test_flood_of_tiny_lines_starves_nobody(log: logging.Logger) -> None:
    """A client whose lines are cheap to send must not hold up the rest of the program while they are handled."""
    handled, at_a_time, gate = 0, 0, asyncio.Event()

    class Counting(LineServer):
        async def read_and_dispatch(self) -> None:
            nonlocal handled
            await gate.wait()
            await self.read_str()
            handled += 1

    async with Counting(host=IPV4, port=0, log=log) as server, Peer(IPV4, server.port) as peer:
        await connected(server)
        sending = asyncio.ensure_future(peer.send_all(b"\r\n" * 150_000))
        await turns(100)
        gate.set()
        while handled < 150_000:
            before = handled
            await asyncio.sleep(0)
            at_a_time = max(at_a_time, handled - before)
        await sending
    assert at_a_time <= 30_000
