"""What the types of the servers promise."""

import logging
import ssl
from typing import assert_type

from tcpip_core import OneClientReadLoopServer, OneClientServer
from tcpip_testing import TestOneClientReadLoopServer

LOG = logging.getLogger()


class Mock(OneClientReadLoopServer):
    """A mock device of the user's."""

    def __init__(self, port: int) -> None:
        super().__init__(port=port, log=LOG, connect_callback=self.told)
        self.commands = 0

    async def told(self, mock: "Mock") -> None:
        """Take the subclass, not the base."""
        assert_type(mock.commands, int)

    async def read_and_dispatch(self) -> None:
        """Count commands."""
        assert_type(await self.read_str(), str)
        self.commands += 1


async def server_told(server: OneClientServer) -> None:
    """Take a server."""


async def mock_told(mock: Mock) -> None:
    """Take a mock only."""


def told_at_once(server: OneClientServer) -> None:
    """Be synchronous: it works, but is deprecated, and the type admits what lasts."""


async def one_client_server() -> None:
    """The arguments of `OneClientServer`."""
    OneClientServer("127.0.0.1", 0, LOG)
    OneClientServer("127.0.0.1", 0, LOG, server_told, 0.1, "mock", "ascii", b"\n")
    OneClientServer(None, 0, LOG, ssl=ssl.create_default_context(), backlog=5, reuse_address=True)
    OneClientServer("127.0.0.1", 0, LOG, backlock=5)  # type: ignore[call-arg]
    OneClientServer(port=0, log=LOG)  # type: ignore[call-arg]
    OneClientServer("127.0.0.1", 0, LOG, told_at_once)  # type: ignore[arg-type]
    OneClientServer("127.0.0.1", 0, LOG, mock_told)  # type: ignore[arg-type]
    async with OneClientServer("127.0.0.1", 0, LOG) as server:
        assert_type(server, OneClientServer)
        assert_type(server.port, int)
        assert_type(server.connected, bool)
        await server.connected_task
        assert_type(await server.close_client(), None)
        assert_type(await server.basic_close_client(), None)


async def read_loop_server() -> None:
    """The arguments of `OneClientReadLoopServer`, and that it is abstract."""
    OneClientReadLoopServer(port=0, log=LOG)  # type: ignore[abstract]
    async with Mock(0) as mock:
        assert_type(mock, Mock)
        await mock.read_loop_task
        assert_type(mock.heartbeat_received_tai, float)
        assert_type(await mock.close_client(cancel_read_loop_task=False), None)


async def test_server() -> None:
    """The arguments and the queue of `TestOneClientReadLoopServer`."""
    TestOneClientReadLoopServer(port=0, log=LOG, host="::1", connect_callback=server_told, name="mock")
    TestOneClientReadLoopServer(0, LOG)  # type: ignore[call-arg, arg-type]
    TestOneClientReadLoopServer(port=0, log=LOG, encodin="ascii")  # type: ignore[call-arg]
    async with TestOneClientReadLoopServer(port=0, log=LOG) as server:
        assert_type(server, TestOneClientReadLoopServer)
        assert_type(await server.get_next_data(), str)
        server.fail_next_read = True
