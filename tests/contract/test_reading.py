"""Reading bytes: `read`, `readexactly`, `readline` and `readuntil` over real sockets."""

from __future__ import annotations

import asyncio

import pytest

from tests.contract._links import Link, Pair, Side, linked
from tests.support import soon


async def test_read_returns_what_is_there(link: Link) -> None:
    """A read of more than there is does not wait for the rest: what came may be all that comes."""
    await link.send_and_take(b"abc")
    assert await soon(link.subject.read(1000)) == b"abc"


async def test_read_returns_no_more_than_n(link: Link) -> None:
    """The bytes beyond n stay for the next read, in order."""
    await link.send_and_take(b"abcdef")
    assert await soon(link.subject.read(4)) == b"abcd"
    assert await soon(link.subject.read(4)) == b"ef"


async def test_read_waits_for_the_first_byte(link: Link) -> None:
    """A read with nothing there waits instead of returning nothing, which would mean EOF."""
    reading = asyncio.create_task(link.subject.read(10))
    await link.send_and_take(b"x")
    assert await soon(reading) == b"x"


async def test_read_of_no_bytes_returns_at_once(link: Link) -> None:
    """A read of zero bytes is no EOF: the link stays up and nothing is consumed."""
    await link.send_and_take(b"abc")
    assert await soon(link.subject.read(0)) == b""
    assert link.subject.connected
    assert await soon(link.subject.read(3)) == b"abc"


async def test_read_at_eof_returns_nothing(link: Link) -> None:
    """The empty result is how a reader learns that the peer has finished."""
    link.peer.write_eof()
    assert await soon(link.subject.read(10)) == b""


async def test_read_minus_one_returns_all_before_eof(link: Link) -> None:
    """-1 means everything until the peer finishes, however many segments it took."""
    reading = asyncio.create_task(link.subject.read(-1))
    await link.send_and_take(b"first ")
    await link.send_and_take(b"second")
    link.peer.write_eof()
    assert await soon(reading) == b"first second"


async def test_read_minus_one_is_not_bounded_by_the_limit(side: Side, host: str) -> None:
    """The limit is of a frame; all of a longer stream can still be taken at once."""
    async with linked(side, host, limit=64) as link:
        data = bytes(range(256)) * 1000
        reading = asyncio.create_task(link.subject.read(-1))
        await link.peer.send_all(data)
        link.peer.write_eof()
        assert await soon(reading) == data


async def test_read_minus_one_without_data_returns_nothing(link: Link) -> None:
    """A peer that finishes without a word leaves an empty result, not an error."""
    link.peer.write_eof()
    assert await soon(link.subject.read(-1)) == b""


async def test_readexactly_returns_exactly_n(link: Link) -> None:
    """What follows the n bytes stays for the next read."""
    await link.send_and_take(b"abcdef")
    assert await soon(link.subject.readexactly(4)) == b"abcd"
    assert await soon(link.subject.read(10)) == b"ef"


async def test_readexactly_waits_for_all_n(link: Link) -> None:
    """Segments are put together until there are n bytes."""
    reading = asyncio.create_task(link.subject.readexactly(6))
    await link.send_and_take(b"abc")
    assert not reading.done()
    await link.send_and_take(b"def")
    assert await soon(reading) == b"abcdef"


async def test_readexactly_is_not_bounded_by_the_limit(side: Side, host: str) -> None:
    """A count that the caller chose needs no guard against a peer that never ends its line."""
    async with linked(side, host, limit=64) as link:
        data = bytes(range(256)) * 1000
        reading = asyncio.create_task(link.subject.readexactly(len(data)))
        await link.peer.send_all(data)
        assert await soon(reading) == data


async def test_readexactly_of_no_bytes_returns_at_once(link: Link) -> None:
    """Zero bytes are always there: a message may have an empty payload."""
    assert await soon(link.subject.readexactly(0)) == b""


async def test_readexactly_before_eof_gives_the_partial_data(link: Link) -> None:
    """The bytes that came before the peer finished are handed over in the error."""
    await link.send_and_take(b"abc")
    link.peer.write_eof()
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await soon(link.subject.readexactly(6))
    assert caught.value.partial == b"abc"
    assert caught.value.expected == 6


async def test_readline_returns_through_the_newline(link: Link) -> None:
    """Lines end with a line feed, whatever the terminator of text is."""
    await link.send_and_take(b"one\ntwo\r\nthree\n")
    assert await soon(link.subject.readline()) == b"one\n"
    assert await soon(link.subject.readline()) == b"two\r\n"
    assert await soon(link.subject.readline()) == b"three\n"


