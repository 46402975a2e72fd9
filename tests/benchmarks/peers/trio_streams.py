"""trio: its socket streams, and, because it has no reader of lines, the small one that its users write."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import trio

from tests.benchmarks._payloads import LINE, RECORD, STRUCT_BATCH, STRUCT_SIZE, TERMINATOR, Sample
from tests.benchmarks.peers._peer import HOST, AsyncLink, AsyncPeer

__all__ = ["create"]

T = TypeVar("T")


class TrioLink(AsyncLink):
    """A stream, and what was received of it but not used yet."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.buffer = bytearray()

    async def receive_line(self) -> str:
        """Return the next line without its end."""
        buffer, searched = self.buffer, 0
        while (end := buffer.find(TERMINATOR, searched)) < 0:
            searched = max(0, len(buffer) - 1)
            buffer += await self.stream.receive_some()
        line = buffer[:end].decode()
        del buffer[: end + 2]
        return line

    async def receive_sample(self) -> Sample:
        """Return the next structure."""
        buffer = self.buffer
        while len(buffer) < STRUCT_SIZE:
            buffer += await self.stream.receive_some()
        sample = Sample.from_buffer_copy(buffer)
        del buffer[:STRUCT_SIZE]
        return sample

    async def ask_lines(self, n: int) -> None:
        send_all, receive_line = self.stream.send_all, self.receive_line
        for _ in range(n):
            await send_all(LINE.encode() + TERMINATOR)
            await receive_line()

    async def answer_lines(self, n: int) -> None:
        send_all, receive_line = self.stream.send_all, self.receive_line
        for _ in range(n):
            await send_all((await receive_line()).encode() + TERMINATOR)

    async def take_lines(self, n: int) -> None:
        receive_line = self.receive_line
        for _ in range(n):
            await receive_line()

    async def write_lines(self, n: int) -> None:
        send_all = self.stream.send_all
        for _ in range(n):
            await send_all(LINE.encode() + TERMINATOR)

    async def send(self, data: bytes, times: int) -> None:
        send_all = self.stream.send_all
        for _ in range(times):
            await send_all(data)

    async def take(self, size: int) -> None:
        receive_some = self.stream.receive_some
        while size > 0:
            size -= len(await receive_some())

    async def ask_structs(self, n: int) -> None:
        send_all, receive_sample, sample = self.stream.send_all, self.receive_sample, Sample()
        for _ in range(n):
            await send_all(bytes(sample))
            sample = await receive_sample()

    async def answer_structs(self, n: int) -> None:
        send_all, receive_sample = self.stream.send_all, self.receive_sample
        for _ in range(n):
            await send_all(bytes(await receive_sample()))

    async def send_structs(self, n: int) -> None:
        send_all, samples = self.stream.send_all, [Sample() for _ in range(STRUCT_BATCH)]
        for _ in range(n // STRUCT_BATCH):
            await send_all(b"".join(samples))

    async def take_structs(self, n: int) -> None:
        receive_sample = self.receive_sample
        for _ in range(n):
            await receive_sample()

    async def ask_jsons(self, n: int) -> None:
        send_all, receive_line = self.stream.send_all, self.receive_line
        for _ in range(n):
            await send_all(json.dumps(RECORD).encode() + TERMINATOR)
            json.loads(await receive_line())

    async def answer_jsons(self, n: int) -> None:
        send_all, receive_line = self.stream.send_all, self.receive_line
        for _ in range(n):
            await send_all(json.dumps(json.loads(await receive_line())).encode() + TERMINATOR)

    async def take_jsons(self, n: int) -> None:
        receive_line = self.receive_line
        for _ in range(n):
            json.loads(await receive_line())


class Trio(AsyncPeer):
    """`trio.open_tcp_stream` and `trio.open_tcp_listeners`."""

    def run(self, main: Callable[[], Awaitable[T]]) -> T:
        return trio.run(main)

    def event(self) -> trio.Event:
        return trio.Event()

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    @asynccontextmanager
    async def serving(self, workload: str, n: int) -> AsyncIterator[int]:
        gone = trio.Event()
        left = n if workload == "W6" else 1

        async def handle(stream: trio.SocketStream) -> None:
            nonlocal left
            if workload != "W6":
                await TrioLink(stream).server(workload, n)
                await stream.receive_some()
            await stream.aclose()
            left -= 1
            if not left:
                gone.set()

        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(0, host=HOST)
            await nursery.start(partial(trio.serve_listeners, handle, listeners))
            yield listeners[0].socket.getsockname()[1]
            await gone.wait()
            nursery.cancel_scope.cancel()

    @asynccontextmanager
    async def connected(self, port: int) -> AsyncIterator[TrioLink]:
        async with await trio.open_tcp_stream(HOST, port) as stream:
            yield TrioLink(stream)

    async def visit(self, port: int, n: int) -> None:
        for _ in range(n):
            async with await trio.open_tcp_stream(HOST, port) as stream:
                await stream.receive_some()

    @asynccontextmanager
    async def watched(self, port: int, notice: Callable[[], None]) -> AsyncIterator[None]:
        async with await trio.open_tcp_stream(HOST, port) as stream, trio.open_nursery() as nursery:

            async def watch() -> None:
                with contextlib.suppress(trio.BrokenResourceError):
                    await stream.receive_some()
                notice()

            nursery.start_soon(watch)
            yield

    @asynccontextmanager
    async def idle_pairs(self, count: int) -> AsyncIterator[None]:
        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(0, host=HOST)
            await nursery.start(partial(trio.serve_listeners, notice, listeners))
            for _ in range(count):
                nursery.start_soon(notice, await trio.open_tcp_stream(HOST, listeners[0].socket.getsockname()[1]))
            await trio.sleep(0.05)
            yield
            nursery.cancel_scope.cancel()


async def notice(stream: trio.SocketStream) -> None:
    """Hold an end, and wait for its loss."""
    async with stream:
        await stream.receive_some()


def create(loop: str) -> Trio:
    """Make the peer; it has its own loop."""
    return Trio()
