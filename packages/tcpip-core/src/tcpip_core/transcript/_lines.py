"""Headers and events into lines of a transcript and back. Pure: no files, no clocks.

Rules of this file
------------------
* What is written is ASCII, with everything else escaped: it can be shown on any terminal, and cut anywhere.
* What is read may be anything. It becomes a value, None where this version does not know it, or a `ValueError`.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeGuard, cast

from ._events import VERSION, Clock, Close, Closer, Data, Direction, Eof, Error, Event, Gap, Header, Mark, Open

__all__ = [
    "MAX_LINE",
    "checked_text_encoding",
    "decode_event",
    "decode_header",
    "encode_event",
    "encode_header",
    "format_wall",
    "is_json",
    "parse_wall",
]

MAX_LINE: Final = 4 * 1024 * 1024
"""Longest line that a reader accepts (bytes); no writer of ours makes one that long."""

_MOST_PAYLOAD: Final = 256 * 1024
"""Most payload in one line (bytes): each byte takes six at worst. A larger piece becomes several events."""

_MOST_TEXT: Final = 64 * 1024
"""Longest text of a mark, an error, a reason or an address (characters)."""

_LONGEST_TIME: Final = 2**63
_UNFIT: Final = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})
"""Encodings that take hours for a long text, or warn of what they meet."""

_EXACT: Final = frozenset({"utf-8", "ascii", "iso8859-1"})
"""Encodings in which every text that was decoded gives the same bytes again."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WALL: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)


def checked_text_encoding(encoding: str) -> str:
    """Return the name of an encoding as given.

    Raises
    ------
    ValueError
        If it is unknown, does not convert text, or is not made for what comes over a link.
    """
    try:
        "".encode(encoding)
        is_unfit = codecs.lookup(encoding).name.replace("_", "-") in _UNFIT
    except (LookupError, ValueError) as e:
        raise ValueError(f"unknown encoding {encoding!r}") from e
    if is_unfit:
        raise ValueError(f"encoding {encoding!r} is not for payloads")
    return encoding


# Times on the wall


def format_wall(wall: int) -> str:
    """Return a time as ISO 8601 in UTC with nine decimals.

    Parameters
    ----------
    wall : int
        The time (nanoseconds since 1970-01-01 UTC).

    Returns
    -------
    str
        Such as ``2026-01-31T23:59:59.000000001Z``.

    Raises
    ------
    ValueError
        If it is before the year 1 or after 9999.
    """
    seconds, rest = divmod(wall, 1_000_000_000)
    try:
        whole = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError(f"{wall} ns is no time that a calendar has") from None
    return f"{whole.isoformat()[:19]}.{rest:09}Z"


def parse_wall(text: str) -> int:
    """Return what `format_wall` wrote, or anything like it, as a number.

    Parameters
    ----------
    text : str
        Date and time as ISO 8601 has them, with up to nine decimals and an offset from UTC.

    Returns
    -------
    int
        The time (nanoseconds since 1970-01-01 UTC).

    Raises
    ------
    ValueError
        If it is something else, or in UTC before the year 1 or after 9999.
    """
    found = _WALL.fullmatch(text)
    if found is None:
        raise ValueError(f"a time looks like 2026-01-31T23:59:59.000000001Z, not {text[:40]!r}")
    whole, decimals, offset = found.groups()
    since = datetime.fromisoformat(whole + offset) - _EPOCH
    wall = (since.days * 86_400 + since.seconds) * 1_000_000_000 + int((decimals or "0").ljust(9, "0"))
    try:
        _ = format_wall(wall)
    except ValueError:
        raise ValueError(f"{text!r} is not within the years 1 to 9999 in UTC") from None
    return wall


# Values into lines


def encode_header(header: Header) -> bytes:
    """Return the first line of a transcript.

    Raises
    ------
    ValueError
        If the encoding cannot be used, the start is no time, or a text is too long.
    """
    line = {
        "tcplog": header.version,
        "start": format_wall(header.start),
        "unit": "ns",
        "target": _checked(header.target),
        "framing": _checked(header.framing),
        "encoding": checked_text_encoding(header.encoding),
        "producer": _checked(header.producer),
    }
    return _dump(line)


def encode_event(event: Event, encoding: str, *, start: int = 0) -> bytes:
    """Return the line of an event; several lines for a long payload.

    Parameters
    ----------
    event : Event
        The event.
    encoding : str
        That of the header.
    start : int
        What to take off its time (nanoseconds). An event before that is written as at the start.

    Raises
    ------
    ValueError
        If a text is too long.
    """
    time = max(event.time - start, 0)
    if isinstance(event, Data):
        return b"".join(_encode_data(event, time, encoding))
    name, *keys = _KINDS[type(event)]
    line: dict[str, object] = {"t": time, "event": name}
    for key, attribute in keys:
        value = getattr(event, attribute)
        line[key] = _checked(value) if isinstance(value, str) else value
    if isinstance(event, Open) and not event.continued:
        del line["continued"]
    if isinstance(event, Clock):
        line["wall"] = format_wall(event.wall)
    return _dump(line)


_KINDS: Final[Mapping[type, tuple[Any, ...]]] = {
    Open: ("open", ("conn", "connection"), ("client", "client"), ("device", "device"), ("continued", "continued")),
    Eof: ("eof", ("conn", "connection"), ("dir", "direction")),
    Close: ("close", ("conn", "connection"), ("reason", "reason"), ("by", "by")),
    Error: ("error", ("conn", "connection"), ("text", "text")),
    Gap: ("gap", ("events", "events"), ("bytes", "bytes"), ("reason", "reason")),
    Mark: ("mark", ("text", "text")),
    Clock: ("clock", ("wall", "wall")),
}


