"""How a dialogue comes to its connections: as a server or as a client."""

import abc
import asyncio

from ._transcript import Transcript

__all__ = ["ClientRole", "Role", "ServerRole", "Streams"]

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Role(abc.ABC):
    """Where connections come from.

    Parameters
    ----------
    host : str
        Address.
    port : int
        Port.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port

    @abc.abstractmethod
    async def open(self, transcript: Transcript) -> None:
        """Get ready.

        Raises
        ------
        OSError
            If that is not possible.
        """

    @abc.abstractmethod
    async def next(self) -> Streams:
        """Wait for the next connection, or make it.

        Raises
        ------
        OSError
            If it cannot be made.
        """

    @abc.abstractmethod
    def waited_for(self) -> str:
        """Say what `next` waits for."""

    @property
    def waiting(self) -> int:
        """How many connections nobody has taken."""
        return 0

    @abc.abstractmethod
    def close(self) -> None:
        """Take no more, and cut those that nobody took."""


class ServerRole(Role):
    """Listens."""

    _server: asyncio.Server | None = None

    async def open(self, transcript: Transcript) -> None:
        """Listen; from now on `port` is the one in use."""
        self._transcript = transcript
        self._queue: asyncio.Queue[Streams] = asyncio.Queue()
        self._server = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = writer.get_extra_info("peername")[:2]
        self._transcript.note("*", f"a connection comes from {host} port {port}")
        self._queue.put_nowait((reader, writer))

    async def next(self) -> Streams:
        """Wait for a client."""
        return await self._queue.get()

    def waited_for(self) -> str:
        """Say so."""
        return f"nobody connected to {self.host} port {self.port}"

    @property
    def waiting(self) -> int:
        """How many clients nobody has taken."""
        return self._queue.qsize()

    def close(self) -> None:
        """Listen no more, and cut the clients that nobody took."""
        if self._server is not None:
            self._server.close()
            while not self._queue.empty():
                _, writer = self._queue.get_nowait()
                writer.transport.abort()


class ClientRole(Role):
    """Connects."""

    async def open(self, transcript: Transcript) -> None:
        """Do nothing yet: the first connection is made by `next`."""

    async def next(self) -> Streams:
        """Connect."""
        return await asyncio.open_connection(self.host, self.port)

    def waited_for(self) -> str:
        """Say so."""
        return f"there was no connection to {self.host} port {self.port}"

    def close(self) -> None:
        """Do nothing: each connection is its user's."""
