"""Reading when the peer finishes (FIN), resets (RST), or this side closes."""

from __future__ import annotations

import asyncio
import logging

import pytest

import tcpip_core
from tests.contract._links import Link, Side, linked
from tests.contract._operations import READS, WAITING_READS, Read
from tests.support import Changes, Peer, connected, soon, turns

each_read = pytest.mark.parametrize("read", READS, ids=str)
each_waiting_read = pytest.mark.parametrize("read", WAITING_READS, ids=str)


async def outcome(read: Read, link: Link) -> object:
    """Return what a read gave: its result, or the error that it raised."""
    try:
        return await soon(read.call(link.subject))
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        return error


@each_read
async def test_read_at_eof_tells_the_callback_first(link: Link, read: Read) -> None:
    """Whoever learns of a loss from a read may rely on the callback having run."""
    link.peer.write_eof()
    await outcome(read, link)
    assert link.told == [True, False]


@each_read
async def test_unwatched_read_at_eof_tells_the_callback_first(side: Side, host: str, read: Read) -> None:
    """The order holds too where nobody watches the link between reads."""
    async with linked(side, host, monitor_connection_interval=0) as link:
        link.peer.write_eof()
        await outcome(read, link)
        assert link.told == [True, False]


@each_read
async def test_waiting_read_at_eof_tells_the_callback_first(link: Link, read: Read) -> None:
    """A read that waits while the peer finishes reports it after the callback too."""
    reading = asyncio.create_task(outcome(read, link))
    await turns()
    link.peer.write_eof()
    await soon(reading)
    assert link.told == [True, False]


@pytest.mark.parametrize("read", [read for read in WAITING_READS if read.name != "readline"], ids=str)
async def test_waiting_read_at_eof_is_an_incomplete_read(link: Link, read: Read) -> None:
    """The peer finished in the middle of an item: the error holds the part that came."""
    reading = asyncio.create_task(outcome(read, link))
    await link.send_and_take(read.wire[:4])
    link.peer.write_eof()
    error = await soon(reading)
    assert isinstance(error, asyncio.IncompleteReadError)
    assert error.partial == read.wire[:4]


async def test_read_minus_one_tells_the_callback_first(link: Link) -> None:
    """A read of everything has met EOF when it returns, with data or without."""
    await link.send_and_take(b"all there is")
    link.peer.write_eof()
    assert await soon(link.subject.read(-1)) == b"all there is"
    assert link.told == [True, False]


async def test_partial_readline_tells_the_callback_first(link: Link) -> None:
    """A partial line is the sign of EOF, so the callback has run when it is returned."""
    await link.send_and_take(b"half")
    link.peer.write_eof()
    assert await soon(link.subject.readline()) == b"half"
    assert link.told == [True, False]


@each_read
async def test_read_after_eof_is_a_connection_error(link: Link, read: Read) -> None:
    """The end is reported once as such; after it the link is just not there."""
    link.peer.write_eof()
    await outcome(read, link)
    assert not link.subject.connected
    with pytest.raises(ConnectionError):
        await soon(read.call(link.subject))


@each_waiting_read
async def test_all_items_before_a_fin_are_read_in_order(link: Link, read: Read) -> None:
    """A peer that sends and leaves at once is still heard to its last word."""
    await link.send_and_take(read.wire * 3)
    await link.finish_and_take()
    for _ in range(3):
        assert await soon(read.call(link.subject)) == read.expected


async def test_link_is_connected_while_it_drains(link: Link) -> None:
    """After a FIN the link lives as long as something of the peer's is unread."""
    await link.send_and_take(b"one\r\ntwo\r\n")
    await link.finish_and_take()
    assert link.subject.connected
    assert await soon(link.subject.read_str()) == "one"
    await turns()
    assert link.subject.connected
    assert link.told == [True]


async def test_drained_link_turns_unconnected_at_once(side: Side, host: str) -> None:
    """With the last word read, the loss is told without a further read and without a wait."""
    async with linked(side, host, limits=tcpip_core.Limits(drain_timeout=1000)) as link:
        await link.send_and_take(b"one\r\ntwo\r\n")
        await link.finish_and_take()
        assert await soon(link.subject.read_str()) == "one"
        assert await soon(link.subject.read_str()) == "two"
        await turns(5)
        assert not link.subject.connected
        assert link.told == [True, False]


