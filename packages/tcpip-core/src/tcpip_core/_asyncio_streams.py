"""A connection seen as asyncio's own stream objects, for programs that use ``_reader`` and ``_writer``.

They add nothing: each method is one call of the connection's halves.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from ._codec import checked_bytes
from ._connection import Connection
from ._loss import LossReason

__all__ = ["ConnectionReader", "ConnectionWriter"]


class ConnectionReader(asyncio.StreamReader):
    """The receiving half as an `asyncio.StreamReader`; it cannot be fed.

    Parameters
    ----------
    connection : Connection
        Where the data come from.
    """

    def __init__(self, connection: Connection) -> None:
        # Without super().__init__(): there is no second buffer, and no future of its own.
        self._connection = connection

    def __repr__(self) -> str:
        return f"<{type(self).__name__} peer={self._connection.peer} state={self._connection.state.value}>"

    def at_eof(self) -> bool:
        """Return whether all was read and no more will come."""
        return self._connection.at_eof

    def exception(self) -> Exception | None:
        """Return the error that ended the connection, if it was one."""
        cause = self._connection.loss_cause
        return cause if isinstance(cause, Exception) else None

    async def read(self, n: int = -1) -> bytes:
        """Read up to n bytes."""
        return await self._connection.incoming.read(n)

    async def readexactly(self, n: int) -> bytes:
        """Read exactly n bytes."""
        return await self._connection.incoming.readexactly(n)

    async def readline(self) -> bytes:
        r"""Read through ``\n``."""
        return await self._connection.incoming.readline()

    async def readuntil(self, separator: Any = b"\n") -> bytes:
        """Read through a separator."""
        return await self._connection.incoming.readuntil(separator)

    def set_exception(self, exc: Exception) -> None:
        """Refuse: the connection alone decides what its readers are told."""
        raise RuntimeError("this reader belongs to a connection and takes no exception from elsewhere")

    def set_transport(self, transport: asyncio.BaseTransport) -> None:
        """Refuse: the connection has its transport."""
        raise RuntimeError("this reader belongs to a connection and takes no other transport")

    def feed_data(self, data: Iterable[Any]) -> None:
        """Refuse: data come from the connection."""
        raise RuntimeError("this reader belongs to a connection and cannot be fed")

    def feed_eof(self) -> None:
        """Refuse: EOF comes from the connection."""
        raise RuntimeError("this reader belongs to a connection and cannot be fed")


class ConnectionWriter(asyncio.StreamWriter):
    """The sending half as an `asyncio.StreamWriter`.

    Parameters
    ----------
    connection : Connection
        Where the data go.
    reader : ConnectionReader
        Its other half.
    """

    def __init__(self, connection: Connection, reader: ConnectionReader) -> None:
        if connection.transport is None:
            raise ValueError("a connection without a transport has no writer")
        # Without super().__init__(), which wants a protocol of asyncio's own; these are the names that the methods
        # inherited from it use (write_eof, can_write_eof, get_extra_info, transport).
        self._connection = connection
        self._transport = connection.transport
        self._reader = reader

    def __repr__(self) -> str:
        return f"<{type(self).__name__} peer={self._connection.peer} state={self._connection.state.value}>"

    def __del__(self, *_args: object) -> None:
        """Warn of nothing: the transport warns if it was not closed, once and by its own name."""

    @property
    def transport(self) -> asyncio.Transport:
        """The transport below."""
        return self._transport

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Hand data to the transport without waiting; `drain` waits."""
        self._connection.outgoing.hand_over(checked_bytes(data))

    def writelines(self, data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Hand several pieces to the transport without waiting."""
        self.write(b"".join(data))

    def write_eof(self) -> None:
        """End the sending side once all is sent; reading goes on."""
        self._connection.outgoing.write_eof()

    def is_closing(self) -> bool:
        """Return whether nothing more can be written."""
        return self._transport.is_closing()

    def close(self) -> None:
        """End the connection; what was written is still flushed."""
        self._connection.end(LossReason.CLOSED_HERE)

    async def wait_closed(self) -> None:
        """Return once the socket is gone, within the connection's ``close_timeout``."""
        if self._connection.alive:
            self.close()
        await self._connection.wait_closed()

    async def drain(self) -> None:
        """Return once the transport takes more data."""
        await self._connection.outgoing.drain()

    async def start_tls(self, sslcontext: Any, **kwargs: Any) -> None:
        """Refuse: give ``ssl=`` to the client or server instead."""
        raise RuntimeError("TLS cannot start on an open connection: give ssl= to the client or the server")
