"""Helpers of the tests: plain peers, awaitable callbacks, bounded waits.

Nothing here imports our packages: a peer is a bare non-blocking socket, so that what it does (send,
FIN, RST, never read) has happened in the kernel when the call returns. Each wait has a bound.
"""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

__all__ = [
    "IPV4",
    "IPV6",
    "TIMEOUT",
    "Changes",
    "HasConnected",
    "Listener",
    "Peer",
    "connected",
    "describe_loop_error",
    "has_ipv6",
    "listening",
    "open_sockets",
    "soon",
    "started",
    "turns",
    "until",
    "unused_port",
]

IPV4, IPV6 = "127.0.0.1", "::1"
TIMEOUT = 10.0
"""Bound of every wait (seconds): far above what a loaded machine needs, so that only a hang meets it."""

T = TypeVar("T")


async def soon(awaitable: Awaitable[T], timeout: float = TIMEOUT) -> T:
    """Await something that must end within the bound."""
    async with asyncio.timeout(timeout):
        return await awaitable


async def until(condition: Callable[[], object], timeout: float = TIMEOUT) -> None:
    """Turn the loop until a condition holds; for conditions that no event announces."""
    async with asyncio.timeout(timeout):
        while not condition():  # there is no event to wait for
            await asyncio.sleep(0)


async def turns(count: int = 50) -> None:
    """Let everything that is ready run; for claims that something does *not* happen."""
    for _ in range(count):
        await asyncio.sleep(0)


class Starting(Protocol):
    """What `started` needs."""

    start_task: Any


class Connecting(Protocol):
    """What `connected` needs."""

    connected_task: Any


StartingT = TypeVar("StartingT", bound=Starting)
ConnectingT = TypeVar("ConnectingT", bound=Connecting)


async def started(who: StartingT) -> StartingT:
    """Wait until a client is connected or a server listens, and give it back."""
    await soon(who.start_task)
    return who


async def connected(server: ConnectingT) -> ConnectingT:
    """Wait until a server has a client, and give the server back."""
    await soon(server.connected_task)
    return server


class HasConnected(Protocol):
    """What a `Changes` looks at."""

    @property
    def connected(self) -> bool: ...


class Changes:
    """A connect callback that remembers what it was told and can be awaited.

    ``seen`` holds all values of ``connected`` in order; `next` gives each of them once.
    """

    def __init__(self) -> None:
        self.seen: list[bool] = []
        self._queue: asyncio.Queue[bool] = asyncio.Queue()

    async def callback(self, who: HasConnected) -> None:
        """Note what is told; to be passed as ``connect_callback``."""
        self.seen.append(who.connected)
        self._queue.put_nowait(who.connected)

    async def next(self, timeout: float = TIMEOUT) -> bool:
        """Wait for the next change and return the state it told."""
        return await soon(self._queue.get(), timeout)


