"""What the contract's tests look at: one of our objects, rigged to a plain socket.

A `Rig` is the same for a client, a server and a server with a read loop, so that a claim that holds
for all three is written once.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import tcpip_core
from tests.support import Changes, Peer, connected, listening, soon, started

CLIENT, SERVER, READ_LOOP_SERVER = KINDS = ("client", "server", "read_loop_server")
SERVERS = (SERVER, READ_LOOP_SERVER)

Subject: TypeAlias = tcpip_core.Client | tcpip_core.OneClientServer


class LineServer(tcpip_core.OneClientReadLoopServer):
    """Put each line into ``lines``, after answering it with the same in upper case."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lines: asyncio.Queue[str] = asyncio.Queue()

    async def read_and_dispatch(self) -> None:
        """Read, answer and keep one line."""
        line = await self.read_str()
        await self.write_str(line.upper())
        self.lines.put_nowait(line)


@dataclasses.dataclass
class Rig:
    """One of our objects, connected, and the plain socket at its other end."""

    subject: Subject
    peer: Peer
    changes: Changes

    @property
    def server(self) -> tcpip_core.OneClientServer:
        """The subject, where the test is about servers only."""
        assert isinstance(self.subject, tcpip_core.OneClientServer)
        return self.subject

    def lose(self, how: str) -> None:
        """Let the peer end the connection: ``"fin"`` or ``"rst"``."""
        {"fin": self.peer.write_eof, "rst": self.peer.reset}[how]()

    async def write_reaches_peer(self, text: str = "hello") -> None:
        """Check that what the subject writes arrives."""
        await soon(self.subject.write_str(text))
        assert await self.peer.read_until(b"\r\n") == text.encode() + b"\r\n"


def make(kind: str, host: str | None, port: int | None, log: logging.Logger, **kwargs: Any) -> Subject:
    """Construct a subject; a server listens on ``port``, a client connects to it."""
    if kind == CLIENT:
        assert host is not None
        assert port is not None
        return tcpip_core.Client(host, port, log, **kwargs)
    if kind == SERVER:
        return tcpip_core.OneClientServer(host, port, log, **kwargs)
    return LineServer(host=host, port=port, log=log, **kwargs)


@asynccontextmanager
async def opened(kind: str, host: str, log: logging.Logger, **kwargs: Any) -> AsyncIterator[tuple[Subject, Peer]]:
    """Give a subject and a peer whose kernels are connected; the subject need not know it yet."""
    if kind == CLIENT:
        async with listening(host) as listener:
            client = make(kind, host, listener.port, log, **kwargs)
            try:
                yield client, await listener.accept()
            finally:
                await soon(client.close())
        return
    server = make(kind, host, 0, log, **kwargs)
    try:
        await started(server)
        async with Peer(host, server.port) as peer:
            yield server, peer
            await soon(server.close())
    finally:
        await soon(server.close())


@asynccontextmanager
async def rigged(kind: str, host: str, log: logging.Logger, **kwargs: Any) -> AsyncIterator[Rig]:
    """Give a rig; everything is closed at the end of the block, whatever state it is in."""
    changes = Changes()
    kwargs.setdefault("connect_callback", changes.callback)
    async with opened(kind, host, log, **kwargs) as (subject, peer):
        await started(subject)
        if isinstance(subject, tcpip_core.OneClientServer):
            await connected(subject)
        if kwargs["connect_callback"] == changes.callback:
            assert await changes.next() is True
        yield Rig(subject, peer, changes)
