"""What a verb has to say: one type of result, written as text or as JSON lines.

Rules of this file
------------------
* A verb makes an `Event` for each thing that happened and hands it to a `Report`. It never prints.
* Data go to stdout, one flushed line per event; sentences about failures go to stderr (see ``_cli``).
* A reader that leaves (``| head``) is no error. It must not look like one of the link, and `BrokenPipeError` is a
  `ConnectionError`: so writing never raises it, but drops what follows and calls ``on_gone``.
"""

import codecs
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol, TextIO, TypeAlias, cast

from ._exit_codes import ExitCode, Failure

__all__ = [
    "VERSION",
    "Event",
    "JsonLines",
    "Output",
    "Report",
    "Stamp",
    "Stopwatch",
    "Writer",
    "address_of",
    "printable",
    "stdout",
]

VERSION: Final = 1
"""Of the JSON lines; a new key keeps it, a change of meaning raises it."""

_SHOWN = 200
"""Most characters of one message that are shown to a person."""

_BLOCKS: Final = str.maketrans("▁▂▃▄▅▆▇█▏▎▍▌▋▊▉", ".:-=+*%##||||##")
"""What curves and bars are drawn with, and what comes near it in ASCII."""


def _as_far_as_possible(error: UnicodeError) -> tuple[str, int]:
    """Return what is written instead of characters that a stream's encoding lacks: lines stay readable."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end].translate(_BLOCKS)
    return missing.encode("ascii", "backslashreplace").decode("ascii"), error.end


codecs.register_error("tcpip.shown", _as_far_as_possible)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Parameters
    ----------
    kind : str
        What sort of thing, such as ``"message"``; the key ``event`` of a JSON line.
    text : str
        What a person reads; one line.
    mark : str
        One character that stands before it: ``>`` client to device, ``<`` device to client, ``*`` the link,
        ``!`` something is wrong, ``-`` anything else.
    data : mapping
        What a machine reads; values that JSON knows.
    is_aside : bool
        It is not what was asked for: as text it goes to stderr.
    """

    kind: str
    text: str
    mark: str = "-"
    data: Mapping[str, object] = field(default_factory=dict[str, object])
    is_aside: bool = False


Report: TypeAlias = Callable[[Event], None]
"""Takes an event; returns at once and does not raise."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """When something happened.

    Parameters
    ----------
    wall : datetime
        By the clock on the wall, in the local time zone.
    elapsed : float
        Since the start (seconds).
    delta : float
        Since the line before (seconds).
    """

    wall: datetime
    elapsed: float
    delta: float

    @property
    def clock(self) -> str:
        """The time of day to the millisecond."""
        return f"{self.wall:%H:%M:%S}.{self.wall.microsecond // 1000:03d}"


class Stopwatch:
    """Gives out stamps. Spans are measured on a clock that does not jump.

    Parameters
    ----------
    clock : callable
        Returns a time that only grows (seconds).
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = self._last = clock()

    def stamp(self) -> Stamp:
        """Return the stamp of this moment; the next one's ``delta`` counts from here."""
        now = self._clock()
        stamp = Stamp(datetime.now(UTC).astimezone(), now - self._start, now - self._last)
        self._last = now
        return stamp

    def elapsed(self) -> float:
        """Return the time since the start (seconds)."""
        return self._clock() - self._start


class Output:
    """Lines to a stream whose reader may leave.

    Parameters
    ----------
    stream : text file
        Where to; usually stdout.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.gone = False
        self.on_gone: Callable[[], object] = lambda: None
        # A character that the stream's encoding lacks is shown as \xe9, not an exception in the middle of a line.
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="tcpip.shown")  # type: ignore[attr-defined]

    def line(self, text: str) -> None:
        """Write one line and flush it."""
        self.guard(lambda: print(text, file=self.stream, flush=True))

    def guard(self, write: Callable[[], object]) -> None:
        """Call a function that writes to the stream, unless the reader has left."""
        if self.gone:
            return
        try:
            write()
        except BrokenPipeError:
            self.gone = True
            _silence(self.stream)
            self.on_gone()


def _silence(stream: TextIO) -> None:
    """Send the rest to nowhere, so that the interpreter's last flush does not complain."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, stream.fileno())
    os.close(devnull)


class Writer(Protocol):
    """Shows events to a person or to a machine."""

    output: Output

    def __call__(self, event: Event) -> None:
        """Show one event."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


class JsonLines:
    """One JSON object a line: ``version``, ``event``, ``time``, ``elapsed``, then what the event has.

    Parameters
    ----------
    output : Output
        Where to.
    """

    def __init__(self, output: Output) -> None:
        self.output = output
        self._stopwatch = Stopwatch()

    def __call__(self, event: Event) -> None:
        """Write one event."""
        stamp = self._stopwatch.stamp()
        head = {
            "version": VERSION,
            "event": event.kind,
            "time": stamp.wall.astimezone(UTC).isoformat(timespec="microseconds"),
            "elapsed": round(stamp.elapsed, 6),
        }
        self.output.line(json.dumps(head | dict(event.data)))

    def close(self) -> None:
        """Do nothing: every line was flushed."""


def printable(text: str, most: int = _SHOWN) -> str:
    """Return a peer's text as it may be shown on a terminal.

    Parameters
    ----------
    text : str
        Anything.
    most : int
        Characters to keep; what is cut is marked.

    Returns
    -------
    str
        One line in which nothing moves the cursor, rings, or changes a colour: control characters are escaped.
    """
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:most])
    return shown if len(text) <= most else f"{shown}... ({len(text)} characters)"


def address_of(host: str, port: int) -> str:
    """Return how an address and a port are written together; an IPv6 address needs brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def stdout() -> Output:
    """Return the output that data go to.

    Raises
    ------
    Failure
        If whoever started us has closed it.
    """
    stream = cast("TextIO | None", sys.stdout)
    if stream is None:
        raise Failure(ExitCode.USAGE, "stdout is closed: give it somewhere to write to, such as /dev/null")
    return Output(stream)
