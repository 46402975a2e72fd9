"""The telemetry client on a good link, a bad item, and links that break in different ways."""

from __future__ import annotations

import asyncio
import logging
import types
import typing
import unittest

import tcpip_core as tcpip
from tests.programs.telemetry import MockWeatherStation, TelemetryClient

STD_TIMEOUT = 5
"""Time limit of each wait (seconds)."""


class TelemetryClientTestCase(unittest.IsolatedAsyncioTestCase):
    """A station and a client, made anew for each test."""

    async def asyncSetUp(self) -> None:
        self.log = logging.getLogger("telemetry test")
        self.items: asyncio.Queue[dict[str, typing.Any]] = asyncio.Queue()
        self.station = MockWeatherStation(port=0, log=self.log)
        await self.station.start_task
        self.config = types.SimpleNamespace(
            host=tcpip.LOCALHOST_IPV4,
            port=self.station.port,
            connect_timeout=STD_TIMEOUT,
            reconnect_interval=0.01,
        )
        self.client = TelemetryClient(self.config, self.log, self.items.put)
        await asyncio.wait_for(self.client.connected_event.wait(), timeout=STD_TIMEOUT)

    async def asyncTearDown(self) -> None:
        await self.client.close()
        await self.station.close()

    async def next_seq(self) -> int:
        """Return the number of the next item."""
        item = await asyncio.wait_for(self.items.get(), timeout=STD_TIMEOUT)
        seq: int = item["seq"]
        return seq

    async def test_telemetry_arrives_without_gaps(self) -> None:
        """A good link loses nothing."""
        assert [await self.next_seq() for _ in range(100)] == list(range(1, 101))

    async def test_bad_item_costs_one_item(self) -> None:
        """The link survives what is not JSON."""
        self.station.next_item = b"ERR: sensor 5 is off"
        seq = [await self.next_seq() for _ in range(50)]
        assert seq == list(range(1, 51))
        assert self.client.num_bad_items == 1
        assert self.client.num_connections == 1

    async def test_comes_back_after_close_client(self) -> None:
        """The station throws its client out; the client returns."""
        for count in range(2, 6):
            await self.station.close_client()
            await asyncio.wait_for(self.client.disconnected_event.wait(), timeout=STD_TIMEOUT)
            await asyncio.wait_for(self.client.connected_event.wait(), timeout=STD_TIMEOUT)
            assert self.client.num_connections == count
            while not self.items.empty():
                self.items.get_nowait()
            await self.next_seq()

    async def test_comes_back_after_the_station_restarts(self) -> None:
        """The station is closed and opened on the same port at once."""
        await self.next_seq()
        await self.station.close()
        await asyncio.wait_for(self.client.disconnected_event.wait(), timeout=STD_TIMEOUT)
        self.station = MockWeatherStation(port=self.config.port, log=self.log)
        await self.station.start_task
        await asyncio.wait_for(self.client.connected_event.wait(), timeout=STD_TIMEOUT)
        while await self.next_seq() != 1:
            pass
        assert await self.next_seq() == 2

    async def test_client_that_is_closed_stays_closed(self) -> None:
        """Nothing reconnects after `close`."""
        await self.client.close()
        assert not self.client.connected
        assert not self.client.client.should_be_connected
        await asyncio.wait([self.client.run_task], timeout=STD_TIMEOUT)
        assert self.client.run_task.cancelled()
