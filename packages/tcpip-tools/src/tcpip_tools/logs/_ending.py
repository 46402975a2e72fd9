"""Do what a verb of ``log`` does, and end as the other verbs do: with a summary, however it ends.

They run in an event loop (see ``_running``). Here files are read by calls that block, which no loop could end.
"""

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Final

from .._exit_codes import ExitCode, Failure
from .._report import Event, Stopwatch, Writer

__all__ = ["run"]

_ENDINGS: Final[Mapping[str, str]] = {"SIGTERM": "terminated", "SIGHUP": "the terminal is gone"}
"""By the name of the signal; Windows has no SIGHUP."""


def run(work: Callable[[], ExitCode], writer: Writer, found: Mapping[str, object]) -> ExitCode:
    """Do some work, and report the summary.

    Parameters
    ----------
    work : callable
        Does it; returns the status to exit with.
    writer : Writer
        Shows the summary, to machines only.
    found : mapping
        What the summary has beside how it ended; filled by the work.

    Returns
    -------
    ExitCode
        The status to exit with.

    Raises
    ------
    Failure
        If the work raised it; the summary was shown.
    """
    watch, failure = Stopwatch(), None
    outcome = "done"
    try:
        with _signals_as_interrupts():
            status = work()
    except KeyboardInterrupt as e:
        status, outcome = ExitCode.INTERRUPTED, str(e) or "interrupted"
    except Failure as e:
        failure, status, outcome = e, e.code, "failed"
    head = {"exit": int(status), "outcome": outcome, "seconds": round(watch.elapsed(), 3)}
    trouble = {} if failure is None else {"error": str(failure)}
    writer(Event("summary", "", "=", head | dict(found) | trouble))
    if failure is not None:
        raise failure
    return status


@contextlib.contextmanager
def _signals_as_interrupts() -> Iterator[None]:
    """Let the signals that end a program do what Ctrl-C does, but for those that are ignored, as by ``nohup``."""

    def interrupt(number: int, _: FrameType | None) -> None:
        raise KeyboardInterrupt(_ENDINGS[signal.Signals(number).name])

    known = [signal.Signals[name] for name in _ENDINGS if name in signal.Signals.__members__]
    taken = [one for one in known if signal.getsignal(one) is signal.SIG_DFL]
    for one in taken:
        signal.signal(one, interrupt)
    try:
        yield
    finally:
        for one in taken:
            signal.signal(one, signal.SIG_DFL)