def _encode_data(event: Data, time: int, encoding: str) -> Iterator[bytes]:
    payload = event.payload
    for begin in range(0, len(payload) or 1, _MOST_PAYLOAD):
        piece = payload[begin : begin + _MOST_PAYLOAD]
        head = f'{{"t":{time},"event":"data","conn":{event.connection},"dir":"{event.direction}"'
        text = _as_text(piece, encoding)
        tail = f',"hex":"{piece.hex()}"}}\n' if text is None else f',"text":{json.dumps(text)}}}\n'
        yield (head + tail).encode("ascii")


def _as_text(payload: bytes, encoding: str) -> str | None:
    """Return a payload as text; None if that would not give the same bytes again."""
    try:
        text = payload.decode(encoding)
        if codecs.lookup(encoding).name in _EXACT or text.encode(encoding) == payload:
            return text
    except ValueError:
        pass
    return None


def _checked(text: str) -> str:
    if len(text) > _MOST_TEXT:
        raise ValueError(f"a text of {len(text)} characters does not go into a transcript: {_MOST_TEXT} at most")
    return text


def _dump(line: Mapping[str, object]) -> bytes:
    return json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n"


# Lines into values


def decode_header(line: bytes) -> Header:
    """Return what the first line of a transcript says.

    Raises
    ------
    ValueError
        If it is none, or of a version that came later.
    """
    found = _load(line)
    version = found.get("tcplog")
    if not _is_whole(version) or version < 1:
        raise ValueError('this is no transcript: its first line has no "tcplog"')
    if version > VERSION:
        raise ValueError(f"its format has version {version}, and this program reads up to {VERSION}: use a newer one")
    if found.get("unit", "ns") != "ns":
        raise ValueError('its "unit" is not "ns"')
    return Header(
        start=parse_wall(_text(found, "start")),
        target=_text(found, "target", ""),
        framing=_text(found, "framing", ""),
        encoding=checked_text_encoding(_text(found, "encoding", "utf-8")),
        producer=_text(found, "producer", ""),
        version=version,
    )


def decode_event(line: bytes, encoding: str) -> Event | None:
    """Return the event that a line says; None for a kind that this version does not know.

    Parameters
    ----------
    line : bytes
        The line.
    encoding : str
        That of the header.

    Raises
    ------
    ValueError
        If it is no line of a transcript.
    """
    found = _load(line)
    make = _MAKERS.get(_text(found, "event"))
    return None if make is None else make(_number(found, "t"), found, encoding)


def _make_data(time: int, found: dict[str, Any], encoding: str) -> Data:
    payload = bytes.fromhex(_text(found, "hex")) if "hex" in found else _text(found, "text").encode(encoding)
    return Data(time, _number(found, "conn"), _direction(found), payload)


def _make_open(time: int, found: dict[str, Any], _: str) -> Open:
    addresses = _text(found, "client", ""), _text(found, "device", "")
    return Open(time, _number(found, "conn"), *addresses, continued=found.get("continued") is True)


def _make_close(time: int, found: dict[str, Any], _: str) -> Close:
    by = _text(found, "by", "unknown")
    known = by if by in {"client", "device", "network"} else "unknown"
    return Close(time, _number(found, "conn"), _text(found, "reason"), cast("Closer", known))


_MAKERS: Final[Mapping[str, Callable[[int, dict[str, Any], str], Event]]] = {
    "data": _make_data,
    "open": _make_open,
    "eof": lambda time, found, _: Eof(time, _number(found, "conn"), _direction(found)),
    "close": _make_close,
    "error": lambda time, found, _: Error(time, _number(found, "conn", 0), _text(found, "text")),
    "gap": lambda time, found, _: Gap(
        time, _number(found, "events", 0), _number(found, "bytes", 0), _text(found, "reason", "")
    ),
    "mark": lambda time, found, _: Mark(time, _text(found, "text")),
    "clock": lambda time, found, _: Clock(time, parse_wall(_text(found, "wall"))),
}


def is_json(line: bytes) -> bool:
    """Return whether a line without an end is whole: no part of an object is one."""
    try:
        _ = _load(line)
    except ValueError:
        return False
    return True


def _load(line: bytes) -> dict[str, Any]:
    try:
        found: object = json.loads(line.decode())
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except ValueError as e:
        # Also a number of too many digits, and bytes that are not UTF-8.
        raise ValueError(f"it is no JSON: {str(e)[:200]}") from None
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return cast("dict[str, Any]", found)


def _text(found: dict[str, Any], key: str, default: str | None = None) -> str:
    value = found.get(key, default)
    if not isinstance(value, str):
        raise ValueError(f"{key!r} must be a text")
    return value


def _number(found: dict[str, Any], key: str, default: int | None = None) -> int:
    value = found.get(key, default)
    if not _is_whole(value) or not 0 <= value < _LONGEST_TIME:
        raise ValueError(f"{key!r} must be a whole number, 0 or more")
    return value


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _direction(found: dict[str, Any]) -> Direction:
    match found.get("dir"):
        case ">":
            return ">"
        case "<":
            return "<"
        case _:
            raise ValueError("'dir' must be '>' or '<'")
