"""Framings against plain models that see the whole stream at once, with streams cut anywhere."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpip_testing.framing import (
    FRAMINGS,
    FixedSize,
    Framing,
    LengthPrefixed,
    Raw,
    Structured,
    Terminated,
    parse_framing,
)

Cut = tuple[list[bytes], bytes]
"""The messages of a stream, and what is left of it."""


class Status(ctypes.LittleEndianStructure):
    """What a dome says of itself."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("number", ctypes.c_uint16), ("azimuth", ctypes.c_double))


def cut_at(terminator: bytes) -> Callable[[bytes], Cut]:
    """Give the model of a terminator: `bytes.split`."""

    def model(stream: bytes) -> Cut:
        *messages, rest = stream.split(terminator)
        return messages, rest

    return model


def cut_every(size: int) -> Callable[[bytes], Cut]:
    """Give the model of a size: slices."""

    def model(stream: bytes) -> Cut:
        whole = len(stream) // size * size
        return [stream[at : at + size] for at in range(0, whole, size)], stream[whole:]

    return model


def cut_by_length(width: int, order: str) -> Callable[[bytes], Cut]:
    """Give the model of a length in front: `int.from_bytes`."""

    def model(stream: bytes) -> Cut:
        messages: list[bytes] = []
        while len(stream) >= width:
            end = width + int.from_bytes(stream[:width], "big" if order == "big" else "little")
            if len(stream) < end:
                break
            messages.append(stream[width:end])
            stream = stream[end:]
        return messages, stream

    return model


MODELS: dict[str, Callable[[bytes], Cut]] = {
    "crlf": cut_at(b"\r\n"),
    "lf": cut_at(b"\n"),
    "cr": cut_at(b"\r"),
    "nul": cut_at(b"\0"),
    "hex:0a0a": cut_at(b"\n\n"),
    "hex:0a0d0a": cut_at(b"\n\r\n"),
    "fixed:1": cut_every(1),
    "fixed:3": cut_every(3),
    "len:u8": cut_by_length(1, "big"),
    "len:u16be": cut_by_length(2, "big"),
    "len:u16le": cut_by_length(2, "little"),
    "len:u32be": cut_by_length(4, "big"),
    "len:u32le": cut_by_length(4, "little"),
    "struct:>HB": cut_every(3),
    f"struct:{__name__}:Status": cut_every(10),
}

UNBOUNDED = 1 << 40

# Few different bytes, small as lengths, so that whole frames, parts of terminators and overlaps are everywhere.
streams = st.lists(st.sampled_from(b"\0\0\1\2\r\n"), max_size=60).map(bytes)
names = st.sampled_from(sorted(MODELS))


@st.composite
def cut_streams(draw: st.DrawFn) -> list[bytes]:
    """Give a stream as the pieces in which it arrives, empty ones included."""
    stream = draw(streams)
    places = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    return [stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True)]


@given(names, cut_streams())
def test_messages_do_not_depend_on_where_the_stream_is_cut(name: str, pieces: list[bytes]) -> None:
    """However a stream arrives, its messages are those of a model that sees it whole."""
    decoder = parse_framing(name).decoder(max_frame=UNBOUNDED)
    messages = [message for piece in pieces for message in decoder.feed(piece)]
    assert MODELS[name](b"".join(pieces)) == (messages, decoder.pending)


@given(names, st.lists(streams, max_size=5))
def test_what_is_encoded_is_decoded_or_refused(name: str, messages: list[bytes]) -> None:
    """A framing that takes a message delivers just this message."""
    framing = parse_framing(name)
    decoder = framing.decoder()
    for message in messages:
        try:
            frame = framing.encode(message)
        except ValueError:
            continue
        assert [message] == decoder.feed(frame)
    assert b"" == decoder.pending


