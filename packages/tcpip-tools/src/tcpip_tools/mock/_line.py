"""The connection of one client of a mock: bytes in and out, counted and recorded."""

import asyncio
import socket
from typing import Final

from tcpip_core import Keepalive, LinkObserver, LossReason, close_stream_writer

from .._listening import NO_LINGER

__all__ = ["Line"]

_CHUNK: Final = 65_536


class Line:
    """One client.

    Parameters
    ----------
    reader, writer : asyncio.StreamReader and asyncio.StreamWriter
        The connection.
    observer : LinkObserver or None
        Records it.
    number : int
        Of the client, from 1 on.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, observer: LinkObserver | None, number: int
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._observer = observer
        self.number = number
        self.received = 0
        self.sent = 0
        self.reason: LossReason | None = None
        self._is_finished = False
        sock: socket.socket = writer.get_extra_info("socket")
        Keepalive().apply(sock)

    @property
    def has_ended(self) -> bool:
        """Whether the client sends no more, and all that it said was read."""
        return self._reader.at_eof()

    async def read(self) -> bytes:
        """Wait for what comes next; ``b""`` once the client sends no more.

        Raises
        ------
        ConnectionError
            If the link is lost.
        """
        if self._is_finished:
            return b""
        data = await self._reader.read(_CHUNK)
        self._is_finished = not data
        self.received += len(data)
        if self._observer is not None and self.reason is None:
            self._observer.received(data) if data else self._observer.eof_received()
        return data

    async def write(self, data: bytes) -> None:
        """Say something; waits while the client does not listen.

        Raises
        ------
        ConnectionError
            If the link is lost.
        """
        self._writer.write(data)
        self.sent += len(data)
        if self._observer is not None:
            self._observer.sent(data)
        await self._writer.drain()

    def finish(self) -> None:
        """Say nothing more, but listen."""
        if self._writer.can_write_eof() and not self._writer.is_closing():
            self._writer.write_eof()
            if self._observer is not None:
                self._observer.eof_sent()

    def reset(self) -> None:
        """End the link by RST."""
        sock: socket.socket = self._writer.get_extra_info("socket")
        if not self._writer.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self._writer.transport.abort()
        self.end(LossReason.CLOSED_HERE)

    def end(self, reason: LossReason) -> None:
        """Note why the link ended; the first reason counts."""
        if self.reason is None:
            self.reason = reason
            if self._observer is not None:
                self._observer.ended(reason)

    async def close(self) -> None:
        """End the link behind what was said."""
        self.end(LossReason.CLOSED_HERE)
        await close_stream_writer(self._writer)
