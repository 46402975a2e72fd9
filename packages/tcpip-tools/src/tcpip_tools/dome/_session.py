"""One run of the demo: the mock, what is done with it, and how that ends."""

import asyncio
import contextlib
import os
import socket
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

from tcpip_core import BaseClientOrServer, LossReason

from .. import _running
from .._exit_codes import ExitCode, Failure
from .._report import Event, JsonLines, Output, Report, Writer, address_of, stdout
from ._controller import MockDomeController
from ._dialogue import ColourDialogue, Dialogue, Tally
from ._operator import tell_the_story, why
from ._overheard import OverheardController

__all__ = ["Conversation", "Mock", "Serving", "run"]

LOG: Final = _running.LOG.getChild("demo")

HOW_TO_TALK: Final = """\
  by hand:     nc -C {host} {port}          then type OPEN, TELEMETRY ON, MOVE 120, STATUS, STOP, CLOSE, DROP
  in a script: printf 'OPEN\\r\\n' | nc -N {host} {port}
  in Python:   async with tcpip_core.Client("{host}", {port}, logging.getLogger()) as client:
                   await client.write_str("OPEN")
                   print(await client.read_str())"""


@dataclass(frozen=True, slots=True)
class Mock:
    """What the mock is to be like.

    Parameters
    ----------
    host, port
        Where it listens.
    speed : float
        How fast its clock runs (above 0; 1 is 40 degrees a second).
    heartbeat_timeout : float
        How long a client may send no heartbeat; 0 is for ever (seconds).
    """

    host: str
    port: int
    speed: float
    heartbeat_timeout: float

    async def arguments(self) -> dict[str, Any]:
        """Return the arguments of a `MockDomeController`."""
        return {
            "log": LOG,
            "host": await one_address(self.host),
            "port": self.port,
            "rate": 40.0 * self.speed,
            "telemetry_interval": 0.1 / self.speed,
            "heartbeat_timeout": self.heartbeat_timeout,
        }


async def one_address(host: str) -> str:
    """Return one address of a name: on each of several, port 0 would be another port.

    A name that has none is given back, for the error of listening there to explain.
    """
    with contextlib.suppress(OSError):
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return str(found[0][4][0])
    return host


class Part(Protocol):
    """What a session does."""

    interrupted_status: ClassVar[ExitCode]
    """What Ctrl-C and SIGTERM exit with."""

    async def __call__(self, report: Report) -> None:
        """Do it; raise a `Failure`, or an `OSError` of listening, where it went wrong."""
        ...


@dataclass(frozen=True, slots=True)
class Conversation:
    """A client talks to the mock, both in this process, over TCP.

    Parameters
    ----------
    mock : Mock
        The other side.
    timeout : float
        Bound of it all (seconds).
    """

    mock: Mock
    timeout: float
    interrupted_status: ClassVar[ExitCode] = ExitCode.INTERRUPTED

    async def __call__(self, report: Report) -> None:
        """Tell the story."""
        clock, arguments = asyncio.timeout(self.timeout), await self.mock.arguments()
        try:
            async with clock, MockDomeController(**arguments) as controller:
                report(listening(controller))
                await tell_the_story(arguments["host"], controller.port, LOG, report)
        except TimeoutError as e:
            if not clock.expired():
                raise
            text = f"the conversation did not end within {self.timeout:g} s: give it more --timeout, or more --speed"
            raise Failure(ExitCode.EXPECTATION, text) from e


@dataclass(frozen=True, slots=True)
class Serving:
    """The mock alone, for other programs.

    Parameters
    ----------
    mock : Mock
        What it is like.
    seconds : float or None
        How long; None is until Ctrl-C.
    """

    mock: Mock
    seconds: float | None
    interrupted_status: ClassVar[ExitCode] = ExitCode.OK

    async def __call__(self, report: Report) -> None:
        """Serve."""

        async def told(controller: BaseClientOrServer) -> None:
            report(visit(controller))

        arguments = await self.mock.arguments()
        async with OverheardController(report=report, connect_callback=told, **arguments) as controller:
            report(listening(controller, how_to_talk=True))
            await asyncio.wait({controller.done_task}, timeout=self.seconds)


def listening(controller: MockDomeController, *, how_to_talk: bool = False) -> Event:
    """Return the event that says where a controller listens."""
    address = {"host": controller.host, "port": controller.port}
    text = f"a mock dome controller listens on {address_of(str(controller.host), controller.port)}"
    if how_to_talk:
        text += ", one client at a time; end it with Ctrl-C\n" + HOW_TO_TALK.format(**address)
    return Event("listening", text, "*", address)


def visit(controller: BaseClientOrServer) -> Event:
    """Return the event that says that a client came or went."""
    if controller.connected:
        return Event("connected", "a client came", "*", {"peer": "client"})
    reason = controller.loss_reason
    data = {"peer": "client", "reason": reason and reason.name}
    if reason in {LossReason.FIN, LossReason.CLOSED_HERE}:
        return Event("ended", f"the client is gone: {why(controller)}", "*", data)
    return Event("lost", f"the client is lost: {why(controller)}", "!", data)


class Counted:
    """Some work, and the tally of what it reported.

    Parameters
    ----------
    part : Part
        The work.
    """

    def __init__(self, part: Part) -> None:
        self.part = part
        self.tally = Tally()

    async def __call__(self, report: Report) -> ExitCode:
        """Do the work."""

        def counted(event: Event) -> None:
            self.tally.count(event)
            report(event)

        await self.part(counted)
        return ExitCode.OK

    def summary(self, seconds: float, status: ExitCode, outcome: str) -> Event:
        """Return the last event."""
        return self.tally.summary(seconds, status, outcome)


def run(part: Part, *, as_json: bool, debug: bool) -> ExitCode:
    """Do some work and show it.

    Parameters
    ----------
    part : Part
        What to do.
    as_json : bool
        Show it to a machine.
    debug : bool
        Show the library's log on stderr too.

    Returns
    -------
    ExitCode
        The status to exit with.

    Raises
    ------
    Failure
        If it went wrong; the summary was shown.
    """
    writer = make_writer(stdout(), as_json=as_json)
    return _running.run(Counted(part), writer, debug=debug, interrupted_status=part.interrupted_status)


def make_writer(output: Output, *, as_json: bool) -> Writer:
    """Choose how events are shown: to a machine, on a terminal, or as plain lines."""
    if as_json:
        return JsonLines(output)
    if output.stream.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        return ColourDialogue(output)
    return Dialogue(output)
