"""Values into bytes and back, with whatever Hypothesis thinks of."""

from __future__ import annotations

import codecs
import ctypes
import json
import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpip_core import JSONEncodeError
from tcpip_core._codec import (
    checked_encoding,
    checked_structure,
    checked_terminator,
    decode_json,
    encode_json,
    shown,
    structures_to_bytes,
)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)
# Text that is nearly JSON, so that both outcomes are tried often.
json_like = st.text(alphabet='{}[]",:0123456789.eE+-truefalsn\\u \n', max_size=40) | st.text()


@given(json_values)
def test_encoded_json_is_that_of_the_standard_library(value: object) -> None:
    """Bytes on the wire do not depend on how we come by them."""
    assert encode_json(value) == json.dumps(value)


@given(json_values)
def test_encoded_json_is_one_line_of_ascii(value: object) -> None:
    """JSON can never hold a terminator, nor what an encoding lacks."""
    text = encode_json(value)
    assert text.isascii()
    assert "\n" not in text
    assert "\r" not in text


@given(json_values)
def test_decoding_undoes_encoding(value: object) -> None:
    """A value comes back as it was."""
    assert decode_json(encode_json(value)) == value


@given(json_like)
def test_decoded_json_is_that_of_the_standard_library(text: str) -> None:
    """The same value or the same error, at the same place of the same document."""
    assert decoded(decode_json, text) == decoded(json.loads, text)


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
        decode_json(text)
    assert text in str(caught.value)


def test_decode_error_shows_no_more_than_a_log_can_take() -> None:
    """A megabyte of garbage makes a short message; the document is there for who wants it."""
    text = "x" * 1_000_000
    with pytest.raises(json.JSONDecodeError) as caught:
        decode_json(text)
    assert len(str(caught.value)) < 400
    assert caught.value.doc == text


@pytest.mark.parametrize("text", ["1" * 5000, "[" * 200_000], ids=["digits", "nesting"])
def test_json_that_the_standard_library_gives_up_on_is_a_decode_error(text: str) -> None:
    """A `ValueError` about digits or a `RecursionError` is still only a bad line of the peer's."""
    with pytest.raises(json.JSONDecodeError):
        decode_json(text)


class Unspeakable:
    """An object that cannot even be shown."""

    def __repr__(self) -> str:
        raise LookupError("no representation")


@pytest.mark.parametrize(
    "value",
    [object(), {1: {2, 3}}, {(1, 2): 3}, b"bytes", 10**5000, Unspeakable()],
    ids=["object", "set", "tuple as key", "bytes", "digits", "no repr"],
)
def test_value_without_a_json_form_is_an_encode_error(value: object) -> None:
    """One error, whatever the standard library raised; that one is its cause."""
    with pytest.raises(JSONEncodeError) as caught:
        encode_json(value)
    assert isinstance(caught.value.__cause__, TypeError | ValueError | RecursionError)


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
