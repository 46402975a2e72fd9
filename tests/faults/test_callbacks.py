"""Connect callbacks that misbehave: what they do to themselves must not cost the link, the slot or the next call.

See also ``tests/contract/test_callback.py`` (raising, never ending, closing, closing the client) and
``tests/core/test_publisher.py`` (one that cannot be cancelled, a flood of changes).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import tcpip_core
from tests.contract._rigs import CLIENT, READ_LOOP_SERVER, LineServer, make, opened, rigged
from tests.faults._moments import Stubborn
from tests.support import IPV4, Changes, Peer, connected, listening, soon, started, turns, until

SHORT = tcpip_core.Limits(callback_timeout=0.02, close_timeout=0.02)


async def _raise(_: object) -> None:
    raise ZeroDivisionError("in the callback")


async def _raise_cancelled(_: object) -> None:
    raise asyncio.CancelledError


async def _raise_group(_: object) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_raise(_))


async def _hang(_: object) -> None:
    await asyncio.Event().wait()


async def _cancel_itself(_: object) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def _cancel_itself_at_the_end(_: object) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


async def _swallow_its_own_cancel(_: object) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await _cancel_itself(_)


async def _cancel_every_task_of_the_object(who: Any) -> None:
    for name in ("read_loop_task", "monitor_heartbeats_task", "heartbeat_send_task"):
        if (task := getattr(who, name, None)) is not None:
            task.cancel()


MISDEEDS = pytest.mark.parametrize(
    "misdeed",
    [
        _raise,
        _raise_cancelled,
        _raise_group,
        _hang,
        _cancel_itself,
        _cancel_itself_at_the_end,
        _swallow_its_own_cancel,
        _cancel_every_task_of_the_object,
    ],
)
"""What a callback may do wrong."""

Misdeed = Callable[[Any], Awaitable[None]]


@MISDEEDS
async def test_misdeed_on_each_call_costs_no_later_call(
    misdeed: Misdeed, server_kind: str, log: logging.Logger
) -> None:
    """Three clients come and go, and each change is told once, in order."""
    changes = Changes()

    async def callback(who: Any) -> None:
        await changes.callback(who)
        await misdeed(who)

    async with make(server_kind, IPV4, 0, log, connect_callback=callback, limits=SHORT) as server:
        for _ in range(3):
            async with Peer(IPV4, server.port):
                assert await changes.next() is True
            assert await changes.next() is False
    assert changes.seen == [True, False] * 3


@MISDEEDS
async def test_misdeed_leaves_the_link_usable(misdeed: Misdeed, kind: str, log: logging.Logger) -> None:
    """Data pass while the callback is at it, and after."""
    async with rigged(kind, IPV4, log, connect_callback=misdeed, limits=SHORT) as rig:
        await rig.write_reaches_peer("while")
        await soon(rig.subject.call_connect_callback())
        await rig.write_reaches_peer("after")
        await soon(rig.subject.close())


@MISDEEDS
async def test_misdeed_at_the_end_does_not_hold_close(misdeed: Misdeed, kind: str, log: logging.Logger) -> None:
    """The last call, too, has its bound, and close reports that all is down."""
    changes = Changes()

    async def callback(who: Any) -> None:
        await changes.callback(who)
        if not who.connected:
            await misdeed(who)

    async with rigged(kind, IPV4, log, connect_callback=callback, limits=SHORT) as rig:
        await soon(rig.subject.close(), timeout=1.5)
        assert rig.subject.done_task.done()
    assert changes.seen == [True, False]


async def test_loss_during_a_callback_that_cancels_itself_is_told(kind: str, log: logging.Logger) -> None:
    """A loss that waits for its turn is not forgotten with the task that was to tell it."""
    changes, gate = Changes(), asyncio.Event()

    async def callback(who: Any) -> None:
        await changes.callback(who)
        await gate.wait()
        await _cancel_itself(who)

    async with opened(kind, IPV4, log, connect_callback=callback) as (subject, peer):
        assert await changes.next() is True
        peer.reset()
        await until(lambda: not subject._tcpip.connection.alive)
        gate.set()
        assert await changes.next(timeout=0.3) is False


async def test_newcomer_is_served_while_the_callback_hangs(log: logging.Logger) -> None:
    """A reaction that never ends must not stop service: that is what it did in the system before."""
    stubborn = Stubborn()
    async with LineServer(host=IPV4, port=0, log=log, connect_callback=stubborn, limits=SHORT) as server:
        with stubborn.released():
            for word in (b"one", b"two", b"three"):
                async with Peer(IPV4, server.port) as peer:
                    peer.send(word + b"\r\n")
                    assert await peer.read_until() == word.upper() + b"\r\n"
                await until(lambda: not server._tcpip.connection.alive)
        await until(lambda: server._tcpip.publisher.task is None)


async def test_callback_that_is_cut_off_is_named_in_the_log(
    kind: str, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """Once for each call, so that the program's author finds it."""
    async with rigged(kind, IPV4, log, connect_callback=_hang, limits=SHORT) as rig:
        await soon(rig.subject.call_connect_callback())
        assert caplog.text.count("the connect callback took too long and was cancelled") == 1


