"""A telemetry client that follows a weather station for ever, and comes back when the link breaks."""

from __future__ import annotations

__all__ = ["MockWeatherStation", "TelemetryClient"]

import asyncio
import json
import logging
import types
import typing
from collections.abc import Awaitable, Callable

import tcpip_core as tcpip

TelemetryCallback = Callable[[dict[str, typing.Any]], Awaitable[None]]


class TelemetryClient:
    """Connect, hand over each telemetry item, and reconnect after a pause whenever the link is lost.

    Parameters
    ----------
    config : types.SimpleNamespace
        With ``host``, ``port``, ``connect_timeout`` (seconds), ``reconnect_interval`` (seconds).
    log : `logging.Logger`
        Logger.
    callback : callable
        Coroutine function that gets each telemetry item.
    """

    def __init__(self, config: types.SimpleNamespace, log: logging.Logger, callback: TelemetryCallback) -> None:
        self.config = config
        self.log = log.getChild("telemetry")
        self.callback = callback
        self.num_connections = 0
        self.num_bad_items = 0
        self.connected_event = asyncio.Event()
        self.disconnected_event = asyncio.Event()
        # A client that is closed already: `self.client.connected` can always be asked.
        self.client = tcpip.Client(host="", port=0, log=self.log)
        self.run_task: asyncio.Future[None] = asyncio.create_task(self.run())

    @property
    def connected(self) -> bool:
        """Is the client connected?"""
        return self.client.connected

    async def connect_callback(self, client: tcpip.Client) -> None:
        """Count connections and tell who waits for a change."""
        if client.connected:
            self.num_connections += 1
            self.disconnected_event.clear()
            self.connected_event.set()
        else:
            self.connected_event.clear()
            self.disconnected_event.set()
            if client.should_be_connected:
                self.log.warning("Lost the connection")

    async def connect(self) -> None:
        """Make a new client; drop the old one."""
        await self.client.close()
        self.client = tcpip.Client(
            self.config.host,
            self.config.port,
            self.log,
            connect_callback=self.connect_callback,
            name=type(self).__name__,
        )
        await asyncio.wait_for(self.client.start_task, timeout=self.config.connect_timeout)

    async def run(self) -> None:
        """Connect and read, again and again."""
        while True:
            try:
                await self.connect()
                await self.telemetry_loop()
            except asyncio.CancelledError:
                raise
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as e:
                self.log.warning("Telemetry ended: %r", e)
            except Exception:
                self.log.exception("Telemetry failed")
            await asyncio.sleep(self.config.reconnect_interval)

    async def telemetry_loop(self) -> None:
        """Read items until the link is lost."""
        while self.client.connected:
            try:
                data = await self.client.read_json()
            except json.JSONDecodeError as e:
                self.num_bad_items += 1
                self.log.warning("Ignoring a bad item: %s", e)
                continue
            await self.callback(data)

    async def close(self) -> None:
        """Stop for good."""
        self.run_task.cancel()
        await self.client.close()


class MockWeatherStation(tcpip.OneClientServer):
    """Send telemetry to the one client at regular intervals."""

    def __init__(
        self, *, port: int, log: logging.Logger, host: str = tcpip.LOCALHOST_IPV4, interval: float = 0.001
    ) -> None:
        self.interval = interval
        self.next_item: bytes | None = None
        self.telemetry_loop_task: asyncio.Future[None] = asyncio.Future()
        self.telemetry_loop_task.set_result(None)
        super().__init__(host, port, log, self.connect_callback, name="station")
        self._sequence = 0

    async def connect_callback(self, server: typing.Any) -> None:
        """Start or stop telemetry."""
        self.telemetry_loop_task.cancel()
        if server.connected:
            self.telemetry_loop_task = asyncio.create_task(self.telemetry_loop())

    async def telemetry_loop(self) -> None:
        """Write items while there is a client."""
        try:
            while self.connected:
                if self.next_item is not None:
                    item, self.next_item = self.next_item, None
                    await self.write(item + self.terminator)
                self._sequence += 1
                await self.write_json({"seq": self._sequence, "temperature": 10.5, "wind": [1, 2.5]})
                await asyncio.sleep(self.interval)
        except ConnectionError:
            self.log.info("The client left")

    async def close(self) -> None:
        """Stop telemetry, then close as usual."""
        self.telemetry_loop_task.cancel()
        await super().close()
