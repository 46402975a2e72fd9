"""Writing bytes: `write`, `writelines`, flow control, and what a failing write leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator

import pytest

import tcpip_core
from tests.contract._links import Link, Side, Subject, linked
from tests.contract._operations import WRITES, Write
from tests.support import soon, turns

each_write = pytest.mark.parametrize("write", WRITES, ids=str)

BIG = bytes(range(256)) * 65536
"""16 MiB: more than the buffers of both kernels and of the loop hold together."""


@each_write
async def test_write_arrives_as_it_should_look(link: Link, write: Write) -> None:
    """The wire format is the contract with devices that do not run our code."""
    await soon(write.call(link.subject))
    assert await link.peer.read_exactly(len(write.wire)) == write.wire


@each_write
async def test_writes_arrive_in_order(link: Link, write: Write) -> None:
    """Writes of one task follow each other on the wire, nothing between, nothing lost."""
    for _ in range(20):
        await soon(write.call(link.subject))
        await soon(link.subject.write(b"|"))
    await soon(link.subject.close())
    assert await link.peer.read_to_eof() == (write.wire + b"|") * 20


async def test_write_of_nothing_sends_nothing(link: Link) -> None:
    """An empty message is no message."""
    await soon(link.subject.write(b""))
    await soon(link.subject.close())
    assert await link.peer.read_to_eof() == b""


def _generator() -> Iterator[bytes]:
    yield b"one "
    yield b""
    yield b"two "
    yield b"three"


ITERABLES: dict[str, Callable[[], Iterable[bytes]]] = {
    "list": lambda: list(_generator()),
    "tuple": lambda: tuple(_generator()),
    "generator": _generator,
    "iterator": lambda: iter(list(_generator())),
    "dict": lambda: dict.fromkeys(_generator()),
    "map": lambda: map(bytes, _generator()),
}


@pytest.mark.parametrize("iterable", ITERABLES)
async def test_writelines_takes_any_iterable(link: Link, iterable: str) -> None:
    """Lines are sent one after the other, with nothing added, wherever they come from."""
    await soon(link.subject.writelines(ITERABLES[iterable]()))
    assert await link.peer.read_exactly(13) == b"one two three"


@pytest.mark.parametrize("iterable", [[], (), iter(())], ids=["list", "tuple", "iterator"])
async def test_writelines_of_nothing_sends_nothing(link: Link, iterable: Iterable[bytes]) -> None:
    """No lines are as good as an empty one."""
    await soon(link.subject.writelines(iterable))
    await soon(link.subject.close())
    assert await link.peer.read_to_eof() == b""


async def test_writelines_of_a_failing_iterable_sends_nothing(link: Link) -> None:
    """An iterable that fails on the way raises its error, and no half message goes out."""

    def failing() -> Iterator[bytes]:
        yield b"one"
        raise LookupError("no more lines")

    with pytest.raises(LookupError, match="no more lines"):
        await soon(link.subject.writelines(failing()))
    await soon(link.subject.write(b"whole"))
    await soon(link.subject.close())
    assert await link.peer.read_to_eof() == b"whole"


async def test_large_write_arrives_unchanged(link: Link) -> None:
    """A message far beyond every buffer passes a peer that reads at its own pace."""
    writing = asyncio.create_task(link.subject.write(BIG))
    assert await link.peer.read_exactly(len(BIG)) == BIG
    await soon(writing)


async def test_large_writelines_arrive_unchanged(link: Link) -> None:
    """Many large lines of a generator pass too, in order."""
    piece = 1 << 20
    pieces = (BIG[start : start + piece] for start in range(0, len(BIG), piece))
    writing = asyncio.create_task(link.subject.writelines(pieces))
    assert await link.peer.read_exactly(len(BIG)) == BIG
    await soon(writing)


async def test_write_waits_for_a_peer_that_does_not_read(link: Link) -> None:
    """Flow control: what the peer does not take must not pile up in memory."""
    writing = asyncio.create_task(link.subject.write(BIG))
    await turns()
    assert not writing.done()
    assert await link.peer.read_exactly(len(BIG)) == BIG
    await soon(writing)


async def test_tasks_that_write_at_once_do_not_mix_their_messages(link: Link) -> None:
    """Each write is one piece on the wire, whoever else writes and however slowly the peer reads."""
    size, count = 300_000, 10

    async def write(letter: bytes) -> None:
        for _ in range(count):
            await link.subject.write(letter * size)

    async with asyncio.TaskGroup() as group:
        for letter in (b"a", b"b", b"c"):
            group.create_task(soon(write(letter)))
        messages = [await link.peer.read_exactly(size) for _ in range(3 * count)]
    assert {len(set(message)) for message in messages} == {1}


async def write_until_it_fails(subject: Subject) -> Exception:
    """Write until a write fails; the first ones may still find room in the kernel."""
    while True:
        try:
            await subject.write(b"is anybody there?")
        except ConnectionError as error:
            return error
        await turns(1)


async def test_failing_write_is_a_connection_error(link: Link) -> None:
    """A peer that is gone shows itself to a writer as a `ConnectionError`, and soon."""
    link.peer.reset()
    assert isinstance(await soon(write_until_it_fails(link.subject)), ConnectionError)


async def test_failing_write_tells_the_callback_first(link: Link) -> None:
    """Whoever learns of a loss from a write may rely on the callback having run."""
    link.peer.reset()
    await soon(write_until_it_fails(link.subject))
    assert link.told == [True, False]


async def test_unwatched_failing_write_tells_the_callback_first(side: Side, host: str) -> None:
    """The order holds too where nobody watches the link between writes."""
    async with linked(side, host, monitor_connection_interval=0) as link:
        link.peer.reset()
        await soon(write_until_it_fails(link.subject))
        assert link.told == [True, False]


async def test_write_blocked_at_a_reset_is_a_connection_error(link: Link) -> None:
    """A writer that waits for a peer learns that the peer crashed, after the callback did."""
    writing = asyncio.create_task(link.subject.write(BIG))
    await turns()
    link.peer.reset()
    with pytest.raises(ConnectionError):
        await soon(writing)
    assert link.told == [True, False]


async def test_close_ends_a_blocked_write_with_a_connection_error(side: Side, host: str) -> None:
    """Nobody is told "sent" for bytes that a close has dropped, and nobody waits for ever."""
    async with linked(side, host, limits=tcpip_core.Limits(close_timeout=0.05)) as link:
        writing = asyncio.create_task(link.subject.write(BIG))
        await turns()
        await soon(link.subject.close())
        with pytest.raises(ConnectionError):
            await soon(writing)


async def test_cancelled_blocked_write_ends_the_link(link: Link) -> None:
    """How much of the message went out is unknown, so no further message may follow it."""
    writing = asyncio.create_task(link.subject.write(BIG))
    await turns()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await soon(writing)
    assert await link.changes.next() is False
    with pytest.raises(ConnectionError):
        await soon(link.subject.write(b"more"))


async def test_written_bytes_are_sent_before_a_close(link: Link) -> None:
    """A message whose write has returned is not lost by the close that follows at once."""
    await soon(link.subject.write(b"goodbye"))
    await soon(link.subject.close())
    assert await link.peer.read_to_eof() == b"goodbye"


async def test_write_goes_out_without_a_further_loop_turn(link: Link) -> None:
    """A program that writes and then blocks its thread, as tests with plain sockets do, is heard."""
    await soon(link.subject.write(b"now"))
    assert link.peer.socket.recv(3) == b"now"
