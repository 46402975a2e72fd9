"""JSON lines: `read_json` and `write_json`."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import pytest

import tcpip_core
from tests.contract._links import Link, Pair, Side, linked
from tests.support import soon

VALUES: tuple[object, ...] = (
    {"az": 12.5, "name": "dome", "open": True, "faults": [], "parent": None},
    [],
    {},
    [1, [2, [3, {"four": 4}]]],
    "h\u00e9llo \u671b\u9060\u93e1 \U0001f52d",
    'quotes " and \\ and \r\n and \x00',
    "",
    0,
    -1.5e-300,
    2**64,
    True,
    None,
)


def cycle() -> list[Any]:
    """Give a list that holds itself."""
    value: list[Any] = []
    value.append(value)
    return value


def nested(depth: int) -> list[Any]:
    """Give a list in a list in a list, far deeper than any interpreter follows."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


NOT_ENCODABLE = {
    "object": object(),
    "set": {1, 2},
    "bytes": b"bytes",
    "tuple as key": {(1, 2): 3},
    "object deep inside": {"a": [1, {"b": object()}]},
    "cycle": cycle(),
    "too deep": nested(200_000),
}
each_not_encodable = pytest.mark.parametrize("value", NOT_ENCODABLE.values(), ids=NOT_ENCODABLE.keys())

NOT_JSON = {
    "word": b"hello there",
    "half an object": b'{"az": 12.5, "open": tr',
    "empty line": b"",
    "single quotes": b"{'az': 1}",
    "two values": b"{} {}",
    "blanks": b"   ",
    "more digits than Python takes": b"1" * 5000,
}
each_not_json = pytest.mark.parametrize("wire", NOT_JSON.values(), ids=NOT_JSON.keys())


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[:30])
async def test_value_written_at_one_side_is_read_at_the_other(pair: Pair, value: object) -> None:
    """What goes in comes out, with its type."""
    await soon(pair.writer.write_json(value))
    got = await soon(pair.reader.read_json())
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[:30])
async def test_write_json_sends_the_bytes_of_the_standard_library(link: Link, value: object) -> None:
    """Devices and recordings compare bytes: they are those of `json.dumps`, one line of them."""
    await soon(link.subject.write_json(value))
    wire = json.dumps(value).encode() + b"\r\n"
    assert await link.peer.read_exactly(len(wire)) == wire


async def test_write_json_uses_encoding_and_terminator(side: Side, host: str) -> None:
    """JSON is a line of text like any other."""
    async with linked(side, host, encoding="utf-16-le", terminator=b"\n\x00") as link:
        await soon(link.subject.write_json({"az": 1}))
        wire = '{"az": 1}\n'.encode("utf-16-le")
        assert await link.peer.read_exactly(len(wire)) == wire


async def test_read_json_uses_encoding_and_terminator(side: Side, host: str) -> None:
    """JSON is read as a line of text in the encoding of the link, not in one that is guessed."""
    async with linked(side, host, encoding="latin-1", terminator=b";") as link:
        link.send('["caf\u00e9"];'.encode("latin-1"))
        assert await soon(link.subject.read_json()) == ["caf\u00e9"]


async def test_read_json_takes_blanks_around_the_value(link: Link) -> None:
    """Devices pad their lines."""
    link.send(b'  {"az": 1} \t\r\n')
    assert await soon(link.subject.read_json()) == {"az": 1}


async def test_read_json_takes_nan_and_infinity(link: Link) -> None:
    """Devices send NaN for a sensor that is off, though the JSON standard has no such number."""
    link.send(b"[NaN, Infinity, -Infinity]\r\n")
    nan, plus, minus = await soon(link.subject.read_json())
    assert math.isnan(nan)
    assert (plus, minus) == (math.inf, -math.inf)


async def test_write_json_takes_nan(link: Link) -> None:
    """Nor is a mock refused to send what its device sends."""
    await soon(link.subject.write_json([math.nan]))
    assert await link.peer.read_exactly(7) == b"[NaN]\r\n"


async def test_read_json_takes_the_last_of_duplicate_keys(link: Link) -> None:
    """As the standard library does."""
    link.send(b'{"a": 1, "a": 2}\r\n')
    assert await soon(link.subject.read_json()) == {"a": 2}


