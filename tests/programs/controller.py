"""A mock controller that uses every name which such a class is likely to have."""

from __future__ import annotations

__all__ = ["Controller"]

import asyncio
import logging
import types
from collections.abc import Awaitable, Callable
from typing import Any

import tcpip_core as tcpip


class Device:
    """A device that a mock controller drives."""

    def __init__(self) -> None:
        self.on = False

    async def switch(self, on: bool) -> str:
        """Switch it."""
        self.on = on
        return "on" if on else "off"


class Controller(tcpip.OneClientReadLoopServer):
    """A mock with names of its own, some set before and some after the base's constructor."""

    def __init__(self, *, log: logging.Logger, **kwargs: Any) -> None:
        self.log = log.getChild("controller")
        self.name = "set before"
        self.read_loop_task: asyncio.Future[None] = asyncio.Future()
        self.device = Device()
        self.config = types.SimpleNamespace(greeting="hello")
        super().__init__(port=0, log=self.log, name="controller", **kwargs)
        self.status = {"state": "on"}
        self.commands: dict[str, int] = {}
        self.dispatch_dict: dict[str, Callable[[str], Awaitable[None]]] = {"switch": self.do_switch}
        self.telemetry_loop_task: asyncio.Future[None] = asyncio.Future()
        self.write_loop_task: asyncio.Future[None] = asyncio.Future()
        self._command_id = 0
        self._monitor_loop_task: asyncio.Future[None] = asyncio.Future()
        self._lock = asyncio.Lock()
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._task = None
        self._state = "own"
        self._connected = "own"
        self._closed = "own"
        self._loop = "own"
        self._data = b"own"

    async def read_and_dispatch(self) -> None:
        """Read a command and call its handler."""
        command, _, argument = (await self.read_str()).partition(" ")
        self._command_id += 1
        await self.dispatch_dict[command](argument)

    async def do_switch(self, argument: str) -> None:
        """Switch the device and tell about it."""
        async with self._lock:
            await self.write_str(await self.device.switch(argument == "on"))