async def test_readline_at_eof_returns_the_partial_line(link: Link) -> None:
    """What the peer sent before it finished is a result, not an error."""
    await link.send_and_take(b"one\nhalf")
    link.peer.write_eof()
    assert await soon(link.subject.readline()) == b"one\n"
    assert await soon(link.subject.readline()) == b"half"


async def test_readline_at_eof_without_data_returns_nothing(link: Link) -> None:
    """The empty line without a newline means that the peer has finished."""
    link.peer.write_eof()
    assert await soon(link.subject.readline()) == b""


async def test_readline_beyond_the_limit_is_a_value_error(side: Side, host: str) -> None:
    """A peer that never ends its line cannot fill the memory."""
    async with linked(side, host, limit=64) as link:
        await link.send_and_take(b"x" * 100)
        with pytest.raises(ValueError, match="64"):
            await soon(link.subject.readline())


async def test_readline_beyond_the_limit_drops_that_line_only(side: Side, host: str) -> None:
    """The link stays up and the next line is found, so one bad line costs one line."""
    async with linked(side, host, limit=64) as link:
        await link.send_and_take(b"x" * 100 + b"\nnext\n")
        with pytest.raises(ValueError, match="64"):
            await soon(link.subject.readline())
        assert link.subject.connected
        assert await soon(link.subject.readline()) == b"next\n"


async def test_readuntil_splits_at_newlines_by_default(link: Link) -> None:
    """The default is the standard library's line feed, not the terminator of text."""
    await link.send_and_take(b"one\ntwo\r\n")
    assert await soon(link.subject.readuntil()) == b"one\n"
    assert await soon(link.subject.readuntil()) == b"two\r\n"


async def test_readuntil_includes_the_separator(link: Link) -> None:
    """The separator is part of what is returned, and nothing behind it is consumed."""
    await link.send_and_take(b"one--two--rest")
    assert await soon(link.subject.readuntil(b"--")) == b"one--"
    assert await soon(link.subject.readuntil(separator=b"--")) == b"two--"
    assert await soon(link.subject.read(10)) == b"rest"


@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"--END--", b"aa", b"\n\n", b"aab"], ids=repr)
async def test_readuntil_finds_a_separator_cut_anywhere(link: Link, separator: bytes) -> None:
    """A separator that arrives in pieces is found like a whole one."""
    frame = b"xay" + separator
    for cut in range(1, len(frame)):
        reading = asyncio.create_task(link.subject.readuntil(separator))
        await link.send_and_take(frame[:cut])
        await link.send_and_take(frame[cut:])
        assert await soon(reading) == frame, f"cut at {cut}"


async def test_readuntil_takes_the_first_of_overlapping_separators(link: Link) -> None:
    """A separator that overlaps itself ends the frame where it is complete for the first time."""
    await link.send_and_take(b"xaaayaa")
    assert await soon(link.subject.readuntil(b"aa")) == b"xaa"
    assert await soon(link.subject.readuntil(b"aa")) == b"ayaa"


async def test_readuntil_may_change_the_separator_each_time(link: Link) -> None:
    """What an earlier search has seen must not hide another separator."""
    await link.send_and_take(b"a;b,c\nd|")
    assert await soon(link.subject.readuntil(b",")) == b"a;b,"
    assert await soon(link.subject.readuntil(b"\n")) == b"c\n"
    assert await soon(link.subject.readuntil(b"|")) == b"d|"


async def test_cancelled_search_does_not_hide_another_separator(link: Link) -> None:
    """After a search that was given up, an earlier place is found for another separator."""
    reading = asyncio.create_task(link.subject.readuntil(b"|"))
    await link.send_and_take(b"a;b;c")
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await soon(link.subject.readuntil(b";")) == b"a;"


async def test_readuntil_before_eof_gives_the_partial_data(link: Link) -> None:
    """The bytes without a separator are handed over in the error."""
    await link.send_and_take(b"one\nhalf")
    link.peer.write_eof()
    assert await soon(link.subject.readuntil()) == b"one\n"
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await soon(link.subject.readuntil())
    assert caught.value.partial == b"half"


async def test_incomplete_read_resets_the_buffer(link: Link) -> None:
    """Data handed over in an error are consumed: nobody gets them twice."""
    await link.send_and_take(b"half")
    link.peer.write_eof()
    with pytest.raises(asyncio.IncompleteReadError):
        await soon(link.subject.readuntil())
    with pytest.raises(ConnectionError):
        await soon(link.subject.read(10))


async def test_readuntil_with_an_empty_separator_is_a_value_error(link: Link) -> None:
    """Nothing would be found by an empty separator; the call is wrong and consumes nothing."""
    await link.send_and_take(b"abc")
    with pytest.raises(ValueError, match="separator"):
        await soon(link.subject.readuntil(b""))
    assert await soon(link.subject.read(3)) == b"abc"


