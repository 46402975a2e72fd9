"""asyncio's own `StreamReader` and `StreamWriter`: what everything else is compared with."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from tests.benchmarks._payloads import LINE, RECORD, STRUCT_BATCH, STRUCT_SIZE, TERMINATOR, Sample
from tests.benchmarks.peers._on_asyncio import AsyncioPeer
from tests.benchmarks.peers._peer import HOST, AsyncLink

__all__ = ["create", "each"]


class StreamsLink(AsyncLink):
    """A pair of streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask_lines(self, n: int) -> None:
        reader, writer = self.reader, self.writer
        for _ in range(n):
            writer.write(LINE.encode() + TERMINATOR)
            await writer.drain()
            (await reader.readuntil(TERMINATOR))[:-2].decode()

    async def answer_lines(self, n: int) -> None:
        reader, writer = self.reader, self.writer
        for _ in range(n):
            line = (await reader.readuntil(TERMINATOR))[:-2].decode()
            writer.write(line.encode() + TERMINATOR)
            await writer.drain()

    async def take_lines(self, n: int) -> None:
        reader = self.reader
        for _ in range(n):
            (await reader.readuntil(TERMINATOR))[:-2].decode()

    async def write_lines(self, n: int) -> None:
        writer = self.writer
        for _ in range(n):
            writer.write(LINE.encode() + TERMINATOR)
            await writer.drain()

    async def send(self, data: bytes, times: int) -> None:
        writer = self.writer
        for _ in range(times):
            writer.write(data)
            await writer.drain()

    async def take(self, size: int) -> None:
        reader = self.reader
        while size > 0:
            size -= len(await reader.read(65536))

    async def ask_structs(self, n: int) -> None:
        reader, writer, sample = self.reader, self.writer, Sample()
        for _ in range(n):
            writer.write(bytes(sample))
            await writer.drain()
            sample = Sample.from_buffer_copy(await reader.readexactly(STRUCT_SIZE))

    async def answer_structs(self, n: int) -> None:
        reader, writer = self.reader, self.writer
        for _ in range(n):
            sample = Sample.from_buffer_copy(await reader.readexactly(STRUCT_SIZE))
            writer.write(bytes(sample))
            await writer.drain()

    async def send_structs(self, n: int) -> None:
        writer, samples = self.writer, [Sample() for _ in range(STRUCT_BATCH)]
        for _ in range(n // STRUCT_BATCH):
            writer.write(b"".join(samples))
            await writer.drain()

    async def take_structs(self, n: int) -> None:
        reader = self.reader
        for _ in range(n):
            Sample.from_buffer_copy(await reader.readexactly(STRUCT_SIZE))

    async def ask_jsons(self, n: int) -> None:
        reader, writer = self.reader, self.writer
        for _ in range(n):
            writer.write(json.dumps(RECORD).encode() + TERMINATOR)
            await writer.drain()
            json.loads((await reader.readuntil(TERMINATOR)).decode())

    async def answer_jsons(self, n: int) -> None:
        reader, writer = self.reader, self.writer
        for _ in range(n):
            record = json.loads((await reader.readuntil(TERMINATOR)).decode())
            writer.write(json.dumps(record).encode() + TERMINATOR)
            await writer.drain()

    async def take_jsons(self, n: int) -> None:
        reader = self.reader
        for _ in range(n):
            json.loads((await reader.readuntil(TERMINATOR)).decode())


class EachLink(StreamsLink):
    """Streams on which each structure is written by itself."""

    async def send_structs(self, n: int) -> None:
        writer, sample = self.writer, Sample()
        for _ in range(n):
            writer.write(bytes(sample))
            await writer.drain()


class Streams(AsyncioPeer):
    """`asyncio.open_connection` and `asyncio.start_server`."""

    new_link = StreamsLink

    @asynccontextmanager
    async def serving(self, workload: str, n: int) -> AsyncIterator[int]:
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await self.new_link(reader, writer).server(workload, n)
                await reader.read()
                gone.set_result(None)
            except Exception as e:  # noqa: BLE001  # told to whoever waits
                gone.set_exception(e)
            writer.close()

        left = n

        async def turn_away(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal left
            writer.close()
            left -= 1
            if left == 0:
                gone.set_result(None)

        server = await asyncio.start_server(turn_away if workload == "W6" else handle, HOST, 0)
        async with server:
            yield server.sockets[0].getsockname()[1]
            await gone

    @asynccontextmanager
    async def connected(self, port: int) -> AsyncIterator[StreamsLink]:
        reader, writer = await asyncio.open_connection(HOST, port)
        yield self.new_link(reader, writer)
        writer.close()
        await writer.wait_closed()

    async def visit(self, port: int, n: int) -> None:
        for _ in range(n):
            reader, writer = await asyncio.open_connection(HOST, port)
            await reader.read()
            writer.close()
            await writer.wait_closed()

    @asynccontextmanager
    async def watched(self, port: int, notice: Callable[[], None]) -> AsyncIterator[None]:
        reader, writer = await asyncio.open_connection(HOST, port)

        async def watch() -> None:
            with contextlib.suppress(ConnectionError):
                await reader.read(1)
            notice()

        async with asyncio.TaskGroup() as group:
            group.create_task(watch())
            yield
        writer.close()

    @asynccontextmanager
    async def idle_pairs(self, count: int) -> AsyncIterator[None]:
        async def notice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.close()

        async with AsyncExitStack() as stack:
            server = await asyncio.start_server(notice, HOST, 0)
            await stack.enter_async_context(server)
            port = server.sockets[0].getsockname()[1]
            group = await stack.enter_async_context(asyncio.TaskGroup())
            writers: list[asyncio.StreamWriter] = []
            for _ in range(count):
                reader, writer = await asyncio.open_connection(HOST, port)
                group.create_task(notice(reader, writer))
                writers.append(writer)
            await asyncio.sleep(0.05)
            yield
            for writer in writers:
                writer.close()


class Each(Streams):
    """Streams with `EachLink` on them."""

    new_link = EachLink


create, each = Streams, Each
