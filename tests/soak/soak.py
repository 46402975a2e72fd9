"""Run a server and its client for long, at a steady rate and with random faults, and see whether anything grows.

Each second memory, blocks of it, descriptors and tasks are noted. At the end, and at Ctrl-C, the series goes to a JSON
file and to a plot beside it, and the verdict is printed. Run it with::

    python -m tests.soak.soak --minutes 30 --loop uvloop --output soak.json
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import gc
import json
import logging
import platform
import random
import socket
import struct
import sys
from array import array
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tcpip_core
from tests.arguments import minutes
from tests.fuzz._crowd import Progress
from tests.soak import _plot, _trend
from tests.soak._gauge import descriptors, memory, new_loop
from tests.support import IPV4, Peer, describe_loop_error, soon, until

RATE = 2000
"""Messages each second."""

BATCH = 40
FAULT_EVERY = 0.5
"""Mean time between faults (seconds)."""

MEBI = 1 << 20


class Sample(ctypes.LittleEndianStructure):
    """A structure to send."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("serial", ctypes.c_uint32), ("values", ctypes.c_double * 4)]


class Echo(tcpip_core.OneClientReadLoopServer):
    """Answers text with text, JSON with JSON, a structure with the structure."""

    async def tell(self) -> None:
        """Take the connect callback's call, sometimes slowly."""
        await asyncio.sleep(random.choice((0, 0, 0.01)))

    async def read_and_dispatch(self) -> None:
        """Answer one message."""
        kind = await self.read_str()
        if kind == "J":
            await self.write_json(await self.read_json())
        elif kind == "S":
            await self.write_from(await self.read_into(Sample()))
        else:
            await self.write_str(kind)


MOST_MEMORY = 2.0
"""What resident memory may grow by (MiB): the interpreter's allocator takes it in arenas of 1 MiB, early or late."""

MOST_BLOCKS = 500
"""What the count of Python's blocks of memory may grow by; here a leak shows that memory is too coarse for."""


@dataclass
class Figures:
    """What was measured, a value a second in each series."""

    # Arrays, so that the series themselves do not look like a leak.
    seconds: array[float] = field(default_factory=lambda: array("d"))
    memory: array[int] = field(default_factory=lambda: array("q"))
    blocks: array[int] = field(default_factory=lambda: array("q"))
    descriptors: array[int] = field(default_factory=lambda: array("q"))
    tasks: array[int] = field(default_factory=lambda: array("q"))
    messages: array[int] = field(default_factory=lambda: array("q"))
    faults: Counter[str] = field(default_factory=Counter[str])
    connects: int = 0
    findings: list[str] = field(default_factory=list[str])


class Soak:
    """One server, one client that comes back, and what goes wrong between them."""

    def __init__(self, seconds: float, seed: int, figures: Figures) -> None:
        self.figures = figures
        self._seconds = seconds
        self._rng = random.Random(seed)
        self._log = logging.getLogger("tcpip_tests.soak")
        self._log.setLevel(logging.CRITICAL)
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.time() + seconds
        self._sent = 0
        self._due = self._loop.time()
        self._client: tcpip_core.Client | None = None
        self._spoiled: tcpip_core.Client | None = None
        self._server: Echo | None = None

    @property
    def _is_over(self) -> bool:
        return self._loop.time() >= self._end

    async def run(self) -> None:
        """Let it go on until the time is over."""
        errors: list[dict[str, Any]] = []
        self._loop.set_exception_handler(lambda _, context: errors.append(context))
        try:
            await self._serve()
            async with asyncio.TaskGroup() as group:
                for part in (self._sample(), self._talk(), self._break_things()):
                    group.create_task(part)
        finally:
            if self._server is not None:
                await self._server.close()
            self.figures.findings += [f"error in the loop: {describe_loop_error(one)}" for one in errors[:10]]

    async def _serve(self, port: int = 0) -> None:
        self._server = Echo(port=port, log=self._log, connect_callback=Echo.tell)
        await self._server.start_task

    async def _sample(self) -> None:
        figures, began = self.figures, self._loop.time()
        progress = Progress(round(self._seconds), "seconds")
        while not self._is_over:
            await asyncio.sleep(1)
            figures.seconds.append(round(self._loop.time() - began, 3))
            gc.collect()  # What is garbage is no leak.
            figures.memory.append(memory())
            figures.blocks.append(sys.getallocatedblocks())
            figures.descriptors.append(descriptors())
            figures.tasks.append(len(asyncio.all_tasks()))
            figures.messages.append(self._sent)
            progress.step(1)
        progress.end()

    # The conversation

    async def _talk(self) -> None:
        while not self._is_over:
            assert self._server is not None
            self._client = tcpip_core.Client(IPV4, self._server.port, self._log)
            # A fault may meet it anywhere; what matters is that it comes back, and that no reply is a wrong one.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                async with self._client:
                    self.figures.connects += 1
                    await self._converse(self._client)
            await asyncio.sleep(0.01)

    async def _converse(self, client: tcpip_core.Client) -> None:
        while not self._is_over:
            for _ in range(BATCH):
                await soon(self._exchange(client))
            self._sent += BATCH
            self._due += BATCH / RATE
            late = self._loop.time() - self._due
            if late > 5:
                self._due += late  # A machine that is too slow cannot make up for it.
            await asyncio.sleep(max(0.0, -late))

    async def _exchange(self, client: tcpip_core.Client) -> None:
        serial = self._rng.randrange(1 << 32)
        kind = serial % 3
        if kind == 0:
            await client.write_str(f"text {serial}")
            good = await self._read_impatiently(client) == f"text {serial}"
        elif kind == 1:
            value = {"serial": serial, "values": [0.5] * 5}
            await client.write_str("J")
            await client.write_json(value)
            good = await client.read_json() == value
        else:
            sample = Sample(serial)
            await client.write_str("S")
            await client.write_from(sample)
            good = bytes(await client.read_into(Sample())) == bytes(sample)
        if not good and client is not self._spoiled:
            self.figures.findings.append(f"message {self._sent}: a wrong reply")

    async def _read_impatiently(self, client: tcpip_core.Client) -> str:
        """Read a line; sometimes give up first, which must lose nothing."""
        if self._rng.random() < 0.05:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0):
                    return await client.read_str()
        return await client.read_str()

    # The faults

    async def _break_things(self) -> None:
        faults: tuple[Callable[[], Awaitable[None]], ...] = (
            self._close_client,
            self._reset,
            self._write_garbage,
            self._write_too_long,
            self._second_client,
            self._hostile_client,
            self._restart,
            self._leave,
        )
        while not self._is_over:
            await asyncio.sleep(self._rng.expovariate(1 / FAULT_EVERY))
            fault = self._rng.choice(faults)
            self.figures.faults[fault.__name__.strip("_")] += 1
            with contextlib.suppress(OSError):
                await soon(fault())

    async def _close_client(self) -> None:
        if self._server is not None:
            await self._server.close_client()

    async def _reset(self) -> None:
        if self._client is not None and self._client._writer is not None:
            below = self._client._writer.get_extra_info("socket")
            # On uvloop the descriptor may be gone already.
            with contextlib.suppress(ValueError):
                below.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._client._writer.transport.abort()

    async def _write_garbage(self) -> None:
        await self._spoil(self._rng.randbytes(100) + b"\r\nJ\r\n{\r\n")

    async def _write_too_long(self) -> None:
        await self._spoil(bytes(200_000))

    async def _spoil(self, data: bytes) -> None:
        """Write something into the middle of the conversation; what is answered then means nothing."""
        client = self._spoiled = self._client
        if client is not None:
            await client.write(data)

    async def _second_client(self) -> None:
        assert self._server is not None
        async with Peer(IPV4, self._server.port) as peer:
            await asyncio.sleep(0.01)
            peer.send(b"me too\r\n")

    async def _hostile_client(self) -> None:
        """Take the place, send half a message, stall, and reset."""
        await self._close_client()
        assert self._server is not None
        peer = Peer(IPV4, self._server.port)
        with contextlib.suppress(OSError):
            peer.send(b"J\r\n" + self._rng.randbytes(50))
        await asyncio.sleep(0.1)
        peer.reset()

    async def _restart(self) -> None:
        """Close the server and open it on the same port."""
        assert self._server is not None
        await self._server.close()
        await self._serve(self._server.port)

    async def _leave(self) -> None:
        """Let the client close while it talks."""
        if self._client is not None:
            await self._client.close()


