"""State that users see: `connected`, `should_be_connected`, `done_task`, and losses told at once."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

import pytest

import tcpip_core
from tests.contract._rigs import CLIENT, READ_LOOP_SERVER, SERVER, LineServer, Rig, make, rigged
from tests.support import IPV4, listening, soon, turns, until


async def test_loss_is_told_while_nobody_reads(rig: Rig, how: str) -> None:
    """A program that only writes, or only waits, learns of a loss without asking."""
    rig.lose(how)
    assert await rig.changes.next() is False
    assert not rig.subject.connected
    await turns()
    assert rig.changes.seen == [True, False]


@pytest.mark.parametrize("kind", [CLIENT, SERVER])
async def test_loss_is_an_event_not_a_poll(kind: str, how: str, host: str, log: logging.Logger) -> None:
    """With an interval of an hour a loss is told at once, as with any other above zero."""
    async with rigged(kind, host, log, monitor_connection_interval=3600) as rig:
        assert rig.subject.monitor_connection_interval == 3600
        rig.lose(how)
        assert await rig.changes.next() is False


@pytest.mark.parametrize("interval", [0, -1])
@pytest.mark.parametrize("kind", [CLIENT, SERVER])
async def test_loss_is_not_watched_for_where_the_interval_is_not_positive(
    kind: str, interval: float, host: str, log: logging.Logger
) -> None:
    """Who reads all the time asked not to be told by anything but the reading."""
    async with rigged(kind, host, log, monitor_connection_interval=interval) as rig:
        rig.lose("fin")
        await turns(200)
        assert rig.changes.seen == [True]
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await soon(rig.subject.read_str())
        assert rig.changes.seen == [True, False]


async def test_reader_is_told_after_the_callback(rig: Rig, how: str) -> None:
    """No read reports a loss that the callback does not know yet."""
    if isinstance(rig.subject, LineServer):
        pytest.skip("its read loop is the reader")
    reading = asyncio.ensure_future(rig.subject.read_str())
    await turns()
    rig.lose(how)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await soon(reading)
    assert rig.changes.seen == [True, False]


async def test_read_at_eof_returns_after_the_callback(rig: Rig) -> None:
    """The empty bytes of a read at EOF are a report of a loss, too."""
    if isinstance(rig.subject, LineServer):
        pytest.skip("its read loop is the reader")
    reading = asyncio.ensure_future(rig.subject.read(100))
    await turns()
    rig.lose("fin")
    assert await soon(reading) == b""
    assert rig.changes.seen == [True, False]


async def test_failing_write_is_told_after_the_callback(rig: Rig) -> None:
    """No write reports a loss that the callback does not know yet."""
    rig.lose("rst")
    with pytest.raises(ConnectionError):
        while True:
            await soon(rig.subject.write(b"anybody there?"))
    assert rig.changes.seen == [True, False]


@pytest.mark.parametrize("kind", [CLIENT, SERVER])
async def test_failing_write_waits_until_the_callback_has_run(kind: str, log: logging.Logger) -> None:
    """What the callback does to react to a loss is done when the writer learns of it."""
    told: list[bool] = []

    async def callback(who: tcpip_core.BaseClientOrServer) -> None:
        state = who.connected
        await turns(10)
        told.append(state)

    async with rigged(kind, IPV4, log, connect_callback=callback) as rig:
        await until(lambda: told)
        rig.lose("rst")
        with pytest.raises(ConnectionError):
            while True:
                await soon(rig.subject.write(b"anybody there?"))
        assert told == [True, False]


async def test_should_be_connected_survives_the_hang_up_of_the_peer(rig: Rig, how: str) -> None:
    """'Not connected and should be' is how programs recognize a lost link, on every class."""
    assert rig.subject.should_be_connected
    rig.lose(how)
    assert await rig.changes.next() is False
    await turns()
    assert not rig.subject.connected
    assert rig.subject.should_be_connected


async def test_should_be_connected_is_cleared_by_close(rig: Rig) -> None:
    """What this side wanted is no loss."""
    await soon(rig.subject.close())
    assert not rig.subject.connected
    assert not rig.subject.should_be_connected


async def test_should_be_connected_is_cleared_by_close_after_a_loss(rig: Rig, how: str) -> None:
    """Giving up a lost link ends its being missed."""
    rig.lose(how)
    assert await rig.changes.next() is False
    await soon(rig.subject.close())
    assert not rig.subject.should_be_connected


async def test_should_be_connected_is_cleared_by_close_client(server_rig: Rig) -> None:
    """A client that the server sent away is not missed."""
    await soon(server_rig.server.close_client())
    assert not server_rig.server.connected
    assert not server_rig.server.should_be_connected


async def test_should_be_connected_survives_basic_close_client(server_rig: Rig) -> None:
    """The basic form closes as after a loss."""
    await soon(server_rig.server.basic_close_client())
    assert not server_rig.server.connected
    assert server_rig.server.should_be_connected


async def test_should_be_connected_is_set_before_the_callback_is_told(kind: str, log: logging.Logger) -> None:
    """A callback can tell a first connection, a loss and a wanted end apart."""
    seen: list[tuple[bool, bool]] = []

    async def callback(who: tcpip_core.BaseClientOrServer) -> None:
        seen.append((who.connected, who.should_be_connected))

    async with rigged(kind, IPV4, log, connect_callback=callback) as rig:
        await until(lambda: seen)
        rig.lose("fin")
        await until(lambda: len(seen) == 2)
    assert seen == [(True, True), (False, True)]


async def test_callback_of_a_wanted_end_sees_that_it_was_wanted(kind: str, log: logging.Logger) -> None:
    """When the end is told, should_be_connected is cleared already."""
    seen: list[tuple[bool, bool]] = []

    async def callback(who: tcpip_core.BaseClientOrServer) -> None:
        seen.append((who.connected, who.should_be_connected))

    async with rigged(kind, IPV4, log, connect_callback=callback) as rig:
        await until(lambda: seen)
        await soon(rig.subject.close())
    assert seen == [(True, True), (False, False)]


async def test_server_is_not_done_when_its_client_leaves(server_rig: Rig, how: str) -> None:
    """A server is done when it was closed, not before."""
    server_rig.lose(how)
    assert await server_rig.changes.next() is False
    await turns()
    assert not server_rig.server.done_task.done()


async def test_done_task_is_done_after_close(rig: Rig) -> None:
    """Programs run until done_task; it carries no exception."""
    assert not rig.subject.done_task.done()
    await soon(rig.subject.close())
    assert rig.subject.done_task.done()
    assert rig.subject.done_task.exception() is None


async def test_waiter_of_done_task_wakes_after_the_last_callback(rig: Rig) -> None:
    """Closed for good means that nothing is told any more."""

    async def wait() -> list[bool]:
        await rig.subject.done_task
        return list(rig.changes.seen)

    waiting = asyncio.ensure_future(wait())
    await turns()
    await soon(rig.subject.close())
    assert await soon(waiting) == [True, False]


async def test_cancelled_waiter_of_done_task_does_not_end_the_object(rig: Rig) -> None:
    """A program that waits with a time-out cancels its own waiting, not the link."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.shield(rig.subject.done_task)
    await rig.write_reaches_peer()


