"""The client: connecting, failing to connect, and the end of its life."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

import tcpip_core
from tests.contract._rigs import CLIENT, Rig, rigged
from tests.support import (
    IPV4,
    Changes,
    Listener,
    Peer,
    listening,
    open_sockets,
    soon,
    started,
    turns,
    unused_port,
)


@asynccontextmanager
async def deaf(host: str) -> AsyncIterator[Listener]:
    """Listen so that no further connection comes about: the queue is full and nobody accepts."""
    listener = Listener(host, backlog=0)
    try:
        with Peer(host, listener.port).socket:
            yield listener
    finally:
        listener.close()


async def test_client_connects_and_says_so(host: str, log: logging.Logger) -> None:
    """After start_task the link is up on both ends."""
    async with listening(host) as listener:
        async with tcpip_core.Client(host, listener.port, log) as client:
            peer = await listener.accept()
            assert client.connected
            assert client.should_be_connected
            await soon(client.write_str("hello"))
            assert await peer.read_until() == b"hello\r\n"


async def test_start_task_is_done_only_after_the_callback_was_told(host: str, log: logging.Logger) -> None:
    """What the callback prepares is there when the program goes on."""
    told: list[bool] = []

    async def callback(client: tcpip_core.BaseClientOrServer) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        told.append(client.connected)

    async with listening(host) as listener:
        async with tcpip_core.Client(host, listener.port, log, callback):
            assert told == [True]


async def test_client_keeps_its_host_and_port(host: str, log: logging.Logger) -> None:
    """They are the arguments, before, while and after the link is up."""
    async with listening(host) as listener:
        client = tcpip_core.Client(host, listener.port, log)
        assert (client.host, client.port) == (host, listener.port)
        await started(client)
        assert (client.host, client.port) == (host, listener.port)
        await soon(client.close())
        assert (client.host, client.port) == (host, listener.port)


async def test_client_resolves_names(log: logging.Logger) -> None:
    """Hosts are given by name as well as by address."""
    async with listening(IPV4) as listener:
        async with tcpip_core.Client("localhost", listener.port, log) as client:
            assert client.connected


async def test_client_passes_keywords_to_asyncio(host: str, log: logging.Logger) -> None:
    """The local address, here, is one that only `asyncio.open_connection` knows of."""
    port = unused_port(host)
    async with listening(host) as listener:
        async with tcpip_core.Client(host, listener.port, log, local_addr=(host, port)):
            peer = await listener.accept()
            assert peer.socket.getpeername()[:2] == (host, port)


def assert_explains(error: BaseException, *words: object) -> None:
    """Check that an error is a sentence that holds each of the words."""
    said = str(error)
    for word in words:
        assert str(word) in said
    assert len(said.split()) >= 6, f"not a sentence: {said!r}"


async def test_refused_connection_says_where_and_what_to_do(host: str, log: logging.Logger) -> None:
    """The right exception, the address in words, and nothing left open."""
    port = unused_port(host)
    sockets = open_sockets()
    client = tcpip_core.Client(host, port, log)
    with pytest.raises(ConnectionRefusedError) as caught:
        await soon(client.start_task)
    assert_explains(caught.value, host, port)
    assert client.done_task.done()
    assert not client.connected
    assert not client.should_be_connected
    assert open_sockets() == sockets


async def test_refused_connection_never_tells_the_callback(host: str, log: logging.Logger) -> None:
    """Nothing changed, so there is nothing to tell."""
    changes = Changes()
    client = tcpip_core.Client(host, unused_port(host), log, changes.callback)
    await soon(client.done_task)
    await soon(client.close())
    await turns()
    assert changes.seen == []


async def test_unresolvable_host_says_which(log: logging.Logger) -> None:
    """The name is in the sentence: most often it is misspelt."""
    client = tcpip_core.Client("dome.invalid", 4321, log, flags=socket.AI_NUMERICHOST)
    with pytest.raises(socket.gaierror) as caught:
        await soon(client.start_task)
    assert_explains(caught.value, "dome.invalid")
    assert client.done_task.done()


@pytest.mark.parametrize("reason", ["refused", "unresolvable", "timed out"])
async def test_failed_start_that_nobody_awaits_is_silent(reason: str, log: logging.Logger) -> None:
    """Programs watch done_task only; no exception may go 'never retrieved'."""
    async with deaf(IPV4) as listener:
        port = unused_port() if reason == "refused" else listener.port
        host = "dome.invalid" if reason == "unresolvable" else IPV4
        flags = socket.AI_NUMERICHOST
        limits = tcpip_core.Limits(connect_timeout=0.05)
        client = tcpip_core.Client(host, port, log, flags=flags, limits=limits)
        await soon(client.done_task)
        await turns()
        del client
        gc.collect()


async def test_failed_start_raises_from_async_with(host: str, log: logging.Logger) -> None:
    """The block is never entered and everything is undone."""
    client = tcpip_core.Client(host, unused_port(host), log)
    with pytest.raises(ConnectionRefusedError):
        async with client:
            pytest.fail("entered a client that is not connected")
    assert client.done_task.done()


async def test_failed_client_closes_without_a_word(host: str, log: logging.Logger) -> None:
    """Programs close in a finally block, whatever happened before."""
    client = tcpip_core.Client(host, unused_port(host), log)
    await soon(client.done_task)
    await soon(client.close())
    await soon(client.basic_close())
    assert client.start_task.done()


async def test_peer_that_does_not_answer_is_a_time_out(host: str, log: logging.Logger) -> None:
    """A controller that is off and drops packets must not hold a program for minutes."""
    limits = tcpip_core.Limits(connect_timeout=0.05)
    async with deaf(host) as listener:
        sockets = open_sockets()
        client = tcpip_core.Client(host, listener.port, log, limits=limits)
        with pytest.raises(TimeoutError) as caught:
            await soon(client.start_task)
        assert_explains(caught.value, host, listener.port)
        assert client.done_task.done()
        assert open_sockets() == sockets


async def test_cancelled_start_undoes_everything(host: str, log: logging.Logger) -> None:
    """A program that gives up waiting is left with nothing."""
    async with deaf(host) as listener:
        sockets = open_sockets()
        client = tcpip_core.Client(host, listener.port, log)
        await turns()
        client.start_task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await soon(client.start_task)
        await soon(client.done_task)
        assert open_sockets() == sockets
        assert not client.connected


async def test_close_during_start_aborts_the_start(host: str, log: logging.Logger) -> None:
    """Whoever waits for the start learns that the connection was given up, not that it is up."""
    async with deaf(host) as listener:
        sockets = open_sockets()
        client = tcpip_core.Client(host, listener.port, log)
        await turns()
        await soon(client.close(), timeout=1.5)
        assert open_sockets() == sockets
        with pytest.raises(ConnectionAbortedError):
            await soon(client.start_task)
        assert client.done_task.done()


async def test_close_before_start_had_its_turn_aborts_the_start(host: str, log: logging.Logger) -> None:
    """The same holds where close comes in the very next step."""
    changes = Changes()
    async with listening(host) as listener:
        client = tcpip_core.Client(host, listener.port, log, changes.callback)
        await soon(client.close(), timeout=1.5)
        with pytest.raises(ConnectionAbortedError):
            await soon(client.start_task)
        await turns()
    assert client.done_task.done()
    assert not client.should_be_connected
    assert changes.seen in ([], [True, False])


async def test_client_lost_by_the_peer_is_done(how: str, host: str, log: logging.Logger) -> None:
    """A client does not reconnect by itself: programs wait for done_task and make a new one."""
    async with rigged(CLIENT, host, log) as rig:
        rig.lose(how)
        await soon(rig.subject.done_task)
        assert rig.changes.seen == [True, False]
        assert not rig.subject.connected
        assert rig.subject.should_be_connected


async def test_basic_close_keeps_should_be_connected(host: str, log: logging.Logger) -> None:
    """It closes as after a loss; close is what says that this was wanted."""
    async with rigged(CLIENT, host, log) as rig:
        assert isinstance(rig.subject, tcpip_core.Client)
        await soon(rig.subject.basic_close())
        assert rig.changes.seen == [True, False]
        assert rig.subject.done_task.done()
        assert rig.subject.should_be_connected
        await soon(rig.subject.close())
        assert not rig.subject.should_be_connected
    assert rig.changes.seen == [True, False]


async def test_reconnect_loop_makes_a_new_client_each_time(host: str, log: logging.Logger) -> None:
    """The usual program: when a client is lost, construct the next to the same place."""
    changes = Changes()
    async with listening(host) as listener:
        for _ in range(5):
            client = tcpip_core.Client(host, listener.port, log, changes.callback)
            await started(client)
            peer = await listener.accept()
            peer.reset()
            await soon(client.done_task)
            await soon(client.close())
    assert changes.seen == [True, False] * 5


async def test_client_sends_fin_when_it_closes(host: str, log: logging.Logger) -> None:
    """What was written arrives, then an orderly end."""
    async with rigged(CLIENT, host, log) as rig:
        await soon(rig.subject.write(b"last words"))
        await soon(rig.subject.close())
        assert await rig.peer.read_to_eof() == b"last words"


async def test_two_clients_of_one_process_do_not_mix(host: str, log: logging.Logger) -> None:
    """A loss of one is not a loss of the other."""

    async def check(rig: Rig, other: Rig) -> None:
        rig.lose("rst")
        assert await rig.changes.next() is False
        await other.write_reaches_peer()
        assert other.changes.seen == [True]

    async with rigged(CLIENT, host, log) as one, rigged(CLIENT, host, log) as two:
        await check(one, two)
