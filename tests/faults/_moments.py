"""The moments in which a program may close one of our objects: twelve of them, and three that are like them.

Each is a context manager that gives a `Scene`: an object in that state. What the other end holds is released
when the block ends.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import socket
import ssl
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import pytest
import trustme

import tcpip_core
from tests.contract._rigs import (
    CLIENT,
    KINDS,
    READ_LOOP_SERVER,
    SERVERS,
    LineServer,
    Rig,
    Subject,
    make,
    opened,
    rigged,
)
from tests.support import IPV4, Listener, Peer, connected, soon, started, turns, until

__all__ = ["CASES", "MOMENTS", "Hung", "Moment", "Scene", "Stubborn", "contexts", "cut_the_cable", "deaf"]

MUCH = 32 * 1024 * 1024
"""More than all buffers between two ends hold (bytes)."""


class Scene(NamedTuple):
    """An object in one of the states, and how it is closed there."""

    subject: Subject
    close: Callable[[], Awaitable[None]]


Moment: TypeAlias = Callable[[str, logging.Logger, tcpip_core.Limits], AbstractAsyncContextManager[Scene]]


def cut_the_cable(peer: Peer) -> None:
    """Let nothing reach a peer any more, not even in its kernel: no acknowledgement, no FIN, no RST comes back.

    A socket filter that drops every packet (socket(7), SO_ATTACH_FILTER) needs no privileges.
    """
    if sys.platform != "linux":
        pytest.skip("socket filters are known on Linux")
    drop_all = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF_RET | BPF_K, 0 bytes
    attach_filter = 26
    peer.socket.setsockopt(socket.SOL_SOCKET, attach_filter, struct.pack("HL", 1, ctypes.addressof(drop_all)))


class Stubborn:
    """User code that does not end when it is cancelled, until it is released."""

    def __init__(self) -> None:
        self.is_running = asyncio.Event()
        self.cancelled = 0
        self._end = asyncio.Event()

    async def __call__(self, *_: object) -> None:
        """Wait, whatever happens."""
        self.is_running.set()
        while not self._end.is_set():
            try:
                await self._end.wait()
            except asyncio.CancelledError:
                self.cancelled += 1

    @contextmanager
    def released(self) -> Iterator[None]:
        """Let it end after the block."""
        try:
            yield
        finally:
            self._end.set()


class Contexts(NamedTuple):
    """Both ends of a trust."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@cache
