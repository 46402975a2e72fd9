"""JSON text: every codec gives the values and the errors of the standard library, whatever Hypothesis thinks of."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
import functools
import importlib.util
import json
import math
import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tcpip_core import JsonCodec, JSONEncodeError, Limits, MsgspecCodec, Tuning
from tcpip_core._codec import shown
from tcpip_core._json_text import decode_json, encode_json, json_codec_for
from tests.contract._links import paired
from tests.support import IPV4, soon

STANDARD = json_codec_for(None, strict=False)
HAS_MSGSPEC = importlib.util.find_spec("msgspec") is not None


@pytest.fixture(params=["standard", "msgspec"])
def codec(request: pytest.FixtureRequest) -> JsonCodec:
    """Give each codec of ours."""
    if request.param == "standard":
        return STANDARD
    if not HAS_MSGSPEC:
        pytest.skip("msgspec is not installed")
    return MsgspecCodec()


@pytest.fixture(scope="module")
def both() -> tuple[JsonCodec, ...]:
    """Give all codecs there are, for tests that Hypothesis drives."""
    return (STANDARD, MsgspecCodec()) if HAS_MSGSPEC else (STANDARD,)


keys = st.text(max_size=5) | st.integers() | st.floats() | st.booleans() | st.none()
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.tuples(inner, inner) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)
# Text that is nearly JSON, so that both outcomes are tried often.
json_like = st.text(alphabet='{}[]",:0123456789.eE+-truefalsnNIy\\u \n', max_size=40) | st.text()
cut_json = st.tuples(json_values.map(json.dumps), st.integers(0, 200), st.integers(0, 3)).map(
    lambda drawn: drawn[0][: drawn[1]] + drawn[0][drawn[1] + drawn[2] :]
)


@given(json_values)
def test_standard_text_is_that_of_the_standard_library(value: object) -> None:
    """Bytes on the wire do not depend on how we come by them."""
    assert json.dumps(value) == encode_json(value, STANDARD)


@given(json_values)
def test_every_codec_writes_what_reads_back_the_same(both: tuple[JsonCodec, ...], value: object) -> None:
    """Whichever codec a program chooses, its peer gets the value that the standard library would have sent."""
    expected = repr(json.loads(json.dumps(value)))
    for codec in both:
        text = encode_json(value, codec)
        assert expected == repr(json.loads(text))
        assert expected == repr(decode_json(text, codec))


@given(json_values)
def test_encoded_json_is_one_line_of_ascii(both: tuple[JsonCodec, ...], value: object) -> None:
    """JSON can never hold a terminator, nor what an encoding lacks."""
    for codec in both:
        text = encode_json(value, codec)
        assert text.isascii()
        assert "\n" not in text
        assert "\r" not in text


@given(json_like | cut_json)
@example("\ufeff{}")
@example('{"a": 1, "a": 2}')
@example("[18446744073709551616, -9223372036854775809, 1e400, -0, -0.0, 1E5]")
@example('"\\ud800"')
@example('"\ud800"')
@example("[1]  ")
@example(" [1]")
def test_every_codec_reads_what_the_standard_library_does(both: tuple[JsonCodec, ...], text: str) -> None:
    """The same value or the same error, at the same place of the same document."""
    expected = decoded(json.loads, text)
    for codec in both:
        assert expected == decoded(functools.partial(decode_json, codec=codec), text)


def decoded(decode: Callable[[str], Any], text: str) -> object:
    """Return what a decoder makes of a text, NaN comparable, or where and why it refuses it."""
    try:
        return repr(decode(text))
    except json.JSONDecodeError as error:
        return error.msg.removesuffix(f" in {shown(text)}"), error.doc, error.pos


@given(st.text(alphabet=string.ascii_letters, min_size=1, max_size=150).filter(lambda text: text[0] not in "tfnNI"))
def test_decode_error_shows_the_text(text: str) -> None:
    """A person sees what the device said."""
    with pytest.raises(json.JSONDecodeError) as caught:
        decode_json(text, STANDARD)
    assert text in str(caught.value)


def test_decode_error_shows_no_more_than_a_log_can_take(codec: JsonCodec) -> None:
    """A megabyte of garbage makes a short message; the document is there for who wants it."""
    text = "x" * 1_000_000
    with pytest.raises(json.JSONDecodeError) as caught:
        decode_json(text, codec)
    assert len(str(caught.value)) < 400
    assert caught.value.doc == text


@pytest.mark.parametrize("text", ["1" * 5000, "[" * 200_000], ids=["digits", "nesting"])
def test_json_that_the_standard_library_gives_up_on_is_a_decode_error(codec: JsonCodec, text: str) -> None:
    """A `ValueError` about digits or a `RecursionError` is still only a bad line of the peer's."""
    with pytest.raises(json.JSONDecodeError):
        decode_json(text, codec)


