"""One run of the demo: the mock, what is done with it, and how that ends."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

from tcpip_core import BaseClientOrServer, LossReason

from .._exit_codes import ExitCode, Failure, exit_code_for_error, is_address_of_another_host, sentence_of
from .._report import Event, JsonLines, Output, Report, Stopwatch, Writer, address_of, printable, stdout
from ._controller import MockDomeController
from ._dialogue import ColourDialogue, Dialogue, Tally
from ._operator import tell_the_story, why
from ._overheard import OverheardController

__all__ = ["Conversation", "Mock", "Serving", "Work", "run"]

LOG: Final = logging.getLogger("tcpip_tools.demo")

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


class Work(Protocol):
    """What a session does."""

    interrupted_status: ClassVar[ExitCode]
    """What Ctrl-C and SIGTERM exit with."""

    async def __call__(self, report: Report) -> None:
        """Do it.

        Raises
        ------
        Failure
            If it went wrong.
        OSError
            If something cannot be connected to, or listened on.
        """
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


class LogReporter(logging.Handler):
    """Reports what the library warns of, such as a second client that it turned away.

    Parameters
    ----------
    report : callable
        Takes the events.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(logging.WARNING)
        self.report = report

    def emit(self, record: logging.LogRecord) -> None:
        """Report one record."""
        text = record.getMessage()
        if record.exc_info and (error := record.exc_info[1]) is not None:
            text += f": {type(error).__name__}: {error}"
        self.report(Event("log", printable(text), "!", {"level": record.levelname, "text": text}))


def run(work: Work, *, as_json: bool, debug: bool) -> ExitCode:
    """Do some work and show it.

    Parameters
    ----------
    work : Work
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
    if debug:
        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    tally, writer, watch = Tally(), make_writer(stdout(), as_json=as_json), Stopwatch()

    def report(event: Event) -> None:
        tally.count(event)
        writer(event)

    warnings = LogReporter(report)
    LOG.addHandler(warnings)
    failure: Failure | None = None
    status, outcome = ExitCode.OK, "done"
    stop = Stop()
    try:
        asyncio.run(stop.listened_to(work, report, writer.output))
    except KeyboardInterrupt:
        status, outcome = work.interrupted_status, "interrupted"
    except asyncio.CancelledError:
        status, outcome = (ExitCode.OK if writer.output.gone else work.interrupted_status), stop.reason
    except Failure as e:
        failure = e
    except OSError as e:
        failure = Failure(exit_code_for_error(e), sentence_for(e))
        failure.__cause__ = e
    finally:
        LOG.removeHandler(warnings)
        writer.close()
    if failure is not None:
        status, outcome = failure.code, "failed"
    writer(tally.summary(watch.elapsed(), status, outcome))
    if failure is not None:
        raise failure
    return status


def sentence_for(error: OSError) -> str:
    """Return what an error says to somebody who typed a command; the library speaks of its own arguments."""
    if is_address_of_another_host(error):
        return "cannot listen there: this host does not have that address; give one of its own, or --host 0.0.0.0"
    return sentence_of(error)


class Stop:
    """Ends the work early, for a reason that is no error of the link, nor of the work."""

    def __init__(self) -> None:
        self.reason = ""

    async def listened_to(self, work: Work, report: Report, output: Output) -> None:
        """Do the work; cancel it at SIGTERM, and if what it prints into goes away."""
        task = asyncio.current_task()
        assert task is not None

        def end(reason: str) -> None:
            self.reason = self.reason or reason
            task.cancel()

        output.on_gone = lambda: end("nobody reads")
        # Windows has no such handlers; there a process that is terminated ends without a word.
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end, "terminated")
        await work(report)


def make_writer(output: Output, *, as_json: bool) -> Writer:
    """Choose how events are shown: to a machine, on a terminal, or as plain lines."""
    if as_json:
        return JsonLines(output)
    if output.stream.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        return ColourDialogue(output)
    return Dialogue(output)