@pytest.mark.parametrize("kind", [CLIENT, SERVER])
async def test_unread_data_stay_readable_after_fin(kind: str, host: str, log: logging.Logger) -> None:
    """What arrived before the hang-up counts; connected turns False once it was read."""
    async with rigged(kind, host, log) as rig:
        rig.peer.send(b"last\r\nwords\r\n")
        rig.lose("fin")
        await turns()
        assert rig.subject.connected
        assert await soon(rig.subject.read_str()) == "last"
        assert await soon(rig.subject.read_str()) == "words"
        assert await rig.changes.next() is False


@pytest.mark.parametrize("kind", [CLIENT, SERVER])
async def test_whole_lines_stay_readable_after_reset(kind: str, host: str, log: logging.Logger) -> None:
    """What had arrived completely is delivered before the error."""
    async with rigged(kind, host, log) as rig:
        rig.peer.send(b"one\r\ntwo\r\n")
        assert await soon(rig.subject.read_str()) == "one"
        rig.lose("rst")
        await turns()
        assert await soon(rig.subject.read_str()) == "two"
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await soon(rig.subject.read_str())
        assert rig.changes.seen == [True, False]


@pytest.mark.parametrize("kind", [CLIENT, SERVER])
async def test_link_with_unread_data_does_not_drain_for_ever(kind: str, host: str, log: logging.Logger) -> None:
    """After the drain time-out a loss is told although nobody ever read."""
    limits = tcpip_core.Limits(drain_timeout=0.05)
    async with rigged(kind, host, log, limits=limits) as rig:
        rig.peer.send(b"never read\r\n")
        rig.lose("fin")
        assert await rig.changes.next() is False
        assert not rig.subject.connected


