"""tornado: `IOStream` and `TCPServer`, on asyncio's loop or uvloop."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tornado.iostream import IOStream, StreamClosedError
from tornado.netutil import bind_sockets
from tornado.tcpserver import TCPServer

from tests.benchmarks._payloads import LINE, RECORD, STRUCT_BATCH, STRUCT_SIZE, TERMINATOR, Sample
from tests.benchmarks.peers._on_asyncio import AsyncioPeer
from tests.benchmarks.peers._peer import HOST, AsyncLink

__all__ = ["create"]


class TornadoLink(AsyncLink):
    """A stream."""

    def __init__(self, stream: IOStream) -> None:
        stream.set_nodelay(True)
        self.stream = stream

    async def ask_lines(self, n: int) -> None:
        stream = self.stream
        for _ in range(n):
            await stream.write(LINE.encode() + TERMINATOR)
            (await stream.read_until(TERMINATOR))[:-2].decode()

    async def answer_lines(self, n: int) -> None:
        stream = self.stream
        for _ in range(n):
            line = (await stream.read_until(TERMINATOR))[:-2].decode()
            await stream.write(line.encode() + TERMINATOR)

    async def take_lines(self, n: int) -> None:
        stream = self.stream
        for _ in range(n):
            (await stream.read_until(TERMINATOR))[:-2].decode()

    async def write_lines(self, n: int) -> None:
        stream = self.stream
        for _ in range(n):
            await stream.write(LINE.encode() + TERMINATOR)

    async def send(self, data: bytes, times: int) -> None:
        stream = self.stream
        for _ in range(times):
            await stream.write(data)

    async def take(self, size: int) -> None:
        stream = self.stream
        while size > 0:
            size -= len(await stream.read_bytes(65536, partial=True))

    async def ask_structs(self, n: int) -> None:
        stream, sample = self.stream, Sample()
        for _ in range(n):
            await stream.write(bytes(sample))
            sample = Sample.from_buffer_copy(await stream.read_bytes(STRUCT_SIZE))

    async def answer_structs(self, n: int) -> None:
        stream = self.stream
        for _ in range(n):
            sample = Sample.from_buffer_copy(await stream.read_bytes(STRUCT_SIZE))
            await stream.write(bytes(sample))

    async def send_structs(self, n: int) -> None:
        stream, samples = self.stream, [Sample() for _ in range(STRUCT_BATCH)]
        for _ in range(n // STRUCT_BATCH):
            await stream.write(b"".join(samples))

    async def take_structs(self, n: int) -> None:
        stream = self.stream
        for _ in range(n):
            Sample.from_buffer_copy(await stream.read_bytes(STRUCT_SIZE))

    async def ask_jsons(self, n: int) -> None:
        stream = self.stream
        for _ in range(n):
            await stream.write(json.dumps(RECORD).encode() + TERMINATOR)
            json.loads((await stream.read_until(TERMINATOR)).decode())

    async def answer_jsons(self, n: int) -> None:
        stream = self.stream
        for _ in range(n):
            record = json.loads((await stream.read_until(TERMINATOR)).decode())
            await stream.write(json.dumps(record).encode() + TERMINATOR)

    async def take_jsons(self, n: int) -> None:
        stream = self.stream
        for _ in range(n):
            json.loads((await stream.read_until(TERMINATOR)).decode())


class Server(TCPServer):
    """A server of one workload."""

    def __init__(self, workload: str, n: int) -> None:
        super().__init__()
        self.workload, self.n = workload, n
        self.left = n if workload == "W6" else 1
        self.gone = asyncio.Event()

    async def handle_stream(self, stream: IOStream, address: tuple[str, int]) -> None:
        if self.workload != "W6":
            await TornadoLink(stream).server(self.workload, self.n)
            await until_eof(stream)
        stream.close()
        self.left -= 1
        if not self.left:
            self.gone.set()


class Holder(TCPServer):
    """A server that holds whoever connects."""

    def __init__(self) -> None:
        super().__init__()
        self.streams: list[IOStream] = []

    async def handle_stream(self, stream: IOStream, address: tuple[str, int]) -> None:
        stream.set_close_callback(note)
        self.streams.append(stream)


class Tornado(AsyncioPeer):
    """A `TCPServer`, and streams around plain sockets: its `TCPClient` would look names up in a thread."""

    @asynccontextmanager
    async def serving(self, workload: str, n: int) -> AsyncIterator[int]:
        server = Server(workload, n)
        yield listen(server)
        await server.gone.wait()
        server.stop()

    @asynccontextmanager
    async def connected(self, port: int) -> AsyncIterator[TornadoLink]:
        stream = await connect(port)
        yield TornadoLink(stream)
        stream.close()

    async def visit(self, port: int, n: int) -> None:
        for _ in range(n):
            stream = await connect(port)
            await until_eof(stream)

    @asynccontextmanager
    async def watched(self, port: int, notice: Callable[[], None]) -> AsyncIterator[None]:
        stream = await connect(port)
        stream.set_close_callback(notice)
        yield
        stream.close()

    @asynccontextmanager
    async def idle_pairs(self, count: int) -> AsyncIterator[None]:
        holder = Holder()
        port = listen(holder)
        streams: list[IOStream] = []
        for _ in range(count):
            streams.append(await connect(port))
            streams[-1].set_close_callback(note)
        await asyncio.sleep(0.05)
        yield
        for stream in [*streams, *holder.streams]:
            stream.close()
        holder.stop()


def listen(server: TCPServer) -> int:
    """Let a server listen, and return the port."""
    sockets = bind_sockets(0, HOST)
    server.add_sockets(sockets)
    port: int = sockets[0].getsockname()[1]
    return port


async def connect(port: int) -> IOStream:
    """Open a connection."""
    stream = IOStream(socket.socket())
    await stream.connect((HOST, port))
    return stream


async def until_eof(stream: IOStream) -> None:
    """Wait until the other end has hung up."""
    try:
        await stream.read_bytes(1)
    except StreamClosedError:
        stream.close()


def note() -> None:
    """Take the call that tells of a loss."""


create = Tornado
