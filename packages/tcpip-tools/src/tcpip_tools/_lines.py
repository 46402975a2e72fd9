"""Events as lines of text: data to stdout, asides to stderr, in colour where that is a terminal."""

import os
import sys
from collections.abc import Mapping
from typing import Final, TextIO, cast

import click

from ._report import Event, JsonLines, Output, Stopwatch, Writer, stdout

__all__ = ["DUMB", "Lines", "counted", "has_colours", "make_writer", "stamped", "stderr"]

DUMB: Final = frozenset({"dumb", "unknown"})
"""Names in ``TERM`` of terminals that know no escapes."""

_STYLES: Final[Mapping[str, Mapping[str, object]]] = {
    ">": {"fg": "cyan"},
    "<": {"fg": "green"},
    "*": {"fg": "yellow"},
    "!": {"fg": "red", "bold": True},
    "=": {"bold": True},
}
"""By the mark of an event."""


def has_colours(stream: TextIO) -> bool:
    """Return whether colours may be written: to a terminal that has them, unless ``NO_COLOR`` is set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") not in DUMB


def counted(count: int, what: str) -> str:
    """Return how many there are of something that is called so where there is one."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def stamped(text: str) -> str:
    """Return a line with date and time in front, as lines of a transcript have them."""
    return f"{Stopwatch().stamp().wall:%Y-%m-%d %H:%M:%S.%f}  {text}"


def stderr() -> Output:
    """Return the output that everything but data goes to; one that drops all where somebody has closed it."""
    stream = cast("TextIO | None", sys.stderr)
    output = Output(stream or sys.stdout)
    output.gone = stream is None
    return output


class Lines:
    """A line for an event.

    Parameters
    ----------
    output : Output
        Where data go.
    asides : Output
        Where the rest goes.
    """

    def __init__(self, output: Output, asides: Output) -> None:
        self.output = output
        self._asides = asides
        self._is_coloured = {one: has_colours(one.stream) for one in (output, asides)}

    def __call__(self, event: Event) -> None:
        """Show one event; one without text is for machines only."""
        if not event.text:
            return
        output = self._asides if event.is_aside else self.output
        output.line(self.styled(event.text, event.mark) if self._is_coloured[output] else event.text)

    def styled(self, text: str, mark: str) -> str:
        """Return a text in the colour of a mark."""
        style = _STYLES.get(mark, {})
        return click.style(text, **style) if style else text  # type: ignore[arg-type]  # the names are click's

    def close(self) -> None:
        """Do nothing: every line was flushed."""


def make_writer(*, as_json: bool) -> Writer:
    """Return what shows events: to a machine, or as lines.

    Raises
    ------
    Failure
        If stdout is closed.
    """
    output = stdout()
    return JsonLines(output) if as_json else Lines(output, stderr())
