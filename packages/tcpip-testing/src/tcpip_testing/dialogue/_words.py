"""Short words for messages and what is expected. Pure."""

import ctypes
import json
import re
from collections.abc import Iterable, Mapping
from typing import Final, cast

from ._messages import Expected, Json, json_value

__all__ = ["MOST_SHOWN", "describe_expected", "describe_fields", "shown"]

MOST_SHOWN: Final = 160
"""Most characters of a message that are shown."""


def shown(data: bytes, encoding: str) -> str:
    """Return data as text if they are, otherwise as bytes; the end of much is left out."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = ""
    whole = repr(text) if text and (text.isprintable() or text.strip("\r\n\t").isprintable()) else repr(data)
    return whole if len(whole) <= MOST_SHOWN else f"{whole[:MOST_SHOWN]}... ({len(data)} bytes)"


def describe_expected(expected: Expected) -> str:
    """Name what is expected."""
    match expected:
        case re.Pattern():
            return f"a match of {expected.pattern!r}"
        case str() | bytes():
            return (
                repr(expected)
                if len(expected) <= MOST_SHOWN
                else f"{expected[:MOST_SHOWN]!r}... ({len(expected)} long)"
            )
        case Json() | Mapping():
            return f"JSON {json.dumps(json_value(expected), default=repr)}"
        case ctypes.Structure():
            return f"the structure {_structure(expected)}"
        case _:
            return f"what {getattr(expected, '__qualname__', repr(expected))} accepts"


def describe_fields(structure: ctypes.Structure) -> dict[str, str]:
    """Give the values of a structure's fields, as text."""
    names: list[str] = [
        str(field[0]) for kind in reversed(type(structure).__mro__) for field in vars(kind).get("_fields_", ())
    ]
    return {name: _value(getattr(structure, name)) for name in names}


def _value(value: object) -> str:
    if isinstance(value, ctypes.Structure):
        return _structure(value)
    return repr(list(cast("Iterable[object]", value))) if isinstance(value, ctypes.Array) else repr(value)


def _structure(structure: ctypes.Structure) -> str:
    fields = ", ".join(f"{name}={value}" for name, value in describe_fields(structure).items())
    return f"{type(structure).__name__}({fields})"
