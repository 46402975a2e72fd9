"""One live connection whose far end is a plain socket that the test steers.

The near end, the *subject*, is a `Client` or a `OneClientServer`. The far end is raw on purpose: what
it sends, in which segments, and how it ends (FIN or RST) is decided by the test, and what it receives
is compared as bytes, so that nothing here relies on the library that is tested.
"""

from __future__ import annotations

import array
import fcntl
import os
import socket
import struct
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from logging import Logger, getLogger
from typing import Any, Literal, TypeAlias

import tcpip_core
from tests.support import Changes, Listener, Peer, connected, listening, soon, started, turns, until

__all__ = ["SIDES", "Link", "Pair", "Side", "Subject", "linked", "paired"]

Side: TypeAlias = Literal["client", "server"]
SIDES: tuple[Side, ...] = ("client", "server")

Subject: TypeAlias = tcpip_core.Client | tcpip_core.OneClientServer

_BYTES_RECEIVED = 128
"""Where Linux's ``struct tcp_info`` has ``tcpi_bytes_received`` (bytes)."""


def _waiting_in_kernel(descriptor: int) -> int:
    """Return how many bytes this socket's kernel holds for its process."""
    count = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, count)
    return count[0]


def _arrived_in_kernel(descriptor: int) -> int:
    """Return how many bytes this socket's kernel ever received; a FIN counts as one."""
    with socket.socket(fileno=os.dup(descriptor)) as copy:
        info = copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    (count,) = struct.unpack_from("=Q", info, _BYTES_RECEIVED)
    return int(count)


@dataclass
class Link:
    """A subject, its peer, and what the subject's callback was told."""

    subject: Subject
    peer: Peer
    changes: Changes = field(default_factory=Changes)
    sent: int = 0

    @property
    def told(self) -> list[bool]:
        """What the callback was told so far, in order."""
        return self.changes.seen

    def send(self, data: bytes) -> None:
        """Send a little data as one segment."""
        self.peer.send(data)
        self.sent += len(data)

    async def send_and_take(self, data: bytes) -> None:
        """Send data and wait until the subject's process holds all of it.

        The kernel counts what arrived and what still waits to be received: a condition, not a guess
        in seconds. Elsewhere than on Linux, what is on its way is not seen.
        """
        self.send(data)
        await self._taken(self.sent)

    async def finish_and_take(self) -> None:
        """Send a FIN and give the subject every chance to see it."""
        self.peer.write_eof()
        await self._taken(self.sent + 1)
        await turns()

    async def _taken(self, total: int) -> None:
        writer = self.subject._writer
        assert writer is not None, "the subject is not connected"
        descriptor = writer.get_extra_info("socket").fileno()

        def taken() -> bool:
            if sys.platform == "linux" and _arrived_in_kernel(descriptor) < total:
                return False
            return _waiting_in_kernel(descriptor) == 0

        await until(taken)
        await turns(2)


@asynccontextmanager
async def linked(side: Side, host: str, log: Logger | None = None, **kwargs: Any) -> AsyncIterator[Link]:
    """Connect a new subject to a new peer, and close both at the end.

    Parameters
    ----------
    side : str
        Which class the subject has: "client" or "server".
    host : str
        A loopback address; it decides the family.
    log : `logging.Logger`, optional
        The subject's logger.
    **kwargs
        Further arguments of the subject's class.
    """
    log = log or getLogger("tcpip_tests")
    async with listening(host) as listener:
        changes = Changes()
        link = await _link(side, listener, log, changes, kwargs)
        try:
            assert await changes.next() is True
            yield link
        finally:
            try:
                await soon(link.subject.close())
            finally:
                link.peer.close()


async def _link(side: Side, listener: Listener, log: Logger, changes: Changes, kwargs: dict[str, Any]) -> Link:
    subject: Subject
    if side == "client":
        subject = tcpip_core.Client(listener.host, listener.port, log, connect_callback=changes.callback, **kwargs)
        peer = await listener.accept()
        await started(subject)
    else:
        subject = tcpip_core.OneClientServer(listener.host, 0, log, connect_callback=changes.callback, **kwargs)
        await started(subject)
        peer = Peer(listener.host, subject.port)
        await connected(subject)
    peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Link(subject, peer, changes)


@dataclass
class Pair:
    """Both ends are ours: what `writer` writes, `reader` reads."""

    reader: Subject
    writer: Subject


@asynccontextmanager
async def paired(reading_side: Side, host: str, **kwargs: Any) -> AsyncIterator[Pair]:
    """Connect a client to a server of ours; `reading_side` says which of them is the reader."""
    log = getLogger("tcpip_tests")
    async with tcpip_core.OneClientServer(host, 0, log, **kwargs) as server:
        async with tcpip_core.Client(host, server.port, log, **kwargs) as client:
            await connected(server)
            if reading_side == "client":
                yield Pair(reader=client, writer=server)
            else:
                yield Pair(reader=server, writer=client)
