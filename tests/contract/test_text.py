"""Text lines: `read_str` and `write_str`, encodings and terminators."""

from __future__ import annotations

import asyncio

import pytest

from tests.contract._links import Link, Pair, Side, linked, paired
from tests.support import soon

WIDE = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
TEXTS = ("", " ", "status", "h\u00e9llo w\u00f6rld", "\u671b\u9060\u93e1", "\U0001f52d", " tab\tand \r alone ", "\n\n")


def terminator_in(encoding: str) -> bytes:
    """Give CR LF as that encoding has it, without a byte order mark."""
    mark = len("".encode(encoding))
    return "\r\n".encode(encoding)[mark:]


async def test_read_str_strips_the_terminator(link: Link) -> None:
    """Only the terminator goes: blanks around a line are the line's."""
    link.send(b"  a line \t\r\n")
    assert await soon(link.subject.read_str()) == "  a line \t"


async def test_read_str_of_an_empty_line_is_the_empty_string(link: Link) -> None:
    """A lone terminator is a line too."""
    link.send(b"\r\n\r\nx\r\n")
    assert [await soon(link.subject.read_str()) for _ in range(3)] == ["", "", "x"]


async def test_read_str_splits_at_the_whole_terminator_only(link: Link) -> None:
    """Half of a terminator is part of the line."""
    link.send(b"a\rb\nc\n\rd\r\r\ne\r\n")
    assert await soon(link.subject.read_str()) == "a\rb\nc\n\rd\r"
    assert await soon(link.subject.read_str()) == "e"


@pytest.mark.parametrize("terminator", [b"\n", b";", b"\r\n", b"\x00", b"--END--", b"\xff\xfe"], ids=repr)
async def test_read_str_with_a_terminator_cut_anywhere(side: Side, host: str, terminator: bytes) -> None:
    """A terminator that arrives in pieces ends its line all the same."""
    async with linked(side, host, terminator=terminator) as link:
        frame = b"a line" + terminator
        for cut in range(1, len(frame)):
            reading = asyncio.create_task(link.subject.read_str())
            await link.send_and_take(frame[:cut])
            await link.send_and_take(frame[cut:])
            assert await soon(reading) == "a line", f"cut at {cut}"


@pytest.mark.parametrize(
    ("terminator", "stream", "lines"),
    [
        (b"aa", b"xaaayaaaa", ["x", "ay", ""]),
        (b"\n\n", b"one\n\n\ntwo\n\n\n\n", ["one", "\ntwo", ""]),
        (b"aba", b"xababayaba", ["x", "bay"]),
    ],
    ids=repr,
)
async def test_terminator_that_overlaps_itself_ends_at_its_first_place(
    side: Side, host: str, terminator: bytes, stream: bytes, lines: list[str]
) -> None:
    """Lines are found from the left, one after the other, however the stream is cut."""
    for cut in range(1, len(stream)):
        async with linked(side, host, terminator=terminator) as link:
            await link.send_and_take(stream[:cut])
            link.send(stream[cut:])
            assert [await soon(link.subject.read_str()) for _ in lines] == lines, f"cut at {cut}"


async def test_undecodable_line_is_a_unicode_error(link: Link) -> None:
    """Decoding is strict: a wrong byte is reported, never replaced."""
    link.send(b"caf\xe9\r\n")
    with pytest.raises(UnicodeError):
        await soon(link.subject.read_str())


async def test_undecodable_line_costs_that_line_only(link: Link) -> None:
    """The lines around it are read, in order, and the link stays up."""
    await link.send_and_take(b"one\r\ncaf\xe9\r\ntwo\r\n\xff\xff\r\nthree\r\n")
    lines: list[str] = []
    for _ in range(5):
        try:
            lines.append(await soon(link.subject.read_str()))
        except UnicodeError:
            lines.append("?")
    assert lines == ["one", "?", "two", "?", "three"]
    assert link.subject.connected
    assert link.told == [True]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
async def test_line_written_at_one_side_is_read_at_the_other(pair: Pair, text: str) -> None:
    """What goes in comes out, for every kind of character."""
    await soon(pair.writer.write_str(text))
    assert await soon(pair.reader.read_str()) == text


@pytest.mark.parametrize("encoding", WIDE)
async def test_wide_encoding_with_a_suited_terminator(side: Side, host: str, encoding: str) -> None:
    """Encodings with more than one byte a character work where the terminator is of the same width."""
    async with paired(side, host, encoding=encoding, terminator=terminator_in(encoding)) as pair:
        for text in ("status", "h\u00e9llo", "", "\U0001f52d"):
            await soon(pair.writer.write_str(text))
            assert await soon(pair.reader.read_str()) == text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "shift_jis", "utf-8-sig", "UTF8"])
async def test_narrow_encoding_puts_its_own_bytes_on_the_wire(side: Side, host: str, encoding: str) -> None:
    """The encoding is honoured in both directions, by any name that Python knows it by."""
    async with linked(side, host, encoding=encoding) as link:
        await soon(link.subject.write_str("status 5"))
        wire = "status 5".encode(encoding) + b"\r\n"
        assert await link.peer.read_exactly(len(wire)) == wire
        link.send(wire)
        assert await soon(link.subject.read_str()) == "status 5"