async def test_half_closed_peer_gets_all_its_answers(host: str, log: logging.Logger) -> None:
    """``printf 'a\\nb\\n' | nc -N host port`` sends FIN behind its questions and waits."""
    async with rigged(READ_LOOP_SERVER, host, log, terminator=b"\n") as rig:
        rig.peer.send(b"a\nb\n")
        rig.lose("fin")
        assert await rig.peer.read_to_eof() == b"A\nB\n"
        assert await rig.changes.next() is False


async def test_loss_reason_is_none_until_there_was_a_loss(rig: Rig) -> None:
    """A link that was never lost has no reason."""
    assert rig.subject.loss_reason is None


async def test_loss_reason_is_kept(rig: Rig, how: str) -> None:
    """The first reason wins and can be read when the callback is told."""
    rig.lose(how)
    assert await rig.changes.next() is False
    assert isinstance(rig.subject.loss_reason, tcpip_core.LossReason)


ASSIGNABLE: dict[str, Any] = {
    "log": logging.getLogger("another"),
    "read_loop_task": None,
    "done_task": None,
    "start_task": None,
    "should_be_connected": False,
    "terminator": b"\n",
    "encoding": "ascii",
    "name": "another",
    "host": "another",
    "port": 4321,
}
"""A value for each attribute that programs assign; None stands for a new future."""


@pytest.mark.parametrize("name", ASSIGNABLE)
async def test_attribute_can_be_assigned_from_outside(rig: Rig, name: str) -> None:
    """Programs out there do, at any time: none of them is a read-only property."""
    value = ASSIGNABLE[name]
    if value is None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        value = done
    setattr(rig.subject, name, value)
    assert getattr(rig.subject, name) is value
    if ASSIGNABLE[name] is None:
        value.set_result(None)
    await soon(rig.subject.write(b"hello"))
    assert await rig.peer.read() == b"hello"


@pytest.mark.parametrize("base", [tcpip_core.Client, tcpip_core.OneClientServer, LineServer])
async def test_subclass_may_set_attributes_before_the_constructor(
    base: type[tcpip_core.BaseClientOrServer], log: logging.Logger
) -> None:
    """Programs out there set these first and then call ``super().__init__``."""

    class Eager(base):  # type: ignore[misc,valid-type]  # the base is a parameter
        def __init__(self, **kwargs: Any) -> None:
            self.log = logging.getLogger("early")
            self.name = "early"
            self.read_loop_task = asyncio.get_running_loop().create_future()
            super().__init__(**kwargs)

    async with listening() as listener:
        port = listener.port if base is tcpip_core.Client else 0
        async with cast("Any", Eager)(host=IPV4, port=port, log=log) as subject:
            assert subject.log.name.startswith(log.name)


async def test_encoding_and_terminator_may_change_between_operations(rig: Rig) -> None:
    """Some devices switch their protocol after a greeting."""
    await soon(rig.subject.write_str("\u00e9"))
    rig.subject.encoding, rig.subject.terminator = "latin-1", b"\n"
    await soon(rig.subject.write_str("\u00e9"))
    assert await rig.peer.read_exactly(6) == b"\xc3\xa9\r\n\xe9\n"


async def test_no_task_is_left_where_start_was_never_awaited(kind: str, log: logging.Logger) -> None:
    """An object that is constructed and closed at once leaves nothing behind."""
    async with listening() as listener:
        subject = make(kind, IPV4, listener.port if kind == CLIENT else 0, log)
        await soon(subject.close())
        assert subject.start_task.done()
        assert subject.done_task.done()


async def test_idle_link_has_no_timer(kind: str, log: logging.Logger) -> None:
    """A thousand idle links cost nothing: nothing polls."""
    timers = getattr(asyncio.get_running_loop(), "_scheduled", None)
    if timers is None:
        pytest.skip("this loop does not show its timers")
    async with rigged(kind, IPV4, log):
        await turns()
        assert [one for one in timers if not one.cancelled()] == []
