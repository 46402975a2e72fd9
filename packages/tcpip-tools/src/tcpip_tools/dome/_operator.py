"""The client's side: ask, follow the telemetry, look at the status; and the story that the demo tells with it."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator

from tcpip_core import BaseClientOrServer, Client

from .._exit_codes import ExitCode, Failure, exit_code_for_loss
from .._report import Event, Report, address_of
from ._overheard import OverheardClient
from ._protocol import CommandError, DomeStatus, Telemetry, arc, check_reply, is_telemetry

__all__ = ["Operator", "connected", "tell_the_story"]

ANSWER_TIMEOUT = 5.0
"""How long the controller may take to answer, and to send the next telemetry (seconds)."""


class Operator:
    """Somebody who works with a dome controller.

    Parameters
    ----------
    client : Client
        Connected to the controller; only this object reads from it.
    report : callable
        Takes the events.
    """

    def __init__(self, client: Client, report: Report) -> None:
        self.client = client
        self.report = report

    async def ask(self, command: str) -> str:
        """Send a command and return the reply.

        Parameters
        ----------
        command : str
            One line.

        Raises
        ------
        CommandError
            If the controller refuses it.
        ConnectionError
            If the link is lost.
        TimeoutError
            If no reply comes in time.
        """
        async with asyncio.timeout(ANSWER_TIMEOUT):
            await self.client.write_str(command)
            while is_telemetry(line := await self.client.read_str()):
                pass
        return check_reply(line)

    async def status(self) -> DomeStatus:
        """Ask for the status, which comes as a structure after the reply."""
        reply = await self.ask("STATUS")
        async with asyncio.timeout(ANSWER_TIMEOUT):
            status = await self.client.read_into(DomeStatus())
        self.report(
            Event(
                "status",
                f"{reply} decoded: azimuth {status.azimuth:.1f}, shutter {_shutter(bool(status.shutter_open))}, "
                f"{status.commands} commands, {status.refusals} refused, {status.heartbeats} heartbeats, "
                f"up {status.uptime:.1f} s",
                data={name: getattr(status, name) for name, *_ in DomeStatus._fields_},
            )
        )
        return status

    async def turn(self, azimuth: float) -> None:
        """Turn the dome, and follow it until it stands."""
        await self.ask(f"MOVE {azimuth:.1f}")
        whole = 0.0
        async for now in self.telemetry():
            left = abs(arc(now.azimuth, now.target))
            whole = max(whole, left)
            self.report(progress(now, 1 - left / whole if whole else 1.0))

    async def telemetry(self) -> AsyncIterator[Telemetry]:
        """Give the telemetry of one turn: until the dome stands."""
        moving = True
        while moving:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                telemetry = Telemetry.from_line(await self.client.read_str())
            moving = telemetry.moving
            yield telemetry

    async def wait_lost(self) -> None:
        """Read what is still under way, and return once the link is lost; the connect callback was told by then."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            async with asyncio.timeout(ANSWER_TIMEOUT):
                while True:
                    await self.client.read_str()


def progress(now: Telemetry, fraction: float) -> Event:
    """Return the event that moves a progress bar.

    Parameters
    ----------
    now : Telemetry
        What the controller said.
    fraction : float
        How much of the way is done (0 to 1).
    """
    data = {"fraction": round(fraction, 3), "azimuth": now.azimuth, "target": now.target, "moving": now.moving}
    return Event("progress", f"{fraction:4.0%} of the way, azimuth {now.azimuth:.1f}", data=data)


def change(client: BaseClientOrServer, peer: str) -> Event:
    """Return the event that says that a link was made, closed or lost.

    Parameters
    ----------
    client : BaseClientOrServer
        Whose link changed.
    peer : str
        Who is at the other end.
    """
    if client.connected:
        return Event("connected", f"connected to {peer}", "*", {"peer": peer})
    data = {"peer": peer, "reason": client.loss_reason and client.loss_reason.name}
    if client.should_be_connected:
        return Event("lost", f"link to {peer} lost: {why(client)}", "!", data)
    return Event("closed", f"link to {peer} {why(client)}", "*", data)


def why(client: BaseClientOrServer) -> str:
    """Say why a link ended."""
    return client.loss_reason.value if client.loss_reason else "for an unknown reason"


@contextlib.asynccontextmanager
async def connected(host: str, port: int, log: logging.Logger, report: Report) -> AsyncGenerator[Operator, None]:
    """Connect to a controller; close the link at the end.

    Yields
    ------
    Operator
        Ready to ask.

    Raises
    ------
    Failure
        If the link is lost, or no answer comes, inside of the block.
    OSError
        If the controller cannot be reached.
    """
    peer = address_of(host, port)

    async def told(client: BaseClientOrServer) -> None:
        report(change(client, peer))

    async with OverheardClient(
        report=report,
        host=host,
        port=port,
        log=log,
        connect_callback=told,
        run_heartbeat_send_task=True,
        heartbeat_send_sleep=1.0,
    ) as client:
        try:
            yield Operator(client, report)
        except TimeoutError as e:
            raise Failure(ExitCode.NO_ANSWER, f"no answer from {peer} within {ANSWER_TIMEOUT:g} s") from e
        except (ConnectionError, asyncio.IncompleteReadError) as e:
            code = exit_code_for_loss(client.loss_reason) or ExitCode.EXPECTATION
            raise Failure(code, f"link to {peer} lost: {why(client)}") from e


async def tell_the_story(host: str, port: int, log: logging.Logger, report: Report) -> None:
    """Observe for a night, in seven seconds.

    Parameters
    ----------
    host, port
        Where the controller is.
    log : logging.Logger
        Parent of the clients' loggers.
    report : callable
        Takes the events.

    Raises
    ------
    Failure
        If the controller does not do as it should.
    """

    def note(text: str) -> None:
        report(Event("note", text, data={"text": text}))

    async with connected(host, port, log, report) as dome:
        note("open up, and turn the dome while its telemetry is followed")
        await dome.ask("OPEN")
        await dome.ask("TELEMETRY ON")
        await dome.turn(120.0)
        note("a command that the controller does not know breaks nothing")
        await _expect_refusal(dome, "DANCE")
        note("the status comes as a binary structure")
        _expect_open_at(await dome.status(), 120.0)
        note("now the controller drops the link")
        await dome.client.write_str("DROP")
        await dome.wait_lost()
    note("a client connects once: a new one takes its place, and the dome is as it was")
    async with connected(host, port, log, report) as dome:
        _expect_open_at(await dome.status(), 120.0)
        note("park, and close up")
        await dome.ask("TELEMETRY ON")
        await dome.turn(0.0)
        await dome.ask("CLOSE")


async def _expect_refusal(dome: Operator, command: str) -> None:
    try:
        await dome.ask(command)
    except CommandError:
        return
    raise Failure(ExitCode.EXPECTATION, f"the controller should have refused {command!r}, but it did not")


def _expect_open_at(status: DomeStatus, azimuth: float) -> None:
    if status.azimuth != azimuth or not status.shutter_open:
        raise Failure(
            ExitCode.EXPECTATION,
            f"the dome should stand open at {azimuth:g} degrees, but is {_shutter(bool(status.shutter_open))} "
            f"at {status.azimuth:g}",
        )


def _shutter(is_open: bool) -> str:
    return "open" if is_open else "closed"