async def test_latin_1_line_is_not_read_as_utf_8(side: Side, host: str) -> None:
    """A line that another encoding refuses is fine in its own."""
    async with linked(side, host, encoding="latin-1") as link:
        link.send(b"caf\xe9\r\n")
        assert await soon(link.subject.read_str()) == "caf\u00e9"


async def test_write_str_that_cannot_be_encoded_is_a_unicode_error(side: Side, host: str) -> None:
    """Encoding is strict: a character is never replaced on its way to a device."""
    async with linked(side, host, encoding="ascii") as link:
        with pytest.raises(UnicodeError):
            await soon(link.subject.write_str("caf\u00e9"))


async def test_write_str_that_cannot_be_encoded_sends_nothing(side: Side, host: str) -> None:
    """No part of the line and no terminator goes out, and the link stays up."""
    async with linked(side, host, encoding="ascii") as link:
        with pytest.raises(UnicodeError):
            await soon(link.subject.write_str("caf\u00e9"))
        assert link.subject.connected
        await soon(link.subject.write_str("coffee"))
        await soon(link.subject.close())
        assert await link.peer.read_to_eof() == b"coffee\r\n"


async def test_line_that_holds_the_terminator_is_sent_as_it_is(link: Link) -> None:
    """Programs send several commands as one text; the peer sees as many lines."""
    await soon(link.subject.write_str("one\r\ntwo"))
    assert await link.peer.read_exactly(10) == b"one\r\ntwo\r\n"


async def test_terminator_can_change_between_two_reads(link: Link) -> None:
    """A new terminator counts at once, for data that had arrived before the change too."""
    await link.send_and_take(b"one\r\ntwo;three\r\nfour\nfive;\r\n")
    subject = link.subject
    assert await soon(subject.read_str()) == "one"
    subject.terminator = b";"
    assert await soon(subject.read_str()) == "two"
    subject.terminator = b"\n"
    assert await soon(subject.read_str()) == "three\r"
    assert await soon(subject.read_str()) == "four"
    subject.terminator = b";\r\n"
    assert await soon(subject.read_str()) == "five"


async def test_encoding_can_change_between_two_reads(link: Link) -> None:
    """A new encoding counts at once, for lines that had arrived before the change too."""
    await link.send_and_take(b"\xc3\xa9\r\n" * 2 + b"\xe9\r\n" + b"\xc3\xa9\r\n" * 2)
    subject = link.subject
    assert await soon(subject.read_str()) == "\u00e9"
    subject.encoding = "latin-1"
    assert await soon(subject.read_str()) == "\u00c3\u00a9"
    assert await soon(subject.read_str()) == "\u00e9"
    subject.encoding = "utf-8"
    assert await soon(subject.read_str()) == "\u00e9"
    subject.encoding = "ascii"
    with pytest.raises(UnicodeError):
        await soon(subject.read_str())


async def test_terminator_and_encoding_can_change_between_two_writes(link: Link) -> None:
    """Each line goes out as the attributes say at that moment."""
    subject = link.subject
    await soon(subject.write_str("\u00e9"))
    subject.encoding = "latin-1"
    await soon(subject.write_str("\u00e9"))
    subject.terminator = b";"
    await soon(subject.write_str("\u00e9"))
    subject.encoding, subject.terminator = "utf-16-le", b"\n\x00"
    await soon(subject.write_str("\u00e9"))
    await soon(subject.close())
    assert await link.peer.read_to_eof() == b"\xc3\xa9\r\n" + b"\xe9\r\n" + b"\xe9;" + b"\xe9\x00\n\x00"


async def test_line_beyond_the_limit_is_a_limit_overrun(side: Side, host: str) -> None:
    """A line that is too long stays readable as bytes, and the link stays up."""
    async with linked(side, host, limit=64) as link:
        await link.send_and_take(b"x" * 65 + b"\r\n")
        with pytest.raises(asyncio.LimitOverrunError):
            await soon(link.subject.read_str())
        assert link.subject.connected
        assert await soon(link.subject.readexactly(67)) == b"x" * 65 + b"\r\n"


async def test_limit_holds_for_each_line_not_for_what_is_there(side: Side, host: str) -> None:
    """Many short lines may wait in the buffer; only a long one among them is refused, in its turn."""
    async with linked(side, host, limit=64) as link:
        await link.send_and_take(b"short\r\n" * 10 + b"x" * 65 + b"\r\nlast\r\n")
        assert [await soon(link.subject.read_str()) for _ in range(10)] == ["short"] * 10
        with pytest.raises(asyncio.LimitOverrunError):
            await soon(link.subject.read_str())
        assert await soon(link.subject.readexactly(67)) == b"x" * 65 + b"\r\n"
        assert await soon(link.subject.read_str()) == "last"


async def test_more_lines_than_the_buffer_holds_are_all_read(link: Link) -> None:
    """Flow control: a peer that sends faster than we read loses nothing."""
    count = 50_000
    stream = b"".join(b"line %d\r\n" % number for number in range(count))
    sending = asyncio.create_task(link.peer.send_all(stream))
    for number in range(count):
        assert await link.subject.read_str() == f"line {number}"
    await soon(sending)
