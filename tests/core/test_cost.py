"""What a message costs, counted: turns of the loop, calls, sends, timers. No clock is read, so that nothing is noise.

A call is what ``sys.setprofile`` sees: a Python function or coroutine that begins or goes on, or a built-in that is
called. The figures hold for asyncio's own loop; nox's session ``bench`` measures times, on every loop.
"""

from __future__ import annotations

import asyncio
import logging
import selectors
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from ctypes import LittleEndianStructure, c_double
from types import FrameType

import pytest

from tcpip_core import Client, OneClientServer
from tests.support import IPV4

LOG = logging.getLogger("tcpip_tests.cost")
ROUND_TRIPS = 200
LINE = "telemetry " * 6
LINES = 1000
STRUCTURES, BATCH = 1000, 50
PAIRS = 5


class Sample(LittleEndianStructure):
    """A structure of 200 bytes."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("values", c_double * 25)]


class Selector(selectors.DefaultSelector):
    """A selector that counts the turns of its loop, and notices when the loop wants to sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = 0
        self.asleep: asyncio.Future[None] | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for events."""
        self.turns += 1
        if self.asleep is not None and timeout != 0:
            sleeper, self.asleep = self.asleep, None
            if timeout is None:
                sleeper.set_result(None)
            else:
                sleeper.set_exception(AssertionError(f"a timer would wake the loop in {timeout} s"))
            timeout = 0
        return super().select(timeout)

    async def sleeps(self) -> None:
        """Return once nothing but the network could wake the loop; fail if a timer could."""
        self.asleep = asyncio.get_running_loop().create_future()
        await self.asleep


class Count:
    """How often something was called."""

    def __init__(self) -> None:
        self.calls = self.sends = 0

    def see(self, frame: FrameType, event: str, argument: object) -> None:
        """Take the call of ``sys.setprofile``."""
        self.calls += event in {"call", "c_call"}
        self.sends += event == "c_call" and getattr(argument, "__name__", "") in {"send", "sendmsg"}


@contextmanager
def counting() -> Iterator[Count]:
    """Count calls, until the end of the block."""
    count, before = Count(), sys.getprofile()
    sys.setprofile(count.see)
    try:
        yield count
    finally:
        sys.setprofile(before)


def run(talk: Callable[[Client, OneClientServer, Selector], Awaitable[float]]) -> float:
    """Connect a client and a server on a loop with our selector, and let them talk."""
    selector = Selector()

    async def main() -> float:
        async with OneClientServer(IPV4, 0, LOG) as server, Client(IPV4, server.port, LOG) as client:
            await server.connected_task
            return await talk(client, server, selector)

    # Debugging, which -X dev switches on, has calls of its own.
    with asyncio.Runner(debug=False, loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        return runner.run(main())


async def answer(server: OneClientServer, count: int) -> None:
    """Send lines back."""
    for _ in range(count):
        await server.write_str(await server.read_str())


async def ask(client: Client, count: int) -> None:
    """Send lines, and read each of them again."""
    for _ in range(count):
        await client.write_str(LINE)
        await client.read_str()


async def turns_of_a_round_trip(client: Client, server: OneClientServer, selector: Selector) -> float:
    """Count the turns of the loop for a line there and back."""
    async with asyncio.TaskGroup() as group:
        group.create_task(answer(server, 2 * ROUND_TRIPS))
        await ask(client, ROUND_TRIPS)
        before = selector.turns
        await ask(client, ROUND_TRIPS)
        return (selector.turns - before) / ROUND_TRIPS


async def calls_of_a_round_trip(client: Client, server: OneClientServer, selector: Selector) -> float:
    """Count the calls for a line there and back."""
    async with asyncio.TaskGroup() as group:
        group.create_task(answer(server, 2 * ROUND_TRIPS))
        await ask(client, ROUND_TRIPS)
        with counting() as count:
            await ask(client, ROUND_TRIPS)
        return count.calls / ROUND_TRIPS


async def calls_of_a_line(client: Client, server: OneClientServer, selector: Selector) -> float:
    """Count the calls for each of many lines that came at once, from their write to their last read."""
    data = (LINE.encode() + client.terminator) * LINES
    with counting() as count:
        await client.write(data)
        for _ in range(LINES):
            await server.read_str()
    return count.calls / LINES


async def sends_of_a_structure(client: Client, server: OneClientServer, selector: Selector) -> float:
    """Count the sends for each of many structures that are handed over fifty by fifty."""
    samples, sample = [Sample() for _ in range(BATCH)], Sample()
    with counting() as count:
        for _ in range(STRUCTURES // BATCH):
            await client.write_from(*samples)
            for _ in range(BATCH):
                await server.read_into(sample)
    return count.sends / STRUCTURES


def test_a_round_trip_takes_two_turns_of_the_loop() -> None:
    """The least there is: one for the server's event, one for the client's."""
    assert round(run(turns_of_a_round_trip), 1) <= 2


def test_a_round_trip_takes_95_calls() -> None:
    """Both ends together, with everything that asyncio does."""
    assert run(calls_of_a_round_trip) <= 95


def test_a_line_that_is_there_takes_two_calls() -> None:
    """The caller's own of `read_str`, and what hands a line over."""
    assert run(calls_of_a_line) <= 2.2


def test_structures_written_together_are_sent_together() -> None:
    """Fifty by one call of the system."""
    assert run(sends_of_a_structure) <= 1 / BATCH


def test_idle_links_have_no_timer() -> None:
    """Links over which nothing is said wake nobody, though their loss would be told at once."""

    async def tell(_: object) -> None: ...

    async def talk(client: Client, server: OneClientServer, selector: Selector) -> float:
        async with AsyncExitStack() as stack:
            for _ in range(PAIRS):
                watched = await stack.enter_async_context(OneClientServer(IPV4, 0, LOG, tell))
                await stack.enter_async_context(Client(IPV4, watched.port, LOG, tell))
                await watched.connected_task
            await selector.sleeps()
            before = selector.turns
            await selector.sleeps()
            return selector.turns - before

    assert 1 == run(talk)


def test_a_timer_is_noticed() -> None:
    """The check can fail."""

    async def talk(client: Client, server: OneClientServer, selector: Selector) -> float:
        timer = asyncio.get_running_loop().call_later(60, print)
        try:
            await selector.sleeps()
        finally:
            timer.cancel()
        return 0

    with pytest.raises(AssertionError, match="a timer would wake the loop"):
        run(talk)
