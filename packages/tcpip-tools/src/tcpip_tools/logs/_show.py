"""A transcript for a person to read, line by line, or for a machine; pure but for what a user's function does."""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias

from tcpip_core.transcript import Clock, Close, Data, Eof, Error, Gap, Header, Mark, Open, format_wall

from .._lines import counted
from .._payload import for_machines, hex_lines, shown
from .._report import Event as Report
from .._report import printable
from ._messages import Item, Message
from ._wall import WallClock, clock_text, in_seconds

__all__ = ["Decode", "Times", "Viewer", "as_text", "described"]

Decode: TypeAlias = Callable[[bytes], str | None]
"""Returns a message in words; None where it is not for it."""

Times: TypeAlias = Literal["wall", "utc", "start", "delta"]

_MOST: Final = 4000
"""Most characters of a message that are shown as text."""
_CLOSERS: Final = {"unknown": "the command in between"}
"""Who closed a link in order, other than its two ends: ``tcpip tap``."""


@dataclass(kw_only=True)
class Viewer:
    """Shows the items of a transcript.

    Parameters
    ----------
    header : Header
        Of the transcript.
    encoding : str
        Of text.
    times : {"wall", "utc", "start", "delta"}
        What stands in front of a line: local time, UTC, or seconds since the start or the line before.
    as_hex : bool
        Show messages as hexadecimal digits.
    decode : callable, optional
        Says what a message means.
    grep : re.Pattern, optional
        Leave out what does not contain it.

    Attributes
    ----------
    failures : list of str
        What `decode` raised.
    """

    header: Header
    encoding: str
    times: Times = "wall"
    as_hex: bool = False
    decode: Decode | None = None
    grep: "re.Pattern[str] | None" = None

    def __post_init__(self) -> None:
        self._clock = WallClock(self.header)
        self._last = 0
        self.failures: list[str] = []

    def lines(self, item: Item) -> Iterator[Report]:
        """Yield what is shown of an item; nothing if it is not wanted."""
        if isinstance(item, Clock):
            self._clock.set(item)
        mark, text = self._said(item)
        if not self._is_wanted(item, text):
            return
        head = f"{self._time(item.time)}  {getattr(item, 'connection', 0) or '-'} {mark} "
        self._last = item.time
        wall = format_wall(self._clock.at(item.time))
        data = {"time": wall, "elapsed": item.time / 1e9, "t": item.time} | described(item, self.encoding)
        yield Report(str(data.pop("kind")), head + text, mark, data)

    def _is_wanted(self, item: Item, text: str) -> bool:
        if self.grep is None or self.grep.search(text):
            return True
        return isinstance(item, Message) and bool(self.grep.search(shown(item.payload, self.encoding, _MOST)))

    def _said(self, item: Item) -> tuple[str, str]:
        if not isinstance(item, Message):
            return as_text(item)
        text = self._body(item)
        return item.direction, f"{text}  ({printable(item.remark)})" if item.remark else text

    def _body(self, message: Message) -> str:
        if self.decode is not None and not message.remark:
            try:
                decoded = self.decode(message.payload)
            except Exception as e:  # noqa: BLE001  # it is the user's, and may raise anything
                self.failures.append(f"{type(e).__name__}: {e}")
                plain = shown(message.payload, self.encoding)
                return f"{plain}  (the decode function raised {printable(self.failures[-1])})"
            if decoded is not None:
                return printable(decoded, _MOST)
        if self.as_hex:
            return "\n    ".join([counted(len(message.wire), "byte"), *hex_lines(message.wire)])
        return shown(message.payload, self.encoding, _MOST)

    def _time(self, time: int) -> str:
        match self.times:
            case "start":
                return f"{in_seconds(time):>14}"
            case "delta":
                return f"{'+' + in_seconds(max(time - self._last, 0)):>14}"
            case _:
                return clock_text(self._clock.at(time), utc=self.times == "utc")


def as_text(item: Item) -> tuple[str, str]:
    """Return the mark and the words for an item; for a message, its text as UTF-8."""
    mark = "-"
    match item:
        case Data() | Message():
            mark, text = item.direction, shown(item.payload, "utf-8", _MOST)
        case Open():
            ends = f"{printable(item.client) or '?'} to {printable(item.device) or '?'}"
            mark, text = "*", f"{'open already' if item.continued else 'opened'}: {ends}"
        case Eof():
            mark, text = "*", f"the {'client' if item.direction == '>' else 'device'} sends no more"
        case Close():
            if item.reason == "CLOSED_HERE":
                return "*", f"closed by {_CLOSERS.get(item.by, f'the {item.by}')}"
            who = "one side was not heard any more" if item.by == "network" else f"by the {item.by}"
            mark, text = "!", f"closed: {printable(item.reason)}, {who}"
        case Error():
            mark, text = "!", f"error: {printable(item.text)}"
        case Gap():
            mark = "!"
            text = f"gap: events missing: {item.events}, bytes: {item.bytes}; {printable(item.reason)}"
        case Mark():
            text = f"mark: {printable(item.text)}"
        case _:
            text = f"the clock was set to {format_wall(item.wall)}"
    return mark, text


def described(item: Item, encoding: str) -> dict[str, object]:
    """Return what an item says, for a machine; ``kind`` is what it is."""
    if isinstance(item, Message | Data):
        remark = {"remark": item.remark} if isinstance(item, Message) and item.remark else {}
        ends = {"connection": item.connection, "direction": item.direction}
        return {"kind": "message"} | for_machines(item.payload, encoding, **ends, **remark)
    said: dict[str, object] = {"kind": type(item).__name__.lower(), **asdict(item)}
    del said["time"]
    return said | ({"wall": format_wall(item.wall)} if isinstance(item, Clock) else {})
