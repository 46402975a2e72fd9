"""What every end of a connection does: `StreamTests`."""

import abc
import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

from ._checks import LATER, LINE, READINGS, check, must_end, read_rest, shown
from ._link import Link
from ._moments import every_await
from ._subjects import ByteStream
from ._suite import Suite, behaviour, only_simulated
from ._told import Reaction, Told
from ._world import CLOSE_BOUND, ENDS, World

__all__ = ["StreamBehaviours", "StreamTests"]

StreamT = TypeVar("StreamT", bound=ByteStream)

CHUNK = bytes(range(256)) * 256


class StreamBehaviours(Suite, Generic[StreamT]):
    """The behaviours of a stream, for whatever has one."""

    @abc.abstractmethod
    def _linked(self, world: World, reaction: Reaction | None = None) -> AbstractAsyncContextManager[Link[StreamT]]:
        """Connect the thing under test to a peer; close it at the end."""

    # Bytes

    @behaviour
    async def test_bytes_arrive_whole_and_in_order_both_ways(self, world: World) -> None:
        """Give each byte once and in order, in both directions at the same time."""
        async with self._linked(world) as link:
            sending = [asyncio.ensure_future(one) for one in (link.peer.send(CHUNK * 4), link.subject.write(CHUNK * 4))]
            received = await world.within(link.subject.readexactly(len(CHUNK) * 4), "reading what the peer sends")
            check(CHUNK * 4, received, "what was read")
            check(CHUNK * 4, await link.peer.receive(len(CHUNK) * 4), "what was written arrives")
            for one in sending:
                await world.within(one, "writing")

    @behaviour
    async def test_message_is_split_at_every_byte(self, world: World) -> None:
        """Return a message whole, wherever the network cuts it."""
        async with self._linked(world) as link:
            for name in ("readuntil", "readexactly"):
                for cut in range(1, len(LINE)):
                    world.variation = f"{name}, cut after {cut} of {len(LINE)} bytes"
                    await link.peer.send(LINE[:cut])
                    await world.settle()
                    reading = asyncio.ensure_future(READINGS[name](link.subject))
                    await world.settle()
                    await link.peer.send(LINE[cut:])
                    check(LINE, await world.within(reading, name), "the message")

    @behaviour
    async def test_messages_in_one_segment_come_one_by_one(self, world: World) -> None:
        """Return one message at a time, however many arrive at once."""
        async with self._linked(world) as link:
            await link.peer.send(b"one\ntwo\nthree\n")
            for line in (b"one\n", b"two\n", b"three\n"):
                check(line, await world.within(link.subject.readuntil(b"\n"), "readuntil"), "the next message")

    @behaviour
    async def test_read_gives_what_is_there(self, world: World) -> None:
        """Return from ``read`` with what has arrived, without a wait for as much as was asked for."""
        async with self._linked(world) as link:
            await link.peer.send(b"abc")
            await world.settle()
            check(b"abc", await world.within(link.subject.read(100), "read"), "what has arrived")

    @behaviour
    async def test_two_writers_are_not_mixed(self, world: World) -> None:
        """Send what two tasks write one after the other, whatever its size."""
        async with self._linked(world) as link:
            writing = [asyncio.ensure_future(link.subject.write(letter * 200_000)) for letter in (b"a", b"b")]
            got = await link.peer.receive(400_000)
            for one in writing:
                await world.within(one, "writing")
            if got not in {b"a" * 200_000 + b"b" * 200_000, b"b" * 200_000 + b"a" * 200_000}:
                raise AssertionError(f"what two tasks wrote arrives mixed: {shown(got)}")

    # The peer's end

    @behaviour
    async def test_what_came_before_the_end_is_read(self, world: World) -> None:
        """Return every message that arrived before the peer's FIN."""
        async with self._linked(world) as link:
            await link.peer.send(LINE + LATER)
            link.peer.finish()
            await world.settle()
            for line in (LINE, LATER):
                check(line, await world.within(link.subject.readuntil(b"\n"), "readuntil"), "what came before the FIN")

    @behaviour
    async def test_replies_reach_a_peer_that_has_half_closed(self, world: World) -> None:
        """Let answers be written to a peer that has sent its questions and a FIN."""
        async with self._linked(world) as link:
            await link.peer.send(LINE + LATER)
            link.peer.finish()
            await world.settle()

            async def answer() -> None:
                for _ in range(2):
                    await link.subject.write(b"re: " + await link.subject.readuntil(b"\n"))

            await world.within(answer(), "answering a peer that has half-closed")
            check(b"re: " + LINE + b"re: " + LATER, await link.peer.receive(len(LINE + LATER) + 8), "the answers")

    @behaviour
    async def test_end_in_the_middle_of_a_message_is_told(self, world: World) -> None:
        """Raise `asyncio.IncompleteReadError` with the part that came, where a FIN cuts a message."""
        for name in ("readuntil", "readexactly"):
            world.variation = name
            async with self._linked(world) as link:
                reading = asyncio.ensure_future(READINGS[name](link.subject))
                await link.peer.send(LINE[:5])
                await world.settle()
                link.peer.finish()
                try:
                    got = await world.within(reading, name)
                except asyncio.IncompleteReadError as e:
                    check(LINE[:5], e.partial, "the partial message")
                else:
                    raise AssertionError(f"{name} returned {got!r}, which is not a message")

    @behaviour
    async def test_waiting_read_ends_with_the_stream(self, world: World) -> None:
        """End a read that waits when the peer's FIN comes, and invent no data."""
        for name, read in READINGS.items():
            world.variation = name
            async with self._linked(world) as link:
                reading = asyncio.ensure_future(read(link.subject))
                await world.settle()
                link.peer.finish()
                check(b"", await must_end(world, reading, name) or b"", f"what {name} gives at the end")

    # RST

    @behaviour
    async def test_reset_at_each_await_of_a_read(self, world: World) -> None:
        """End a read with an error, not with data that never came, wherever in it the peer resets."""
        for name, read in READINGS.items():
            for moment in every_await():
                world.variation = f"{name}, reset {moment}"
                async with self._linked(world) as link:
                    reading = asyncio.ensure_future(moment.of(read(link.subject), link.peer.reset))
                    await world.settle()
                    link.peer.send_soon(LINE[:5])
                    await world.settle()
                    link.peer.reset()
                    got = await must_end(world, reading, name)
                    if got and not LINE.startswith(got):
                        raise AssertionError(f"{name} returned {shown(got)}, which was not sent")

    @behaviour
    async def test_reset_at_each_await_of_a_write(self, world: World) -> None:
        """End a write that waits when the peer resets, wherever it is, and fail each that comes later."""
        for moment in every_await():
            world.variation = f"reset {moment}"
            async with self._linked(world) as link:
                writing = asyncio.ensure_future(moment.of(link.subject.write(bytes(world.too_much)), link.peer.reset))
                await world.settle()
                link.peer.reset()
                await must_end(world, _nothing(writing), "a write to a peer that has reset")
                await self._writes_fail(world, link.subject)

    @behaviour
    async def test_reset_at_each_await_of_close(self, world: World) -> None:
        """Close without an error, wherever in it the peer resets, and while much is still to be sent."""
        only_simulated(self, "each close may take its whole bound")
        for moment in every_await():
            world.variation = f"reset {moment}"
            async with self._linked(world) as link:
                writing = asyncio.ensure_future(link.subject.write(bytes(world.too_much)))
                await world.settle()
                await world.within(moment.of(link.subject.close(), link.peer.reset), "close")
                await must_end(world, _nothing(writing), "a write on a closed stream")

    @behaviour
    async def test_close_of_what_was_reset(self, world: World) -> None:
        """Close without an error what the peer has reset before."""
        async with self._linked(world) as link:
            link.peer.reset()
            await world.settle()
            await world.within(link.subject.close(), "close")

    @behaviour
    async def test_write_to_a_peer_that_is_gone_fails(self, world: World) -> None:
        """Fail, after a few writes at the latest, once the peer has ended with RST."""
        async with self._linked(world) as link:
            link.peer.reset()
            await world.settle()
            await self._writes_fail(world, link.subject)

    async def _writes_fail(self, world: World, stream: ByteStream) -> None:
        try:
            for _ in range(100):
                await world.within(stream.write(LINE), "a write to a peer that is gone")
                await world.settle()
        except ENDS:
            return
        raise AssertionError("100 writes to a peer that is gone succeeded")

    # Cancellation

    @behaviour
    async def test_cancel_at_each_await_of_a_read(self, world: World) -> None:
        """Lose nothing when a read is cancelled: it has taken nothing, or returned it."""
        for name, read in READINGS.items():
            for moment in every_await():
                world.variation = f"{name}, cancelled {moment}"
                async with self._linked(world) as link:
                    reading = asyncio.ensure_future(moment.cancels(read(link.subject)))
                    await world.settle()
                    for part in (LINE[:5], LINE[5:] + LATER):
                        await link.peer.send(part)
                        await world.settle()
                    got = await world.within(reading, f"cancelling {name}") or b""
                    rest = await read_rest(world, link.subject, len(LINE + LATER) - len(got))
                    check(LINE + LATER, got + rest, "what was read, before and after")

    @behaviour
    async def test_cancel_at_each_await_of_a_write(self, world: World) -> None:
        """Send all of a write that is cancelled, or end the link: never a part, and then something else."""
        for moment in every_await():
            world.variation = f"cancelled {moment}"
            async with self._linked(world) as link:
                size = world.too_much
                writing = asyncio.ensure_future(moment.cancels(_nothing(link.subject.write(b"x" * size))))
                await world.settle()
                receiving = asyncio.ensure_future(link.peer.receive(size + len(LATER)))
                await world.within(writing, "cancelling a write")
                with contextlib.suppress(*ENDS):
                    await world.within(link.subject.write(LATER), "the next write")
                await world.within(link.subject.close(), "close")
                with contextlib.suppress(OSError):
                    got = await world.within(receiving, "sending what was written")
                    whole = b"x" * size + LATER
                    if not whole.startswith(got):
                        raise AssertionError(f"of the cancelled write a part went out, and then the next: {shown(got)}")

    @behaviour
    async def test_cancel_at_each_await_of_close(self, world: World) -> None:
        """End the connection even if its ``close`` is cancelled; a second ``close`` waits for that."""
        for moment in every_await():
            world.variation = f"cancelled {moment}"
            async with self._linked(world) as link:
                await world.within(moment.cancels(link.subject.close()), "cancelling close")
                await world.within(link.subject.close(), "the second close")
                await link.peer.wait_hung_up("when its close was cancelled")

    # Slow ends

    @behaviour
    async def test_write_waits_for_a_slow_reader(self, world: World) -> None:
        """Wait in ``write`` while the peer takes nothing, and go on when it does: memory is bounded."""
        async with self._linked(world) as link:
            writing = asyncio.ensure_future(link.subject.write(b"x" * world.too_much))
            await world.settle()
            check(False, writing.done(), f"a write of {world.too_much} bytes that nobody takes has returned")
            check(b"x" * world.too_much, await link.peer.receive(world.too_much), "what arrives at a slow reader")
            await world.within(writing, "a write that the peer has taken")

    @behaviour
    async def test_peer_waits_while_nobody_reads(self, world: World) -> None:
        """Make the peer wait when too much is unread, and lose none of it."""
        async with self._linked(world) as link:
            size = world.too_much
            sending = asyncio.ensure_future(link.peer.send_blocking(b"y" * size))
            await world.settle()
            check(False, sending.done(), f"{size} bytes that nobody reads were taken into memory")
            check(b"y" * size, await read_rest(world, link.subject, size), "what a slow reader reads")
            await world.within(sending, "taking what the peer sent")

    # Close

    @behaviour
    async def test_close_hands_over_what_was_written(self, world: World) -> None:
        """Deliver what was written before ``close``, then the end of the stream."""
        async with self._linked(world) as link:
            writing = asyncio.ensure_future(_write_until_full(link.subject, CHUNK[:10_000], world.too_much))
            await world.settle()
            receiving = asyncio.ensure_future(link.peer.receive_all())
            written = await world.within(writing, "writing to a peer that reads")
            await world.within(link.subject.close(), "close")
            check(CHUNK[:10_000] * written, await receiving, "what was written before close")

    @behaviour
    async def test_close_is_bounded(self, world: World) -> None:
        """Close in time though the peer takes nothing of what was written."""
        only_simulated(self, "it takes the whole bound of close")
        async with self._linked(world) as link:
            writing = asyncio.ensure_future(link.subject.write(bytes(world.too_much)))
            await world.settle()
            await world.within(link.subject.close(), "close", CLOSE_BOUND)
            await must_end(world, _nothing(writing), "a write on a closed stream")

    @behaviour
    async def test_close_ends_a_waiting_read(self, world: World) -> None:
        """End a read that waits when this side closes."""
        for name, read in READINGS.items():
            world.variation = name
            async with self._linked(world) as link:
                reading = asyncio.ensure_future(read(link.subject))
                await world.settle()
                await world.within(link.subject.close(), "close")
                check(b"", await must_end(world, reading, f"{name} on a closed stream") or b"", f"what {name} gives")

    @behaviour
    async def test_close_again_does_nothing(self, world: World) -> None:
        """Let ``close`` be called twice, and by several tasks at once."""
        async with self._linked(world) as link:
            for one in [asyncio.ensure_future(_nothing(link.subject.close())) for _ in range(3)]:
                await world.within(one, "one of several calls of close")
            await world.within(link.subject.close(), "the last close")
            await link.peer.wait_hung_up("when closed")

    @behaviour
    async def test_nothing_is_read_or_written_after_close(self, world: World) -> None:
        """End each read and fail each write after ``close``, at once."""
        async with self._linked(world) as link:
            await world.within(link.subject.close(), "close")
            for name, read in READINGS.items():
                world.variation = name
                check(
                    b"", await must_end(world, read(link.subject), f"{name} after close") or b"", f"what {name} gives"
                )
            world.variation = ""
            await self._writes_fail(world, link.subject)