class Unspeakable:
    """An object that cannot even be shown."""

    def __repr__(self) -> str:
        raise LookupError("no representation")


circle: list[Any] = []
circle.append(circle)


@pytest.mark.parametrize(
    "value",
    [
        *(object(), {1: {2, 3}}, {(1, 2): 3}, b"bytes", 10**5000, Unspeakable(), circle, {"a": [circle]}),
        *(dt.date(2026, 1, 1), decimal.Decimal(1), [frozenset({1})], {b"key": 1}),
    ],
    ids=[
        *("object", "set", "tuple as key", "bytes", "digits", "no repr", "circle", "circle inside"),
        *("date", "decimal", "frozenset", "bytes as key"),
    ],
)
def test_value_without_a_json_form_is_an_encode_error(codec: JsonCodec, value: object) -> None:
    """One error, whatever was raised below; that one is its cause. msgspec would take some of them."""
    with pytest.raises(JSONEncodeError) as caught:
        encode_json(value, codec)
    assert isinstance(caught.value.__cause__, TypeError | ValueError | RecursionError)


def test_circle_is_called_one(codec: JsonCodec) -> None:
    """The error is the standard library's own."""
    with pytest.raises(JSONEncodeError, match="Circular reference"):
        encode_json(circle, codec)


class Colour(enum.IntEnum):
    RED = 1


@pytest.mark.parametrize(
    "value",
    [Colour.RED, [Colour.RED], {Colour.RED: 1}, collections.Counter("a"), (1, 2), math.inf, {"a": math.nan}],
    ids=repr,
)
def test_kinds_that_only_look_like_json_are_written_the_same(codec: JsonCodec, value: object) -> None:
    """Subclasses and what is no number: the standard library decides."""
    assert repr(json.loads(json.dumps(value))) == repr(json.loads(encode_json(value, codec)))


def test_strict_json_goes_without_a_codec() -> None:
    """Two wishes that contradict each other are refused."""
    with pytest.raises(ValueError, match="strict_json"):
        json_codec_for(STANDARD, strict=True)


class Shouting:
    """A codec of somebody's own."""

    def encode(self, data: Any) -> str:
        """Write in capitals."""
        return json.dumps(data).upper()

    def decode(self, text: str) -> Any:
        """Read as it is."""
        return json.loads(text)


async def test_codec_of_ones_own_is_used_for_both_directions(host: str) -> None:
    """Any object with the two methods will do."""
    async with paired("client", host, tuning=Tuning(json_codec=Shouting())) as pair:
        await pair.writer.write_json({"state": 1})
        assert await soon(pair.reader.read_json()) == {"STATE": 1}


class Refusing:
    """A codec that takes nothing."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def encode(self, data: Any) -> str:
        """Refuse."""
        raise self.error

    def decode(self, text: str) -> Any:
        """Refuse."""
        raise self.error


@pytest.mark.parametrize("error", [TypeError("why"), ValueError("why"), RecursionError("why")], ids=repr)
def test_errors_of_a_codec_of_ones_own_are_ours(error: Exception) -> None:
    """A read loop then takes them for what they are: the peer's message, not a mistake of the program."""
    with pytest.raises(json.JSONDecodeError):
        decode_json("[1]", Refusing(error))
    with pytest.raises(JSONEncodeError, match="why"):
        encode_json([1], Refusing(error))


@pytest.mark.skipif(not HAS_MSGSPEC, reason="msgspec is not installed")
async def test_msgspec_on_one_side_understands_the_standard_library_on_the_other(host: str) -> None:
    """The codec is a matter of each side."""
    value = {"az": [1, 2.5, None, math.inf], "name": "h\u00e9llo"}
    async with paired("client", host, tuning=Tuning(json_codec=MsgspecCodec())) as pair:
        await pair.writer.write_json(value)
        await pair.writer.write_str(json.dumps(value))
        assert [await soon(pair.reader.read_json()) for _ in range(2)] == [value, value]


async def test_contradicting_wishes_are_refused_before_anything_exists(host: str) -> None:
    """A bad argument raises in the constructor."""
    with pytest.raises(ValueError, match="strict_json"):
        async with paired("client", IPV4, limits=Limits(strict_json=True), tuning=Tuning(json_codec=Shouting())):
            pass