@given(names, cut_streams(), st.integers(10, 20))
def test_the_limit_does_not_depend_on_where_the_stream_is_cut(name: str, pieces: list[bytes], limit: int) -> None:
    """The messages before one that is too long all arrive; nothing comes after it."""
    decoder = parse_framing(name).decoder(max_frame=limit)
    got: list[bytes] = []
    refused = False
    for piece in [*pieces, b""]:
        try:
            got += decoder.feed(piece)
        except ValueError:
            refused = True
    expected, _ = MODELS[name](b"".join(pieces))
    fitting = next((at for at, message in enumerate(expected) if len(message) > limit), len(expected))
    assert expected[:fitting] == got
    assert refused or fitting == len(expected)


@given(cut_streams())
def test_raw_passes_what_arrives(pieces: list[bytes]) -> None:
    """Bytes without messages are lost by no framing."""
    decoder = parse_framing("raw").decoder()
    assert [piece for piece in pieces if piece] == [message for piece in pieces for message in decoder.feed(piece)]
    assert b"" == decoder.pending


@pytest.mark.parametrize(
    ("name", "framing"),
    [
        ("crlf", Terminated(b"\r\n")),
        ("hex:0d0a", Terminated(b"\r\n")),
        ("hex:03", Terminated(b"\x03")),
        ("fixed:16", FixedSize(16)),
        ("len:u16be", LengthPrefixed("u16be")),
        ("struct:>HHf", Structured(">HHf")),
        (f"struct:{__name__}:Status", Structured(Status)),
        ("raw", Raw()),
    ],
)
def test_names_and_framings_belong_together(name: str, framing: Framing) -> None:
    """A framing is what its name says, and its own name gives it again."""
    assert framing == parse_framing(name) == parse_framing(str(framing)) == parse_framing(framing)
    assert hash(framing) == hash(parse_framing(name))
    assert framing != parse_framing("nul")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "clrf",
        "CRLF",
        "crlf:",
        "hex",
        "hex:",
        "hex:0",
        "hex:xy",
        "fixed:0",
        "fixed:-1",
        "fixed:ten",
        "fixed",
        "len:u64be",
        "len:",
        "struct:",
        "struct:>Z",
        "struct:no.such.module:Class",
        "struct:ctypes:NoSuchClass",
        "struct:ctypes:c_int",
        "struct:..:x",
        "lines:crlf",
    ],
)
def test_an_unknown_framing_is_refused_with_what_is_allowed(name: str) -> None:
    """Who misspells a framing sees the right ones."""
    with pytest.raises(ValueError, match="unknown framing") as e:
        parse_framing(name)
    assert [] == [one for one in FRAMINGS if one not in str(e.value)]


def test_each_listed_framing_is_one_that_is_taken() -> None:
    """What the error recommends works; only the structure has to be the reader's own."""
    for name in FRAMINGS:
        if name != "struct:package.module:Class":
            assert name in {str(parse_framing(name)), "hex:0d0a"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("crlf", b"a\r\nb"),
        ("lf", b"a\n"),
        ("hex:6161", b"xa"),
        ("fixed:2", b"abc"),
        ("fixed:2", b""),
        ("len:u8", bytes(256)),
        ("struct:>H", b"x"),
    ],
)
def test_a_message_that_would_arrive_as_another_is_refused(name: str, message: bytes) -> None:
    """A sender learns at once what the receiver would get wrong."""
    with pytest.raises(ValueError, match="framing"):
        parse_framing(name).encode(message)


@pytest.mark.parametrize(("name", "limit"), [("crlf", 0), ("fixed:16", 15), ("raw", -1)])
def test_a_limit_that_admits_no_message_is_refused(name: str, limit: int) -> None:
    """A decoder that could never return anything is a mistake."""
    with pytest.raises(ValueError, match="max_frame"):
        parse_framing(name).decoder(max_frame=limit)


def test_an_announced_size_is_not_believed() -> None:
    """Five bytes of a peer must not make us wait for four gigabytes."""
    decoder = parse_framing("len:u32be").decoder(max_frame=100)
    with pytest.raises(ValueError, match="4294967295 bytes"):
        decoder.feed(b"\xff\xff\xff\xff\0")
    with pytest.raises(ValueError, match="4294967295 bytes"):
        decoder.feed(b"")
