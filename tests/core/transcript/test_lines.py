"""Events into lines and back."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpip_core.transcript import MAX_LINE, Clock, Close, Data, Error, Header, Mark, Open, format_wall, parse_wall
from tcpip_core.transcript._lines import decode_event, decode_header, encode_event, encode_header
from tests.core.transcript._logs import WALLS, read, written


def fields(line: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line)
    return found


@given(WALLS)
def test_a_time_on_the_wall_comes_back_to_the_nanosecond(wall: int) -> None:
    """A float would lose some, and so would a datetime."""
    assert wall == parse_wall(format_wall(wall))


def test_times_of_other_producers_are_read() -> None:
    """Fewer decimals, another zone."""
    assert parse_wall("2026-01-31T23:59:59Z") == parse_wall("2026-02-01T00:59:59.0+01:00")


@pytest.mark.parametrize("wrong", ["", "today", "2026-01-31", "2026-13-31T00:00:00Z", "2026-01-31T00:00:00", "9" * 99])
def test_what_is_no_time_is_refused(wrong: str) -> None:
    """With what one looks like."""
    with pytest.raises(ValueError, match=r"time looks like|month must be"):
        parse_wall(wrong)


@pytest.mark.parametrize("wall", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_cannot_be_written_is_not_read(wall: str) -> None:
    """Else whoever changes a transcript meets it far from its line."""
    with pytest.raises(ValueError, match="not within the years 1 to 9999 in UTC"):
        parse_wall(wall)
    for line in (f'{{"tcplog":1,"start":"{wall}"}}', f'{{"t":1,"event":"clock","wall":"{wall}"}}'):
        with pytest.raises(ValueError, match="in UTC"):
            decode_header(line.encode()) if "tcplog" in line else decode_event(line.encode(), "utf-8")


@pytest.mark.parametrize(
    ("payload", "encoding", "key", "value"),
    [
        (b"*IDN?\r\n", "utf-8", "text", "*IDN?\r\n"),
        (b"\x00\x1b", "ascii", "text", "\x00\x1b"),
        ("é".encode(), "utf-8", "text", "é"),
        ("é".encode()[:1], "utf-8", "hex", "c3"),
        (b"\xff\xfea\x00", "utf-16", "text", "a"),
        (b"a\x00", "utf-16", "hex", "6100"),
        (b"\xef\xbb\xbfa", "utf-8-sig", "text", "a"),
        (b"a", "utf-8-sig", "hex", "61"),
        (b"+AGE-", "utf-7", "hex", "2b4147452d"),
        (b"", "utf-8", "text", ""),
    ],
)
def test_a_payload_is_text_where_that_gives_the_same_bytes_again(
    payload: bytes, encoding: str, key: str, value: str
) -> None:
    """Elsewhere it is hex: a transcript that changed a byte would be worthless."""
    line = encode_event(Data(0, 1, ">", payload), encoding)
    assert value == fields(line)[key]
    assert payload == getattr(decode_event(line, encoding), "payload", None)


def test_lines_are_ascii() -> None:
    """So a terminal that shows one obeys nothing in it, and a cut never halves a character."""
    nasty = "\x1b[2J\x9b\u2028é\U0001f52d"
    for event in (Data(0, 1, "<", nasty.encode()), Mark(0, nasty), Open(0, 1, nasty)):
        line = encode_event(event, "utf-8")
        assert line.isascii()
        assert line[:-1].decode().isprintable()


def test_a_long_payload_becomes_lines_that_a_reader_accepts() -> None:
    """At worst each byte is written as six; whoever wrote a log can read it."""
    payload = b"\x00" * 700_000 + bytes(range(256)) * 2000
    content = written(Header(0), [Data(7, 1, ">", payload)])
    assert max(map(len, content.splitlines())) < MAX_LINE
    pieces = [event for event in read(content)[1] if isinstance(event, Data)]
    assert payload == b"".join(piece.payload for piece in pieces)
    assert {(7, 1, ">")} == {(piece.time, piece.connection, piece.direction) for piece in pieces}


def test_an_event_from_before_the_start_is_at_the_start() -> None:
    """Two threads may record at once; a negative time would be refused by the reader."""
    assert 0 == fields(encode_event(Mark(5, ""), "utf-8", start=7))["t"]


@pytest.mark.parametrize(
    "event", [Mark(0, "x" * 70_000), Error(0, 1, "x" * 70_000), Close(0, 1, "x" * 70_000, "client")]
)
def test_a_text_that_makes_a_line_too_long_is_refused(event: Mark | Error | Close) -> None:
    """Before anything is written."""
    with pytest.raises(ValueError, match="70000 characters"):
        encode_event(event, "utf-8")


@pytest.mark.parametrize(
    "encoding", ["hex", "nosuch", "idna", "punycode", "unicode_escape", "raw-unicode_escape", "", "a\0b"]
)
def test_an_encoding_that_is_not_for_payloads_is_refused(encoding: str) -> None:
    """``idna`` and ``punycode`` take hours for a long text."""
    with pytest.raises(ValueError, match="encoding"):
        encode_header(Header(0, encoding=encoding))
    line = json.dumps({"tcplog": 1, "start": "2026-01-31T00:00:00Z", "encoding": encoding}).encode()
    with pytest.raises(ValueError, match="encoding"):
        decode_header(line)


@pytest.mark.parametrize("wall", [10**25, -(10**25)])
def test_a_start_that_no_calendar_has_is_refused(wall: int) -> None:
    """Rather than a header that no reader takes."""
    with pytest.raises(ValueError, match="calendar"):
        encode_header(Header(wall))
    with pytest.raises(ValueError, match="calendar"):
        encode_event(Clock(0, wall), "utf-8")


@pytest.mark.parametrize(
    "line",
    [
        {"event": "mark", "text": ""},
        {"t": -1, "event": "mark", "text": ""},
        {"t": 0.5, "event": "mark", "text": ""},
        {"t": True, "event": "mark", "text": ""},
        {"t": 2**63, "event": "mark", "text": ""},
        {"t": 0},
        {"t": 0, "event": 5},
        {"t": 0, "event": "mark"},
        {"t": 0, "event": "mark", "text": None},
        {"t": 0, "event": "data", "conn": 1, "dir": ">"},
        {"t": 0, "event": "data", "conn": 1, "dir": "?", "text": ""},
        {"t": 0, "event": "data", "conn": "1", "dir": ">", "text": ""},
        {"t": 0, "event": "data", "conn": 1, "dir": ">", "hex": "0"},
        {"t": 0, "event": "data", "conn": 1, "dir": ">", "hex": "zz"},
        {"t": 0, "event": "data", "conn": 1, "dir": ">", "text": "\ud800"},
        {"t": 0, "event": "eof", "conn": 1},
        {"t": 0, "event": "close", "conn": 1},
        {"t": 0, "event": "clock", "wall": 5},
        {"t": 0, "event": "gap", "events": "many"},
        [],
        5,
        None,
    ],
    ids=json.dumps,
)
def test_a_line_that_is_none_is_refused(line: object) -> None:
    """With a sentence, never with another exception."""
    with pytest.raises(ValueError):  # noqa: PT011  # the reader adds where
        decode_event(json.dumps(line).encode(), "utf-8")


KEYS = st.sampled_from(["t", "event", "conn", "dir", "text", "hex", "wall", "by", "x"])
KINDS = st.sampled_from(["open", "data", "eof", "close", "error", "gap", "mark", "clock", "x"])
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | KINDS


@given(st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=8))
def test_any_json_is_an_event_or_a_value_error(found: object) -> None:
    """Whatever a line says."""
    with contextlib.suppress(ValueError):
        decode_event(json.dumps(found).encode(), "utf-8")


def test_what_a_later_version_adds_is_passed_over() -> None:
    """A key that is not known, an event that is not known, a closer that is not known."""
    assert decode_event(b'{"t":1,"event":"weather","wind":5}', "utf-8") is None
    assert Mark(1, "a") == decode_event(b'{"t":1,"event":"mark","text":"a","colour":[1]}', "utf-8")
    line = b'{"t":1,"event":"close","conn":1,"reason":"FIN","by":"nobody"}'
    assert Close(1, 1, "FIN", "unknown") == decode_event(line, "utf-8")
