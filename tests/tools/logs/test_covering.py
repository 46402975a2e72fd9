"""What patterns match is covered, whole and nothing else, in any encoding."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpip_tools.logs._covering import cover, covered

ENCODINGS = (
    "utf-8",
    "utf-16-le",
    "utf-16-be",
    "utf-32-le",
    "latin-1",
    "cp1252",
    "ascii",
    "shift_jis",
    "gb18030",
    "cp037",
)
SECRET = re.compile("s+")


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=st.text("asé€漢\U0001f600\n"))
def test_each_byte_of_a_match_is_covered_and_no_other(encoding: str, text: str) -> None:
    """For every text that the encoding has."""
    text = text.encode(encoding, "ignore").decode(encoding)
    stream = bytearray(text.encode(encoding))
    expected = b"".join(b"x" * len(one.encode(encoding)) if one == "s" else one.encode(encoding) for one in text)
    places = cover(stream, [SECRET], encoding)
    assert expected == stream
    assert len(SECRET.findall(text)) == places


@pytest.mark.parametrize("encoding", [*ENCODINGS, "utf-16", "utf-8-sig", "utf-7", "iso2022_jp", "hz", "big5hkscs"])
@given(
    stream=st.binary() | st.lists(st.sampled_from([b"s", b"\x1b$B", b"~{", b"+AHM-", b"\xc3\xa9", b"\0"])).map(b"".join)
)
def test_bytes_of_any_kind_are_no_error_and_keep_their_number(encoding: str, stream: bytes) -> None:
    """What is no text is characters of their own; all of it can be covered."""
    left = bytearray(stream)
    assert (cover(left, [re.compile("(?s).+")], encoding) > 0) == bool(left.count(b"x"))
    assert len(stream) == len(left)
    if encoding not in {"utf-16", "utf-8-sig", "iso2022_jp", "hz", "utf-7"}:  # In these, some bytes say nothing.
        assert len(stream) == left.count(b"x")


def test_bad_bytes_beside_a_match_stay() -> None:
    """In UTF-8 and in UTF-16, cut anywhere."""
    stream = bytearray(b"\xff\xc3s\xc3\xa9\xe2\x82s\xc3")
    assert 2 == cover(stream, [SECRET], "utf-8")
    assert b"\xff\xc3x\xc3\xa9\xe2\x82x\xc3" == stream
    stream = bytearray(b"\x00\xdcs\x00a\x00s\x00z")
    assert 2 == cover(stream, [SECRET], "utf-16-le")
    assert b"\x00\xdcxxa\x00xxz" == stream


def test_patterns_do_not_hide_secrets_from_each_other() -> None:
    """Each is looked for in what was there before anything was covered."""
    patterns = [re.compile("PASS"), re.compile(r"(?<=PASS )\w+")]
    stream = bytearray(b"PASS hunter")
    assert 2 == cover(stream, patterns, "utf-8")
    assert b"xxxx xxxxxx" == stream
    assert ("xxxx xxxxxx", 2) == covered("PASS hunter", patterns)


def test_no_number_of_bytes_without_a_character_takes_long() -> None:
    """UTF-7 would begin anew for each of them."""
    stream = bytearray(b"+" + b"A" * 20_000 + b" s")
    assert 1 == cover(stream, [SECRET], "utf-7")
    assert stream.endswith(b"A x")