async def test_frame_of_exactly_the_limit_is_returned(side: Side, host: str) -> None:
    """The limit is what a frame may have, the separator not counted."""
    async with linked(side, host, limit=64) as link:
        await link.send_and_take(b"x" * 64 + b"\r\n")
        assert await soon(link.subject.readuntil(b"\r\n")) == b"x" * 64 + b"\r\n"


async def test_frame_beyond_the_limit_is_a_limit_overrun(side: Side, host: str) -> None:
    """One byte more than the limit is refused even where the separator is there."""
    async with linked(side, host, limit=64) as link:
        await link.send_and_take(b"x" * 65 + b"\r\n")
        with pytest.raises(asyncio.LimitOverrunError):
            await soon(link.subject.readuntil(b"\r\n"))


async def test_endless_frame_is_a_limit_overrun(side: Side, host: str) -> None:
    """A waiting read gives up as soon as the frame can only be too long."""
    async with linked(side, host, limit=64) as link:
        reading = asyncio.create_task(link.subject.readuntil(b"\r\n"))
        await link.send_and_take(b"x" * 100)
        with pytest.raises(asyncio.LimitOverrunError):
            await soon(reading)


async def test_limit_overrun_keeps_the_data_readable(side: Side, host: str) -> None:
    """The data of a frame that is too long can be read another way; the link stays up."""
    async with linked(side, host, limit=64) as link:
        await link.send_and_take(b"x" * 100)
        with pytest.raises(asyncio.LimitOverrunError):
            await soon(link.subject.readuntil(b"\r\n"))
        assert link.subject.connected
        assert await soon(link.subject.readexactly(100)) == b"x" * 100


async def test_limit_overrun_says_how_much_to_consume(side: Side, host: str) -> None:
    """Consuming what the error says, again and again, walks through the long frame to its end."""
    async with linked(side, host, limit=64) as link:
        line = b"x" * 5000 + b"\r\n"
        await link.peer.send_all(line + b"next\r\n")
        pieces = b""
        while not pieces.endswith(b"\r\n"):
            try:
                pieces += await soon(link.subject.readuntil(b"\r\n"))
            except asyncio.LimitOverrunError as error:
                pieces += await soon(link.subject.readexactly(error.consumed))
        assert pieces == line
        assert await soon(link.subject.readuntil(b"\r\n")) == b"next\r\n"


async def test_default_limit_is_64_kib(side: Side, host: str) -> None:
    """Without a limit of one's own, a frame of 65536 bytes passes and a longer one does not."""
    async with linked(side, host) as link:
        reading = asyncio.create_task(link.subject.readuntil(b"\n"))
        await link.peer.send_all(b"x" * 65536 + b"\n")
        assert len(await soon(reading)) == 65537
        reading = asyncio.create_task(link.subject.readuntil(b"\n"))
        await link.peer.send_all(b"x" * 65537 + b"\n")
        with pytest.raises(asyncio.LimitOverrunError):
            await soon(reading)


async def test_kinds_of_reads_can_be_mixed(link: Link) -> None:
    """Each read continues where the last one ended, whatever kind it was."""
    await link.send_and_take(b"text\r\nab" + b"line\n" + b"part--" + b'{"a": 1}\r\nmore\r\ntail')
    subject = link.subject
    assert await soon(subject.read_str()) == "text"
    assert await soon(subject.read(2)) == b"ab"
    assert await soon(subject.readline()) == b"line\n"
    assert await soon(subject.readuntil(b"--")) == b"part--"
    assert await soon(subject.read_json()) == {"a": 1}
    assert await soon(subject.readexactly(2)) == b"mo"
    assert await soon(subject.read_str()) == "re"
    assert await soon(subject.read(100)) == b"tail"


async def test_raw_read_after_read_str_starts_behind_its_line(link: Link) -> None:
    """Lines that came together with a line are still bytes for whoever reads bytes next."""
    await link.send_and_take(b"one\r\ntwo\r\nthree\r\n")
    assert await soon(link.subject.read_str()) == "one"
    assert await soon(link.subject.read(7)) == b"two\r\nth"
    assert await soon(link.subject.read_str()) == "ree"


async def test_bytes_of_one_side_arrive_at_the_other(pair: Pair) -> None:
    """All byte values pass unchanged from our writer to our reader, more than one buffer of them."""
    data = bytes(range(256)) * 2000
    reading = asyncio.create_task(pair.reader.readexactly(len(data)))
    await soon(pair.writer.write(data))
    assert await soon(reading) == data
