"""A mock thermometer, a program that reads one, and the test of that program.

``python thermometer.py`` runs the program against the mock; ``python -m unittest thermometer`` runs the test.
"""
# ruff: noqa: PT027  # it is a test case of unittest, and needs no pytest

import asyncio
import logging

from tcpip_core import Client, LossReason, OneClientReadLoopServer
from tcpip_testing import BaseOneClientServerTestCase


class MockThermometer(OneClientReadLoopServer):
    """Answers ``T?`` with ``reply``, and anything else with an error."""

    reply = "T 21.5"

    async def read_and_dispatch(self) -> None:
        line = await self.read_str()
        await self.write_str(self.reply if line == "T?" else f"ERROR unknown command {line!r}")


async def read_temperature(client: Client) -> float:
    """Return the temperature (degrees Celsius); this is the program that one wants to test."""
    async with asyncio.timeout(5):
        await client.write_str("T?")
        reply = await client.read_str()
    word, _, value = reply.partition(" ")
    if word != "T":
        raise ValueError(f"expected a temperature, got {reply!r}")
    return float(value)


class ReadTemperatureTest(BaseOneClientServerTestCase[MockThermometer]):
    """What `read_temperature` does with a thermometer, and with one that misbehaves."""

    server_class = MockThermometer

    async def test_the_temperature_is_read(self) -> None:
        async with self.create_server() as server, self.create_client(server) as client:
            server.reply = "T -40.0"
            self.assertEqual(-40.0, await read_temperature(client))

    async def test_another_answer_is_an_error(self) -> None:
        async with self.create_server() as server, self.create_client(server) as client:
            server.reply = "ERROR sensor broken"
            with self.assertRaisesRegex(ValueError, "sensor broken"):
                await read_temperature(client)

    async def test_a_lost_link_is_an_error_with_a_reason(self) -> None:
        async with self.create_server() as server, self.create_client(server) as client:
            await self.assert_next_connected(True)
            await server.close_client()
            await self.assert_next_connected(False)
            await client.done_task
            self.assertEqual(LossReason.FIN, client.loss_reason)
            with self.assertRaises(ConnectionError):
                await read_temperature(client)


async def main() -> None:
    log = logging.getLogger()
    async with MockThermometer(port=0, log=log) as device, Client("127.0.0.1", device.port, log) as client:
        print(f"it is {await read_temperature(client)} degrees")


if __name__ == "__main__":
    asyncio.run(main())
