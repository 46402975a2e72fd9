"""Values and noise through the codec: what must come back does, and what cannot be read is refused as documented."""

from __future__ import annotations

import contextlib
import ctypes
import json
import random
from typing import Any

from tcpip_core._codec import shown, structures_to_bytes
from tcpip_core._json_text import JSONEncodeError, decode_json, encode_json, json_codec_for

__all__ = ["VALUES_A_CASE", "Reading", "check_some", "random_json"]

VALUES_A_CASE = 20
LONGEST_MESSAGE = 500
"""More than the longest text of an error: 200 characters of the peer's, a sentence of ours, a position."""

PRINTABLE = frozenset(map(chr, range(0x20, 0x7F)))
INTS = (0, -1, 2**31, 2**63, -(2**64), 10**30)
FLOATS = (0.0, -0.0, 1e308, 5e-324, 0.1, -1.5)
TEXTS = ("", "a", "\r\n", "\0", "\x7f", "é", "\u2028", "\ud800", "😀", "\\", '"', "NaN")
PIECES = (b"{", b"}", b"[", b"]", b'"', b":", b",", b"\\", b"\\u", b"\\ud800", b"nul", b"null", b"true", b"NaN", b"1",
          b"-", b"e9999", b"1" * 5000, b"[" * 3000, b'{"a":' * 500, b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\0",
          b"\xf4\x90\x80\x80", b" ", b"\xef\xbb\xbf", b"-Infinity", b'"a"', b'{"a":1,"a":2}')  # fmt: skip


class Reading(ctypes.LittleEndianStructure):
    """A structure with fields of several sizes, floats and an array, packed."""

    _pack_ = 1
    _layout_ = "ms"  # what _pack_ means; Python 3.14 wants it said
    _fields_ = [
        ("serial", ctypes.c_uint32),
        ("flags", ctypes.c_uint8),
        ("value", ctypes.c_double),
        ("samples", ctypes.c_int16 * 4),
    ]


def random_json(rng: random.Random, depth: int = 3) -> Any:
    """Make a value that JSON can express."""
    kind = rng.randrange(7 if depth else 5)
    if kind == 0:
        return rng.choice((None, True, False))
    if kind == 1:
        return rng.choice(INTS)
    if kind == 2:
        return rng.choice(FLOATS) if rng.random() < 0.5 else rng.uniform(-1e9, 1e9)
    if kind in (3, 4):
        return "".join(rng.choices(TEXTS, k=rng.randrange(4)))
    some = range(rng.randrange(4))
    if kind == 5:
        return [random_json(rng, depth - 1) for _ in some]
    return {f"{rng.choice(TEXTS)}{i}": random_json(rng, depth - 1) for i in some}


def check_some(rng: random.Random) -> int:
    """Check a few values and a few lines of noise; return how many."""
    for _ in range(VALUES_A_CASE // 4):
        _check_round_trip(random_json(rng), strict=rng.random() < 0.5)
        _check_noise(b"".join(rng.choices(PIECES, k=rng.randrange(6))), strict=rng.random() < 0.5)
        _check_noise(rng.randbytes(rng.randrange(40)), strict=False)
        _check_structure(rng.randbytes(ctypes.sizeof(Reading)))
    return VALUES_A_CASE


def _check_round_trip(value: Any, *, strict: bool) -> None:
    codec = json_codec_for(None, strict=strict)
    text = encode_json(value, codec)
    assert not set(text) - PRINTABLE, f"{text!r} does not fit on a line"
    assert repr(decode_json(text, codec)) == repr(value), f"{value!r} came back another"
    refused = {"beside": value, "what JSON lacks": {1}}
    try:
        encode_json(refused, codec)
    except JSONEncodeError as e:
        _check_error(e, refused)
    else:
        raise AssertionError(f"{refused!r} passed as JSON")


def _check_noise(line: bytes, *, strict: bool) -> None:
    with contextlib.suppress(UnicodeDecodeError):
        text = line.decode()
        assert len(shown(text)) <= 200
        try:
            value = decode_json(text, json_codec_for(None, strict=strict))
        except json.JSONDecodeError as e:
            _check_error(e, text)
        else:
            assert repr(value) == repr(json.loads(text))


def _check_error(error: ValueError, about: object) -> None:
    assert len(str(error)) <= LONGEST_MESSAGE, f"the error of {shown(about)} is {len(str(error))} characters long"
    assert not isinstance(error, json.JSONDecodeError) or error.doc == about


def _check_structure(data: bytes) -> None:
    one = Reading.from_buffer_copy(data)
    assert structures_to_bytes((one, one)) == data + data
