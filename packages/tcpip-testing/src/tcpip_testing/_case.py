"""A unittest case for one-client servers: make a server and clients, and wait for what the callback is told."""

import asyncio
import contextlib
import inspect
import logging
import unittest
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Generic

from tcpip_core import DEFAULT_LOCALHOST, BaseClientOrServer, Client, OneClientServer

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    ServerT = TypeVar("ServerT", bound=OneClientServer, default=OneClientServer)
else:
    from typing import TypeVar

    ServerT = TypeVar("ServerT", bound=OneClientServer)

__all__ = ["BaseOneClientServerTestCase"]

_TIMEOUT = 5.0
"""How long a client or server of a test may take to be ready (seconds)."""


class BaseOneClientServerTestCase(unittest.IsolatedAsyncioTestCase, Generic[ServerT]):
    """A test case with a server of the subclass's choice.

    Parameters
    ----------
    methodName : str
        The test to run, as for `unittest.TestCase`.

    Attributes
    ----------
    server_class : type
        The server to test; a class attribute that the subclass sets.
    log : logging.Logger
        Parent of the loggers of what is made here.
    connect_queue : asyncio.Queue
        What `connect_callback` was told, oldest first; there from `create_server` on.
    """

    server_class: type[ServerT]
    log: logging.Logger = logging.getLogger("tcpip_testing")
    connect_queue: asyncio.Queue[bool]

    @contextlib.asynccontextmanager
    async def create_server(self, **kwargs: Any) -> AsyncGenerator[ServerT, None]:
        """Make a server of `server_class` that listens on a free port; close it at the end.

        Parameters
        ----------
        **kwargs
            For the server; they win over ``port=0``, ``log`` and ``connect_callback``, which are given otherwise, and
            over ``host``, which is given to a class that asks for one.

        Yields
        ------
        OneClientServer
            The server, listening.

        Raises
        ------
        TimeoutError
            If it is not ready within 5 s.
        """
        self.connect_queue = asyncio.Queue()
        defaults: dict[str, Any] = {"port": 0, "log": self.log, "connect_callback": self.connect_callback}
        host = inspect.signature(self.server_class).parameters.get("host")
        if host is not None and host.default is inspect.Parameter.empty:
            defaults["host"] = DEFAULT_LOCALHOST
        server = self.server_class(**(defaults | kwargs))
        try:
            async with asyncio.timeout(_TIMEOUT):
                await server.start_task
            yield server
        finally:
            await server.close()

    @contextlib.asynccontextmanager
    async def create_client(
        self, server: OneClientServer, *, wait_connected: bool = True, **kwargs: Any
    ) -> AsyncGenerator[Client, None]:
        """Make a client of a server; close it at the end.

        Parameters
        ----------
        server : OneClientServer
            The server, listening.
        wait_connected : bool
            Wait until the server has it too. False for a client that the server is to reject.
        **kwargs
            For the client; they win over the server's host, port, encoding and terminator.

        Yields
        ------
        Client
            The client, connected.

        Raises
        ------
        TimeoutError
            If it is not ready within 5 s.
        """
        defaults: dict[str, Any] = {
            "host": server.host or DEFAULT_LOCALHOST,
            "port": server.port,
            "log": self.log,
            "name": "test client",
            "encoding": server.encoding,
            "terminator": server.terminator,
        }
        client = Client(**(defaults | kwargs))
        try:
            async with asyncio.timeout(_TIMEOUT):
                await client.start_task
                if wait_connected:
                    await server.connected_task
            yield client
        finally:
            await client.close()

    async def connect_callback(self, server: BaseClientOrServer) -> None:
        """Put ``server.connected`` into `connect_queue`; the callback of the servers made here.

        Parameters
        ----------
        server : BaseClientOrServer
            The server whose state changed.
        """
        self.connect_queue.put_nowait(server.connected)

    async def assert_next_connected(self, connected: bool, timeout: float = 2) -> None:
        """Wait for the next call of `connect_callback` and fail unless it was told what is expected.

        Parameters
        ----------
        connected : bool
            What it must have been told.
        timeout : float
            How long to wait (seconds).

        Raises
        ------
        AssertionError
            If it was told the opposite.
        RuntimeError
            If there was no `create_server` yet.
        TimeoutError
            If it is told nothing in time.
        """
        if not hasattr(self, "connect_queue"):
            raise RuntimeError("call create_server first: it makes the queue that this waits for")
        try:
            async with asyncio.timeout(timeout):
                told = await self.connect_queue.get()
        except TimeoutError:
            raise TimeoutError(f"the connect callback was not called within {timeout:g} s") from None
        self.assertEqual(connected, told, f"the connect callback was told {told}, not {connected}")
