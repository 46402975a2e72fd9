"""Tests of the echo server, as its author would write them, and of a client against a mock."""

from __future__ import annotations

import asyncio
import json
import logging
import typing
import unittest
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import tcpip_core as tcpip
from tcpip_testing import BaseOneClientServerTestCase, TestOneClientReadLoopServer
from tests.programs.echo import EchoServer

logging.basicConfig(level=logging.INFO)

STD_TIMEOUT = 5
"""Time limit of each wait (seconds)."""


class EchoServerTestCase(BaseOneClientServerTestCase):
    """The server under test, a plain client, the base class's callback."""

    server_class = EchoServer

    @asynccontextmanager
    async def create_server(self, **kwargs: typing.Any) -> AsyncGenerator[EchoServer, None]:
        """The server has its own callback and host, so it is made here."""
        async with EchoServer(port=0, log=self.log, **kwargs) as server:
            assert server.port != 0
            yield server

    async def test_echo(self) -> None:
        """Many lines come back as they went."""
        async with self.create_server() as server, self.create_client(server) as client:
            async with asyncio.timeout(STD_TIMEOUT):
                for i in range(1000):
                    await client.write_str(f"line {i} \N{DEGREE SIGN}")
                    assert await client.read_str() == f"line {i} \N{DEGREE SIGN}"
            assert server.num_lines == 1000

    async def test_pipelined(self) -> None:
        """Lines sent ahead of their echoes are all answered in order."""
        async with self.create_server(prefix="> ") as server, self.create_client(server) as client:
            await client.writelines(f"{i}\r\n".encode() for i in range(500))
            async with asyncio.timeout(STD_TIMEOUT):
                replies = [await client.read_str() for _ in range(500)]
            assert replies == [f"> {i}" for i in range(500)]

    async def test_json_and_terminator(self) -> None:
        """A server with another terminator echoes JSON too."""
        async with self.create_server(terminator=b"\n") as server:
            async with self.create_client(server, terminator=b"\n") as client:
                data = {"id": 5, "value": [1.5, None, "x"]}
                await client.write_json(data)
                async with asyncio.timeout(STD_TIMEOUT):
                    assert json.loads(await client.read_str()) == data

    async def test_reconnect(self) -> None:
        """A client that left can come back at once."""
        async with self.create_server() as server:
            for i in range(10):
                async with self.create_client(server) as client:
                    await client.write_str(f"visit {i}")
                    async with asyncio.timeout(STD_TIMEOUT):
                        assert await client.read_str() == f"visit {i}"
                async with asyncio.timeout(STD_TIMEOUT):
                    await asyncio.wait([server.read_loop_task])

    async def test_second_client(self) -> None:
        """The second client is closed and the first one goes on."""
        async with self.create_server() as server, self.create_client(server) as client:
            async with self.create_client(server, wait_connected=False) as second:
                async with asyncio.timeout(STD_TIMEOUT):
                    with self.assertRaises((asyncio.IncompleteReadError, ConnectionError)):
                        await second.read_str()
            await client.write_str("still here")
            async with asyncio.timeout(STD_TIMEOUT):
                assert await client.read_str() == "still here"


class MockDeviceTestCase(unittest.IsolatedAsyncioTestCase):
    """A client tried against `TestOneClientReadLoopServer`, without the base class."""

    async def asyncSetUp(self) -> None:
        self.log = logging.getLogger("mock device test")
        self.connect_event = asyncio.Event()
        self.server = TestOneClientReadLoopServer(
            port=0, log=self.log, connect_callback=self.connect_callback, name="mock"
        )
        await self.server.start_task
        self.client = tcpip.Client(tcpip.LOCALHOST_IPV4, self.server.port, self.log, name="client")
        await asyncio.wait_for(self.client.start_task, timeout=STD_TIMEOUT)
        await asyncio.wait_for(self.connect_event.wait(), timeout=STD_TIMEOUT)

    async def asyncTearDown(self) -> None:
        await self.client.close()
        await self.server.close()

    async def connect_callback(self, server: tcpip.BaseClientOrServer) -> None:
        """Note that the client is there."""
        if server.connected:
            self.connect_event.set()

    async def test_data_in_order(self) -> None:
        """What the client sends can be taken from the mock one by one."""
        for i in range(100):
            await self.client.write_str(f"cmd {i}")
        for i in range(100):
            data = await asyncio.wait_for(self.server.get_next_data(), timeout=STD_TIMEOUT)
            assert data == f"cmd {i}"

    async def test_reply(self) -> None:
        """A reply is written by hand when the command has been seen."""
        await self.client.write_json({"cmd": "open", "id": 1})
        data = json.loads(await asyncio.wait_for(self.server.get_next_data(), timeout=STD_TIMEOUT))
        await self.server.write_json({"id": data["id"], "response": "OK"})
        reply = await asyncio.wait_for(self.client.read_json(), timeout=STD_TIMEOUT)
        assert reply == {"id": 1, "response": "OK"}

    async def test_lost_connection(self) -> None:
        """The client sees that the mock threw it out, and that this was not its own wish."""
        await self.server.close_client()
        with self.assertRaises((asyncio.IncompleteReadError, ConnectionError)):
            await asyncio.wait_for(self.client.read_str(), timeout=STD_TIMEOUT)
        assert not self.client.connected
        assert self.client.should_be_connected
