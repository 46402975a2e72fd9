"""Text that is none: each line costs itself or its client, never the server, and is logged as `repr`, cut short."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from tcpip_core import Limits, LossReason
from tests.contract._links import Side, linked
from tests.contract._rigs import READ_LOOP_SERVER, LineServer, rigged
from tests.faults._faults import errors, logged, serves_on
from tests.support import IPV4, soon, turns, until

SIDES = pytest.mark.parametrize("side", ["client", "server"])

BAD_UTF8 = {
    "invalid byte": b"\xff\xfe",
    "lone continuation": b"\x80",
    "truncated": b"\xe2\x82",
    "overlong slash": b"\xc0\xaf",
    "overlong NUL": b"\xe0\x80\x80",
    "surrogate": b"\xed\xa0\x80",
    "beyond Unicode": b"\xf4\x90\x80\x80",
    "latin-1": "Größe".encode("latin-1"),
}
BAD = pytest.mark.parametrize("data", BAD_UTF8.values(), ids=BAD_UTF8.keys())


@BAD
@SIDES
async def test_bad_utf8_costs_its_line_only(data: bytes, side: Side, log: logging.Logger) -> None:
    """The read is an error, the link stays up, the next line is read."""
    async with linked(side, IPV4, log) as link:
        link.send(data + b"\r\nhello\r\n")
        with pytest.raises(UnicodeError):
            await soon(link.subject.read_str())
        assert await soon(link.subject.read_str()) == "hello"
        assert link.told == [True]


@BAD
async def test_bad_utf8_ends_the_client_of_a_read_loop(
    data: bytes, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """One error in the log, with the reason; the server serves on."""
    async with rigged(READ_LOOP_SERVER, IPV4, log) as rig:
        rig.peer.send((data + b"\r\n") * 100)
        await rig.peer.wait_hung_up()
        assert await rig.changes.next() is False
        assert rig.subject.loss_reason is LossReason.BAD_MESSAGE
        assert len(errors(caplog)) == 1
        await serves_on(rig.server)


HOSTILE_LINES = {
    "bad UTF-8": b"\x1b[2J\nfake log line\x00\x85\xff" + b"A" * 5000,
    "bad UTF-8 at the end": b"A" * 60000 + b"\xff",
    "too long": b"\x1b[2J\n" + b"A" * 70000,
}


@pytest.mark.parametrize("line", HOSTILE_LINES.values(), ids=HOSTILE_LINES.keys())
async def test_peers_data_in_the_log_are_short_and_harmless(
    line: bytes, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """No control character of the peer reaches a terminal, no line break fakes a line, and nothing fills the disk."""
    async with rigged(READ_LOOP_SERVER, IPV4, log) as rig:
        await rig.peer.send_all(line + b"\r\n")
        await rig.peer.wait_hung_up()
        await rig.changes.next()
        (message,) = errors(caplog)
        assert message.isprintable()
        assert len(message) <= 200 + len("closing 127.0.0.1:65535: the peer sent what cannot be understood: ")
        assert all(record.exc_info is None for record in caplog.records)


async def test_part_of_a_line_in_the_log_is_short_and_harmless(
    log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """The same for what a peer leaves behind when it hangs up in the middle."""
    async with rigged(READ_LOOP_SERVER, IPV4, log) as rig:
        rig.peer.send(b"\x1b[2J\nfake" + b"A" * 5000)
        rig.peer.write_eof()
        await rig.peer.wait_hung_up()
        await rig.changes.next()
        assert isinstance(rig.subject, LineServer)
        await until(rig.subject.read_loop_task.done)
        (message,) = [line for line in logged(caplog) if "in the middle" in line]
        assert message.isprintable()
        assert len(message) <= 280


@SIDES
@pytest.mark.parametrize("terminated", [True, False])
async def test_line_beyond_the_limit_is_an_error_that_loses_nothing(
    terminated: bool, side: Side, log: logging.Logger
) -> None:
    """The reader may take it piece by piece, or close; memory is bounded meanwhile."""
    line = b"x" * 5000 + (b"\r\nnext\r\n" if terminated else b"")
    async with linked(side, IPV4, log, limits=Limits(frame_size=1000)) as link:
        await link.send_and_take(line[:1500])
        with pytest.raises(asyncio.LimitOverrunError) as caught:
            await soon(link.subject.read_str())
        assert 0 < caught.value.consumed <= 1500
        link.send(line[1500:])
        assert await soon(link.subject.readexactly(5000)) == b"x" * 5000
        if terminated:
            assert [await soon(link.subject.read_str()) for _ in range(2)] == ["", "next"]
        assert link.told == [True]


@SIDES
@pytest.mark.parametrize("read", ["read_str", "read_json", "readuntil"])
async def test_who_reads_on_at_a_line_beyond_the_limit_starves_nobody(
    read: str, side: Side, log: logging.Logger
) -> None:
    """The line is still there at the next try, and at each one after that; other tasks get their turns."""
    async with linked(side, IPV4, log, limits=Limits(frame_size=1000)) as link:
        await link.send_and_take(b"x" * 1500)
        errors, has_run = 0, asyncio.Event()
        other = asyncio.ensure_future(soon(has_run.wait()))
        asyncio.get_running_loop().call_soon(has_run.set)
        while errors < 20 and not other.done():
            with pytest.raises(asyncio.LimitOverrunError):
                await getattr(link.subject, read)()
            errors += 1
        assert other.done()
        assert await soon(link.subject.readexactly(1500)) == b"x" * 1500


@pytest.mark.parametrize("terminated", [True, False])
async def test_line_beyond_the_limit_ends_the_client_of_a_read_loop(
    terminated: bool, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """One error in the log, with the reason; the server serves on."""
    async with rigged(READ_LOOP_SERVER, IPV4, log, limits=Limits(frame_size=1000)) as rig:
        rig.peer.send(b"x" * 5000 + b"\r\n" * terminated)
        await rig.peer.wait_hung_up()
        assert await rig.changes.next() is False
        assert rig.subject.loss_reason is LossReason.LIMIT
        assert len(errors(caplog)) == 1
        await serves_on(rig.server)


# UTF-16, where a terminator of one byte a character fits into the middle of one


@SIDES
async def test_utf16_with_its_own_terminator_is_read_whole(side: Side, log: logging.Logger) -> None:
    """The terminator is bytes: who speaks UTF-16 says so in both arguments."""
    terminator = "\r\n".encode("utf-16-le")
    async with linked(side, IPV4, log, encoding="utf-16-le", terminator=terminator) as link:
        link.send("Größe ✓".encode("utf-16-le") + terminator)
        assert await soon(link.subject.read_str()) == "Größe ✓"
        await soon(link.subject.write_str("Größe ✓"))
        assert await link.peer.read_until(terminator) == "Größe ✓".encode("utf-16-le") + terminator


@SIDES
async def test_utf16_torn_by_the_default_terminator_costs_lines_only(side: Side, log: logging.Logger) -> None:
    r"""``\u0a0d`` is the bytes of ``\r\n``: what is left of it is an error, and the next line is read."""
    async with linked(side, IPV4, log, encoding="utf-16-le") as link:
        link.send("a\u0a0db".encode("utf-16-le")[1:] + b"\r\n")
        with pytest.raises(UnicodeError):
            await soon(link.subject.read_str())
        assert await soon(link.subject.read_str()) == "b"
        assert link.told == [True]


@pytest.mark.parametrize(
    ("keywords", "text"),
    [({}, "two\r\nlines"), ({"terminator": b";"}, "a;b"), ({"encoding": "utf-16-le"}, "a\u0a0db")],
)
async def test_text_that_holds_the_terminator_is_refused_if_asked(
    keywords: dict[str, Any], text: str, kind: str, log: logging.Logger
) -> None:
    """With ``strict_text`` nothing is written that would arrive as two lines, and the link stays up."""
    async with rigged(kind, IPV4, log, limits=Limits(strict_text=True), **keywords) as rig:
        with pytest.raises(ValueError, match="terminator"):
            await soon(rig.subject.write_str(text))
        await soon(rig.subject.write_str("fine"))
        subject = rig.subject
        expected = "fine".encode(subject.encoding) + subject.terminator
        assert await rig.peer.read_exactly(len(expected)) == expected


async def test_text_that_holds_the_terminator_arrives_as_two_lines_by_default(kind: str, log: logging.Logger) -> None:
    """Programs that move over rely on it."""
    async with rigged(kind, IPV4, log) as rig:
        await soon(rig.subject.write_str("two\r\nlines"))
        assert await rig.peer.read_exactly(12) == b"two\r\nlines\r\n"


@pytest.mark.parametrize("text", ["\ud800", "fine until \udfff here"])
async def test_lone_surrogate_writes_nothing(text: str, kind: str, log: logging.Logger) -> None:
    """It cannot be encoded: the writer is told, and the peer never sees a part of it."""
    async with rigged(kind, IPV4, log) as rig:
        with pytest.raises(UnicodeError):
            await soon(rig.subject.write_str(text))
        await turns(5)
        await soon(rig.subject.write_str("fine"))
        assert await rig.peer.read_exactly(6) == b"fine\r\n"
        assert rig.changes.seen == [True]
