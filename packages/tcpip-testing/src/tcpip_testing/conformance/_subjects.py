"""What a suite demands of the thing that it tests, as types; and asyncio's streams as such a thing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from tcpip_core import close_stream_writer

__all__ = [
    "AsyncioStream",
    "ByteStream",
    "ClientUnderTest",
    "ConnectCallback",
    "HasConnected",
    "ReadLoopServerUnderTest",
    "ServerUnderTest",
]


class ByteStream(Protocol):
    """One end of a connection that bytes are read from and written to.

    The classes of tcpip-core are such things; `AsyncioStream` makes one of asyncio's streams. For another library
    write an adapter with these five methods.
    """

    async def read(self, n: int, /) -> bytes:
        """Return at least one and at most n bytes, or ``b""`` at the end of the stream.

        Parameters
        ----------
        n : int
            How many at most (bytes, 1 or more).

        Returns
        -------
        bytes
            What is there, without a wait for more.

        Raises
        ------
        OSError
            If the link is lost.
        """
        ...

    async def readexactly(self, n: int, /) -> bytes:
        """Return n bytes.

        Parameters
        ----------
        n : int
            How many (bytes).

        Returns
        -------
        bytes
            So many.

        Raises
        ------
        asyncio.IncompleteReadError
            If the stream ends first; ``partial`` has what came.
        OSError
            If the link is lost.
        """
        ...

    async def readuntil(self, separator: bytes, /) -> bytes:
        """Return what comes through a separator.

        Parameters
        ----------
        separator : bytes
            What ends the message.

        Returns
        -------
        bytes
            The message with its separator.

        Raises
        ------
        asyncio.IncompleteReadError
            If the stream ends first; ``partial`` has what came.
        OSError
            If the link is lost.
        """
        ...

    async def write(self, data: bytes, /) -> None:
        """Write data, and wait while the peer takes none.

        Parameters
        ----------
        data : bytes
            What to send.

        Raises
        ------
        OSError
            If the link is lost.
        """
        ...

    async def close(self) -> None:
        """Hand over what was written, within a bound, and end the connection; harmless if it has ended."""
        ...


class HasConnected(Protocol):
    """What a connect callback is called with."""

    @property
    def connected(self) -> bool:
        """Whether there is a live stream to the peer."""
        ...

    async def close(self) -> None:
        """End everything for good; harmless if it has ended, or is called by the callback."""
        ...


ConnectCallback: TypeAlias = Callable[[HasConnected], Awaitable[None]]
"""A coroutine function that the thing under test calls with itself, once for each change of ``connected``."""


class ClientUnderTest(ByteStream, HasConnected, Protocol):
    """A client: a stream that tells a callback of its connection."""


class ServerUnderTest(ByteStream, HasConnected, Protocol):
    """A server of one client at a time, whose reads and writes go to the client of the moment."""

    port: int
    """Where it listens."""

    async def close_client(self) -> None:
        """End the connection to the client, if there is one; go on listening."""
        ...


class ReadLoopServerUnderTest(HasConnected, Protocol):
    """A server of one client at a time that reads and answers by itself."""

    port: int
    """Where it listens."""

    async def close_client(self) -> None:
        """End the connection to the client, if there is one; go on listening."""
        ...


class AsyncioStream:
    """A `ByteStream` of the two objects that `asyncio.open_connection` returns.

    Parameters
    ----------
    reader : asyncio.StreamReader
        What the peer sends.
    writer : asyncio.StreamWriter
        What the peer receives.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, n: int, /) -> bytes:
        """Read up to n bytes, as `asyncio.StreamReader.read`.

        Parameters
        ----------
        n : int
            How many at most (bytes).

        Returns
        -------
        bytes
            What is there; ``b""`` at the end of the stream.

        Raises
        ------
        OSError
            If the link is lost.
        """
        return await self._reader.read(n)

    async def readexactly(self, n: int, /) -> bytes:
        """Read n bytes, as `asyncio.StreamReader.readexactly`.

        Parameters
        ----------
        n : int
            How many (bytes).

        Returns
        -------
        bytes
            So many.

        Raises
        ------
        asyncio.IncompleteReadError
            If the stream ends first; ``partial`` has what came.
        OSError
            If the link is lost.
        """
        return await self._reader.readexactly(n)

    async def readuntil(self, separator: bytes, /) -> bytes:
        """Read through a separator, as `asyncio.StreamReader.readuntil`.

        Parameters
        ----------
        separator : bytes
            What ends the message.

        Returns
        -------
        bytes
            The message with its separator.

        Raises
        ------
        asyncio.IncompleteReadError
            If the stream ends first; ``partial`` has what came.
        OSError
            If the link is lost.
        """
        return await self._reader.readuntil(separator)

    async def write(self, data: bytes, /) -> None:
        """Write and drain.

        Parameters
        ----------
        data : bytes
            What to send.

        Raises
        ------
        OSError
            If the link is lost.
        """
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        """Close as `tcpip_core.close_stream_writer` does."""
        await close_stream_writer(self._writer)
