"""The one-client server: listening, its port, its one slot, and serving one client after another."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging

import pytest

import tcpip_core
from tests.contract._rigs import READ_LOOP_SERVER, SERVER, Rig, make, rigged
from tests.support import (
    IPV4,
    IPV6,
    Changes,
    Peer,
    connected,
    has_ipv6,
    listening,
    open_sockets,
    soon,
    started,
    turns,
)


def as_server(subject: object) -> tcpip_core.OneClientServer:
    """Narrow the type of what `make` gave."""
    assert isinstance(subject, tcpip_core.OneClientServer)
    return subject


async def test_port_is_the_one_in_use_once_started(server_kind: str, host: str, log: logging.Logger) -> None:
    """With port 0 the system picks one; programs read it off the server."""
    async with make(server_kind, host, 0, log) as server:
        assert server.port != 0
        assert as_server(server)._server is not None
        Peer(host, server.port).close()


async def test_server_listens_on_the_port_it_is_given(server_kind: str, host: str, log: logging.Logger) -> None:
    """A device has its port; after start the attribute is the same."""
    async with listening(host) as listener:
        port = listener.port
    async with make(server_kind, host, port, log) as server:
        assert server.port == port
        Peer(host, port).close()


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_port_stays_zero_where_several_were_opened(server_kind: str, log: logging.Logger) -> None:
    """Each family got a port of its own: no single number is right."""
    async with make(server_kind, None, 0, log) as server:
        sockets = as_server(server)._server.sockets  # type: ignore[union-attr]
        assert len(sockets) > 1
        assert server.port == 0


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_server_without_host_serves_both_families(server_kind: str, log: logging.Logger) -> None:
    """None means all interfaces, so a client of either family is served."""
    async with listening(IPV6) as listener:
        port = listener.port
    changes = Changes()
    async with make(server_kind, None, port, log, connect_callback=changes.callback) as server:
        assert server.host is None
        assert server.port == port
        for host in (IPV4, IPV6):
            async with Peer(host, port):
                assert await changes.next() is True
            assert await changes.next() is False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_one_slot_is_shared_by_both_families(log: logging.Logger) -> None:
    """One client means one, however many sockets listen."""
    async with listening(IPV6) as listener:
        port = listener.port
    async with as_server(make(SERVER, None, port, log)) as server:
        async with Peer(IPV4, port) as first:
            await connected(server)
            async with Peer(IPV6, port) as second:
                await second.wait_hung_up()
                await soon(server.write(b"for the first"))
                assert await first.read() == b"for the first"


async def test_port_in_use_says_where_and_what_to_do(server_kind: str, host: str, log: logging.Logger) -> None:
    """The right exception, the address in words, and nothing left open."""
    async with listening(host) as listener:
        sockets = open_sockets()
        server = make(server_kind, host, listener.port, log)
        with pytest.raises(OSError, match=str(listener.port)) as caught:
            await soon(server.start_task)
        assert caught.value.errno == errno.EADDRINUSE
        said = str(caught.value)
        assert host in said
        assert len(said.split()) >= 6, f"not a sentence: {said!r}"
        assert server.done_task.done()
        assert open_sockets() == sockets


async def test_failed_start_that_nobody_awaits_is_silent(server_kind: str, log: logging.Logger) -> None:
    """No exception may go 'never retrieved'."""
    async with listening() as listener:
        server = make(server_kind, IPV4, listener.port, log)
        await soon(server.done_task)
        await turns()
        del server
        gc.collect()


async def test_failed_server_closes_without_a_word(server_kind: str, log: logging.Logger) -> None:
    """Programs close in a finally block, whatever happened before."""
    async with listening() as listener:
        server = make(server_kind, IPV4, listener.port, log)
        await soon(server.done_task)
        await soon(server.close())


async def test_connected_task_of_a_failed_server_ends_with_an_error(server_kind: str, log: logging.Logger) -> None:
    """Whoever waits for a client of a server that never listened must not wait for ever."""
    async with listening() as listener:
        server = as_server(make(server_kind, IPV4, listener.port, log))
        with pytest.raises(ConnectionError):
            await connected(server)
        await soon(server.close())


async def test_server_passes_keywords_to_asyncio(host: str, log: logging.Logger) -> None:
    """Sharing a port, here, is something that only `asyncio.start_server` knows of."""
    async with as_server(make(SERVER, host, 0, log, reuse_port=True)) as one:
        async with make(SERVER, host, one.port, log, reuse_port=True) as two:
            assert one.port == two.port


async def test_closed_server_no_longer_listens(server_kind: str, host: str, log: logging.Logger) -> None:
    """A client that comes later is refused by the system at once."""
    server = make(server_kind, host, 0, log)
    await started(server)
    await soon(server.close())
    with pytest.raises(ConnectionRefusedError):
        Peer(host, server.port)


async def test_server_can_be_reopened_on_the_same_port_at_once(
    server_kind: str, host: str, log: logging.Logger
) -> None:
    """Tests restart a mock between two lines, with a client still connected when it closes."""
    port: int | None = 0
    for _ in range(5):
        async with as_server(make(server_kind, host, port, log)) as server:
            port = server.port
            peer = Peer(host, port)
            await connected(server)
        await peer.wait_hung_up()
        peer.close()


async def test_connected_task_is_done_when_a_client_connects(server_rig: Rig) -> None:
    """Programs wait for it before they talk."""
    server = server_rig.server
    assert server.connected_task.done()
    assert server.connected_task.exception() is None
    assert server.connected


async def test_connected_task_is_a_new_one_after_the_client_left(server_rig: Rig, how: str) -> None:
    """The next client is waited for in the same way."""
    server = server_rig.server
    first = server.connected_task
    server_rig.lose(how)
    assert await server_rig.changes.next() is False
    assert server.connected_task is not first
    assert not server.connected_task.done()


async def test_connected_task_is_a_new_one_after_close_client(server_rig: Rig) -> None:
    """A client that was closed by this side is waited for again, too."""
    server = server_rig.server
    first = server.connected_task
    await soon(server.close_client())
    assert server.connected_task is not first
    assert not server.connected_task.done()


async def test_connected_task_of_a_closed_server_ends_with_an_error(server_kind: str, log: logging.Logger) -> None:
    """Whoever waits for a client of a server that closes must not wait for ever."""
    async with as_server(make(server_kind, IPV4, 0, log)) as server:
        waiting = asyncio.ensure_future(connected(server))
        await turns()
    with pytest.raises(ConnectionError):
        await soon(waiting)


async def test_server_serves_one_client_after_another(
    server_kind: str, how: str, host: str, log: logging.Logger
) -> None:
    """However one client goes, the next is served and the callback is told of each."""
    async with rigged(server_kind, host, log) as rig:
        rig.lose(how)
        assert await rig.changes.next() is False
        for _ in range(3):
            async with Peer(host, rig.server.port) as peer:
                assert await rig.changes.next() is True
                await soon(rig.server.write_str("hello"))
                assert await peer.read_until() == b"hello\r\n"
            assert await rig.changes.next() is False
    assert rig.changes.seen == [True, False] * 4


async def test_data_of_the_last_client_are_not_given_to_the_next(host: str, log: logging.Logger) -> None:
    """Half a command of one program must not begin that of another."""
    async with rigged(SERVER, host, log) as rig:
        rig.peer.send(b"half a comm")
        assert await soon(rig.server.read(4)) == b"half"
        rig.lose("rst")
        async with Peer(host, rig.server.port) as peer:
            assert await rig.changes.next() is False
            assert await rig.changes.next() is True
            peer.send(b"whole\r\n")
            assert await soon(rig.server.read_str()) == "whole"


async def test_second_client_is_closed_at_once(server_rig: Rig, host: str, caplog: pytest.LogCaptureFixture) -> None:
    """It learns that it is not served; the log tells the operator, as an error."""
    async with Peer(host, server_rig.server.port) as second:
        await second.wait_hung_up()
    errors = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert len(errors) == 1
    assert errors[0].name.startswith(server_rig.server.log.name)


async def test_first_client_never_notices_a_second(server_rig: Rig, host: str) -> None:
    """Its data flow on in both directions and the callback is not told."""
    connected_task = server_rig.server.connected_task
    for _ in range(3):
        async with Peer(host, server_rig.server.port) as second:
            second.send(b"I am not the first\r\n")
            await second.wait_hung_up()
        await server_rig.write_reaches_peer()
    assert server_rig.server.connected
    assert server_rig.server.connected_task is connected_task
    assert server_rig.changes.seen == [True]


async def test_first_client_is_heard_while_others_are_rejected(host: str, log: logging.Logger) -> None:
    """What the first sends is read, and nothing of what the others sent."""
    async with rigged(READ_LOOP_SERVER, host, log) as rig:
        async with Peer(host, rig.server.port) as second:
            second.send(b"second\r\n")
            rig.peer.send(b"first\r\n")
            await second.wait_hung_up()
            assert await rig.peer.read_until() == b"FIRST\r\n"


async def test_clients_at_the_same_moment_are_one_accepted_and_the_rest_rejected(
    server_kind: str, host: str, log: logging.Logger
) -> None:
    """The slot is taken when a connection is made, not when a task finds the time."""
    changes = Changes()
    async with as_server(make(server_kind, host, 0, log, connect_callback=changes.callback)) as server:
        peers = [Peer(host, server.port) for _ in range(5)]
        assert await changes.next() is True
        await soon(server.write(b"you"))
        heard = await asyncio.gather(*(_heard(peer) for peer in peers))
        assert sorted(heard) == [b"", b"", b"", b"", b"you"]
        for peer in peers:
            peer.close()
        assert await changes.next() is False
    assert changes.seen == [True, False]


async def _heard(peer: Peer) -> bytes:
    try:
        return await peer.read()
    except ConnectionResetError:
        return b""


async def test_slot_is_free_after_close_client(server_kind: str, host: str, log: logging.Logger) -> None:
    """A newcomer is accepted as soon as the old client was closed by this side."""
    async with rigged(server_kind, host, log) as rig:
        await soon(rig.server.close_client())
        async with Peer(host, rig.server.port):
            assert await rig.changes.next() is False
            assert await rig.changes.next() is True
            assert rig.server.connected


async def test_newcomer_takes_the_slot_of_one_that_has_hung_up(host: str, log: logging.Logger) -> None:
    """Unread data of a client that is gone do not keep the next one out."""
    async with rigged(SERVER, host, log, limits=tcpip_core.Limits(drain_timeout=3600)) as rig:
        rig.peer.send(b"never read\r\n")
        rig.peer.write_eof()
        await turns()
        async with Peer(host, rig.server.port) as newcomer:
            assert await rig.changes.next() is False
            assert await rig.changes.next() is True
            newcomer.send(b"hello\r\n")
            assert await soon(rig.server.read_str()) == "hello"
    assert rig.changes.seen == [True, False, True, False]


async def test_newcomer_takes_the_slot_of_one_that_flooded_it_and_left(how: str, log: logging.Logger) -> None:
    """An end that is never read stops receiving, and cannot see the end behind; nobody is kept out for ever."""
    # The second part stays in the kernel: the server has enough with the first.
    async with rigged(SERVER, IPV4, log, limits=tcpip_core.Limits(frame_size=1024)) as rig:
        for part in (bytes(65536), bytes(8192)):
            rig.peer.send(part)
            await turns()
        rig.lose(how)
        await turns()
        async with Peer(IPV4, rig.server.port) as newcomer:
            assert await rig.changes.next(timeout=1.5) is False
            assert await rig.changes.next(timeout=1.5) is True
            newcomer.send(b"hello\r\n")
            assert await soon(rig.server.read_str()) == "hello"


async def test_several_servers_live_in_one_process(host: str, log: logging.Logger) -> None:
    """Each has its own port, its own client and its own callback."""
    async with rigged(SERVER, host, log) as one, rigged(READ_LOOP_SERVER, host, log) as two:
        assert one.server.port != two.server.port
        await soon(one.server.close_client())
        assert await one.changes.next() is False
        await two.write_reaches_peer()
        assert two.changes.seen == [True]
