"""What a round trip is made of: ``python -m tests.benchmarks.anatomy --rounds 15``.

Each step of the table does what the one above does and one thing more, from a bare protocol to our classes: so the
difference of two lines is the price of that one thing. The workload is W1, a line of 64 bytes and its reply, with both
ends in one process and a warm allocator. The steps take turns; times are CPU time, and medians.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import logging
import statistics
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from tcpip_core import DEFAULT_LOCALHOST, Client, OneClientServer
from tcpip_core._waiter import Waiter
from tests.benchmarks._meter import Meter
from tests.benchmarks._payloads import LINE
from tests.benchmarks._progress import Watcher

TURNS = 3_000
END = b"\r\n"
LOG = logging.getLogger("tcpip_benchmark")

Ask = Callable[[], Awaitable[None]]
Serve = Callable[[], Awaitable[None]]


class Bare(asyncio.Protocol):
    """Answers what arrives within the event, or keeps it for a task."""

    def __init__(self) -> None:
        self.waiter = Waiter(asyncio.get_running_loop())
        self.made: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: Any = None
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport."""
        self.transport = transport
        self.made.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Hand over what arrived to the task that waits for it."""
        self.data = data
        self.waiter.wake()

    async def read(self) -> str:
        """Return the next line."""
        await self.waiter
        return self.data[: -len(END)].decode()

    async def write(self, line: str) -> None:
        """Send a line."""
        self.transport.write(line.encode() + END)


class Replying(Bare):
    """The step that has no task: all is done within the events."""

    left = 0
    done: asyncio.Future[None] | None = None

    def data_received(self, data: bytes) -> None:
        """Send the line back."""
        line = data[: -len(END)].decode()
        if self.done is not None:
            self.left -= 1
            if self.left == 0:
                self.done.set_result(None)
                return
        self.transport.write(line.encode() + END)


async def pair(stack: AsyncExitStack, kind: type[Bare]) -> tuple[Bare, Bare]:
    """Connect two protocols; return client and server."""
    loop = asyncio.get_running_loop()
    made: list[Bare] = []

    def make() -> Bare:
        made.append(kind())
        return made[-1]

    server = await loop.create_server(make, DEFAULT_LOCALHOST, 0)
    stack.callback(server.close)
    transport, client = await loop.create_connection(kind, *server.sockets[0].getsockname()[:2])
    stack.callback(transport.close)
    while not made:
        await asyncio.sleep(0)
    await made[0].made
    stack.callback(made[0].transport.close)
    return client, made[0]


async def protocol(stack: AsyncExitStack) -> tuple[Ask, Serve]:
    """A bare protocol: whatever arrives is answered within the event."""
    client, _ = await pair(stack, Replying)
    assert isinstance(client, Replying)

    async def ask() -> None:
        client.left, client.done = TURNS, asyncio.get_running_loop().create_future()
        await client.write(LINE)
        await client.done

    return ask, nothing


async def tasks(stack: AsyncExitStack) -> tuple[Ask, Serve]:
    """A task at each end, which waits for the event and does the same in it."""
    client, server = await pair(stack, Bare)

    async def ask() -> None:
        for _ in range(TURNS):
            client.transport.write(LINE.encode() + END)
            await client.waiter
            client.data[: -len(END)].decode()

    async def serve() -> None:
        for _ in range(TURNS):
            await server.waiter
            server.transport.write(server.data[: -len(END)].decode().encode() + END)

    return ask, serve


async def coroutines(stack: AsyncExitStack) -> tuple[Ask, Serve]:
    """The same, by a coroutine that reads and one that writes, without any guard or limit."""
    return dialogue(*await pair(stack, Bare))


async def ours(stack: AsyncExitStack) -> tuple[Ask, Serve]:
    """Our classes: a buffer for what comes in other pieces, limits, time-outs, the state of the link."""
    server = await stack.enter_async_context(OneClientServer(DEFAULT_LOCALHOST, 0, LOG))
    client = await stack.enter_async_context(Client(DEFAULT_LOCALHOST, server.port, LOG))
    await server.connected_task

    async def ask() -> None:
        for _ in range(TURNS):
            await client.write_str(LINE)
            await client.read_str()

    async def serve() -> None:
        for _ in range(TURNS):
            await server.write_str(await server.read_str())

    return ask, serve


async def streams(stack: AsyncExitStack) -> tuple[Ask, Serve]:
    """asyncio's own streams."""
    accepted: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.put_nowait((reader, writer))

    listener = await asyncio.start_server(accept, DEFAULT_LOCALHOST, 0)
    stack.callback(listener.close)
    reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname()[:2])
    stack.callback(writer.close)
    its_reader, its_writer = await accepted.get()
    stack.callback(its_writer.close)

    async def ask() -> None:
        for _ in range(TURNS):
            writer.write(LINE.encode() + END)
            await writer.drain()
            (await reader.readuntil(END))[: -len(END)].decode()

    async def serve() -> None:
        for _ in range(TURNS):
            its_writer.write((await its_reader.readuntil(END))[: -len(END)].decode().encode() + END)
            await its_writer.drain()

    return ask, serve


def dialogue(client: Bare, server: Bare) -> tuple[Ask, Serve]:
    """Return what both ends do, by their coroutines."""

    async def ask() -> None:
        for _ in range(TURNS):
            await client.write(LINE)
            await client.read()

    async def serve() -> None:
        for _ in range(TURNS):
            await server.write(await server.read())

    return ask, serve


async def nothing() -> None:
    """Do no work at the other end."""


STEPS = {
    "a bare protocol": protocol,
    "+ a task at each end": tasks,
    "+ coroutines to read and write": coroutines,
    "+ buffer, limits, state: ours": ours,
    "asyncio's streams": streams,
}


async def measure(step: Callable[[AsyncExitStack], Awaitable[tuple[Ask, Serve]]]) -> float:
    """Return the CPU time of a round trip (microseconds)."""
    async with AsyncExitStack() as stack:
        ask, serve = await step(stack)
        serving = asyncio.ensure_future(serve())
        await asyncio.sleep(0)
        with Meter() as meter:
            await ask()
            await serving
    assert meter.figures is not None
    return meter.figures.cpu / TURNS * 1e6


def main() -> None:
    """Print a table for each loop."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.anatomy", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds: int = parser.parse_args().rounds
    bytes(1 << 20)  # makes the allocator warm
    loops = ["asyncio", *(["uvloop"] if importlib.util.find_spec("uvloop") else [])]
    with Watcher() as watcher:
        watcher.expect(len(loops) * rounds * len(STEPS))
        tables = [(loop, measure_all(loop, rounds, watcher)) for loop in loops]
    for loop, found in tables:
        print(f"{loop:32}{'µs':>8}{'more':>8}{'streams/it':>12}")
        baseline, before = found["asyncio's streams"], 0.0
        for name, times in found.items():
            cost = statistics.median(times)
            ratio = statistics.median(b / a for a, b in zip(times, baseline, strict=True))
            print(f"{name:32}{cost:8.2f}{cost - before:8.2f}{ratio:12.2f}")
            before = cost


def measure_all(loop: str, rounds: int, watcher: Watcher) -> dict[str, list[float]]:
    """Measure each step in turns; return the times of all rounds."""
    watcher.label(loop)
    factory = importlib.import_module(loop).new_event_loop
    found: dict[str, list[float]] = {name: [] for name in STEPS}
    for _ in range(rounds):
        for name, step in STEPS.items():
            with asyncio.Runner(loop_factory=factory) as runner:
                found[name].append(runner.run(measure(step)))
            watcher.step()
    return found


if __name__ == "__main__":
    main()
