"""Connected pairs: two asyncio streams in memory or over TCP, and a client and server of ours."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import NamedTuple

from tcpip_core import (
    DEFAULT_ENCODING,
    DEFAULT_LOCALHOST,
    DEFAULT_TERMINATOR,
    Client,
    Limits,
    OneClientServer,
    close_stream_writer,
)

from ._memory import MOST_AT_ONCE, Chunks, MemoryTransport, Wire, joined_transports
from ._reset import reset_stream

__all__ = [
    "Chunks",
    "ConnectionPair",
    "End",
    "LockstepPair",
    "MemoryPair",
    "StreamPair",
    "connection_pair",
    "lockstep_pair",
    "memory_pair",
    "reset_stream",
    "tcp_pair",
]

_LIMIT = 65536
"""What asyncio's streams buffer, unless said otherwise (bytes)."""

_TIMEOUT = 5.0
"""How long a pair may take to be connected (seconds)."""

_log = logging.getLogger("tcpip_testing")


class End(NamedTuple):
    """One end of a pair of streams; ``reader, writer = end`` takes it apart.

    Parameters
    ----------
    reader : asyncio.StreamReader
        What the other end sends.
    writer : asyncio.StreamWriter
        What the other end receives.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class StreamPair:
    """Two ends that are connected; ``near, far = pair`` takes it apart.

    Parameters
    ----------
    near, far : End
        The ends. They are alike: near is what you think of as yours.
    """

    def __init__(self, near: End, far: End) -> None:
        self.near: End = near
        self.far: End = far

    def __iter__(self) -> Iterator[End]:
        yield self.near
        yield self.far


class MemoryPair(StreamPair):
    """Two ends that are connected in memory; made by `memory_pair`.

    Parameters
    ----------
    near, far : End
        The ends.
    """

    def cut(self) -> None:
        """Lose the link without a word: nothing arrives any more, and nobody is told.

        Writers go on until their buffer is full. What is on its way is lost.
        """
        for end in self:
            _transport(end).out.is_cut = True


class LockstepPair(MemoryPair):
    """Two ends between which data move only when the test says so; made by `lockstep_pair`.

    Parameters
    ----------
    near, far : End
        The ends.
    """

    def pending(self, to: End) -> bytes:
        """Return what is on its way to an end.

        Parameters
        ----------
        to : End
            `near` or `far`.

        Returns
        -------
        bytes
            What was written at the other end and not delivered; ``b""`` if that is nothing, though the end of the
            stream may be on its way.

        Raises
        ------
        ValueError
            If `to` is no end of this pair.
        """
        return bytes(self._wire(to).data)

    async def deliver(self, size: int | None = None, *, to: End | None = None) -> int:
        """Deliver what is on its way, then give the tasks that got it a turn.

        Parameters
        ----------
        size : int, optional
            Deliver exactly so much, as one chunk (bytes, 1 or more). None delivers all that the receiver takes, and
            then the end of the stream if it was closed or reset.
        to : End, optional
            Deliver to this end only. May be left out if just one direction has something, or if `size` is None.

        Returns
        -------
        int
            How much was delivered (bytes); 0 if nothing was on its way, or only an end of the stream.

        Raises
        ------
        ValueError
            If less than `size` is on its way, or the receiver has paused because nobody reads, or it is not clear
            where `size` bytes should go. Nothing is delivered then.

        Notes
        -----
        A call that is cancelled has delivered.
        """
        if size is None:
            delivered = sum(_deliver_all(wire) for wire in self._wires(to))
        else:
            delivered = size
            self._one_wire(size, to).deliver(size)
        await asyncio.sleep(0)
        return delivered

    def _wire(self, to: End) -> Wire:
        for end in self:
            if to is end:
                return _transport(end).incoming
        raise ValueError(f"to must be an end of this pair, its near or its far, not {to!r}")

    def _wires(self, to: End | None) -> list[Wire]:
        return [self._wire(end) for end in (self if to is None else [to])]

    def _one_wire(self, size: int, to: End | None) -> Wire:
        if size < 1:
            raise ValueError(f"size must be 1 byte or more, not {size!r}; without it everything is delivered")
        wires = self._wires(to)
        loaded = [wire for wire in wires if wire.data]
        if len(loaded) > 1:
            raise ValueError("data are on their way to both ends: say to=pair.near or to=pair.far")
        if not loaded or len(loaded[0].data) < size:
            waiting = len(loaded[0].data) if loaded else 0
            raise ValueError(f"{size} bytes cannot be delivered: {waiting} are on their way")
        if not loaded[0].has_news:
            raise ValueError(f"{size} bytes cannot be delivered: the receiver has paused, or the link is cut")
        return loaded[0]


def _transport(end: End) -> MemoryTransport:
    transport = end.writer.transport
    if not isinstance(transport, MemoryTransport):
        raise TypeError(f"this end is not of a pair in memory: {transport!r}")
    return transport


def _deliver_all(wire: Wire) -> int:
    before = len(wire.data)
    while wire.has_news:
        wire.deliver(min(len(wire.data), MOST_AT_ONCE))
    return before - len(wire.data)


@contextlib.asynccontextmanager
async def memory_pair(*, chunks: Chunks | None = None, limit: int = _LIMIT) -> AsyncGenerator[MemoryPair, None]:
    """Connect two pairs of asyncio streams in memory; close both at the end.

    Parameters
    ----------
    chunks : sequence of int or callable, optional
        How data are cut on their way: the sizes of the chunks (bytes), used again and again; or a function that gets
        how much waits (bytes) and returns the size of the next chunk. Each chunk arrives in a turn of the event loop
        of its own. None delivers what was written until then, 64 KiB at most at once.
    limit : int
        Limit of the stream readers, as for `asyncio.open_connection` (bytes). A reader that nobody reads from takes
        about twice as much, and a chunk; a writer then holds 64 KiB, and its ``drain`` waits.

    Yields
    ------
    MemoryPair
        The two ends.

    Raises
    ------
    ValueError
        If a size is below 1.

    Notes
    -----
    There is no socket: ``get_extra_info("socket")`` is None. TLS is not possible.
    """
    async with _joined(chunks, limit, is_lockstep=False) as (near, far):
        yield MemoryPair(near, far)


@contextlib.asynccontextmanager
async def lockstep_pair(*, limit: int = _LIMIT) -> AsyncGenerator[LockstepPair, None]:
    """Connect two pairs of asyncio streams between which nothing moves until `LockstepPair.deliver` is called.

    Parameters
    ----------
    limit : int
        Limit of the stream readers, as for `asyncio.open_connection` (bytes).

    Yields
    ------
    LockstepPair
        The two ends. They are closed at the end.
    """
    async with _joined(None, limit, is_lockstep=True) as (near, far):
        yield LockstepPair(near, far)


@contextlib.asynccontextmanager
async def _joined(chunks: Chunks | None, limit: int, *, is_lockstep: bool) -> AsyncGenerator[tuple[End, End], None]:
    loop = asyncio.get_running_loop()
    transports = joined_transports(loop, ("near", "far"), chunks, is_lockstep=is_lockstep)
    near, far = (_streams(loop, transport, limit) for transport in transports)
    try:
        yield near, far
    finally:
        for transport in transports:
            transport.abort()
        async with asyncio.timeout(_TIMEOUT):
            await asyncio.gather(*(transport.lost for transport in transports))


def _streams(loop: asyncio.AbstractEventLoop, transport: MemoryTransport, limit: int) -> End:
    """Put asyncio's streams on a transport, as `asyncio.open_connection` does."""
    reader = asyncio.StreamReader(limit=limit, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport.connect(protocol)
    return End(reader, asyncio.StreamWriter(transport, protocol, reader, loop))


@contextlib.asynccontextmanager
async def tcp_pair(*, host: str = DEFAULT_LOCALHOST, limit: int = _LIMIT) -> AsyncGenerator[StreamPair, None]:
    """Connect two pairs of asyncio streams over TCP; close both at the end.

    Parameters
    ----------
    host : str
        Address to connect over; of this machine.
    limit : int
        Limit of the stream readers (bytes).

    Yields
    ------
    StreamPair
        The two ends; near is the one that connected.

    Raises
    ------
    OSError
        If the address is not one of this machine.
    TimeoutError
        If they are not connected within 5 s.
    """
    accepted: asyncio.Future[End] = asyncio.get_running_loop().create_future()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if accepted.done():
            writer.transport.abort()
        else:
            accepted.set_result(End(reader, writer))

    server = await asyncio.start_server(accept, host, 0, limit=limit)
    try:
        async with asyncio.timeout(_TIMEOUT), contextlib.AsyncExitStack() as stack:
            near = End(*await asyncio.open_connection(host, server.sockets[0].getsockname()[1], limit=limit))
            stack.push_async_callback(close_stream_writer, near.writer)
            far = await accepted
            stack.push_async_callback(close_stream_writer, far.writer)
            closing = stack.pop_all()
    finally:
        server.close()
    async with closing:
        yield StreamPair(near, far)


class ConnectionPair(NamedTuple):
    """A client and its server, connected; ``client, server = pair`` takes it apart.

    Parameters
    ----------
    client : Client
        The client.
    server : OneClientServer
        The server.
    """

    client: Client
    server: OneClientServer


@contextlib.asynccontextmanager
async def connection_pair(
    *,
    host: str = DEFAULT_LOCALHOST,
    log: logging.Logger = _log,
    encoding: str = DEFAULT_ENCODING,
    terminator: bytes = DEFAULT_TERMINATOR,
    limits: Limits | None = None,
    client_callback: Callable[[Client], Awaitable[None]] | None = None,
    server_callback: Callable[[OneClientServer], Awaitable[None]] | None = None,
) -> AsyncGenerator[ConnectionPair, None]:
    """Connect a `tcpip_core.Client` and a `tcpip_core.OneClientServer`; close both at the end.

    Parameters
    ----------
    host : str
        Address to listen on and to connect to.
    log : logging.Logger
        Parent of the loggers of both.
    encoding : str
        Text encoding of both.
    terminator : bytes
        What ends a line, for both.
    limits : Limits, optional
        Bounds of waits and sizes of both.
    client_callback, server_callback : callable, optional
        Their connect callbacks.

    Yields
    ------
    ConnectionPair
        The two, both connected.

    Raises
    ------
    OSError
        If the host is no address of this machine.
    TimeoutError
        If they are not connected within 5 s.
    ValueError
        If the encoding or the terminator cannot be used.
    """
    async with contextlib.AsyncExitStack() as stack:
        async with asyncio.timeout(_TIMEOUT):
            server = OneClientServer(
                host, 0, log, server_callback, name="pair", encoding=encoding, terminator=terminator, limits=limits
            )
            await stack.enter_async_context(server)
            client = Client(
                host, server.port, log, client_callback, name="pair", encoding=encoding, terminator=terminator,
                limits=limits,
            )  # fmt: skip
            await stack.enter_async_context(client)
            await server.connected_task
        yield ConnectionPair(client, server)
