"""Bytes as people type and read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpip_tools._payload import for_machines, hex_lines, quoted, shown, unescape


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("*IDN?", b"*IDN?"),
        (r"\x02ON\x03", b"\x02ON\x03"),
        (r"a\r\n\t\0\e\\b", b"a\r\n\t\0\x1b\\b"),
        (r"\\x02", rb"\x02"),
        ("Süd", "Süd".encode()),
        ("", b""),
    ],
)
def test_escapes_stand_for_bytes(text: str, data: bytes) -> None:
    """What cannot be typed can be sent."""
    assert data == unescape(text, "utf-8")


@pytest.mark.parametrize(
    ("text", "words"), [(r"\q", r"'\q' is no escape"), (r"a\x2", r"is no escape"), ("a\\", "is no escape")]
)
def test_an_escape_that_does_not_exist_is_an_error(text: str, words: str) -> None:
    """Sent as it stands, it would be a riddle for the device."""
    with pytest.raises(ValueError, match="is no escape") as caught:
        unescape(text, "utf-8")
    assert words in str(caught.value)


def test_a_character_that_the_encoding_lacks_is_an_error() -> None:
    """Nothing is replaced in silence."""
    with pytest.raises(ValueError, match="cannot be written in ascii"):
        unescape("Süd", "ascii")


@given(st.binary(), st.sampled_from(["utf-8", "ascii", "latin-1"]))
def test_what_a_machine_gets_gives_the_bytes_back(data: bytes, encoding: str) -> None:
    """As text where that is exact, else as digits."""
    found = for_machines(data, encoding, seconds=1.5)
    back = bytes.fromhex(str(found["hex"])) if "hex" in found else str(found["text"]).encode(encoding)
    assert (data, len(data), 1.5) == (back, found["size"], found["seconds"])


@given(st.binary())
def test_what_people_see_cannot_move_the_cursor(data: bytes) -> None:
    """Whatever a peer sends."""
    assert shown(data, "utf-8").isprintable()


def test_bytes_are_quoted_once() -> None:
    """A backslash of ours must not get one of its own."""
    assert r"'ON\r\n'" == quoted(b"ON\r\n", "utf-8")


def test_digits_stand_beside_the_letters() -> None:
    """Sixteen to a line."""
    first, second = hex_lines(b"STATUS\r\n" + bytes(range(8)) + b"\xff")
    assert "00000000  53 54 41 54 55 53 0d 0a 00 01 02 03 04 05 06 07  STATUS.........." == first
    assert second.startswith("00000010  ff ")
