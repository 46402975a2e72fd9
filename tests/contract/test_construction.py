"""Constructing: what an object is right after its constructor, and when `start` runs."""

from __future__ import annotations

import asyncio
import functools
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any, cast
from unittest.mock import AsyncMock

import pytest

import tcpip_core
from tests.contract._rigs import CLIENT, READ_LOOP_SERVER, SERVER, LineServer, make, rigged
from tests.support import IPV4, Changes, Peer, listening, open_sockets, soon, started, turns


async def test_client_takes_its_arguments_by_position(host: str, log: logging.Logger) -> None:
    """Programs out there construct clients so, through the terminator."""
    changes = Changes()
    async with listening(host) as listener:
        async with tcpip_core.Client(host, listener.port, log, changes.callback, 0.5, "dome", "ascii", b"\n") as client:
            found = (client.host, client.port, client.monitor_connection_interval, client.name)
            assert found == (host, listener.port, 0.5, "dome")
            assert (client.encoding, client.terminator) == ("ascii", b"\n")
    assert changes.seen == [True, False]


async def test_one_client_server_takes_its_arguments_by_position(host: str, log: logging.Logger) -> None:
    """Programs out there construct servers so, through the terminator."""
    changes = Changes()
    async with tcpip_core.OneClientServer(host, 0, log, changes.callback, 0.5, "dome", "ascii", b"\n") as server:
        found = (server.host, server.monitor_connection_interval, server.name)
        assert found == (host, 0.5, "dome")
        assert (server.encoding, server.terminator) == ("ascii", b"\n")
        with Peer(host, server.port).socket:
            assert await changes.next() is True


async def test_read_loop_server_listens_on_ipv4_loopback_by_default(log: logging.Logger) -> None:
    """A mock that says nothing about its host is reachable from this machine only."""
    async with LineServer(port=0, log=log) as server:
        assert server.host == IPV4
        async with Peer(IPV4, server.port) as peer:
            peer.send(b"hello\r\n")
            assert await peer.read_until() == b"HELLO\r\n"


async def test_read_loop_server_takes_keywords_only(log: logging.Logger) -> None:
    """Its arguments stand in another order than those of the server it inherits from."""
    with pytest.raises(TypeError, match="positional"):
        LineServer(0, log)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["", "Telemetry"])
async def test_log_is_a_child_named_for_class_and_name(kind: str, name: str, log: logging.Logger) -> None:
    """Whoever reads a log sees which of many links a line is about."""
    async with rigged(kind, IPV4, log, name=name) as rig:
        found = rig.subject.log.name
        assert found.startswith(log.name + ".")
        assert type(rig.subject).__name__ in found
        assert name in found


async def test_state_right_after_the_constructor(kind: str, log: logging.Logger) -> None:
    """Until start_task had its turn nothing is connected and nothing is done."""
    async with listening() as listener:
        subject = make(kind, IPV4, listener.port if kind == CLIENT else 0, log)
        assert not subject.connected
        assert not subject.should_be_connected
        assert not subject.start_task.done()
        assert not subject.done_task.done()
        if isinstance(subject, tcpip_core.OneClientServer):
            assert not subject.connected_task.done()
        await soon(subject.close())


async def test_client_without_host_is_closed_already(log: logging.Logger) -> None:
    """An empty host makes a placeholder that never connects and can be used like a closed client."""
    changes = Changes()
    sockets = open_sockets()
    client = tcpip_core.Client("", 0, log, changes.callback)
    assert client.start_task.done()
    assert client.done_task.done()
    assert client.start_task.exception() is None
    await soon(client.close())
    await soon(client.basic_close())
    await turns()
    assert not client.connected
    assert not client.should_be_connected
    assert changes.seen == []
    assert open_sockets() == sockets


async def test_client_without_host_cannot_be_read_or_written(log: logging.Logger) -> None:
    """The placeholder refuses like any client that is not connected."""
    async with tcpip_core.Client(host="", port=1234, log=log) as client:
        with pytest.raises(ConnectionError):
            await soon(client.read_str())
        with pytest.raises(ConnectionError):
            await soon(client.write_str("hello"))


def _method(changes: Changes) -> Callable[[Any], Awaitable[None]]:
    return changes.callback


def _function(changes: Changes) -> Callable[[Any], Awaitable[None]]:
    async def callback(who: Any) -> None:
        await changes.callback(who)

    return callback


def _partial(changes: Changes) -> Callable[[Any], Awaitable[None]]:
    async def callback(prefix: str, who: Any, *, suffix: str) -> None:
        assert (prefix, suffix) == ("a", "b")
        await changes.callback(who)

    return functools.partial(callback, "a", suffix="b")


def _partial_of_method(changes: Changes) -> Callable[[Any], Awaitable[None]]:
    return functools.partial(functools.partial(changes.callback))


def _object(changes: Changes) -> Callable[[Any], Awaitable[None]]:
    class Callback:
        async def __call__(self, who: Any) -> None:
            await changes.callback(who)

    return Callback()


def _partial_of_object(changes: Changes) -> Callable[[Any], Awaitable[None]]:
    return functools.partial(_object(changes))


