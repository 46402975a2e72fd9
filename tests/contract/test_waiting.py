"""Waiting for our tasks and methods in the ways that programs do: with time-outs, in child tasks, cancelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

import tcpip_core
from tests.contract._rigs import CLIENT, SERVER, SERVERS, LineServer, Rig, make, opened, rigged
from tests.support import IPV4, Changes, Listener, Peer, connected, listening, open_sockets, soon, started, turns, until


async def _directly(awaitable: Awaitable[None]) -> None:
    await awaitable


async def _in_a_task(awaitable: Awaitable[None]) -> None:
    await asyncio.gather(awaitable)


async def _with_a_time_out(awaitable: Awaitable[None]) -> None:
    # Up to Python 3.11 this is a task of its own, too.
    await asyncio.wait_for(awaitable, timeout=1.5)


WAYS = pytest.mark.parametrize("wait", [_directly, _in_a_task, _with_a_time_out])
"""The ways in which programs wait for one of our methods."""

Wait = Callable[[Awaitable[None]], Awaitable[None]]


@WAYS
async def test_callback_may_wait_for_close_in_any_way(kind: str, wait: Wait, log: logging.Logger) -> None:
    """Closing is safe from anywhere; a task in between must not make the callback wait for itself."""
    ended: list[bool] = []

    async def callback(who: tcpip_core.BaseClientOrServer) -> None:
        if who.connected:
            await wait(who.close())
            ended.append(True)

    async with opened(kind, IPV4, log, connect_callback=callback) as (subject, _):
        await soon(subject.done_task, timeout=1)
    assert ended == [True]


class Device(LineServer):
    """Does what ``obey`` says when a line comes."""

    obey: Callable[[], Awaitable[None]]

    async def read_and_dispatch(self) -> None:
        """Read a line and obey."""
        await self.read_str()
        await self.obey()


@WAYS
async def test_dispatch_may_wait_for_close_in_any_way(wait: Wait, log: logging.Logger) -> None:
    """The same for a device that is told to shut down."""
    device = Device(host=IPV4, port=0, log=log)
    device.obey = lambda: wait(device.close())
    await started(device)
    async with Peer(IPV4, device.port) as peer:
        peer.send(b"shut down\r\n")
        await soon(device.done_task, timeout=1)


@WAYS
async def test_dispatch_may_wait_for_close_client_in_any_way(wait: Wait, log: logging.Logger) -> None:
    """The same for a device that sends its client away, and serves the next one at once."""
    async with Device(host=IPV4, port=0, log=log) as device:
        device.obey = lambda: wait(device.close_client())
        for _ in range(2):
            async with Peer(IPV4, device.port) as peer:
                peer.send(b"go away\r\n")
                await peer.wait_hung_up()
                await soon(asyncio.wait([device.read_loop_task]), timeout=1)


async def test_time_out_while_waiting_for_a_client_leaves_the_server_usable(
    server_kind: str, log: logging.Logger
) -> None:
    """``wait_for(server.connected_task)`` cancels the future; the next client connects all the same."""
    changes = Changes()
    server = make(server_kind, IPV4, 0, log, connect_callback=changes.callback)
    assert isinstance(server, tcpip_core.OneClientServer)
    async with server:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(server.connected_task, timeout=0.01)
        async with Peer(IPV4, server.port):
            assert await changes.next() is True
            assert server.connected
        assert await changes.next() is False
        async with Peer(IPV4, server.port):
            await connected(server)


async def test_time_out_while_waiting_for_the_end_leaves_the_object_usable(rig: Rig) -> None:
    """``wait_for(subject.done_task)`` cancels the future; the link stays up and close closes."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(rig.subject.done_task, timeout=0.01)
    await rig.write_reaches_peer()
    await soon(rig.subject.close())
    assert rig.changes.seen == [True, False]
    assert not rig.subject.connected


async def test_cancelled_entry_of_async_with_undoes_everything(log: logging.Logger) -> None:
    """A program that bounds its connecting gets its own time-out and is left with nothing."""
    listener = Listener(IPV4, backlog=0)
    with Peer(IPV4, listener.port).socket:
        sockets = open_sockets()
        client = tcpip_core.Client(IPV4, listener.port, log)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                async with client:
                    pytest.fail("entered a client that is not connected")
        await soon(client.done_task)
        assert open_sockets() == sockets
    listener.close()


async def test_cancelled_read_consumes_nothing(host: str, log: logging.Logger) -> None:
    """A read with a time-out can be repeated without losing a byte."""
    async with rigged(SERVER, host, log) as rig:
        rig.peer.send(b"half a ")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await rig.subject.read_str()
        rig.peer.send(b"line\r\n")
        assert await soon(rig.subject.read_str()) == "half a line"