def contexts() -> Contexts:
    """Make an authority, and a certificate for the loopback address."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(IPV4).configure_cert(server)  # pyright: ignore[reportUnknownMemberType]  # OpenSSL.SSL
    client = ssl.create_default_context()
    authority.configure_trust(client)  # pyright: ignore[reportUnknownMemberType]  # OpenSSL.SSL
    return Contexts(server, client)


@contextmanager
def deaf() -> Iterator[Listener]:
    """Give a listener whose queue is full: it answers nobody."""
    listener = Listener(IPV4, backlog=0)
    try:
        with Peer(IPV4, listener.port).socket:
            yield listener
    finally:
        listener.close()


@asynccontextmanager
async def _task(coro: Any) -> AsyncIterator[asyncio.Task[Any]]:
    """Run something of the user that the close will disturb."""
    task = asyncio.ensure_future(coro)
    try:
        yield task
    finally:
        await soon(asyncio.wait({task}))
        _ = task.cancelled() or task.exception()


# --- the moments ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def starting(kind: str, log: logging.Logger, limits: tcpip_core.Limits) -> AsyncIterator[Scene]:
    """A client whose server does not answer; a server that has not had its first turn."""
    with deaf() as listener:
        subject = make(kind, IPV4, listener.port if kind == CLIENT else 0, log, limits=limits)
        await turns(5 if kind == CLIENT else 0)
        yield Scene(subject, subject.close)


@asynccontextmanager
async def _linked(kind: str, log: logging.Logger, limits: tcpip_core.Limits, **kwargs: Any) -> AsyncIterator[Rig]:
    async with rigged(kind, IPV4, log, limits=limits, **kwargs) as rig:
        yield rig


@asynccontextmanager
async def idle(kind: str, log: logging.Logger, limits: tcpip_core.Limits) -> AsyncIterator[Scene]:
    """A link on which nothing happens."""
    async with _linked(kind, log, limits) as rig:
        yield Scene(rig.subject, rig.subject.close)


@asynccontextmanager
async def reading(kind: str, log: logging.Logger, limits: tcpip_core.Limits) -> AsyncIterator[Scene]:
    """Somebody waits for the rest of a line."""
    async with _linked(kind, log, limits) as rig:
        rig.peer.send(b"half a li")
        if kind == READ_LOOP_SERVER:
            await turns()
            yield Scene(rig.subject, rig.subject.close)
            return
        async with _task(rig.subject.read_str()):
            await turns()
            yield Scene(rig.subject, rig.subject.close)


@asynccontextmanager
async def blocked_write(kind: str, log: logging.Logger, limits: tcpip_core.Limits) -> AsyncIterator[Scene]:
    """Somebody waits to write to a peer that does not read."""
    async with _linked(kind, log, limits) as rig:
        async with _task(rig.subject.write(bytes(MUCH))) as writing:
            await turns()
            assert not writing.done()
            yield Scene(rig.subject, rig.subject.close)


@asynccontextmanager
async def frozen_peer(kind: str, log: logging.Logger, limits: tcpip_core.Limits) -> AsyncIterator[Scene]:
    """Much was written to a peer whose program stands still, and nobody waits for it."""
    async with _linked(kind, log, limits) as rig:
        assert rig.subject._writer is not None
        rig.subject._writer.write(bytes(MUCH))
        yield Scene(rig.subject, rig.subject.close)


@asynccontextmanager
async def half_closed(kind: str, log: logging.Logger, limits: tcpip_core.Limits) -> AsyncIterator[Scene]:
    """The peer has sent its last word, which nobody has read, and does not read the reply."""
    async with _linked(kind, log, limits) as rig:
        assert rig.subject._writer is not None
        rig.subject._writer.write(bytes(MUCH))
        rig.peer.send(b"the last li")
        rig.peer.write_eof()
        await turns()
        yield Scene(rig.subject, rig.subject.close)


@asynccontextmanager
async def dead_link(kind: str, log: logging.Logger, limits: tcpip_core.Limits) -> AsyncIterator[Scene]:
    """The cable is cut while something is on its way."""
    async with _linked(kind, log, limits) as rig:
        cut_the_cable(rig.peer)
        await soon(rig.subject.write_str("anybody there?"))
        yield Scene(rig.subject, rig.subject.close)


@asynccontextmanager
async def dead_link_with_unsent_data(kind: str, log: logging.Logger, limits: tcpip_core.Limits) -> AsyncIterator[Scene]:
    """The cable is cut, and there is more to send than the kernel takes."""
    async with _linked(kind, log, limits) as rig:
        cut_the_cable(rig.peer)
        assert rig.subject._writer is not None
        rig.subject._writer.write(bytes(MUCH))
        yield Scene(rig.subject, rig.subject.close)


@asynccontextmanager
async def tls_silent(kind: str, log: logging.Logger, limits: tcpip_core.Limits) -> AsyncIterator[Scene]:
    """The peer has connected and never shakes hands."""
    context = contexts().client if kind == CLIENT else contexts().server
    async with opened(kind, IPV4, log, limits=limits, ssl=context) as (subject, _):
        await turns()
        yield Scene(subject, subject.close)


def has_shaken_hands(tls: ssl.SSLSocket) -> bool:
    """Do the next step of a handshake; tell whether it was the last."""
    try:
        tls.do_handshake()
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return False
    return True


@asynccontextmanager
async def tls_half_dead(kind: str, log: logging.Logger, limits: tcpip_core.Limits) -> AsyncIterator[Scene]:
    """The peer has shaken hands and then stands still: it will never agree to the end."""
    ours = contexts().client if kind == CLIENT else contexts().server
    theirs = contexts().server if kind == CLIENT else contexts().client
    async with opened(kind, IPV4, log, limits=limits, ssl=ours) as (subject, peer):
        tls = theirs.wrap_socket(
            peer.socket.dup(),
            server_side=kind == CLIENT,
            server_hostname=None if kind == CLIENT else IPV4,
            do_handshake_on_connect=False,
        )
        await until(lambda: has_shaken_hands(tls))
        try:
            await started(subject)
            await until(lambda: subject.connected)
            yield Scene(subject, subject.close)
        finally:
            tls.close()


@asynccontextmanager
async def in_a_callback(kind: str, log: logging.Logger, limits: tcpip_core.Limits) -> AsyncIterator[Scene]:
    """The callback itself closes, once the test asks for it."""
    go, told = asyncio.Event(), asyncio.Event()

    async def callback(who: Any) -> None:
        if who.connected:
            told.set()
            await go.wait()
            await who.close()

    async with opened(kind, IPV4, log, limits=limits, connect_callback=callback) as (subject, _):
        await soon(told.wait())

        async def close() -> None:
            go.set()
            await subject.done_task

        yield Scene(subject, close)


@asynccontextmanager
async def hung_callback(kind: str, log: logging.Logger, limits: tcpip_core.Limits) -> AsyncIterator[Scene]:
    """The callback has never returned."""
    told = asyncio.Event()

    async def callback(_: object) -> None:
        told.set()
        await asyncio.Event().wait()

    async with opened(kind, IPV4, log, limits=limits, connect_callback=callback) as (subject, _):
        await soon(told.wait())
        yield Scene(subject, subject.close)


class Hung(LineServer):
    """Hands the work of `read_and_dispatch` to a function that never returns."""

    work: Callable[[], Awaitable[object]]

    async def read_and_dispatch(self) -> None:
        """Read a line, and never come back."""
        await self.read_str()
        await self.work()


@asynccontextmanager
async def _in_dispatch(log: logging.Logger, limits: tcpip_core.Limits, work: Any) -> AsyncIterator[Scene]:
    server = Hung(host=IPV4, port=0, log=log, limits=limits)
    is_running = asyncio.Event()

    async def note_and_work() -> None:
        is_running.set()
        await work()

    server.work = note_and_work
    async with server, Peer(IPV4, server.port) as peer:
        await connected(server)
        peer.send(b"hang\r\n")
        await soon(is_running.wait())
        yield Scene(server, server.close)


@asynccontextmanager
async def hung_dispatch(kind: str, log: logging.Logger, limits: tcpip_core.Limits) -> AsyncIterator[Scene]:
    """The handler of a line has never returned."""
    async with _in_dispatch(log, limits, asyncio.Event().wait) as scene:
        yield scene


@asynccontextmanager
async def closing(kind: str, log: logging.Logger, limits: tcpip_core.Limits) -> AsyncIterator[Scene]:
    """Somebody else has begun to close, which takes its time; the other waiter is cancelled meanwhile."""
    async with frozen_peer(kind, log, limits) as scene:
        first = asyncio.ensure_future(scene.subject.close())
        await turns()

        async def close() -> None:
            second = asyncio.ensure_future(scene.subject.close())
            await turns()
            first.cancel()
            await asyncio.wait({first})
            await second

        yield Scene(scene.subject, close)


# --- which of them each class can be in -------------------------------------------------------------------------------

MOMENTS: dict[str, tuple[Moment, tuple[str, ...]]] = {
    "starting": (starting, KINDS),
    "idle": (idle, KINDS),
    "reading": (reading, KINDS),
    "blocked write": (blocked_write, KINDS),
    "frozen peer": (frozen_peer, KINDS),
    "half-closed": (half_closed, KINDS),
    "dead link": (dead_link, KINDS),
    "dead link, unsent data": (dead_link_with_unsent_data, KINDS),
    "TLS silent": (tls_silent, KINDS),
    "TLS half dead": (tls_half_dead, KINDS),
    "in a callback": (in_a_callback, KINDS),
    "hung callback": (hung_callback, KINDS),
    "hung dispatch": (hung_dispatch, (READ_LOOP_SERVER,)),
    "closing": (closing, KINDS),
}

CASES = [pytest.param(moment, kind, id=f"{name}-{kind}") for name, (moment, kinds) in MOMENTS.items() for kind in kinds]
assert SERVERS == KINDS[1:]