def _mock(changes: Changes) -> Callable[[Any], Awaitable[None]]:
    return AsyncMock(side_effect=changes.callback)


@pytest.mark.parametrize("form", [_method, _function, _partial, _partial_of_method, _object, _partial_of_object, _mock])
async def test_every_asynchronous_callable_is_a_callback(
    kind: str, form: Callable[[Changes], Any], log: logging.Logger
) -> None:
    """None of them is mistaken for a synchronous function, which would be refused or warned about."""
    changes = Changes()
    async with rigged(kind, IPV4, log, connect_callback=form(changes)):
        assert await changes.next() is True
    assert changes.seen == [True, False]


async def test_callback_gets_the_object_itself(kind: str, log: logging.Logger) -> None:
    """One argument, so that one callback can serve many links."""
    callback = AsyncMock()
    async with rigged(kind, IPV4, log, connect_callback=callback) as rig:
        pass
    assert [tuple(call) for call in callback.await_args_list] == [((rig.subject,), {})] * 2


async def test_synchronous_callback_of_a_server_warns_and_works(server_kind: str, log: logging.Logger) -> None:
    """Old programs still pass one; they are told to change it and keep running."""
    seen: list[bool] = []

    def callback(server: tcpip_core.OneClientServer) -> None:
        seen.append(server.connected)

    with pytest.warns(DeprecationWarning, match="connect_callback.*async|async.*connect_callback"):
        server = make(server_kind, IPV4, 0, log, connect_callback=callback)
    assert isinstance(server, tcpip_core.OneClientServer)
    async with server:
        async with Peer(IPV4, server.port):
            await soon(server.connected_task)
        await turns()
    assert seen == [True, False]


@pytest.mark.parametrize("base", [tcpip_core.Client, tcpip_core.OneClientServer, LineServer])
@pytest.mark.parametrize(
    "eager",
    [
        False,
        pytest.param(
            True,
            marks=pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12"),
        ),
    ],
)
async def test_start_waits_for_the_constructor_of_the_subclass(
    base: type[tcpip_core.BaseClientOrServer], eager: bool, log: logging.Logger
) -> None:
    """Subclasses set what their start needs after ``super().__init__``."""

    class Late(base):  # type: ignore[misc,valid-type]  # the base is a parameter
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.device = "ready"

        async def start(self, **kwargs: Any) -> None:
            self.found = getattr(self, "device", "not yet")
            await super().start(**kwargs)

    if eager:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined,unused-ignore]
    async with listening() as listener:
        port = listener.port if base is tcpip_core.Client else 0
        subject = cast("Any", Late)(host=IPV4, port=port, log=log)
        assert not hasattr(subject, "found")
        await started(subject)
        assert subject.found == "ready"
        await soon(subject.close())
    asyncio.get_running_loop().set_task_factory(None)


@pytest.mark.parametrize("eager", [False, True])
async def test_link_works_under_eager_tasks(kind: str, eager: bool, log: logging.Logger) -> None:
    """A loop that starts tasks at once changes neither the order of callbacks nor what is read."""
    if sys.version_info < (3, 12) and eager:
        pytest.skip("eager tasks came with Python 3.12")
    loop = asyncio.get_running_loop()
    if eager:
        loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined,unused-ignore]
    async with rigged(kind, IPV4, log) as rig:
        await rig.write_reaches_peer()
        rig.lose("fin")
        assert await rig.changes.next() is False
    loop.set_task_factory(None)
    assert rig.changes.seen == [True, False]


@pytest.mark.parametrize("when", ["while connected", "after close"])
async def test_second_start_is_refused(kind: str, when: str, log: logging.Logger) -> None:
    """The constructor has started the object; a second start would leak the first."""
    async with rigged(kind, IPV4, log) as rig:
        if when == "after close":
            await soon(rig.subject.close())
        with pytest.raises(RuntimeError, match="start"):
            await soon(rig.subject.start())
        if when == "while connected":
            await rig.write_reaches_peer()


async def test_async_with_enters_started_and_leaves_closed(kind: str, log: logging.Logger) -> None:
    """Entry waits for start_task, exit for close, and the object itself is what is entered."""
    async with listening() as listener:
        subject = make(kind, IPV4, listener.port if kind == CLIENT else 0, log)
        async with subject as entered:
            assert entered is subject
            assert subject.start_task.done()
            assert not subject.done_task.done()
        assert subject.done_task.done()
        assert not subject.should_be_connected


async def test_async_with_closes_after_an_error_of_the_block(kind: str, log: logging.Logger) -> None:
    """An error in the block passes through and leaves nothing open."""
    async with listening() as listener:
        subject = make(kind, IPV4, listener.port if kind == CLIENT else 0, log)
        with pytest.raises(ZeroDivisionError):
            async with subject:
                raise ZeroDivisionError
        assert subject.done_task.done()


@pytest.mark.parametrize("kind", [SERVER, READ_LOOP_SERVER])
async def test_server_listens_when_entered(kind: str, host: str, log: logging.Logger) -> None:
    """The port can be connected to in the first line of the block."""
    async with make(kind, host, 0, log) as server:
        assert server.port != 0
        Peer(host, server.port).close()