class Peer:
    """A plain socket at the other end, connected when the constructor returns."""

    def __init__(self, host: str, port: int | None, *, receive_buffer: int | None = None) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            if receive_buffer is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            sock.settimeout(TIMEOUT)
            sock.connect((host, port))
        except BaseException:
            sock.close()
            raise
        self._adopt(sock)

    def _adopt(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.socket = sock
        self._buffer = b""

    @classmethod
    def of(cls, sock: socket.socket) -> Self:
        """Wrap a socket that is connected already."""
        peer = cls.__new__(cls)
        peer._adopt(sock)
        return peer

    @property
    def address(self) -> tuple[Any, ...]:
        """The peer's own address, as the other side sees it."""
        name: tuple[Any, ...] = self.socket.getsockname()
        return name

    def send(self, data: bytes) -> None:
        """Hand a little data to the kernel at once."""
        sent = self.socket.send(data)
        assert sent == len(data), "too much for the socket's buffer: use send_all"

    async def send_all(self, data: bytes) -> None:
        """Send any amount of data."""
        await soon(asyncio.get_running_loop().sock_sendall(self.socket, data))

    async def read(self, n: int = 65536) -> bytes:
        """Receive up to n bytes; ``b""`` at EOF."""
        if self._buffer:
            data, self._buffer = self._buffer[:n], self._buffer[n:]
            return data
        return await soon(asyncio.get_running_loop().sock_recv(self.socket, n))

    async def read_exactly(self, n: int) -> bytes:
        """Receive n bytes, or what came before EOF."""
        data = b""
        while len(data) < n:
            chunk = await self.read(n - len(data))
            if not chunk:
                break
            data += chunk
        return data

    async def read_until(self, separator: bytes = b"\n") -> bytes:
        """Receive through a separator, or what came before EOF."""
        data = b""
        while separator not in data:
            chunk = await self.read()
            if not chunk:
                return data
            data += chunk
        line, _, rest = data.partition(separator)
        self._buffer = rest + self._buffer
        return line + separator

    async def read_to_eof(self) -> bytes:
        """Receive everything until the other side's FIN."""
        data = b""
        while chunk := await self.read():
            data += chunk
        return data

    async def wait_hung_up(self) -> None:
        """Wait until the other side has ended the connection, by FIN or by RST; drop what it sent."""
        try:
            while await self.read():
                pass
        except ConnectionError:
            pass

    def write_eof(self) -> None:
        """Send FIN; this side can still receive."""
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the socket: FIN, or RST where unread data are left."""
        self.socket.close()

    def reset(self) -> None:
        """Close the socket with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class Listener:
    """A plain listening socket; nobody answers until `accept`."""

    def __init__(self, host: str, port: int = 0, *, backlog: int = 16) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setblocking(False)
        self.socket.bind((host, port))
        self.socket.listen(backlog)
        self.host: str = host
        self.port: int = self.socket.getsockname()[1]
        self._peers: list[Peer] = []

    async def accept(self) -> Peer:
        """Take the next connection; closed with the listener at the latest."""
        sock, _ = await soon(asyncio.get_running_loop().sock_accept(self.socket))
        peer = Peer.of(sock)
        self._peers.append(peer)
        return peer

    def close(self) -> None:
        """Close the listening socket and everything that was accepted."""
        self.socket.close()
        for peer in self._peers:
            peer.close()


@asynccontextmanager
async def listening(host: str = IPV4, port: int = 0) -> AsyncIterator[Listener]:
    """Listen on a plain socket while the block runs."""
    listener = Listener(host, port)
    try:
        yield listener
    finally:
        listener.close()


def unused_port(host: str = IPV4) -> int:
    """Give a port on which nobody listens."""
    listener = Listener(host)
    listener.close()
    return listener.port


@cache
def has_ipv6() -> bool:
    """Tell whether this machine can listen on ``::1``."""
    if not socket.has_ipv6:
        return False
    try:
        Listener(IPV6).close()
    except OSError:
        return False
    return True


def open_sockets() -> frozenset[str]:
    """Name the TCP and UDP sockets that this process holds.

    Sockets of other families belong to the loop itself: uvloop has a new pair of them in each run.
    """
    found: set[str] = set()
    folder = next((one for one in map(Path, ("/proc/self/fd", "/dev/fd")) if one.is_dir()), None)
    for entry in folder.iterdir() if folder else ():
        described = _describe_socket(int(entry.name))
        if described:
            found.add(described)
    return frozenset(found)


def _describe_socket(fd: int) -> str | None:
    try:
        status = os.fstat(fd)
        if not stat.S_ISSOCK(status.st_mode):
            return None
        with socket.socket(fileno=os.dup(fd)) as sock:
            if sock.family not in (socket.AF_INET, socket.AF_INET6):
                return None
            name = sock.getsockname()[:2]
    except OSError:
        return None
    return f"{status.st_ino} (fd {fd}, {name[0]} port {name[1]})"


def describe_loop_error(context: dict[str, Any]) -> str:
    """Put what a loop's exception handler got into one line."""
    error = context.get("exception")
    return f"{context.get('message')}: {error!r}" if error else str(context.get("message"))
