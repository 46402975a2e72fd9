"""tcpip-core: a `Client` and a `OneClientServer`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import tcpip_core
from tests.benchmarks._payloads import LINE, RECORD, STRUCT_BATCH, Sample
from tests.benchmarks.peers._on_asyncio import AsyncioPeer
from tests.benchmarks.peers._peer import HOST, AsyncLink, CannotDoError

__all__ = ["batch", "create", "msgspec"]

LOG = logging.getLogger("benchmark")


class OurLink(AsyncLink):
    """A client, or a server with its client."""

    def __init__(self, who: tcpip_core.BaseClientOrServer) -> None:
        self.who = who

    async def ask_lines(self, n: int) -> None:
        who = self.who
        for _ in range(n):
            await who.write_str(LINE)
            await who.read_str()

    async def answer_lines(self, n: int) -> None:
        who = self.who
        for _ in range(n):
            await who.write_str(await who.read_str())

    async def take_lines(self, n: int) -> None:
        who = self.who
        for _ in range(n):
            await who.read_str()

    async def write_lines(self, n: int) -> None:
        who = self.who
        for _ in range(n):
            await who.write_str(LINE)

    async def send(self, data: bytes, times: int) -> None:
        who = self.who
        for _ in range(times):
            await who.write(data)

    async def take(self, size: int) -> None:
        who = self.who
        while size > 0:
            size -= len(await who.read(65536))

    async def ask_structs(self, n: int) -> None:
        who, sample = self.who, Sample()
        for _ in range(n):
            await who.write_from(sample)
            await who.read_into(sample)

    async def answer_structs(self, n: int) -> None:
        who, sample = self.who, Sample()
        for _ in range(n):
            await who.write_from(await who.read_into(sample))

    async def send_structs(self, n: int) -> None:
        who, samples = self.who, [Sample() for _ in range(STRUCT_BATCH)]
        for _ in range(n // STRUCT_BATCH):
            await who.write_from(*samples)

    async def take_structs(self, n: int) -> None:
        who, sample = self.who, Sample()
        for _ in range(n):
            await who.read_into(sample)

    async def ask_jsons(self, n: int) -> None:
        who = self.who
        for _ in range(n):
            await who.write_json(RECORD)
            await who.read_json()

    async def answer_jsons(self, n: int) -> None:
        who = self.who
        for _ in range(n):
            await who.write_json(await who.read_json())

    async def take_jsons(self, n: int) -> None:
        who = self.who
        for _ in range(n):
            await who.read_json()


async def note(_: object) -> None:
    """Take the connect callback's call."""


class Ours(AsyncioPeer):
    """Our classes, with further arguments for both of them."""

    def __init__(self, loop: str, **options: Any) -> None:
        super().__init__(loop)
        self._options = options

    @asynccontextmanager
    async def serving(self, workload: str, n: int) -> AsyncIterator[int]:
        async with tcpip_core.OneClientServer(HOST, 0, LOG, **self._options) as server:
            part = turn_away(server, n) if workload == "W6" else serve(server, workload, n)
            task = asyncio.create_task(part)
            yield server.port
            await task

    @asynccontextmanager
    async def connected(self, port: int) -> AsyncIterator[OurLink]:
        async with tcpip_core.Client(HOST, port, LOG, **self._options) as client:
            yield OurLink(client)

    async def visit(self, port: int, n: int) -> None:
        for _ in range(n):
            async with tcpip_core.Client(HOST, port, LOG, **self._options) as client:
                # Where the server's hang-up was seen before this line, there is nothing to read from.
                with contextlib.suppress(ConnectionError):
                    await client.read(-1)

    @asynccontextmanager
    async def watched(self, port: int, notice: Callable[[], None]) -> AsyncIterator[None]:
        async def told(client: tcpip_core.Client) -> None:
            if not client.connected:
                notice()

        async with tcpip_core.Client(HOST, port, LOG, told, **self._options):
            yield

    @asynccontextmanager
    async def idle_pairs(self, count: int) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for _ in range(count):
                server = tcpip_core.OneClientServer(HOST, 0, LOG, note, **self._options)
                await stack.enter_async_context(server)
                client = tcpip_core.Client(HOST, server.port, LOG, note, **self._options)
                await stack.enter_async_context(client)
                await server.connected_task
            yield


async def serve(server: tcpip_core.OneClientServer, workload: str, n: int) -> None:
    """Do the server's part with the first client, and wait until that is gone."""
    await server.connected_task
    await OurLink(server).server(workload, n)
    await server.read(-1)


async def turn_away(server: tcpip_core.OneClientServer, n: int) -> None:
    """Hang up on each client."""
    for _ in range(n):
        await server.connected_task
        await server.close_client()


def create(loop: str) -> Ours:
    """Make the peer as everybody gets it."""
    return Ours(loop)


def msgspec(loop: str) -> Ours:
    """Make the peer that converts JSON by msgspec."""
    return _tuned(loop, lambda: tcpip_core.Tuning(json_codec=tcpip_core.MsgspecCodec()))


def batch(loop: str) -> Ours:
    """Make the peer that sends the small writes of one loop turn together."""
    return _tuned(loop, lambda: tcpip_core.Tuning(batch_writes=True))


def _tuned(loop: str, tuning: Callable[[], object]) -> Ours:
    """Make a peer with a tuning, which a revision of the past has not."""
    if not hasattr(tcpip_core, "Tuning"):
        raise CannotDoError("tcpip_core has no Tuning")
    try:
        return Ours(loop, tuning=tuning())
    except ImportError as e:
        raise CannotDoError(str(e)) from e
