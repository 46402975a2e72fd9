"""Bytes, in both directions, and what every format needs of its host."""

from collections.abc import Iterable
from typing import Protocol

from .._codec import checked_bytes
from .._connection import Connection
from .._json_text import JsonCodec
from .._limits import Limits

__all__ = ["ByteReaderMixin", "ByteWriterMixin", "inherits"]


class Carrier(Protocol):
    """Whoever holds the connection of the moment.

    What is read or written plainly may take a short way: no method of a subclass wants to see it, nor is it checked.
    """

    connection: Connection
    limits: Limits
    json_codec: JsonCodec
    reads_plainly: bool
    writes_plainly: bool


async def check_connected(carrier: Carrier, attempt: str) -> None:
    """Raise `ConnectionError` unless connected, before an argument is looked at."""
    if not carrier.connection.alive:
        await carrier.connection.refuse(attempt)


def inherits(cls: type, base: type, *names: str) -> bool:
    """Return whether a class has the very methods of a base, and none of its own by these names."""
    return all(getattr(cls, name) is getattr(base, name) for name in names)


class StreamMixin:
    """What every format needs of its host."""

    _tcpip_carrier: Carrier


class ByteReaderMixin(StreamMixin):
    """Read bytes.

    All reads share these rules: one task reads at a time; a read that is cancelled has taken nothing; a read that
    meets the peer's end, or finds the link lost, returns or raises after the connect callback was told.
    """

    async def read(self, n: int) -> bytes:
        """Read up to n bytes.

        Parameters
        ----------
        n : int
            Most bytes to return. 0 returns at once; -1 reads until EOF.

        Returns
        -------
        bytes
            At least one byte, unless `n` is 0 or the peer closed its side: then ``b""``. With -1 all that came
            until EOF.

        Raises
        ------
        ConnectionError
            If not connected, or the link is lost, or closed on this side, while waiting. Nothing was taken.
        RuntimeError
            If another task is waiting to read.

        Notes
        -----
        Cancel safe: what arrived stays readable.
        """
        return await self._tcpip_carrier.connection.incoming.read(n)

    async def readexactly(self, n: int) -> bytes:
        """Read exactly n bytes.

        Parameters
        ----------
        n : int
            How many (0 or more).

        Returns
        -------
        bytes
            n of them.

        Raises
        ------
        ConnectionError
            If not connected, or the link is lost, or closed on this side, while waiting. Nothing was taken.
        asyncio.IncompleteReadError
            If the peer closed its side first; ``partial`` holds what came.
        RuntimeError
            If another task is waiting to read.
        ValueError
            If `n` is negative.

        Notes
        -----
        Cancel safe: what arrived stays readable.
        """
        return await self._tcpip_carrier.connection.incoming.readexactly(n)

    async def readline(self) -> bytes:
        r"""Read through the next ``\n``.

        Returns
        -------
        bytes
            The line with its ``\n``. If the peer closed its side first: the part that came, perhaps ``b""``.

        Raises
        ------
        ConnectionError
            If not connected, or the link is lost, or closed on this side, while waiting. Nothing was taken.
        RuntimeError
            If another task is waiting to read.
        ValueError
            If the line is longer than the limit. As with asyncio it is dropped, as far as it had come.

        Notes
        -----
        Cancel safe: what arrived stays readable.
        """
        return await self._tcpip_carrier.connection.incoming.readline()

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        r"""Read through the next separator; `read_str` is simpler for text.

        Parameters
        ----------
        separator : bytes
            What ends the frame (one byte or more). The default is asyncio's, not ``terminator``.

        Returns
        -------
        bytes
            The frame with its separator.

        Raises
        ------
        ConnectionError
            If not connected, or the link is lost, or closed on this side, while waiting. Nothing was taken.
        asyncio.IncompleteReadError
            If the peer closed its side first; ``partial`` holds what came, and the buffer is empty.
        asyncio.LimitOverrunError
            If the frame without its separator is longer than the limit. All of it stays readable, and the next call
            raises this again: get past it with `readexactly` of ``consumed`` bytes. Other tasks had a turn meanwhile.
        RuntimeError
            If another task is waiting to read.
        ValueError
            If `separator` is empty.

        Notes
        -----
        Cancel safe: what arrived stays readable.
        """
        return await self._tcpip_carrier.connection.incoming.readuntil(separator)


class ByteWriterMixin(StreamMixin):
    """Write bytes.

    All writes share these rules: a write goes out as one piece, never mixed with that of another task; it returns
    without a wait while the peer keeps up; one that gives up while it waits, cancelled or after ``write_timeout``,
    cuts the link, because nobody knows how much went over.
    """

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write data, and wait while the peer takes none.

        Parameters
        ----------
        data : bytes-like
            What to send; may be empty. It is copied unless it is `bytes`.

        Raises
        ------
        ConnectionError
            If not connected (nothing was written), or the link is lost while waiting, or the peer took nothing for
            ``write_timeout``. It is lost then, and the connect callback was told.
        TypeError
            If `data` is not bytes-like. Nothing was written.

        Notes
        -----
        Cancelling a write that waits cuts the link. A cancellation may also come after the data were handed over:
        other tasks get a turn after one of 32 KiB or more, and after some thousand smaller ones.
        """
        if type(data) is not bytes:
            await check_connected(self._tcpip_carrier, "write")
            data = checked_bytes(data)
        outgoing = self._tcpip_carrier.connection.outgoing
        if not outgoing.hand_over(data):
            await outgoing.settle()

    async def writelines(self, lines: Iterable[bytes | bytearray | memoryview]) -> None:
        """Write pieces one after the other, as one write.

        Parameters
        ----------
        lines : iterable of bytes-like
            What to send; nothing is put between the pieces. A generator is fine.

        Raises
        ------
        ConnectionError
            As for `write`.
        TypeError
            If a piece is not bytes-like. Nothing was written.

        Notes
        -----
        Cancelling is as for `write`.
        """
        await check_connected(self._tcpip_carrier, "write")
        if isinstance(lines, bytes | bytearray | memoryview | str):
            raise TypeError(f"expected an iterable of bytes, not {type(lines).__name__}: write takes one piece")
        await self.write(b"".join(lines))
