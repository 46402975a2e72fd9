"""A transcript as text, and as a table for a spreadsheet; pure."""

import csv as csv_module
import io
from collections.abc import Iterable, Iterator
from typing import Final

from tcpip_core.transcript import Clock, Event, Header, format_wall
from tcpip_testing.framing import Framing

from ._messages import messages_in
from ._show import Viewer, described
from ._wall import WallClock

__all__ = ["csv", "text"]

_COLUMNS: Final = ("t", "wall", "event", "connection", "direction", "size", "text", "hex", "more")


def text(header: Header, events: Iterable[Event], framing: Framing | None) -> Iterator[bytes]:
    """Yield the lines that ``tcpip log show`` shows, in UTC."""
    viewer = Viewer(header=header, encoding=header.encoding, times="utc")
    for item in messages_in(events, {">": framing, "<": framing}):
        for line in viewer.lines(item):
            yield f"{line.text}\n".encode(errors="backslashreplace")


def csv(header: Header, events: Iterable[Event], framing: Framing | None) -> Iterator[bytes]:
    """Yield a table: a row for each message, and for each other event.

    ``t`` is in nanoseconds since the start. A payload is ``text`` where that gives its bytes, else ``hex``. What has
    no column stands in ``more``.
    """
    yield _row(_COLUMNS)
    clock = WallClock(header)
    for item in messages_in(events, {">": framing, "<": framing}):
        if isinstance(item, Clock):
            clock.set(item)
        said = described(item, header.encoding)
        known = {"t": item.time, "wall": format_wall(clock.at(item.time)), "event": said.pop("kind")}
        known |= {name: said.pop(name) for name in _COLUMNS if name in said}
        known["more"] = ", ".join(f"{name}={value}" for name, value in said.items() if value != "")
        yield _row([known.get(name, "") for name in _COLUMNS])


def _row(values: Iterable[object]) -> bytes:
    line = io.StringIO()
    csv_module.writer(line).writerow(values)
    return line.getvalue().encode(errors="backslashreplace")
