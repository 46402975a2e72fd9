"""Words for what went wrong: what was expected, what came, where they differ. Pure."""

import ctypes
from collections.abc import Iterator, Mapping
from typing import Any

from ._json import json_differences
from ._messages import Expected, Json, Received, json_value, to_bytes
from ._words import MOST_SHOWN, describe_expected, describe_fields, shown

__all__ = ["DialogueError", "differences"]


class DialogueError(AssertionError):
    """A dialogue did not go as its script says: a failed assertion, with the transcript in its text."""


def differences(expected: Expected, data: bytes, encoding: str) -> Iterator[str]:
    """Give the lines that show how a message differs from what was expected."""
    match expected:
        case str() | bytes():
            yield from _text_differences(to_bytes(expected, encoding), data, encoding)
        case ctypes.Structure():
            yield from _structure_differences(expected, data)
        case Json() | Mapping():
            yield f"expected  {describe_expected(expected)}"
            yield f"got       {shown(data, encoding)}"
            try:
                yield from json_differences(json_value(expected), Received(data, encoding).json())
            except ValueError as e:
                yield f"it is no JSON: {e}"
        case _:
            yield f"expected  {describe_expected(expected)}"
            yield f"got       {shown(data, encoding)}"


def _text_differences(expected: bytes, data: bytes, encoding: str) -> Iterator[str]:
    try:
        one, other = expected.decode(encoding), data.decode(encoding)
    except UnicodeDecodeError:
        yield from _marked(expected, data)
    else:
        yield from _marked(one, other)


def _marked(expected: Any, got: Any) -> Iterator[str]:
    """Show two texts, or two bytes, and below them the place where they part."""
    same = next((at for at, (a, b) in enumerate(zip(expected, got, strict=False)) if a != b), None)
    place = min(len(expected), len(got)) if same is None else same
    start = max(0, place - MOST_SHOWN // 2)
    stop = start + MOST_SHOWN
    before = "..." if start else ""
    yield f"expected  {before}{expected[start:stop]!r}{'...' if stop < len(expected) else ''}"
    yield f"got       {before}{got[start:stop]!r}{'...' if stop < len(got) else ''}"
    # The closing quote of what is alike stands where the first difference does.
    yield f"          {' ' * (len(before) + len(repr(got[start:place])) - 1)}^ from here on"


def _structure_differences(expected: ctypes.Structure, data: bytes) -> Iterator[str]:
    yield f"expected  {describe_expected(expected)}"
    size = ctypes.sizeof(expected)
    if len(data) != size:
        yield f"got       {len(data)} bytes instead of {size}: {data[:MOST_SHOWN]!r}"
        return
    got = type(expected).from_buffer_copy(data)
    yield f"got       {describe_expected(got)}"
    wanted, came = describe_fields(expected), describe_fields(got)
    yield from (f"{name}: expected {wanted[name]}, got {came[name]}" for name in wanted if wanted[name] != came[name])
