"""anyio: TCP streams with its buffered reader around them, on its asyncio backend."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import anyio
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.benchmarks._payloads import LINE, RECORD, STRUCT_BATCH, STRUCT_SIZE, TERMINATOR, Sample
from tests.benchmarks.peers._peer import HOST, AsyncLink, AsyncPeer

__all__ = ["create"]

LIMIT = 65536

T = TypeVar("T")


class AnyioLink(AsyncLink):
    """A stream and its buffered reader."""

    def __init__(self, stream: SocketStream) -> None:
        self.stream = stream
        self.reader = BufferedByteReceiveStream(stream)

    async def ask_lines(self, n: int) -> None:
        stream, reader = self.stream, self.reader
        for _ in range(n):
            await stream.send(LINE.encode() + TERMINATOR)
            (await reader.receive_until(TERMINATOR, LIMIT)).decode()

    async def answer_lines(self, n: int) -> None:
        stream, reader = self.stream, self.reader
        for _ in range(n):
            line = (await reader.receive_until(TERMINATOR, LIMIT)).decode()
            await stream.send(line.encode() + TERMINATOR)

    async def take_lines(self, n: int) -> None:
        reader = self.reader
        for _ in range(n):
            (await reader.receive_until(TERMINATOR, LIMIT)).decode()

    async def write_lines(self, n: int) -> None:
        stream = self.stream
        for _ in range(n):
            await stream.send(LINE.encode() + TERMINATOR)

    async def send(self, data: bytes, times: int) -> None:
        stream = self.stream
        for _ in range(times):
            await stream.send(data)

    async def take(self, size: int) -> None:
        stream = self.stream
        while size > 0:
            size -= len(await stream.receive(65536))

    async def ask_structs(self, n: int) -> None:
        stream, reader, sample = self.stream, self.reader, Sample()
        for _ in range(n):
            await stream.send(bytes(sample))
            sample = Sample.from_buffer_copy(await reader.receive_exactly(STRUCT_SIZE))

    async def answer_structs(self, n: int) -> None:
        stream, reader = self.stream, self.reader
        for _ in range(n):
            sample = Sample.from_buffer_copy(await reader.receive_exactly(STRUCT_SIZE))
            await stream.send(bytes(sample))

    async def send_structs(self, n: int) -> None:
        stream, samples = self.stream, [Sample() for _ in range(STRUCT_BATCH)]
        for _ in range(n // STRUCT_BATCH):
            await stream.send(b"".join(samples))

    async def take_structs(self, n: int) -> None:
        reader = self.reader
        for _ in range(n):
            Sample.from_buffer_copy(await reader.receive_exactly(STRUCT_SIZE))

    async def ask_jsons(self, n: int) -> None:
        stream, reader = self.stream, self.reader
        for _ in range(n):
            await stream.send(json.dumps(RECORD).encode() + TERMINATOR)
            json.loads((await reader.receive_until(TERMINATOR, LIMIT)).decode())

    async def answer_jsons(self, n: int) -> None:
        stream, reader = self.stream, self.reader
        for _ in range(n):
            record = json.loads((await reader.receive_until(TERMINATOR, LIMIT)).decode())
            await stream.send(json.dumps(record).encode() + TERMINATOR)

    async def take_jsons(self, n: int) -> None:
        reader = self.reader
        for _ in range(n):
            json.loads((await reader.receive_until(TERMINATOR, LIMIT)).decode())


class Anyio(AsyncPeer):
    """`anyio.connect_tcp` and `anyio.create_tcp_listener`."""

    def __init__(self, loop: str) -> None:
        self._options = {"use_uvloop": loop == "uvloop"}

    def run(self, main: Callable[[], Awaitable[T]]) -> T:
        return anyio.run(main, backend="asyncio", backend_options=self._options)

    def event(self) -> anyio.Event:
        return anyio.Event()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    @asynccontextmanager
    async def serving(self, workload: str, n: int) -> AsyncIterator[int]:
        gone = anyio.Event()
        left = n if workload == "W6" else 1

        async def handle(stream: SocketStream) -> None:
            nonlocal left
            async with stream:
                if workload != "W6":
                    await AnyioLink(stream).server(workload, n)
                    await until_eof(stream)
            left -= 1
            if not left:
                gone.set()

        async with await anyio.create_tcp_listener(local_host=HOST) as listener, anyio.create_task_group() as group:
            group.start_soon(listener.serve, handle, group)
            yield listener.extra(SocketAttribute.local_port)
            await gone.wait()
            group.cancel_scope.cancel()

    @asynccontextmanager
    async def connected(self, port: int) -> AsyncIterator[AnyioLink]:
        async with await anyio.connect_tcp(HOST, port) as stream:
            yield AnyioLink(stream)

    async def visit(self, port: int, n: int) -> None:
        for _ in range(n):
            async with await anyio.connect_tcp(HOST, port) as stream:
                await until_eof(stream)

    @asynccontextmanager
    async def watched(self, port: int, notice: Callable[[], None]) -> AsyncIterator[None]:
        async with await anyio.connect_tcp(HOST, port) as stream, anyio.create_task_group() as group:

            async def watch() -> None:
                with contextlib.suppress(anyio.BrokenResourceError):
                    await until_eof(stream)
                notice()

            group.start_soon(watch)
            yield

    @asynccontextmanager
    async def idle_pairs(self, count: int) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            listener = await stack.enter_async_context(await anyio.create_tcp_listener(local_host=HOST))
            group = await stack.enter_async_context(anyio.create_task_group())
            group.start_soon(listener.serve, notice, group)
            for _ in range(count):
                stream = await anyio.connect_tcp(HOST, listener.extra(SocketAttribute.local_port))
                group.start_soon(notice, stream)
            await anyio.sleep(0.05)
            yield
            group.cancel_scope.cancel()


async def until_eof(stream: SocketStream) -> None:
    """Wait until the other end has hung up."""
    try:
        await stream.receive(1)
    except anyio.EndOfStream:
        return


async def notice(stream: SocketStream) -> None:
    """Hold an end, and wait for its loss."""
    async with stream:
        await until_eof(stream)


create = Anyio
