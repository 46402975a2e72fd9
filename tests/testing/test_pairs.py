"""Pairs of streams in memory and over TCP, and of our own classes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

import tcpip_core
from tcpip_testing.pairs import (
    Chunks,
    End,
    StreamPair,
    connection_pair,
    lockstep_pair,
    memory_pair,
    reset_stream,
    tcp_pair,
)
from tests.support import soon, turns

MakePair = Callable[[], AbstractAsyncContextManager[StreamPair]]
BIG = bytes(range(256)) * 4096
"""A megabyte: more than any buffer on its way."""


@asynccontextmanager
async def delivered_at_once() -> AsyncIterator[StreamPair]:
    """Give a lock-step pair that somebody drives, so that it must behave like the others."""
    async with lockstep_pair() as pair:

        async def drive() -> None:
            while True:
                await pair.deliver()

        driver = asyncio.create_task(drive())
        yield pair
        driver.cancel()
        await asyncio.wait({driver})


PAIRS: dict[str, MakePair] = {
    "memory": memory_pair,
    "memory, byte by byte": lambda: memory_pair(chunks=[1]),
    "memory, chunks of a function": lambda: memory_pair(chunks=lambda waiting: max(1, waiting // 2)),
    "lock-step": delivered_at_once,
    "tcp": tcp_pair,
}


@pytest.fixture(params=PAIRS)
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[StreamPair]:
    """Give each kind of pair."""
    make: MakePair = PAIRS[request.param]
    async with make() as made:
        yield made


async def test_each_end_reads_what_the_other_wrote(pair: StreamPair) -> None:
    """The streams are asyncio's own, so all of their methods work."""
    near, far = pair
    near.writer.writelines([b"one\n", b"two\n"])
    far.writer.write(b"three")
    assert [b"one\n", b"two\n"] == [await soon(far.reader.readline()) for _ in range(2)]
    assert b"three" == await soon(near.reader.readexactly(5))
    assert isinstance(near.reader, asyncio.StreamReader)
    assert isinstance(near.writer, asyncio.StreamWriter)


async def test_half_close_leaves_the_other_direction_open(pair: StreamPair) -> None:
    """A program that has said all still gets its answer."""
    (near_reader, near_writer), (far_reader, far_writer) = pair
    near_writer.write(b"question")
    near_writer.write_eof()
    assert b"question" == await soon(far_reader.read())
    far_writer.write(b"answer")
    far_writer.close()
    assert b"answer" == await soon(near_reader.read())


async def test_what_was_written_before_a_close_arrives(pair: StreamPair) -> None:
    """A close ends what is said, it does not take it back."""
    near, far = pair
    near.writer.write(b"last words")
    near.writer.close()
    assert b"last words" == await soon(far.reader.read())


async def test_a_writer_waits_for_its_reader(pair: StreamPair) -> None:
    """Back-pressure is that of asyncio: a peer that does not read stops the one that writes."""
    near, far = pair
    near.writer.write(BIG * 16)
    drained = asyncio.create_task(near.writer.drain())
    await turns()
    assert not drained.done()
    drained.cancel()
    near.writer.transport.abort()
    await soon(asyncio.wait({drained}))
    assert far.reader is not None


async def test_nothing_is_lost_on_the_way(pair: StreamPair) -> None:
    """More than fits on the way arrives whole, once somebody reads."""
    data = BIG[: 1 << 17]
    near, far = pair
    near.writer.write(data)
    near.writer.write_eof()
    drained = asyncio.create_task(near.writer.drain())
    assert data == await soon(far.reader.read())
    await soon(drained)


async def test_reset_is_met_as_a_reset(pair: StreamPair) -> None:
    """A device that loses its power ends no stream in order."""
    near, far = pair
    reset_stream(far.writer)
    with pytest.raises(ConnectionResetError):
        await soon(near.reader.read())
    reset_stream(far.writer)


async def test_a_write_to_an_end_that_is_gone_fails(pair: StreamPair) -> None:
    """Who talks to nobody learns of it, as on a socket."""
    near, far = pair
    far.writer.close()
    with pytest.raises(ConnectionError):
        while True:
            near.writer.write(b"anybody?")
            await soon(near.writer.drain())
            await asyncio.sleep(0)


CHUNKS: list[tuple[Chunks | None, list[bytes]]] = [
    (None, [b"abcdefg"]),
    ([1], [b"a", b"b", b"c", b"d", b"e", b"f", b"g"]),
    ([2, 3], [b"ab", b"cde", b"fg"]),
    (lambda waiting: waiting - 3 if waiting > 3 else 1, [b"abcd", b"e", b"f", b"g"]),
]


@pytest.mark.parametrize(("chunks", "expected"), CHUNKS)
async def test_chunks_are_as_chosen(chunks: Chunks | None, expected: list[bytes]) -> None:
    """A test says where a message is cut, and each piece arrives by itself."""
    async with memory_pair(chunks=chunks) as (near, far):
        near.writer.write(b"abcdefg")
        got: list[bytes] = []
        while b"".join(got) != b"abcdefg":
            got.append(await soon(far.reader.read(100)))
        assert expected == got


@pytest.mark.parametrize("chunks", [[], [0], [3, -1]])
async def test_chunks_without_a_size_are_refused(chunks: list[int]) -> None:
    """Data that never move would be a test that never ends."""
    with pytest.raises(ValueError, match="1 byte or more"):
        async with memory_pair(chunks=chunks):
            pass


async def test_a_function_of_chunks_that_fails_ends_the_link() -> None:
    """A mistake in the test's own function is told to both ends: an EOF alone would look like another mistake."""
    async with memory_pair(chunks=lambda waiting: 0) as (near, far):
        near.writer.write(b"abc")
        with pytest.raises(ValueError, match="1 or more"):
            await soon(far.reader.read())
        with pytest.raises(ValueError, match="1 or more"):
            await near.writer.drain()