@each_not_json
async def test_line_that_is_not_json_is_a_json_decode_error(link: Link, wire: bytes) -> None:
    """The standard library's error, so that programs catch what they always caught."""
    link.send(wire + b"\r\n")
    with pytest.raises(json.JSONDecodeError):
        await soon(link.subject.read_json())


@each_not_json
async def test_line_that_is_not_json_costs_that_line_only(link: Link, wire: bytes) -> None:
    """The next value is read and the link stays up."""
    await link.send_and_take(wire + b'\r\n{"next": 1}\r\n')
    with pytest.raises(json.JSONDecodeError):
        await soon(link.subject.read_json())
    assert link.subject.connected
    assert await soon(link.subject.read_json()) == {"next": 1}
    assert link.told == [True]


async def test_json_decode_error_shows_the_offending_data(link: Link) -> None:
    """Who reads the log sees what the device said, not only where it went wrong."""
    link.send(b'ERR 42 "overheated"\r\n')
    with pytest.raises(json.JSONDecodeError) as caught:
        await soon(link.subject.read_json())
    assert "ERR 42" in str(caught.value)
    assert "overheated" in str(caught.value)


async def test_too_deep_json_is_a_json_decode_error(side: Side, host: str) -> None:
    """A peer cannot raise a `RecursionError` in our process, and the link stays up."""
    async with linked(side, host, limit=1 << 20) as link:
        depth = 200_000
        await link.peer.send_all(b"[" * depth + b"]" * depth + b"\r\n[1]\r\n")
        with pytest.raises(json.JSONDecodeError):
            await soon(link.subject.read_json())
        assert await soon(link.subject.read_json()) == [1]


async def test_undecodable_json_is_a_unicode_error(link: Link) -> None:
    """A wrong byte is an error of the encoding; it costs that line only."""
    await link.send_and_take(b'["caf\xe9"]\r\n["coffee"]\r\n')
    with pytest.raises(UnicodeError):
        await soon(link.subject.read_json())
    assert await soon(link.subject.read_json()) == ["coffee"]


async def test_too_long_json_is_a_limit_overrun(side: Side, host: str) -> None:
    """The limit of a frame holds for JSON, and the data stay readable."""
    async with linked(side, host, limit=64) as link:
        wire = b'["' + b"x" * 100 + b'"]\r\n'
        await link.send_and_take(wire)
        with pytest.raises(asyncio.LimitOverrunError):
            await soon(link.subject.read_json())
        assert await soon(link.subject.readexactly(len(wire))) == wire


@each_not_encodable
async def test_value_that_cannot_be_encoded_is_a_json_encode_error(link: Link, value: object) -> None:
    """One error for all of them, which programs may catch as either of the built-in two."""
    with pytest.raises(tcpip_core.JSONEncodeError) as caught:
        await soon(link.subject.write_json(value))
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)


@each_not_encodable
async def test_value_that_cannot_be_encoded_sends_nothing(link: Link, value: object) -> None:
    """Not even the part that could have been encoded goes out, and the link stays up."""
    with pytest.raises(tcpip_core.JSONEncodeError):
        await soon(link.subject.write_json(value))
    assert link.subject.connected
    await soon(link.subject.write_json("next"))
    await soon(link.subject.close())
    assert await link.peer.read_to_eof() == b'"next"\r\n'


def test_json_encode_error_is_a_type_error_and_a_value_error() -> None:
    """The standard library raises one or the other; a program that catches either still works."""
    assert issubclass(tcpip_core.JSONEncodeError, TypeError)
    assert issubclass(tcpip_core.JSONEncodeError, ValueError)


async def test_json_text_of_another_line_between_values(link: Link) -> None:
    """JSON and plain lines may alternate on one link, as command and telemetry do."""
    await link.send_and_take(b'{"a": 1}\r\nOK\r\n[2]\r\n')
    assert await soon(link.subject.read_json()) == {"a": 1}
    assert await soon(link.subject.read_str()) == "OK"
    assert await soon(link.subject.read_json()) == [2]