async def _write_until_full(stream: ByteStream, data: bytes, most: int) -> int:
    """Write until a write has waited; return how many there were."""
    loop = asyncio.get_running_loop()
    for number in range(1, most // len(data) + 1):
        began = loop.time()
        await stream.write(data)
        if loop.time() > began:
            return number
    return most // len(data)


async def _nothing(operation: Awaitable[object]) -> None:
    await operation


class StreamTests(StreamBehaviours[ByteStream]):
    """The behaviours of one end of a TCP connection: inherit them, and say how yours is made.

    Each test is one behaviour, tried in a simulation of its own or, with ``on_sockets = True``, on sockets of this
    machine. The tests are not asynchronous: they run under pytest as they are, and under `unittest` in a class that
    derives from `unittest.TestCase` too.
    """

    @abc.abstractmethod
    async def open_stream(self, host: str, port: int) -> ByteStream:
        """Connect to a peer that listens; to be written by you.

        Parameters
        ----------
        host : str
            Its address.
        port : int
            Its port.

        Returns
        -------
        ByteStream
            What is tested, connected.
        """

    @contextlib.asynccontextmanager
    async def _linked(self, world: World, reaction: Reaction | None = None) -> AsyncIterator[Link[ByteStream]]:
        async with world.listening() as listener:
            subject = await world.within(self.open_stream(world.host, listener.port), "open_stream")
            yield Link(subject, await listener.accept(), Told(world, reaction))
            await world.within(subject.close(), "close")