async def test_callback_is_cut_off_after_its_time(kind: str, log: logging.Logger) -> None:
    """Not before, either: a reaction that takes its time within the bound is left alone."""
    loop = asyncio.get_running_loop()
    took: list[float] = []

    async def callback(_: object) -> None:
        begun = loop.time()
        try:
            await asyncio.Event().wait()
        finally:
            took.append(loop.time() - begun)

    async with rigged(kind, IPV4, log, connect_callback=callback, limits=SHORT) as rig:
        await soon(rig.subject.call_connect_callback())
        assert 0.018 <= took[0] <= 0.3


async def test_callback_that_waits_for_the_end_it_asked_for_is_cut_off(kind: str, log: logging.Logger) -> None:
    """``await who.close(); await who.done_task`` waits for itself; closing goes on without it."""

    async def callback(who: Any) -> None:
        await who.close()
        await asyncio.shield(who.done_task)

    async with opened(kind, IPV4, log, connect_callback=callback, limits=SHORT) as (subject, _):
        await until(subject.done_task.done, timeout=1)


async def test_callback_makes_a_new_client_on_each_loss(log: logging.Logger) -> None:
    """Twenty losses, twenty new clients out of the callback of the last: each is told, none is left."""
    clients: list[tcpip_core.Client] = []
    told: list[tuple[int, bool]] = []

    async with listening() as listener:

        async def callback(client: tcpip_core.Client) -> None:
            told.append((clients.index(client), client.connected))
            if not client.connected and len(clients) < 20:
                connect()

        def connect() -> None:
            clients.append(tcpip_core.Client(IPV4, listener.port, log, callback))

        connect()
        for number in range(20):
            peer = await listener.accept()
            await started(clients[number])
            peer.reset()
            await soon(clients[number].done_task)
        assert told == [(number, state) for number in range(20) for state in (True, False)]


async def test_callback_that_starts_and_awaits_a_new_client_is_not_nested(log: logging.Logger) -> None:
    """A callback may wait for its successor's start, whose own callback runs meanwhile."""
    told: list[str] = []

    async with listening() as listener:

        async def second(client: tcpip_core.Client) -> None:
            told.append(f"second {client.connected}")

        async def first(client: tcpip_core.Client) -> None:
            told.append(f"first {client.connected}")
            if client.connected:
                async with tcpip_core.Client(IPV4, listener.port, log, second):
                    told.append("both")

        async with tcpip_core.Client(IPV4, listener.port, log, first):
            pass
    assert told == ["first True", "second True", "both", "second False", "first False"]


@pytest.mark.parametrize("kind", [CLIENT, READ_LOOP_SERVER])
async def test_task_of_a_callback_outlives_it_and_may_close(kind: str, log: logging.Logger) -> None:
    """Programs start a task in the callback that decides later; its close waits for the end as any other."""
    tasks: list[asyncio.Task[None]] = []
    go = asyncio.Event()

    async def decide(who: Any) -> None:
        await go.wait()
        await who.close()
        assert who.done_task.done()

    async def callback(who: Any) -> None:
        if who.connected:
            tasks.append(asyncio.ensure_future(decide(who)))

    async with rigged(kind, IPV4, log, connect_callback=callback) as rig:
        await turns()
        go.set()
        await soon(tasks[0])
        assert rig.subject.done_task.done()


async def test_clients_that_come_and_go_do_not_hold_up_a_read(log: logging.Logger) -> None:
    """It waits for the news of its own client, and for no later ones."""

    async def callback(_: Any) -> None:
        await asyncio.sleep(0.02)  # That is the fault: clients change faster than this.

    async def come_and_go(port: int) -> None:
        while True:
            async with Peer(IPV4, port):
                await turns(5)

    limits = tcpip_core.Limits(close_timeout=0.0)
    async with tcpip_core.OneClientServer(IPV4, 0, log, callback, limits=limits) as server:
        async with Peer(IPV4, server.port):
            await connected(server)
            reading = asyncio.ensure_future(server.read_str())
            await turns()
        flapping = asyncio.ensure_future(come_and_go(server.port))
        try:
            with pytest.raises(asyncio.IncompleteReadError):
                await soon(reading)
        finally:
            flapping.cancel()
            await asyncio.wait({flapping})


async def test_server_closed_by_its_callback_while_newcomers_wait(server_kind: str, log: logging.Logger) -> None:
    """They are turned away, and the port is free when all is down."""

    async def callback(who: Any) -> None:
        await who.close()

    server = make(server_kind, IPV4, 0, log, connect_callback=callback)
    await started(server)
    peers = [Peer(IPV4, server.port) for _ in range(5)]
    for peer in peers:
        await peer.wait_hung_up()
        peer.close()
    await soon(server.done_task, timeout=1)
    async with make(server_kind, IPV4, server.port, log) as again, Peer(IPV4, again.port):
        assert isinstance(again, tcpip_core.OneClientServer)
        await connected(again)