async def test_cancelled_callback_of_the_user_is_not_our_cancel(kind: str, log: logging.Logger) -> None:
    """A callback that cancels a task of its own, and lets that error out, ends nothing of ours."""
    changes = Changes()

    async def callback(who: tcpip_core.BaseClientOrServer) -> None:
        await changes.callback(who)
        own = asyncio.ensure_future(asyncio.sleep(60))
        own.cancel()
        await own

    async with rigged(kind, IPV4, log, connect_callback=callback) as rig:
        assert await changes.next() is True
        await rig.write_reaches_peer()
        rig.lose("fin")
        assert await changes.next() is False


async def test_close_with_a_client_still_in_the_backlog(server_kind: str, host: str, log: logging.Logger) -> None:
    """A client that the system has accepted and we have not is told of the end, too."""
    changes = Changes()
    server = make(server_kind, host, 0, log, connect_callback=changes.callback)
    await started(server)
    async with Peer(host, server.port) as peer:
        await soon(server.close())
        await peer.wait_hung_up()
    await turns()
    assert changes.seen in ([], [True, False])
    assert server.done_task.done()


@pytest.mark.parametrize("steps", range(8))
@pytest.mark.parametrize("kind", [CLIENT, *SERVERS])
async def test_close_at_any_step_of_a_start(kind: str, steps: int, log: logging.Logger) -> None:
    """Wherever the start was, it ends well or as aborted, within the same moment, and leaves nothing."""
    changes = Changes()
    async with listening() as listener:
        sockets = open_sockets()
        port = listener.port if kind == CLIENT else 0
        subject = make(kind, IPV4, port, log, connect_callback=changes.callback)
        await turns(steps)
        await soon(subject.close(), timeout=1.5)
        await asyncio.wait([subject.start_task])
        error = None if subject.start_task.cancelled() else subject.start_task.exception()
        assert not subject.start_task.cancelled()
        assert error is None or isinstance(error, ConnectionAbortedError)
        assert open_sockets() == sockets
    assert changes.seen in ([], [True, False])


@pytest.mark.parametrize("steps", range(8))
@pytest.mark.parametrize("kind", [CLIENT, *SERVERS])
async def test_start_cancelled_at_any_step(kind: str, steps: int, log: logging.Logger) -> None:
    """Wherever the start was, cancelling it undoes everything, or comes too late and changes nothing."""
    async with listening() as listener:
        sockets = open_sockets()
        port = listener.port if kind == CLIENT else 0
        subject = make(kind, IPV4, port, log)
        await turns(steps)
        if subject.start_task.cancel():
            await soon(asyncio.wait([subject.start_task]), timeout=1)
            assert subject.start_task.cancelled()
            await soon(subject.done_task, timeout=1.5)
            assert open_sockets() == sockets
        await soon(subject.close(), timeout=1.5)


@pytest.mark.parametrize("kind", [CLIENT, SERVER])
async def test_reset_that_is_not_watched_for_is_told_by_a_write(kind: str, log: logging.Logger) -> None:
    """Who asked not to be told while nobody reads learns of a reset when something is written."""
    async with rigged(kind, IPV4, log, monitor_connection_interval=0) as rig:
        rig.lose("rst")
        await turns(100)
        assert rig.changes.seen == [True]
        with pytest.raises(ConnectionError):
            await soon(rig.subject.write(b"anybody there?"))
        assert rig.changes.seen == [True, False]


async def test_client_that_is_not_watched_does_not_block_the_slot(how: str, log: logging.Logger) -> None:
    """A newcomer is served although nobody read since the last client left."""
    async with rigged(SERVER, IPV4, log, monitor_connection_interval=0) as rig:
        rig.lose(how)
        await turns()
        async with Peer(IPV4, rig.server.port) as newcomer:
            assert await rig.changes.next() is False
            assert await rig.changes.next() is True
            await soon(rig.server.write(b"welcome"))
            assert await newcomer.read() == b"welcome"


async def test_callback_may_cancel_the_read_loop(log: logging.Logger) -> None:
    """A program that reads by itself stops the loop in the callback; close still closes."""
    changes = Changes()

    async def callback(who: tcpip_core.BaseClientOrServer) -> None:
        assert isinstance(who, LineServer)
        who.read_loop_task.cancel()
        await changes.callback(who)

    server = LineServer(host=IPV4, port=0, log=log, connect_callback=callback)
    async with server:
        async with Peer(IPV4, server.port):
            assert await changes.next() is True
            await until(server.read_loop_task.done)
    assert changes.seen == [True, False]
