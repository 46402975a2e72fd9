"""Values into bytes and back, with whatever Hypothesis thinks of."""

from __future__ import annotations

import codecs
import ctypes
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpip_core._codec import (
    checked_encoding,
    checked_structure,
    checked_terminator,
    shown,
    structures_to_bytes,
)


@given(st.text(max_size=12))
def test_any_name_of_an_encoding_is_taken_or_a_value_error(name: str) -> None:
    """No other error comes out of a misspelt name."""
    try:
        checked = checked_encoding(name)
    except ValueError:
        return
    assert checked == name
    codecs.lookup(name)


@pytest.mark.parametrize("encoding", ["hex", "rot13", "base64", "no-such", "", None, b"utf-8", 8], ids=repr)
def test_encoding_that_is_none_of_text_is_a_value_error(encoding: object) -> None:
    """It is refused at once, not when the first line arrives."""
    with pytest.raises(ValueError, match="encoding"):
        checked_encoding(encoding)


@pytest.mark.parametrize("terminator", [b"", "\r\n", None, 10, bytearray(b"\n")], ids=repr)
def test_terminator_that_is_no_bytes_is_a_value_error(terminator: object) -> None:
    """So is one that would end no line."""
    with pytest.raises(ValueError, match="terminator"):
        checked_terminator(terminator)


class Plain(ctypes.Structure):
    """Numbers, an array, a structure, a union: all of it means the same elsewhere."""

    class _Union(ctypes.Union):
        _fields_ = [("number", ctypes.c_uint32), ("raw", ctypes.c_uint8 * 4)]

    class _Inner(ctypes.BigEndianStructure):
        _fields_ = [("x", ctypes.c_int16), ("y", ctypes.c_double)]

    _fields_ = [
        ("text", ctypes.c_char * 16),
        ("flag", ctypes.c_bool),
        ("matrix", ctypes.c_float * 3 * 3),
        ("inner", _Inner * 2),
        ("union", _Union),
        ("bits", ctypes.c_uint8, 3),
    ]


@given(st.lists(st.binary(min_size=ctypes.sizeof(Plain), max_size=ctypes.sizeof(Plain)), max_size=4))
def test_structures_become_their_memory(images: list[bytes]) -> None:
    """Whatever the memory holds, the bytes are that, one structure after the other."""
    structs = tuple(Plain.from_buffer_copy(image) for image in images)
    assert structures_to_bytes(structs) == b"".join(images)


ADDRESSES: dict[str, Any] = {
    "pointer": ctypes.POINTER(ctypes.c_int),
    "void pointer": ctypes.c_void_p,
    "string pointer": ctypes.c_char_p,
    "wide string pointer": ctypes.c_wchar_p,
    "object": ctypes.py_object,
    "function": ctypes.CFUNCTYPE(ctypes.c_int),
    "array of pointers": ctypes.c_void_p * 2 * 2,
}


@pytest.mark.parametrize("nested", [False, True], ids=["field", "nested"])
@pytest.mark.parametrize("name", ADDRESSES)
def test_structure_with_an_address_is_a_type_error(name: str, nested: bool) -> None:
    """However deep it is hidden, an address is found, and the message says where."""

    class Holder(ctypes.Structure):
        _fields_ = [("number", ctypes.c_int), ("where", ADDRESSES[name])]

    class Outer(ctypes.Structure):
        _fields_ = [("holders", Holder * 2)]

    with pytest.raises(TypeError, match="where"):
        checked_structure(Outer() if nested else Holder())


def test_inherited_address_is_a_type_error() -> None:
    """A field of the base class is a field."""

    class Base(ctypes.Structure):
        _fields_ = [("where", ctypes.c_void_p)]

    class Derived(Base):
        _fields_ = [("number", ctypes.c_int)]

    with pytest.raises(TypeError, match="where"):
        checked_structure(Derived())


@pytest.mark.parametrize("struct", [b"bytes", Plain, None, ctypes.c_int(5)], ids=["bytes", "class", "none", "number"])
def test_what_is_no_structure_is_a_type_error(struct: object) -> None:
    """A class instead of an instance is the usual slip."""
    with pytest.raises(TypeError):
        checked_structure(struct)


@given(st.text(max_size=400) | st.binary(max_size=400))
def test_shown_data_are_short(data: str | bytes) -> None:
    """What goes into a log is the beginning of the `repr`, at most 200 characters."""
    text = shown(data)
    assert len(text) <= 200
    assert text == repr(data) or repr(data).startswith(text[:100])