async def test_after_a_cut_nothing_arrives_and_nobody_is_told() -> None:
    """A link that is cut is silent: no data, no end."""
    async with memory_pair() as pair:
        pair.near.writer.write(b"a")
        assert b"a" == await soon(pair.far.reader.read(1))
        pair.cut()
        pair.near.writer.write(b"b")
        pair.near.writer.close()
        read = asyncio.create_task(pair.far.reader.read(1))
        await turns()
        assert not read.done()
        read.cancel()


async def test_lockstep_moves_only_what_is_delivered() -> None:
    """Each step is the test's, so each state between two steps can be looked at."""
    async with lockstep_pair() as pair:
        near, far = pair
        near.writer.write(b"*IDN?\r\n")
        line = asyncio.create_task(far.reader.readline())
        await turns()
        assert (b"*IDN?\r\n", False) == (pair.pending(far), line.done())
        assert 3 == await pair.deliver(3)
        assert (b"N?\r\n", False) == (pair.pending(far), line.done())
        assert 4 == await pair.deliver()
        assert (b"", b"*IDN?\r\n") == (pair.pending(far), line.result())
        assert 0 == await pair.deliver()


async def test_lockstep_delivers_the_end_too() -> None:
    """FIN and RST wait for the test as data do."""
    async with lockstep_pair() as pair:
        near, far = pair
        near.writer.write(b"a")
        near.writer.close()
        await pair.deliver(1)
        assert not far.reader.at_eof()
        assert b"a" == await soon(far.reader.read(1))
        assert 0 == await pair.deliver(to=far)
        assert far.reader.at_eof()


async def test_lockstep_refuses_what_cannot_be_delivered() -> None:
    """A test that expects other data on their way than there are is wrong, and learns of it there."""
    async with lockstep_pair() as pair, lockstep_pair() as other:
        near, far = pair
        with pytest.raises(ValueError, match="0 are on their way"):
            await pair.deliver(1)
        near.writer.write(b"abc")
        with pytest.raises(ValueError, match="3 are on their way"):
            await pair.deliver(4)
        with pytest.raises(ValueError, match="1 byte or more"):
            await pair.deliver(0)
        far.writer.write(b"d")
        with pytest.raises(ValueError, match=r"to=pair\.near"):
            await pair.deliver(1)
        assert 1 == await pair.deliver(1, to=near)
        with pytest.raises(ValueError, match="an end of this pair"):
            await pair.deliver(1, to=other.near)
        pair.cut()
        with pytest.raises(ValueError, match="the link is cut"):
            await pair.deliver(1)
        assert (0, b"abc") == (await pair.deliver(), pair.pending(far))


async def test_lockstep_keeps_to_the_receivers_window() -> None:
    """A receiver whose buffer is full gets nothing, even in lock-step."""
    async with lockstep_pair(limit=10) as pair:
        pair.near.writer.write(bytes(30))
        await pair.deliver(25)
        with pytest.raises(ValueError, match="paused"):
            await pair.deliver(5)
        assert bytes(25) == await soon(pair.far.reader.readexactly(25))
        assert 5 == await pair.deliver()


async def test_transports_tell_what_programs_ask() -> None:
    """Code that looks at its transport meets no surprise."""
    async with lockstep_pair() as pair:
        transport = pair.near.writer.transport
        assert ("near", "far") == (transport.get_extra_info("sockname"), transport.get_extra_info("peername"))
        assert transport.get_extra_info("socket") is None
        transport.set_write_buffer_limits(high=8)
        assert (2, 8) == transport.get_write_buffer_limits()
        with pytest.raises(ValueError, match="marks"):
            transport.set_write_buffer_limits(high=1, low=2)
        transport.write(bytes(9))
        assert 9 == transport.get_write_buffer_size()
        assert transport.can_write_eof()
        pair.near.writer.write_eof()
        with pytest.raises(RuntimeError, match="write_eof"):
            pair.near.writer.write(b"late")
        assert "near" in repr(transport)


async def test_core_helpers_work_on_a_pair() -> None:
    """What works on any asyncio stream works here."""
    async with memory_pair(chunks=[3]) as (near, far):
        await tcpip_core.close_stream_writer(near.writer)
        assert b"" == await soon(far.reader.read())


async def test_connection_pair_gives_both_sides_connected() -> None:
    """A test of a protocol starts where both sides can talk."""
    async with connection_pair(terminator=b";") as (client, server):
        await soon(client.write_str("hello"))
        assert "hello" == await soon(server.read_str())
        await soon(server.write_json({"a": 1}))
        assert {"a": 1} == await soon(client.read_json())
    assert (True, True) == (client.done_task.done(), server.done_task.done())


async def test_connection_pair_closes_the_server_if_the_client_cannot_be_made() -> None:
    """Bad arguments leave nothing open."""
    with pytest.raises(ValueError, match="encoding"):
        async with connection_pair(encoding="no such"):
            pass


async def test_only_streams_are_reset() -> None:
    """A client of tcpip-core has no transport to show; what is allowed is said."""
    async with connection_pair() as (client, _):
        wrong: Any = client
        with pytest.raises(TypeError, match=r"is an asyncio\.StreamWriter, not <tcpip_core"):
            reset_stream(wrong)


async def test_an_end_of_tcp_is_no_end_in_memory() -> None:
    """Mixing up pairs is an error with words."""
    async with tcp_pair() as tcp, memory_pair() as memory:
        memory.near = End(*tcp.near)
        with pytest.raises(TypeError, match="not of a pair in memory"):
            memory.cut()
