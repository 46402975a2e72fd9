"""A controller of a shutter, a mock of the shutter, and the tests of both."""

import logging
import unittest

from tcpip_core import Client, OneClientReadLoopServer
from tcpip_testing import BaseOneClientServerTestCase, TestOneClientReadLoopServer

log = logging.getLogger("shutter")


async def open_shutter(client: Client) -> float:
    """Open it; return how far it is open (percent)."""
    await client.write_str("open")
    return float((await client.read_json())["opening"])


class MockShutter(OneClientReadLoopServer):
    opening = 0.0

    async def read_and_dispatch(self) -> None:
        command = await self.read_str()
        if command != "open":
            raise ValueError(f"unknown command {command!r}")
        self.opening = 100.0
        await self.write_json({"opening": self.opening})


class ControllerTest(unittest.IsolatedAsyncioTestCase):
    """The controller alone: what does it send, and what does it make of an answer?"""

    async def test_it_sends_open_and_understands_the_answer(self) -> None:
        async with (
            TestOneClientReadLoopServer(port=0, log=log) as server,
            Client("127.0.0.1", server.port, log) as client,
        ):
            await server.connected_task
            await server.write_json({"opening": 12.5})
            self.assertEqual(12.5, await open_shutter(client))
            self.assertEqual("open", await server.get_next_data())


class MockShutterTest(BaseOneClientServerTestCase[MockShutter]):
    """The mock, and the controller together with it."""

    server_class = MockShutter

    async def test_it_opens(self) -> None:
        async with self.create_server() as server, self.create_client(server) as client:
            self.assertEqual(100, await open_shutter(client))
            self.assertEqual(100, server.opening)

    async def test_an_unknown_command_closes_the_client_and_the_next_one_is_served(self) -> None:
        async with self.create_server() as server:
            async with self.create_client(server) as client:
                await self.assert_next_connected(True)
                with self.assertLogs(self.log, logging.ERROR):
                    await client.write_str("jump")
                    await self.assert_next_connected(False)
            async with self.create_client(server) as client:
                self.assertEqual(100, await open_shutter(client))


if __name__ == "__main__":
    unittest.main()
