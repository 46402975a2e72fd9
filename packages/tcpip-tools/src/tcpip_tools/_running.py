"""Run what a verb does, show it, and end: by itself, by a failure, by Ctrl-C, or because nobody reads any more."""

import asyncio
import contextlib
import logging
import signal
import sys
from dataclasses import replace
from typing import Final, Protocol

from ._exit_codes import ExitCode, Failure, exit_code_for_error, is_address_of_another_host, is_no_room, sentence_of
from ._report import Event, Report, Stopwatch, Writer, printable

__all__ = ["LOG", "Work", "run"]

LOG: Final = logging.getLogger("tcpip_tools")
"""Parent of the loggers of clients and servers that verbs make."""


class Work(Protocol):
    """What a verb does, and what it says at the end."""

    async def __call__(self, report: Report) -> ExitCode:
        """Do it; return the status to exit with.

        Raises
        ------
        Failure
            If it went wrong.
        OSError
            If something cannot be connected to, or listened on.
        """
        ...

    def summary(self, seconds: float, status: ExitCode, outcome: str) -> Event:
        """Return the last event.

        Parameters
        ----------
        seconds : float
            How long it all took (seconds).
        status : ExitCode
            What the command exits with.
        outcome : str
            How it ended, in a word: done, failed, interrupted, terminated, nobody reads.
        """
        ...


def run(work: Work, writer: Writer, *, debug: bool, interrupted_status: ExitCode = ExitCode.INTERRUPTED) -> ExitCode:
    """Do some work and show it.

    Parameters
    ----------
    work : Work
        What to do.
    writer : Writer
        Shows the events.
    debug : bool
        Show the library's log on stderr too.
    interrupted_status : ExitCode
        What Ctrl-C and SIGTERM exit with.

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
    else:
        # In its debug mode it warns of slow steps, which say nothing to somebody who typed a command.
        logging.getLogger("asyncio").setLevel(logging.ERROR)
    watch, stop, warnings = Stopwatch(), Stop(), LogReporter(writer)
    failure: Failure | None = None
    status, outcome = ExitCode.OK, "done"
    LOG.addHandler(warnings)
    try:
        status = asyncio.run(stop.listened_to(work, writer))
    except KeyboardInterrupt:
        status, outcome = interrupted_status, "interrupted"
    except asyncio.CancelledError:
        status, outcome = (ExitCode.OK if writer.output.gone else interrupted_status), stop.reason
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
    elif status is ExitCode.INTERRUPTED and outcome == "done":
        outcome = "interrupted"
    summary = work.summary(watch.elapsed(), status, outcome)
    if failure is not None:
        writer(replace(summary, data={**summary.data, "error": str(failure)}))
        raise failure
    writer(summary)
    return status


def sentence_for(error: OSError) -> str:
    """Return what an error says to somebody who typed a command; the library speaks of its own arguments."""
    if is_address_of_another_host(error):
        return "cannot listen there: this host does not have that address; give one of its own, or --host 0.0.0.0"
    return f"cannot write: {sentence_of(error)}" if is_no_room(error) else sentence_of(error)


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
        self.report(Event("log", printable(text), "!", {"level": record.levelname, "text": text}, is_aside=True))


class Stop:
    """Ends the work early, for a reason that is no error of the link, nor of the work."""

    def __init__(self) -> None:
        self.reason = ""

    async def listened_to(self, work: Work, writer: Writer) -> ExitCode:
        """Do the work; cancel it at SIGTERM, at SIGHUP, and if what it prints into goes away."""
        task = asyncio.current_task()
        assert task is not None

        def end(reason: str) -> None:
            self.reason = self.reason or reason
            task.cancel()

        loop = asyncio.get_running_loop()

        def end_soon() -> None:
            # Some verbs write in a thread, and all of them write the summary when the loop has ended.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(end, "nobody reads")

        writer.output.on_gone = end_soon
        # Windows has no such handlers; there a process that is terminated ends without a word.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(signal.SIGTERM, end, "terminated")
            loop.add_signal_handler(signal.SIGHUP, end, "the terminal is gone")
        return await work(writer)
