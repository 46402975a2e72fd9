"""What `Tuning` changes, and what it must not: small writes sent together, readers that go on at once."""

from __future__ import annotations

import asyncio
import contextvars
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tcpip_core import Client, LossReason, OneClientServer, Tuning
from tests.conftest import LOOP_FACTORIES
from tests.contract._links import Link, Side, linked, paired
from tests.contract._operations import WRITES, Write
from tests.support import IPV4, Peer, connected, listening, soon, started, turns, until

BATCH = Tuning(batch_writes=True)
SIDES = pytest.mark.parametrize("side", ["client", "server"])


# Small writes sent together


@SIDES
@pytest.mark.parametrize("write", WRITES, ids=str)
async def test_writes_of_one_turn_go_out_together_and_in_order(side: Side, write: Write) -> None:
    """Nothing is on its way before the turn ends; then all is, as one segment."""
    async with linked(side, IPV4, tuning=BATCH) as link:
        for _ in range(5):
            await write.call(link.subject)
            await link.subject.write(b"|")
        with pytest.raises(BlockingIOError):
            link.peer.socket.recv(1)
        expected = (write.wire + b"|") * 5
        assert await link.peer.read(1000) == expected


@SIDES
async def test_close_sends_what_was_put_off(side: Side) -> None:
    """A message whose write has returned is not lost by the close that follows at once."""
    async with linked(side, IPV4, tuning=BATCH) as link:
        await link.subject.write_str("last words")
        await soon(link.subject.close())
        assert await link.peer.read_to_eof() == b"last words\r\n"


@SIDES
async def test_half_close_follows_what_was_put_off(side: Side) -> None:
    """A program that ends its sending side through the writer has sent everything before."""
    async with linked(side, IPV4, tuning=BATCH) as link:
        assert link.subject._writer is not None
        await link.subject.write_str("request")
        link.subject._writer.write_eof()
        assert await link.peer.read_to_eof() == b"request\r\n"
        link.send(b"reply\r\n")
        assert await soon(link.subject.read_str()) == "reply"


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("write", WRITES, ids=str)
async def test_write_after_the_half_close_is_refused(batch: bool, write: Write, host: str) -> None:
    """What will not be sent is not put off either; the error is that of asyncio's own writer."""
    async with linked("client", host, tuning=Tuning(batch_writes=batch)) as link:
        assert link.subject._writer is not None
        link.subject._writer.write_eof()
        with pytest.raises(RuntimeError, match="write_eof"):
            await write.call(link.subject)


@pytest.mark.parametrize("batch", [False, True])
async def test_no_write_to_a_closing_transport_seems_to_succeed(batch: bool, host: str) -> None:
    """Each of the writers of that turn is refused, not only the first one."""
    async with linked("client", host, tuning=Tuning(batch_writes=batch)) as link:
        assert link.subject._writer is not None
        cut = link.subject._writer.transport.abort

        async def cut_and_write() -> None:
            cut()
            await link.subject.write_str("lost")

        writes = [cut_and_write(), link.subject.write(b"lost"), link.subject.write_str("lost")]
        ends = await soon(asyncio.gather(*writes, return_exceptions=True))
        assert all(isinstance(end, ConnectionError) for end in ends), ends


@SIDES
async def test_writer_keeps_the_order_with_what_was_put_off(side: Side) -> None:
    """Programs use both the methods and ``_writer``."""
    async with linked(side, IPV4, tuning=BATCH) as link:
        assert link.subject._writer is not None
        await link.subject.write(b"1")
        link.subject._writer.write(b"2")
        await link.subject.write(b"3")
        await link.subject._writer.drain()
        assert await link.peer.read_exactly(3) == b"123"


@SIDES
async def test_reply_to_a_peer_that_has_ended_is_sent(side: Side) -> None:
    """The last answer to a half-closed peer goes out before the link is closed."""
    async with linked(side, IPV4, tuning=BATCH) as link:
        link.send(b"question\r\n")
        link.peer.write_eof()
        await until(lambda: link.subject._tcpip.connection.peer_is_done)
        await link.subject.write_str(await soon(link.subject.read_str()))
        assert await link.peer.read_to_eof() == b"question\r\n"


