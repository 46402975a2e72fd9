"""The two ends of a link under test: our client and our server, with a memory of what they were told and sent."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tcpip_core import (
    HEARTBEAT,
    Client,
    Heartbeat,
    Keepalive,
    LossReason,
    OneClientReadLoopServer,
    OneClientServer,
    OnSecondClient,
)
from tests.netns._network import SERVER, Network

__all__ = ["Link", "Memory", "Notice", "Settings", "flood", "get_in", "keep_writing", "link"]

PORT = 5000
"""Where the server listens; each has a network of its own."""

LOG = logging.getLogger("tcpip_netns")

RETRY_INTERVAL = 0.25
"""Time between two attempts of a client that was rejected (seconds)."""

PACE = 0.1
"""Time between two lines of an end that keeps writing (seconds)."""


@dataclass(frozen=True)
class Settings:
    """What both ends are made with, and whether anybody reads at the server."""

    keepalive: Keepalive = field(default_factory=Keepalive)
    heartbeat: Heartbeat | None = None
    on_second_client: OnSecondClient = "reject"
    is_read: bool = True


@dataclass(frozen=True)
class Notice:
    """How an end noticed a loss: when (monotonic seconds), why, and all that its callback was told."""

    at: float
    reason: LossReason | None
    told: list[bool]


class Memory:
    """A connect callback that keeps what it was told; made on the host where it is used."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.told: list[bool] = []
        self.lost_at = 0.0
        self.reason: LossReason | None = None
        self.lost = asyncio.Event()

    async def callback(self, who: Client | OneClientServer) -> None:
        """Note what is told; to be passed as ``connect_callback``."""
        self.told.append(who.connected)
        if not who.connected and not self.lost.is_set():
            self.lost_at, self.reason = time.monotonic(), who.loss_reason
            self.lost.set()

    async def notice(self) -> Notice:
        """Wait for the loss; give it half a second to be told a second time."""
        await self.lost.wait()
        await asyncio.sleep(0.5)
        return Notice(self.lost_at, self.reason, list(self.told))


class Reader(OneClientReadLoopServer):
    """A server that keeps each line, and answers those that end with a question mark."""

    def __init__(self, memory: Memory, settings: Settings) -> None:
        self.memory = memory
        super().__init__(
            host=SERVER,
            port=PORT,
            log=LOG,
            connect_callback=memory.callback,
            keepalive=settings.keepalive,
            heartbeat=settings.heartbeat,
            on_second_client=settings.on_second_client,
        )

    async def read_and_dispatch(self) -> None:
        line = await self.read_str()
        if line.endswith("?"):
            await self.write_str(f"{line}!")
        elif line != HEARTBEAT.decode():
            self.memory.lines.append(line)


class Visitor(Client):
    """A client that keeps each line."""

    def __init__(self, memory: Memory, settings: Settings) -> None:
        self.memory = memory
        super().__init__(
            SERVER,
            PORT,
            LOG,
            memory.callback,
            keepalive=settings.keepalive,
            heartbeat=settings.heartbeat,
        )

    async def ask(self) -> None:
        """Send a line and wait for the answer: then both kernels know that all was heard."""
        await self.write_str("here?")
        while await self.read_str() != "here?!":
            pass

    async def keep_reading(self) -> None:
        """Keep each line until the end of the link."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                line = await self.read_str()
                if line != HEARTBEAT.decode():
                    self.memory.lines.append(line)


@dataclass
class Link:
    """A client and a server that are connected."""

    net: Network
    settings: Settings
    client: Visitor
    server: OneClientServer
    client_memory: Memory
    server_memory: Memory

    @property
    def client_port(self) -> int:
        """The client's own port."""
        assert self.client._writer is not None
        return int(self.client._writer.get_extra_info("sockname")[1])

    async def notices(self) -> dict[str, Notice]:
        """Wait until both ends have noticed the loss."""
        client, server = await asyncio.gather(
            self.net.client.run(self.client_memory.notice()), self.net.server.run(self.server_memory.notice())
        )
        return {"client": client, "server": server}


async def keep_writing(who: Client | OneClientServer, *, count: int | None = None) -> None:
    """Write numbered lines until the end of the link, or so many."""
    number = 0
    with contextlib.suppress(ConnectionError):
        while number != count:
            await who.write_str(f"line {number}")
            number += 1
            await asyncio.sleep(PACE)


async def flood(who: Client | OneClientServer) -> None:
    """Write as much as goes."""
    with contextlib.suppress(ConnectionError):
        while True:
            await who.write(bytes(65_536))


async def connect(settings: Settings, memory: Memory) -> Visitor:
    """Make a client that is connected."""
    client = Visitor(memory, settings)
    await client.start_task
    return client


async def get_in(settings: Settings) -> tuple[Visitor, float, int]:
    """Try to connect until the server answers; return the client, when it did so, and how often it was tried."""
    attempts = 0
    while True:
        attempts += 1
        client = Visitor(Memory(), settings)
        try:
            await client.start_task
            await client.ask()
        except (OSError, asyncio.IncompleteReadError):
            await client.close()
            await asyncio.sleep(RETRY_INTERVAL)
        except BaseException:
            await client.close()
            raise
        else:
            return client, time.monotonic(), attempts


@asynccontextmanager
async def link(net: Network, settings: Settings) -> AsyncIterator[Link]:
    """Have a client and a server that are connected, and have talked, while the block runs."""
    client_host = net.client

    async def listen() -> tuple[OneClientServer, Memory]:
        memory = Memory()
        server: OneClientServer = Reader(memory, settings) if settings.is_read else deaf_server(memory, settings)
        await server.start_task
        return server, memory

    async def come() -> tuple[Visitor, Memory]:
        memory = Memory()
        client = await connect(settings, memory)
        if settings.is_read:
            await client.ask()
        return client, memory

    server, server_memory = await net.server.run(listen())
    try:
        client, client_memory = await client_host.run(come())
        try:
            yield Link(net, settings, client, server, client_memory, server_memory)
        finally:
            await client_host.run(client.close())
    finally:
        await net.server.run(server.close())


def deaf_server(memory: Memory, settings: Settings) -> OneClientServer:
    """Make a server of which nobody reads."""
    return OneClientServer(
        SERVER,
        PORT,
        LOG,
        memory.callback,
        keepalive=settings.keepalive,
        heartbeat=settings.heartbeat,
        on_second_client=settings.on_second_client,
    )