def run(loop: str, seconds: float, seed: int) -> Figures:
    """Soak on a loop of that kind; Ctrl-C ends it with what there is."""
    figures = Figures()
    fault = False

    async def main() -> None:
        await Soak(seconds, seed, figures).run()
        await until(lambda: len(asyncio.all_tasks()) == 1)

    with asyncio.Runner(debug=False, loop_factory=lambda: new_loop(loop)) as runner:
        before = descriptors()
        try:
            runner.run(main())
        except KeyboardInterrupt:
            fault = True
            sys.stderr.write("\ninterrupted: what was measured so far follows\n")
        if not fault and descriptors() > before + 1:  # uvloop keeps one that it opens at first use
            figures.findings.append(f"{descriptors() - before} descriptors left")
    return figures


def main(arguments: list[str] | None = None) -> int:
    """Soak, write the figures, and return the exit status: 0 if all is flat and well."""
    parser = argparse.ArgumentParser(prog="soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=minutes, default=30, metavar="M", help="default 30")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    parser.add_argument("--seed", type=int, metavar="N", help="of the faults; default: a random one")
    parser.add_argument("--output", type=Path, default=Path("soak.json"), help="the plot goes beside it, as .svg")
    given = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(1 << 32) if given.seed is None else given.seed
    figures = run(given.loop, 60 * given.minutes, seed)
    trends = [
        _trend.judge(
            "memory", figures.seconds, [value / MEBI for value in figures.memory], most=MOST_MEMORY, unit="MiB"
        ),
        _trend.judge("blocks", figures.seconds, figures.blocks, most=MOST_BLOCKS),
        _trend.judge("descriptors", figures.seconds, figures.descriptors, most=1.0),
        _trend.judge("tasks", figures.seconds, figures.tasks, most=1.0),
    ]
    title = f"Python {platform.python_version()}, {given.loop}, {given.minutes:g} min, seed {seed}"
    given.output.write_text(json.dumps({"title": title, **vars(figures)}, default=list), encoding="utf-8")
    plot = given.output.with_suffix(".svg")
    plot.write_text(_plot.draw(title, figures.seconds, trends), encoding="utf-8")
    count = figures.messages[-1] if figures.messages else 0
    rate = count / figures.seconds[-1] if figures.seconds else 0.0
    print(f"{title}: {count:,} messages, {rate:,.0f}/s; {figures.connects:,} connects; {dict(figures.faults)}")
    for line in [*map(str, trends), *figures.findings]:
        print(f"  {line}")
    print(f"  {given.output}, {plot}")
    return 0 if all(one.is_flat for one in trends) and not figures.findings else 1


if __name__ == "__main__":
    sys.exit(main())
