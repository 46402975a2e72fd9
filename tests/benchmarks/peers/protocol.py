"""A bare `asyncio.Protocol` for each role: what asyncio allows at best, without coroutines on the data's way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.benchmarks._payloads import (
    BULK,
    DONE,
    JSON_BATCH,
    JSONS,
    LINE,
    LINE_BATCH,
    LINE_SIZE,
    LINES,
    RECORD,
    STRUCT_BATCH,
    STRUCT_SIZE,
    TERMINATOR,
    Sample,
)
from tests.benchmarks.peers._on_asyncio import AsyncioPeer
from tests.benchmarks.peers._peer import HOST, Link

__all__ = ["create"]


class Role(asyncio.Protocol):
    """One end's part of a workload: `left` items are to come or to go."""

    transport: asyncio.Transport

    def __init__(self, n: int) -> None:
        loop = asyncio.get_running_loop()
        self.left = n
        self.rest = b""
        self.done: asyncio.Future[None] = loop.create_future()
        self.gone: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the interface but not the base class.
        self.transport = transport  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]

    def begin(self) -> None:
        """Do what comes first."""

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set_result(None)

    def frames(self, data: bytes) -> list[str]:
        """Cut lines out of what was received."""
        whole, end, self.rest = (self.rest + data).rpartition(TERMINATOR)
        return whole.decode().split("\r\n") if end else []


class AskLines(Role):
    def begin(self) -> None:
        self.transport.write(LINE.encode() + TERMINATOR)

    def data_received(self, data: bytes) -> None:
        for _ in self.frames(data):
            self.left -= 1
            if self.left:
                self.transport.write(LINE.encode() + TERMINATOR)
            else:
                self.done.set_result(None)


class AnswerLines(Role):
    def data_received(self, data: bytes) -> None:
        for line in self.frames(data):
            self.transport.write(line.encode() + TERMINATOR)


class TakeLines(Role):
    def data_received(self, data: bytes) -> None:
        for _ in self.frames(data):
            self.left -= 1
        if not self.left:
            self.transport.write(DONE)


class TakeBytes(Role):
    def data_received(self, data: bytes) -> None:
        self.left -= len(data)
        if not self.left:
            self.transport.write(DONE)


class Send(Role):
    """Writes until the transport has enough, and goes on when it asks for more."""

    def begin(self) -> None:
        self.resume_writing()

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        while self.left and not self.paused:
            self.left -= 1
            self.write()

    def write(self) -> None:
        """Write one item."""

    def data_received(self, data: bytes) -> None:
        self.done.set_result(None)


class WriteLines(Send):
    def write(self) -> None:
        self.transport.write(LINE.encode() + TERMINATOR)


class SendStructs(Send):
    def __init__(self, n: int) -> None:
        super().__init__(n)
        self.samples = [Sample() for _ in range(STRUCT_BATCH)]

    def write(self) -> None:
        self.transport.write(b"".join(self.samples))


class SendPrepared(Send):
    def __init__(self, n: int, data: bytes) -> None:
        super().__init__(n)
        self.data = data

    def write(self) -> None:
        self.transport.write(self.data)


class Structs(Role):
    """Receives structures."""

    def data_received(self, data: bytes) -> None:
        data = self.rest + data if self.rest else data
        end = len(data) - len(data) % STRUCT_SIZE
        for start in range(0, end, STRUCT_SIZE):
            self.received(Sample.from_buffer_copy(data, start))
        self.rest = data[end:]

    def received(self, sample: Sample) -> None:
        """Deal with a structure."""


class AskStructs(Structs):
    def begin(self) -> None:
        self.transport.write(bytes(Sample()))

    def received(self, sample: Sample) -> None:
        self.left -= 1
        if self.left:
            self.transport.write(bytes(sample))
        else:
            self.done.set_result(None)


class AnswerStructs(Structs):
    def received(self, sample: Sample) -> None:
        self.transport.write(bytes(sample))


class TakeStructs(Structs):
    def received(self, sample: Sample) -> None:
        self.left -= 1
        if not self.left:
            self.transport.write(DONE)


