"""What every end of a connection does that tells a connect callback of its state: the second layer of behaviours."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from ._checks import LINE, READINGS, check, must_end
from ._moments import every_await
from ._streams import StreamBehaviours
from ._subjects import ByteStream, HasConnected
from ._suite import behaviour
from ._told import Told
from ._world import ENDS, Peer, World

__all__ = ["LOSSES", "LossBehaviours", "Tells", "operations_fail"]


class Tells(ByteStream, HasConnected, Protocol):
    """A stream that tells a callback."""


TellsT = TypeVar("TellsT", bound=Tells)


LOSSES: dict[str, Callable[[Peer], None]] = {"FIN": Peer.finish, "RST": Peer.reset}


def _write(stream: ByteStream) -> Awaitable[object]:
    return stream.write(LINE)


async def operations_fail(world: World, stream: ByteStream, when: str) -> None:
    """Demand that reads and writes fail at once, where there is no connection."""
    operations: list[tuple[str, Callable[[ByteStream], Awaitable[object]]]] = [*READINGS.items(), ("write", _write)]
    for name, operate in operations:
        try:
            got = await world.within(operate(stream), f"{name} {when}")
        except ConnectionError:
            continue
        raise AssertionError(f"{name} {when} returned {got!r}; a ConnectionError was expected")


class LossBehaviours(StreamBehaviours[TellsT], Generic[TellsT]):
    """The behaviours of a stream that tells a callback of its connection."""

    @behaviour
    async def test_connection_is_told_once(self, world: World) -> None:
        """Tell the callback of a new connection once, and of nothing else."""
        async with self._linked(world) as link:
            await link.told.wait(True)
            check(True, link.subject.connected, "connected")
            await link.peer.send(LINE)
            check(LINE, await world.within(link.subject.readuntil(b"\n"), "readuntil"), "the first message")
            await world.settle()
            link.told.check(True)

    @behaviour
    async def test_loss_is_told_while_nobody_reads(self, world: World) -> None:
        """Notice a peer's FIN or RST without a read or a write, and tell it once."""
        for name, lose in LOSSES.items():
            world.variation = name
            async with self._linked(world) as link:
                await link.told.wait(True)
                lose(link.peer)
                await link.told.wait(True, False)
                check(False, link.subject.connected, "connected, once the callback was told")

    @behaviour
    async def test_loss_is_told_before_a_read_reports_it(self, world: World) -> None:
        """Let nobody learn of a loss from a read before the callback was told of it."""
        for name, lose in LOSSES.items():
            for reading, read in READINGS.items():
                world.variation = f"{reading}, {name}"
                async with self._linked(world) as link:
                    await link.told.wait(True)
                    task = asyncio.ensure_future(_told_at_the_end(world, read(link.subject), link.told))
                    await world.settle()
                    lose(link.peer)
                    check([True, False], await task, "what the callback had been told when the read ended")

    @behaviour
    async def test_loss_is_told_before_a_write_reports_it(self, world: World) -> None:
        """Let nobody learn of a loss from a write before the callback was told of it."""
        async with self._linked(world) as link:
            await link.told.wait(True)
            writing = asyncio.ensure_future(link.subject.write(bytes(world.too_much)))
            await world.settle()
            link.peer.reset()
            try:
                await world.within(writing, "a write that the peer's RST ends")
            except ENDS:
                link.told.check(True, False)
            else:
                raise AssertionError("a write of more than all buffers hold returned, though the peer took nothing")

    @behaviour
    async def test_operations_fail_once_the_link_is_lost(self, world: World) -> None:
        """Raise `ConnectionError` from each read and write after a loss, and wait for nothing."""
        for name, lose in LOSSES.items():
            world.variation = name
            async with self._linked(world) as link:
                await link.told.wait(True)
                lose(link.peer)
                await link.told.wait(True, False)
                await operations_fail(world, link.subject, "after the loss")

    @behaviour
    async def test_close_is_told_and_final(self, world: World) -> None:
        """Tell the callback of the own ``close`` before it returns; then each operation is a `ConnectionError`."""
        async with self._linked(world) as link:
            await link.told.wait(True)
            await world.within(link.subject.close(), "close")
            link.told.check(True, False)
            check(False, link.subject.connected, "connected after close")
            await operations_fail(world, link.subject, "after close")

    @behaviour
    async def test_close_after_a_loss_tells_nothing_new(self, world: World) -> None:
        """Close quietly what was lost before."""
        for name, lose in LOSSES.items():
            world.variation = name
            async with self._linked(world) as link:
                await link.told.wait(True)
                lose(link.peer)
                await link.told.wait(True, False)
                await world.within(link.subject.close(), "close")
                link.told.check(True, False)

    @behaviour
    async def test_close_at_each_await_of_a_read(self, world: World) -> None:
        """Let another task close wherever a read is: the read ends, and what it returns had arrived."""
        for name, read in READINGS.items():
            for moment in every_await():
                world.variation = f"{name}, closed {moment}"
                async with self._linked(world) as link:
                    closing = _Closing(link.subject)
                    reading = asyncio.ensure_future(moment.of(read(link.subject), closing.begin))
                    await world.settle()
                    link.peer.send_soon(LINE)
                    got = await must_end(world, reading, name)
                    check(True, LINE.startswith(got or b""), f"{name} returned something that was sent, {got!r}")
                    await world.within(closing.end(), "close")

    @behaviour
    async def test_callback_may_close_what_was_lost(self, world: World) -> None:
        """Let the callback close when it is told of a loss, without a deadlock."""
        closed: list[bool] = []

        async def close(who: HasConnected) -> None:
            if not who.connected:
                await who.close()
                closed.append(True)

        for name, lose in LOSSES.items():
            world.variation = name
            async with self._linked(world, close) as link:
                await link.told.wait(True)
                lose(link.peer)
                await link.told.wait(True, False)
                await world.until(lambda: closed, "close returns to the callback")
                closed.clear()

    @behaviour
    async def test_callback_that_fails_changes_nothing(self, world: World) -> None:
        """Go on as before when the callback raises."""

        async def fail(_: HasConnected) -> None:
            raise ValueError("the callback fails, as this test wants it to")

        async with self._linked(world, fail) as link:
            await link.told.wait(True)
            await link.peer.send(LINE)
            check(LINE, await world.within(link.subject.readuntil(b"\n"), "readuntil"), "a message")
            await world.within(link.subject.write(LINE), "write")
            check(LINE, await link.peer.receive(len(LINE)), "what was written")


async def _told_at_the_end(world: World, reading: Awaitable[bytes], told: Told) -> list[bool]:
    await must_end(world, reading, "a read of a link that is lost")
    return list(told.states)


class _Closing:
    """A ``close`` in a task of its own, if it is begun."""

    def __init__(self, subject: HasConnected) -> None:
        self._subject = subject
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._close())

    async def _close(self) -> None:
        await self._subject.close()

    async def end(self) -> None:
        if self._task is not None:
            await self._task