@SIDES
async def test_loss_drops_what_was_put_off_and_is_told(side: Side) -> None:
    """As it drops what waits in a buffer; the next write says so, after the callback."""
    async with linked(side, IPV4, tuning=BATCH) as link:
        link.peer.reset()
        with pytest.raises(ConnectionError):
            while True:
                await link.subject.write_str("is anybody there?")
                await turns(1)
        assert link.told == [True, False]
        assert link.subject.loss_reason is LossReason.RST


async def test_flood_of_small_writes_gives_others_their_turns_and_waits_for_the_peer(log: Any) -> None:
    """What was put off is bounded, and so is what a peer that does not read is given."""
    count, line = 8000, "x" * 998
    async with OneClientServer(IPV4, 0, log, tuning=BATCH) as server:
        async with Peer(IPV4, server.port, receive_buffer=4096) as peer:
            await connected(server)
            ticks = 0

            async def tick() -> None:
                nonlocal ticks
                while True:
                    ticks += 1
                    await asyncio.sleep(0)

            async def flood() -> None:
                for _ in range(count):
                    await server.write_str(line)

            ticking, flooding = asyncio.create_task(tick()), asyncio.create_task(flood())
            await until(lambda: server._tcpip.connection.outgoing.is_waited_for)
            assert ticks > 3
            ticking.cancel()
            assert await peer.read_exactly(count * 1000) == f"{line}\r\n".encode() * count
            await soon(flooding)


async def test_write_that_is_put_off_needs_a_connection(host: str) -> None:
    """The check comes before, as for every write."""
    async with linked("server", host, tuning=BATCH) as link:
        await soon(link.subject.close())
        with pytest.raises(ConnectionError):
            await link.subject.write_str("nobody is there")


# Readers that go on at once


@pytest.mark.parametrize("at_once", [True, False])
async def test_reader_goes_on_in_the_event_only_if_it_may(at_once: bool, host: str) -> None:
    """Its step is inside the receive event, or in a turn after it."""
    async with linked("client", host, tuning=Tuning(wake_at_once=at_once)) as link:
        connection = link.subject._tcpip.connection
        inside: list[bool] = []
        is_receiving = False

        async def read() -> None:
            await link.subject.read_str()
            inside.append(is_receiving)

        def receive() -> None:
            nonlocal is_receiving
            is_receiving = True
            connection.data_received(b"a line\r\n")
            is_receiving = False

        reading = asyncio.create_task(read())
        await turns(2)
        asyncio.get_running_loop().call_soon(receive)
        await soon(reading)
        assert inside == [at_once]


async def test_reader_does_not_go_on_inside_another_task(host: str) -> None:
    """Data that arrive while a task runs, as some transports hand them over, wake the reader in the next turn."""
    async with linked("client", host) as link:
        reading = asyncio.create_task(link.subject.read_str())
        await turns(2)
        link.subject._tcpip.connection.data_received(b"a line\r\n")
        assert not reading.done()
        assert await soon(reading) == "a line"


async def test_reader_goes_on_in_its_own_context(host: str) -> None:
    """Context variables of the task are there, and what it sets stays in it."""
    name = contextvars.ContextVar("name", default="the loop's")
    seen: list[str] = []

    async def read(link: Any) -> None:
        name.set("the reader's")
        for _ in range(3):
            await link.subject.read_str()
            seen.append(name.get())
            assert asyncio.current_task() is reading

    async with linked("server", host) as link:
        reading = asyncio.create_task(read(link))
        for _ in range(3):
            await turns(3)
            link.send(b"a line\r\n")
        await soon(reading)
        assert seen == ["the reader's"] * 3
        assert name.get() == "the loop's"


async def test_event_in_the_context_of_the_reader_wakes_it_in_the_next_turn(host: str) -> None:
    """A context cannot be entered twice; nothing is lost where somebody shares one."""
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    async with linked("server", host) as link:
        reading = loop.create_task(link.subject.read_str(), context=context)
        await turns(2)
        connection = link.subject._tcpip.connection
        loop.call_soon(connection.data_received, b"a line\r\n", context=context)
        assert await soon(reading) == "a line"