class AskJsons(Role):
    def begin(self) -> None:
        self.transport.write(json.dumps(RECORD).encode() + TERMINATOR)

    def data_received(self, data: bytes) -> None:
        for text in self.frames(data):
            json.loads(text)
            self.left -= 1
            if self.left:
                self.transport.write(json.dumps(RECORD).encode() + TERMINATOR)
            else:
                self.done.set_result(None)


class AnswerJsons(Role):
    def data_received(self, data: bytes) -> None:
        for text in self.frames(data):
            self.transport.write(json.dumps(json.loads(text)).encode() + TERMINATOR)


class TakeJsons(Role):
    def data_received(self, data: bytes) -> None:
        for text in self.frames(data):
            json.loads(text)
            self.left -= 1
        if not self.left:
            self.transport.write(DONE)


class TurnAway(Role):
    """Hangs up at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


CLIENTS: dict[str, Callable[[int], Role]] = {
    "W1": AskLines,
    "W2": lambda n: SendPrepared(n // LINE_BATCH, LINES),
    "W2w": WriteLines,
    "W3": lambda n: SendPrepared(n, BULK),
    "W4p": AskStructs,
    "W4s": lambda n: SendStructs(n // STRUCT_BATCH),
    "W5p": AskJsons,
    "W5s": lambda n: SendPrepared(n // JSON_BATCH, JSONS),
}
SERVERS: dict[str, Callable[[int], Role]] = {
    "W1": AnswerLines,
    "W2": TakeLines,
    "W2w": lambda n: TakeBytes(n * LINE_SIZE),
    "W3": lambda n: TakeBytes(n * len(BULK)),
    "W4p": AnswerStructs,
    "W4s": TakeStructs,
    "W5p": AnswerJsons,
    "W5s": TakeJsons,
    "W6": TurnAway,
}


class Watch(Role):
    """Notices the loss of a link."""

    def __init__(self, notice: Callable[[], None]) -> None:
        super().__init__(0)
        self.notice = notice

    def connection_lost(self, exc: Exception | None) -> None:
        self.notice()


class ProtocolLink(Link):
    """A transport that gets its protocol with the workload."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    async def client(self, workload: str, n: int) -> None:
        role = CLIENTS[workload](n)
        role.connection_made(self.transport)
        self.transport.set_protocol(role)
        role.begin()
        await role.done


class Protocols(AsyncioPeer):
    """`loop.create_connection` and `loop.create_server`."""

    @asynccontextmanager
    async def serving(self, workload: str, n: int) -> AsyncIterator[int]:
        loop = asyncio.get_running_loop()
        gone = loop.create_future()
        left = n if workload == "W6" else 1

        def lost(_: object) -> None:
            nonlocal left
            left -= 1
            if not left:
                gone.set_result(None)

        def new_role() -> Role:
            role = SERVERS[workload](n)
            role.gone.add_done_callback(lost)
            return role

        server = await loop.create_server(new_role, HOST, 0)
        async with server:
            yield server.sockets[0].getsockname()[1]
            await gone

    @asynccontextmanager
    async def connected(self, port: int) -> AsyncIterator[ProtocolLink]:
        transport, _ = await asyncio.get_running_loop().create_connection(lambda: Role(0), HOST, port)
        yield ProtocolLink(transport)
        transport.close()

    async def visit(self, port: int, n: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(n):
            _, role = await loop.create_connection(lambda: Role(0), HOST, port)
            # Without `eof_received` the transport closes itself at EOF.
            await role.gone

    @asynccontextmanager
    async def watched(self, port: int, notice: Callable[[], None]) -> AsyncIterator[None]:
        await asyncio.get_running_loop().create_connection(lambda: Watch(notice), HOST, port)
        yield

    @asynccontextmanager
    async def idle_pairs(self, count: int) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        roles: list[Role] = []

        def new_role() -> Role:
            roles.append(Role(0))
            return roles[-1]

        server = await loop.create_server(new_role, HOST, 0)
        async with server:
            for _ in range(count):
                await loop.create_connection(new_role, HOST, server.sockets[0].getsockname()[1])
            yield
            for role in roles:
                role.transport.close()
            await asyncio.gather(*(role.gone for role in roles))


create = Protocols
