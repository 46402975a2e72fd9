"""The connect callback: once per change, in order, never nested, and whatever it does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

import tcpip_core
from tests.contract._rigs import CLIENT, SERVER, LineServer, make, opened, rigged
from tests.support import IPV4, Changes, Peer, connected, listening, soon, started, turns, until


class SlowCallback:
    """A callback whose n-th call ends when the test lets it."""

    def __init__(self) -> None:
        self.seen: list[bool] = []
        self.running = 0
        self.most_running = 0
        self._gate = asyncio.Event()

    async def callback(self, who: tcpip_core.BaseClientOrServer) -> None:
        """Note what is told, then wait for the gate."""
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.seen.append(who.connected)
        await self._gate.wait()
        self.running -= 1

    def open_gate(self) -> None:
        """Let this call and all that follow end."""
        self._gate.set()


async def test_slow_callback_is_told_of_a_replaced_client_in_order(host: str, log: logging.Logger) -> None:
    """While it deals with the first client, that one leaves and another comes: False, then True."""
    slow = SlowCallback()
    async with rigged(SERVER, host, log, connect_callback=slow.callback) as rig:
        await until(lambda: slow.seen)
        rig.lose("rst")
        await until(lambda: not rig.server.connected_task.done())
        async with Peer(host, rig.server.port):
            await connected(rig.server)
            assert slow.seen == [True]
            slow.open_gate()
            await until(lambda: len(slow.seen) == 3)
            assert slow.seen == [True, False, True]
            assert slow.most_running == 1


async def test_slow_callback_is_told_of_a_client_that_came_and_went(host: str, log: logging.Logger) -> None:
    """Once per change, in order, True then False: also where all of it is over before it can be told."""
    slow = SlowCallback()
    async with rigged(SERVER, host, log, connect_callback=slow.callback) as rig:
        await until(lambda: slow.seen)
        rig.lose("rst")
        await until(lambda: not rig.server.connected_task.done())
        async with Peer(host, rig.server.port) as second:
            await connected(rig.server)
            second.reset()
        await until(lambda: not rig.server.connected_task.done())
        slow.open_gate()
        await until(lambda: len(slow.seen) == 4)
        await turns()
        assert slow.seen == [True, False, True, False]


async def test_callbacks_are_never_nested(kind: str, host: str, log: logging.Logger) -> None:
    """The next change is told when the callback has returned, even where that has closed."""
    told: list[bool] = []
    depth, deepest = 0, 0

    async def callback(who: tcpip_core.BaseClientOrServer) -> None:
        nonlocal depth, deepest
        depth += 1
        deepest = max(deepest, depth)
        told.append(who.connected)
        await who.close()
        await turns(5)
        depth -= 1

    async with opened(kind, host, log, connect_callback=callback) as (subject, _):
        await soon(subject.done_task)
    assert told == [True, False]
    assert deepest == 1


@pytest.mark.parametrize("steps", [0, 5])
async def test_client_closed_by_its_first_callback_was_not_started(steps: int, log: logging.Logger) -> None:
    """Whoever waits for the start must not go on as if the link were up, however soon the callback returns."""

    async def callback(who: tcpip_core.BaseClientOrServer) -> None:
        await who.close()
        await turns(steps)

    async with opened(CLIENT, IPV4, log, connect_callback=callback) as (client, _):
        with pytest.raises(ConnectionAbortedError):
            await soon(client.start_task, timeout=1.5)


@pytest.mark.parametrize("error", [ZeroDivisionError("in the callback"), asyncio.CancelledError()])
async def test_callback_that_raises_is_logged_and_changes_nothing(
    kind: str, error: BaseException, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """A mistake in the reaction to a connection must not end it."""
    changes = Changes()

    async def callback(who: tcpip_core.BaseClientOrServer) -> None:
        await changes.callback(who)
        raise error

    async with rigged(kind, IPV4, log, connect_callback=callback) as rig:
        assert await changes.next() is True
        await rig.write_reaches_peer()
        logged = [one for one in caplog.records if one.levelno >= logging.ERROR]
        assert len(logged) == 1
        rig.lose("fin")
        assert await changes.next() is False
    assert changes.seen == [True, False]


async def test_callback_that_never_ends_does_not_hold_close(kind: str, log: logging.Logger) -> None:
    """A callback has its time-out; then the object closes all the same."""
    ended: list[bool] = []

    async def callback(who: tcpip_core.BaseClientOrServer) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(True)

    limits = tcpip_core.Limits(callback_timeout=0.05)
    async with rigged(kind, IPV4, log, connect_callback=callback, limits=limits) as rig:
        await soon(rig.subject.close())
        assert rig.subject.done_task.done()
    assert ended


async def _close(who: Any) -> None:
    await who.close()


async def _write(who: Any) -> None:
    if who.connected:
        await who.write_str("hello")
    else:
        with pytest.raises(ConnectionError):
            await who.write_str("hello")


async def _tell(who: Any) -> None:
    await who.call_connect_callback()


@pytest.mark.parametrize("action", [_close, _write, _tell])
@pytest.mark.parametrize("when", [True, False])
async def test_callback_may_use_its_object(
    kind: str, action: Callable[[Any], Awaitable[None]], when: bool, log: logging.Logger
) -> None:
    """Closing, writing and telling from inside a callback return instead of waiting for it."""
    changes = Changes()
    failed: list[BaseException] = []

    async def callback(who: tcpip_core.BaseClientOrServer) -> None:
        try:
            if who.connected is when:
                await soon(action(who))
        except BaseException as error:
            failed.append(error)
            raise
        finally:
            await changes.callback(who)

    async with opened(kind, IPV4, log, connect_callback=callback) as (subject, peer):
        await until(lambda: changes.seen)
        peer.write_eof()
        await until(lambda: len(changes.seen) == 2)
        await soon(subject.close())
    assert failed == []


async def test_callback_may_close_the_client(server_kind: str, log: logging.Logger) -> None:
    """A server that does not like its client sends it away and serves the next."""
    changes = Changes()

    async def callback(who: tcpip_core.BaseClientOrServer) -> None:
        await changes.callback(who)
        assert isinstance(who, tcpip_core.OneClientServer)
        if who.connected:
            await soon(who.close_client())

    server = make(server_kind, IPV4, 0, log, connect_callback=callback)
    async with server:
        for _ in range(3):
            async with Peer(IPV4, server.port) as peer:
                await peer.wait_hung_up()
                assert await changes.next() is True
                assert await changes.next() is False
    assert changes.seen == [True, False] * 3


@pytest.mark.parametrize("kind", [CLIENT, SERVER])
async def test_callback_may_read_at_eof(kind: str, log: logging.Logger) -> None:
    """The read ends with its error although the loss cannot be told while the callback runs."""
    changes, reading = Changes(), asyncio.Event()

    async def callback(who: tcpip_core.BaseClientOrServer) -> None:
        state = who.connected
        if state:
            reading.set()
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await soon(who.read_str(), timeout=1.5)
        await changes.callback(who)

    async with opened(kind, IPV4, log, connect_callback=callback) as (subject, peer):
        await soon(reading.wait())
        peer.write_eof()
        await until(lambda: changes.seen[-1:] == [False])
        await soon(subject.close(), timeout=1.5)


async def test_connection_that_ends_at_once_is_told(kind: str, host: str, log: logging.Logger) -> None:
    """A peer that connects and leaves in the same moment was connected, whatever the loop sees first."""
    changes = Changes()
    async with opened(kind, host, log, connect_callback=changes.callback) as (_, peer):
        peer.write_eof()
        assert await changes.next(timeout=1.5) is True
        assert await changes.next(timeout=1.5) is False


async def test_callback_may_exchange_data_with_the_peer(kind: str, log: logging.Logger) -> None:
    """Greeting and identification happen in the callback of many programs."""
    answers: list[str] = []

    async def callback(who: tcpip_core.BaseClientOrServer) -> None:
        if who.connected:
            await who.write_str("who are you?")
            if not isinstance(who, LineServer):
                answers.append(await soon(who.read_str()))

    async with listening() as listener:
        subject = make(kind, IPV4, listener.port if kind == CLIENT else 0, log, connect_callback=callback)
        if kind == CLIENT:
            peer = await listener.accept()
        else:
            await started(subject)
            peer = Peer(IPV4, subject.port)
        assert await peer.read_until() == b"who are you?\r\n"
        peer.send(b"the peer\r\n")
        await until(lambda: answers or isinstance(subject, LineServer))
        await soon(subject.close())
        peer.close()
    assert answers == ([] if isinstance(subject, LineServer) else ["the peer"])


async def test_telling_without_a_change_tells_nothing(kind: str, log: logging.Logger) -> None:
    """The method is safe to call at any time, in any state, and from several tasks."""
    changes = Changes()
    async with listening() as listener:
        port = listener.port if kind == CLIENT else 0
        subject = make(kind, IPV4, port, log, connect_callback=changes.callback)
        await soon(subject.call_connect_callback())
        await started(subject)
        await soon(subject.call_connect_callback())
        assert changes.seen == ([True] if kind == CLIENT else [])
        await asyncio.gather(*(soon(subject.call_connect_callback()) for _ in range(5)))
        await soon(subject.close())
        await soon(subject.call_connect_callback())
    assert changes.seen == ([True, False] if kind == CLIENT else [])


async def test_telling_is_safe_where_there_is_no_callback(kind: str, log: logging.Logger) -> None:
    """No callback was asked for, so nothing is called and nothing fails."""
    async with rigged(kind, IPV4, log, connect_callback=None) as rig:
        await soon(rig.subject.call_connect_callback())
        await rig.write_reaches_peer()


@pytest.mark.parametrize("base", [tcpip_core.Client, tcpip_core.OneClientServer, LineServer])
async def test_override_of_call_connect_callback_sees_each_change(
    base: type[tcpip_core.BaseClientOrServer], how: str, log: logging.Logger
) -> None:
    """Subclasses hook into changes by overriding it, and call super for the callback."""
    changes, told = Changes(), Changes()

    class Hooked(base):  # type: ignore[misc,valid-type]  # the base is a parameter
        async def call_connect_callback(self) -> None:
            await changes.callback(self)
            await super().call_connect_callback()

    async with listening() as listener:
        port = listener.port if base is tcpip_core.Client else 0
        subject = cast("Any", Hooked)(host=IPV4, port=port, log=log, connect_callback=told.callback)
        if base is tcpip_core.Client:
            await started(subject)
            peer = await listener.accept()
        else:
            await started(subject)
            peer = Peer(IPV4, subject.port)
        assert await told.next() is True
        {"fin": peer.write_eof, "rst": peer.reset}[how]()
        assert await told.next() is False
        await soon(subject.close())
        peer.close()
    assert told.seen == [True, False]
    assert True in changes.seen
    assert changes.seen[-1] is False


@pytest.mark.parametrize("base", [tcpip_core.Client, tcpip_core.OneClientServer, LineServer])
async def test_method_named_connect_callback_can_be_the_callback(
    base: type[tcpip_core.BaseClientOrServer], log: logging.Logger
) -> None:
    """Nine programs out there define such a method and hand it in, half-built as they are."""
    seen: list[tuple[bool, str]] = []

    class Device(base):  # type: ignore[misc,valid-type]  # the base is a parameter
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(connect_callback=self.connect_callback, **kwargs)
            self.device = "dome"

        async def connect_callback(self, who: Any) -> None:
            assert who is self
            seen.append((self.connected, self.device))

    async with listening() as listener:
        port = listener.port if base is tcpip_core.Client else 0
        subject = cast("Any", Device)(host=IPV4, port=port, log=log)
        async with subject:
            peer = await listener.accept() if port else Peer(IPV4, subject.port)
            await until(lambda: seen)
        peer.close()
    assert seen == [(True, "dome"), (False, "dome")]


async def test_changes_are_told_once_each_over_many_connections(
    server_kind: str, how: str, log: logging.Logger
) -> None:
    """Nothing is told twice, left out or out of order, whatever comes first."""
    async with rigged(server_kind, IPV4, log) as rig:
        rig.lose(how)
        assert await rig.changes.next() is False
        for _ in range(20):
            peer = Peer(IPV4, rig.server.port)
            assert await rig.changes.next() is True
            {"fin": peer.close, "rst": peer.reset}[how]()
            assert await rig.changes.next() is False
    assert rig.changes.seen == [True, False] * 21


async def test_loss_while_close_is_on_its_way_is_told_once(kind: str, how: str, log: logging.Logger) -> None:
    """Both sides end the link at the same moment: one end, one call."""
    async with rigged(kind, IPV4, log) as rig:
        closing = asyncio.ensure_future(rig.subject.close())
        rig.lose(how)
        await soon(closing)
        await turns()
    assert rig.changes.seen == [True, False]
