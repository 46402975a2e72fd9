"""asyncio's streams and our own classes show every behaviour that the suites demand."""

from __future__ import annotations

from tests.testing.conformance._subjects import AsyncioStreams, Clients, OurStreams, ReadLoopServers, Servers


class TestAsyncioStreams(AsyncioStreams):
    """The suite demands nothing of streams that those of asyncio do not do."""


class TestOurStreams(OurStreams):
    """The streams of our clients do what asyncio's do."""


class TestClient(Clients):
    """`tcpip_core.Client`."""


class TestServer(Servers):
    """`tcpip_core.OneClientServer`."""


class TestReadLoopServer(ReadLoopServers):
    """`tcpip_core.OneClientReadLoopServer`."""


class TestAsyncioStreamsOnSockets(AsyncioStreams):
    """The behaviours are those of a kernel, too."""

    on_sockets = True


class TestClientOnSockets(Clients):
    """`tcpip_core.Client`."""

    on_sockets = True


class TestServerOnSockets(Servers):
    """`tcpip_core.OneClientServer`."""

    on_sockets = True


class TestReadLoopServerOnSockets(ReadLoopServers):
    """`tcpip_core.OneClientReadLoopServer`."""

    on_sockets = True
