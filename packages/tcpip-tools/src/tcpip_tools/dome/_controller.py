"""The mock device: a server that reads a line, acts on it, and answers, as most mock devices do."""

import asyncio
import logging
from typing import Any

from tcpip_core import DEFAULT_LOCALHOST, HEARTBEAT, OneClientReadLoopServer

from . import _protocol as protocol
from ._dome import Dome
from ._protocol import CommandError, ErrorCode, Verb

__all__ = ["MockDomeController"]


class MockDomeController(OneClientReadLoopServer):
    """A dome controller without a dome.

    Parameters
    ----------
    log, port, host, **kwargs
        As for `OneClientReadLoopServer`.
    rate : float
        How fast the dome turns (degrees per second).
    telemetry_interval : float
        Time between two lines of telemetry while it turns (seconds).
    heartbeat_timeout : float
        Drop a client that sends no heartbeat for so long; 0 is never (seconds).
    """

    def __init__(
        self,
        *,
        log: logging.Logger,
        port: int = 0,
        host: str = DEFAULT_LOCALHOST,
        rate: float = 40.0,
        telemetry_interval: float = 0.1,
        heartbeat_timeout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        if heartbeat_timeout > 0:
            kwargs |= {"run_heartbeat_monitor_task": True, "max_heartbeat_interval": heartbeat_timeout}
        self.dome = Dome(rate)
        super().__init__(port=port, host=host, log=log, **kwargs)
        self.telemetry_interval = telemetry_interval
        self.telemetry_on = False
        self.news = asyncio.Event()
        self.commands = self.refusals = self.heartbeats = 0
        self.started_at = self.now()

    def now(self) -> float:
        """Return the time on the loop's clock (seconds)."""
        return asyncio.get_running_loop().time()

    # One client, from the first line to the last

    async def read_loop(self) -> None:
        """Serve one client; its telemetry ends with it, and the next client starts without."""
        self.telemetry_on = False
        self.news.clear()
        async with asyncio.TaskGroup() as tasks:
            telemetry_task = tasks.create_task(self.send_telemetry())
            await super().read_loop()
            telemetry_task.cancel()

    async def send_telemetry(self) -> None:
        """Send telemetry, if the client wants it, when something changed and while the dome turns."""
        try:
            while await self.news.wait():
                self.news.clear()
                while self.telemetry_on:
                    telemetry = self.telemetry()
                    await self.write_json(telemetry.to_json())
                    if not telemetry.moving:
                        break
                    await asyncio.sleep(self.telemetry_interval)
        except ConnectionError:
            self.log.info("the client left in the middle of the telemetry")

    async def read_and_dispatch(self) -> None:
        """Read one line, act on it, and answer."""
        try:
            line = await self.read_str()
            if line == HEARTBEAT.decode():
                await self.note_heartbeat()
                return
            self.commands += 1
            await self.execute(protocol.parse_command(line))
        except UnicodeError:
            await self.refuse(CommandError(ErrorCode.NOT_TEXT, f"send text in {self.encoding}"))
        except CommandError as e:
            await self.refuse(e)

    async def note_heartbeat(self) -> None:
        """Count a heartbeat; where they are watched, it keeps the link up."""
        self.heartbeats += 1
        if self.run_heartbeat_monitor_task:
            await self.handle_received_heartbeat()

    async def refuse(self, error: CommandError) -> None:
        """Answer that a line was not understood. The link stays up, and so does the device."""
        self.refusals += 1
        await self.write_str(protocol.format_error(error))

    async def execute(self, command: protocol.Command) -> None:
        """Do what a command says, and answer it."""
        match command.verb:
            case Verb.OPEN:
                self.dome.shutter_open = True
            case Verb.CLOSE:
                self.dome.shutter_open = False
            case Verb.MOVE:
                self.dome.move(command.azimuth, self.now())
            case Verb.STOP:
                self.dome.stop(self.now())
            case Verb.TELEMETRY:
                self.telemetry_on = command.on
            case Verb.STATUS:
                await self.write(protocol.encode_status(self.status()))
                return
            case Verb.DROP:
                await self.close_client()
                return
        await self.write_str(protocol.OK)
        self.news.set()

    # What it knows about itself

    def telemetry(self) -> protocol.Telemetry:
        """Return the telemetry of this moment."""
        dome, now = self.dome, self.now()
        return protocol.Telemetry(dome.azimuth(now), dome.target, dome.is_moving(now), dome.shutter_open)

    def status(self) -> protocol.DomeStatus:
        """Return the status of this moment."""
        dome, now = self.dome, self.now()
        return protocol.DomeStatus(
            azimuth=dome.azimuth(now),
            target=dome.target,
            uptime=now - self.started_at,
            commands=self.commands,
            refusals=self.refusals,
            heartbeats=self.heartbeats,
            layout=1,
            moving=dome.is_moving(now),
            shutter_open=dome.shutter_open,
        )
