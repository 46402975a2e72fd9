"""The binary controller and its client: commands, telemetry, refusals and losses."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import unittest
from collections.abc import AsyncGenerator

from tests.programs.struct_controller import (
    Code,
    Command,
    CommandError,
    ControllerClient,
    MockController,
    State,
)

STD_TIMEOUT = 5
"""Time limit of each wait (seconds)."""


class ControllerTestCase(unittest.IsolatedAsyncioTestCase):
    """A controller and its client, made by a context manager of the test's own."""

    def setUp(self) -> None:
        self.log = logging.getLogger("controller test")

    @contextlib.asynccontextmanager
    async def make_both(self) -> AsyncGenerator[None, None]:
        """Make both and connect them."""
        self.telemetry_event = asyncio.Event()
        async with MockController(log=self.log) as self.controller:
            async with ControllerClient(
                self.controller.host or "", self.controller.port, self.log, self.telemetry_callback
            ) as self.client:
                await asyncio.wait_for(self.controller.connected_task, timeout=STD_TIMEOUT)
                yield

    async def telemetry_callback(self, client: ControllerClient) -> None:
        """Tell the test that there is news."""
        self.telemetry_event.set()

    async def wait_position(self, position: float) -> None:
        """Follow telemetry until the position is reached."""
        async with asyncio.timeout(STD_TIMEOUT):
            while self.client.telemetry.position != position:
                self.telemetry_event.clear()
                await self.telemetry_event.wait()

    async def test_move(self) -> None:
        """Commands are obeyed and telemetry shows it."""
        async with self.make_both():
            await self.client.run_command(Code.ENABLE)
            await self.client.run_command(Code.MOVE, 20.5)
            await self.wait_position(20.5)
            await self.client.run_command(Code.MOVE, -3)
            await self.wait_position(-3)
            assert self.client.telemetry.state == State.ENABLED

    async def test_refused_command(self) -> None:
        """A refusal is the error of that command; the link stays."""
        async with self.make_both():
            with self.assertRaisesRegex(CommandError, "not ENABLED"):
                await self.client.run_command(Code.MOVE, 1)
            await self.client.run_command(Code.ENABLE)
            with self.assertRaisesRegex(CommandError, "not in STANDBY"):
                await self.client.run_command(Code.ENABLE)
            await self.client.run_command(Code.DISABLE)

    async def test_many_commands_at_once(self) -> None:
        """Replies find their commands, with telemetry between them."""
        async with self.make_both():
            await self.client.run_command(Code.ENABLE)
            await asyncio.gather(*(self.client.run_command(Code.MOVE, i) for i in range(1000)))
            assert self.controller.status.target == 999

    async def test_garbage_closes_the_client(self) -> None:
        """A wrong sync pattern ends that link, and the controller serves the next client."""
        async with self.make_both():
            await self.client.write_from(Command(0x1234, 1, 1, 0))
            await asyncio.wait_for(self.client._monitor_loop_task, timeout=STD_TIMEOUT)
            assert not self.client.connected
            assert self.client.should_be_connected
            async with ControllerClient(
                self.controller.host or "", self.controller.port, self.log, self.telemetry_callback
            ) as second:
                await second.run_command(Code.ENABLE)

    async def test_lost_controller_fails_waiting_commands(self) -> None:
        """Nobody waits for a reply that cannot come."""
        async with self.make_both():
            future: asyncio.Future[None] = asyncio.Future()
            self.client.commands[0] = future
            await self.controller.close_client()
            with self.assertRaises(ConnectionError):
                await asyncio.wait_for(future, timeout=STD_TIMEOUT)
            with self.assertRaises(ConnectionError):
                await self.client.run_command(Code.ENABLE)