async def test_replies_can_be_written_while_the_link_drains(link: Link) -> None:
    """A peer that sends its commands and a FIN gets the answer to each of them."""
    await link.send_and_take(b"one\r\ntwo\r\n")
    await link.finish_and_take()
    for _ in range(2):
        line = await soon(link.subject.read_str())
        await soon(link.subject.write_str(f"ok {line}"))
    assert await link.peer.read_to_eof() == b"ok one\r\nok two\r\n"


async def test_read_loop_answers_all_lines_before_a_fin(host: str, log: logging.Logger) -> None:
    """The last line too gets its reply, even where its handling takes several loop turns."""

    class Echo(tcpip_core.OneClientReadLoopServer):
        async def read_and_dispatch(self) -> None:
            line = await self.read_str()
            await turns()
            assert self.connected
            await self.write_str(f"ok {line}")

    changes = Changes()
    async with Echo(host=host, port=0, log=log, connect_callback=changes.callback) as server:
        async with Peer(host, server.port) as peer:
            await connected(server)
            peer.send(b"one\r\ntwo\r\nthree\r\n")
            peer.write_eof()
            assert await peer.read_to_eof() == b"ok one\r\nok two\r\nok three\r\n"
            assert [await changes.next(), await changes.next()] == [True, False]


async def test_large_reply_to_the_last_line_before_a_fin_arrives_whole(host: str, log: logging.Logger) -> None:
    """A reply far beyond every buffer reaches a half-closed peer that reads at its own pace."""
    reply = bytes(range(256)) * 32768

    class Archive(tcpip_core.OneClientReadLoopServer):
        async def read_and_dispatch(self) -> None:
            assert await self.read_str() == "get"
            await self.write(reply)

    async with Archive(host=host, port=0, log=log) as server:
        async with Peer(host, server.port) as peer:
            peer.send(b"get\r\n")
            peer.write_eof()
            await connected(server)
            await turns()
            assert await peer.read_to_eof() == reply


@each_waiting_read
async def test_items_that_arrived_before_a_reset_are_delivered(link: Link, read: Read) -> None:
    """An RST takes nothing back: what had arrived whole is read before the error."""
    await link.send_and_take(read.wire * 2)
    link.peer.reset()
    await turns()
    assert await soon(read.call(link.subject)) == read.expected
    assert await soon(read.call(link.subject)) == read.expected
    with pytest.raises(ConnectionError):
        await soon(read.call(link.subject))


@each_read
async def test_waiting_read_at_a_reset_is_a_connection_reset(link: Link, read: Read) -> None:
    """A crashed peer is told apart from one that finished."""
    reading = asyncio.create_task(outcome(read, link))
    await turns()
    link.peer.reset()
    assert isinstance(await soon(reading), ConnectionResetError)


@each_waiting_read
async def test_half_an_item_before_a_reset_is_a_connection_error(link: Link, read: Read) -> None:
    """Half an item of a crashed peer is neither a result nor a proper end."""
    reading = asyncio.create_task(outcome(read, link))
    await link.send_and_take(read.wire[:4])
    link.peer.reset()
    assert isinstance(await soon(reading), ConnectionResetError)


@each_read
async def test_read_at_a_reset_tells_the_callback_first(link: Link, read: Read) -> None:
    """The callback has run when the error of the reset reaches the reader."""
    reading = asyncio.create_task(outcome(read, link))
    await turns()
    link.peer.reset()
    await soon(reading)
    assert link.told == [True, False]


@each_read
async def test_closing_ends_a_waiting_read_with_a_connection_error(link: Link, read: Read) -> None:
    """A reader never waits on a link that its own side has closed."""
    reading = asyncio.create_task(outcome(read, link))
    await turns()
    await soon(link.subject.close())
    assert isinstance(await soon(reading), ConnectionError)


@each_read
async def test_closing_tells_the_callback_before_a_waiting_read(link: Link, read: Read) -> None:
    """Our own close is a loss like any other for whoever waits in a read."""
    told_at_the_end: list[list[bool]] = []

    async def wait() -> None:
        await outcome(read, link)
        told_at_the_end.append(list(link.told))

    reading = asyncio.create_task(wait())
    await turns()
    await soon(link.subject.close())
    await soon(reading)
    assert told_at_the_end == [[True, False]]


async def test_closing_the_client_ends_a_waiting_read(host: str) -> None:
    """A server that throws its client out wakes its own reader and goes on listening."""
    async with linked("server", host) as link:
        assert isinstance(link.subject, tcpip_core.OneClientServer)
        reading = asyncio.create_task(outcome(READS[0], link))
        await turns()
        await soon(link.subject.close_client())
        assert isinstance(await soon(reading), ConnectionError)
        async with Peer(host, link.subject.port):
            await connected(link.subject)
