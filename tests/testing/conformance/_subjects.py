"""What the suites are tried on: asyncio's streams and our own classes."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from tcpip_core import Client, OneClientReadLoopServer, OneClientServer
from tcpip_testing.conformance import (
    AsyncioStream,
    ByteStream,
    ClientTests,
    ClientUnderTest,
    ConnectCallback,
    OneClientReadLoopServerTests,
    OneClientServerTests,
    ReadLoopServerUnderTest,
    ServerUnderTest,
    StreamTests,
)

LOG = logging.getLogger("tcpip_tests")


class AsyncioStreams(StreamTests):
    """asyncio's own streams."""

    stream_class = AsyncioStream

    async def open_stream(self, host: str, port: int) -> ByteStream:
        return self.stream_class(*await asyncio.open_connection(host, port))


class OurStreams(StreamTests):
    """The reader and the writer of a client of ours."""

    async def open_stream(self, host: str, port: int) -> ByteStream:
        client = Client(host, port, LOG)
        await client.start_task
        assert client._reader is not None
        assert client._writer is not None
        return OfClient(client, client._reader, client._writer)


class OfClient(AsyncioStream):
    """The streams of a client, which ends with them."""

    def __init__(self, client: Client, *streams: Any) -> None:
        super().__init__(*streams)
        self._client = client

    async def close(self) -> None:
        await super().close()
        await self._client.close()


class Clients(ClientTests):
    """A client of ours, or one that is derived from it."""

    client_class = Client

    async def make_client(self, host: str, port: int, connect_callback: ConnectCallback) -> ClientUnderTest:
        client = self.client_class(host, port, LOG, connect_callback)
        try:
            await client.start_task
        except BaseException:
            await client.close()
            raise
        return client


class Servers(OneClientServerTests):
    """A server of ours, or one that is derived from it."""

    server_class = OneClientServer

    async def make_server(self, port: int, connect_callback: ConnectCallback) -> ServerUnderTest:
        server = self.server_class("127.0.0.1", port, LOG, connect_callback)
        await server.start_task
        return server


class Counting(OneClientReadLoopServer):
    """Answers each line with it and with how many there were."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count = 0

    async def read_and_dispatch(self) -> None:
        line = await self.read_str()
        if line == "fail":
            raise ValueError("it fails, as this test wants it to")
        await self.write_str(f"{line} is {self.count}")
        self.count += 1


class ReadLoopServers(OneClientReadLoopServerTests):
    """A read-loop server of ours, or one that is derived from it."""

    server_class: type[OneClientReadLoopServer] = Counting
    bad_request = b"fail\r\n"

    async def make_server(self, port: int, connect_callback: ConnectCallback) -> ReadLoopServerUnderTest:
        server = self.server_class(port=port, log=LOG, connect_callback=connect_callback)
        await server.start_task
        return server

    def exchange(self, number: int) -> tuple[bytes, bytes]:
        return b"get\r\n", b"get is %d\r\n" % number