async def test_cancelled_reader_goes_on_in_the_next_turn(host: str) -> None:
    """Who cancels a task must not find its code run inside of the call."""
    async with linked("server", host) as link:
        ended: list[str] = []

        async def read() -> None:
            try:
                await link.subject.read_str()
            except asyncio.CancelledError as e:
                ended.append(str(e))
                raise

        reading = asyncio.create_task(read())
        await turns(2)
        reading.cancel("enough")
        assert ended == []
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert ended == ["enough"]


async def test_reader_that_closes_within_the_event_does_no_harm(host: str) -> None:
    """What it does to the connection, the event finds done."""
    async with linked("server", host) as link:

        async def read() -> None:
            await link.subject.read_str()
            await link.subject.close()

        reading = asyncio.create_task(read())
        await turns(2)
        link.send(b"close\r\nunread\r\n")
        await soon(reading)
        assert link.subject.done_task.done()
        assert link.told == [True, False]


async def test_two_ends_in_one_process_talk_within_events(host: str) -> None:
    """A reply is written inside the event of the request, and so on: no turn is lost, no stack grows."""
    async with paired("client", host) as pair:

        async def answer() -> None:
            for _ in range(2000):
                await pair.writer.write_str(await pair.writer.read_str())

        answering = asyncio.create_task(answer())
        for number in range(2000):
            await pair.reader.write_str(str(number))
            assert await soon(pair.reader.read_str()) == str(number)
        await soon(answering)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("loop", LOOP_FACTORIES)
def test_reader_that_exits_ends_the_loop_and_not_the_link(loop: str, error: type[BaseException]) -> None:
    """``sys.exit`` in a task that reads ends the program on every loop, as it does in any other task."""

    async def exit_within_the_event(opened: AsyncExitStack) -> Link:
        link = await opened.enter_async_context(linked("client", IPV4))

        async def read() -> None:
            await link.subject.read_str()
            raise error(link)

        reading = asyncio.create_task(read())
        await turns(2)
        link.send(b"exit\r\nunread\r\n")
        await soon(asyncio.wait({reading}))
        await turns()
        raise AssertionError("the loop went on")

    async def go_on(link: Link) -> str:
        return await soon(link.subject.read_str())

    opened = AsyncExitStack()
    with asyncio.Runner(loop_factory=LOOP_FACTORIES[loop]) as runner:
        with pytest.raises(error) as raised:
            runner.run(exit_within_the_event(opened))
        assert runner.run(go_on(raised.value.args[0])) == "unread"
        runner.run(opened.aclose())


# Arguments


@pytest.mark.parametrize("name", ["batch_writes", "wake_at_once"])
def test_switch_that_is_no_bool_is_a_value_error(name: str) -> None:
    """``"no"`` would be yes."""
    with pytest.raises(ValueError, match=name):
        Tuning(**{name: "no"})  # type: ignore[arg-type]


def test_codec_without_its_methods_is_a_type_error() -> None:
    """Such as a class where an object is wanted, or the module `json`."""
    with pytest.raises(TypeError, match="encode and decode"):
        Tuning(json_codec=object())  # type: ignore[arg-type]


async def test_tuning_of_another_type_is_refused_before_anything_exists(host: str, log: Any) -> None:
    """As other arguments are."""
    with pytest.raises(TypeError, match="tuning must be"):
        Client(host, 1, log, tuning=True)  # type: ignore[arg-type]


async def test_tuning_can_be_shared(host: str, log: Any) -> None:
    """It is a value, not a thing."""
    async with listening(host) as listener:
        clients = [await started(Client(host, listener.port, log, tuning=BATCH)) for _ in range(2)]
        for client in clients:
            peer = await listener.accept()
            await client.write_str("hello")
            assert await peer.read_exactly(7) == b"hello\r\n"
            await soon(client.close())
