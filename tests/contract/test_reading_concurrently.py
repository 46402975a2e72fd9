"""Reads that are cancelled, timed out, cut anywhere, or made by two tasks at once."""

from __future__ import annotations

import asyncio

import pytest

from tests.contract._links import Link
from tests.contract._operations import READS, WAITING_READS, Read
from tests.support import soon, turns

each_read = pytest.mark.parametrize("read", READS, ids=str)
each_waiting_read = pytest.mark.parametrize("read", WAITING_READS, ids=str)


@each_waiting_read
async def test_item_cut_anywhere_is_read_whole(link: Link, read: Read) -> None:
    """Where the network cuts an item into segments never shows."""
    for cut in range(1, len(read.wire)):
        reading = asyncio.ensure_future(read.call(link.subject))
        await link.send_and_take(read.wire[:cut])
        await link.send_and_take(read.wire[cut:])
        assert await soon(reading) == read.expected, f"cut at {cut}"


@each_waiting_read
async def test_items_sent_as_one_segment_are_read_one_by_one(link: Link, read: Read) -> None:
    """Nor does it show where the network puts items together."""
    await link.send_and_take(read.wire * 20)
    assert [await soon(read.call(link.subject)) for _ in range(20)] == [read.expected] * 20


@each_waiting_read
async def test_read_cancelled_in_the_middle_of_an_item_loses_nothing(link: Link, read: Read) -> None:
    """The half that was there when the read was given up is part of the next one."""
    reading = asyncio.ensure_future(read.call(link.subject))
    await link.send_and_take(read.wire[:3])
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert link.subject.connected
    link.send(read.wire[3:])
    assert await soon(read.call(link.subject)) == read.expected


@each_read
async def test_read_cancelled_while_nothing_is_there_loses_nothing(link: Link, read: Read) -> None:
    """A reader that gives up leaves the link as it was."""
    reading = asyncio.ensure_future(read.call(link.subject))
    await turns()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    link.send(read.wire)
    assert await soon(read.call(link.subject)) == read.expected


@each_waiting_read
async def test_read_timed_out_in_the_middle_of_an_item_loses_nothing(link: Link, read: Read) -> None:
    """A time-out around a read is the everyday cancellation, and as harmless."""
    await link.send_and_take(read.wire[:3])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await read.call(link.subject)
    link.send(read.wire[3:])
    assert await soon(read.call(link.subject)) == read.expected


@each_read
async def test_read_cancelled_while_its_item_arrives_consumes_it_or_not(link: Link, read: Read) -> None:
    """At whichever loop turn the cancellation comes, the item is read exactly once."""
    for count in range(8):
        reading = asyncio.ensure_future(read.call(link.subject))
        await turns(2)
        link.send(read.wire)
        await turns(count)
        reading.cancel()
        got: list[object] = []
        try:
            got.append(await reading)
        except asyncio.CancelledError:
            got.append(await soon(read.call(link.subject)))
        link.send(b"#")
        assert await soon(link.subject.read(1)) == b"#", f"cancelled at turn {count}"
        assert got == [read.expected]


@each_read
async def test_second_reader_at_once_is_a_runtime_error(link: Link, read: Read) -> None:
    """Two tasks that read one stream would each get parts of the other's data."""
    first = asyncio.ensure_future(read.call(link.subject))
    await turns()
    with pytest.raises(RuntimeError):
        await soon(read.call(link.subject))
    link.send(read.wire)
    assert await soon(first) == read.expected


async def test_second_reader_may_start_when_the_first_was_cancelled(link: Link) -> None:
    """Giving up a read frees the place at once."""
    first = asyncio.create_task(link.subject.read(10))
    await turns()
    first.cancel()
    await asyncio.wait([first])
    link.send(b"abc")
    assert await soon(link.subject.read(10)) == b"abc"


async def test_reading_and_writing_at_once_do_not_disturb_each_other(link: Link) -> None:
    """A waiting reader does not keep another task from writing."""
    reading = asyncio.create_task(link.subject.read_str())
    await turns()
    await soon(link.subject.write_str("ping"))
    assert await link.peer.read_until(b"\r\n") == b"ping\r\n"
    link.send(b"pong\r\n")
    assert await soon(reading) == "pong"
