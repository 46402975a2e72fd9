"""TLS handshakes that never end, or end badly: nobody keeps the place, nothing waits beyond its bound."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest

from tcpip_core import Client, Limits, OneClientServer
from tests.contract._rigs import make
from tests.faults._faults import SLACK, errors, logged, timed
from tests.faults._programs import LOOPS, run_program
from tests.faults._tls import TlsPeer, Trust, trust_in
from tests.faults.conftest import Figure
from tests.support import IPV4, Changes, Peer, connected, listening, open_sockets, soon, turns, until


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """Make certificates once."""
    return trust_in(tmp_path_factory.mktemp("tls"))


def secure(kind: str, log: logging.Logger, context: ssl.SSLContext, **kwargs: Any) -> OneClientServer:
    """Make a server that speaks TLS."""
    server = make(kind, IPV4, 0, log, ssl=context, **kwargs)
    assert isinstance(server, OneClientServer)
    return server


async def good_client_is_served(server: OneClientServer, log: logging.Logger, context: ssl.SSLContext) -> None:
    """Check that somebody who speaks TLS gets the place."""
    async with Client(IPV4, server.port, log, ssl=context) as client:
        await connected(server)
        assert client.connected


@pytest.mark.parametrize("begin", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"], ids=["nothing", "a byte", "half"])
async def test_silent_handshake_never_takes_the_place(
    begin: bytes, server_kind: str, trust: Trust, log: logging.Logger, figure: Figure
) -> None:
    """Who says nothing is not connected: the next one is served meanwhile, and at once."""
    changes = Changes()
    async with secure(server_kind, log, trust.server, connect_callback=changes.callback) as server:
        async with Peer(IPV4, server.port) as silent:
            if begin:
                silent.send(begin)
            await turns()
            assert changes.seen == []
            with timed() as watch:
                await good_client_is_served(server, log, trust.client)
            figure("TLS: connect beside a silent handshake", watch.seconds)
            assert watch.seconds < SLACK


async def test_silent_handshake_ends_in_time(
    server_kind: str, trust: Trust, log: logging.Logger, figure: Figure
) -> None:
    """``ssl_handshake_timeout`` bounds it, and nothing is left of it."""
    async with secure(server_kind, log, trust.server, ssl_handshake_timeout=0.2) as server:
        async with Peer(IPV4, server.port) as silent:
            with timed() as watch:
                await silent.wait_hung_up()
            figure("TLS: silent handshake, bound 200 ms", watch.seconds)
            assert 0.1 < watch.seconds < 0.2 + SLACK
        await until(lambda: len(server._tcpip.tasks._tasks) == 0)


@pytest.mark.slow
async def test_silent_handshake_ends_within_5_s_by_default(trust: Trust, log: logging.Logger, figure: Figure) -> None:
    """Without any argument."""
    async with secure("server", log, trust.server) as server:
        async with Peer(IPV4, server.port) as silent:
            with timed() as watch:
                await silent.wait_hung_up()
            figure("TLS: silent handshake, default bound", watch.seconds, 5.0)
            assert watch.seconds < 5 + SLACK


async def test_handshake_that_dribbles_ends_in_time(trust: Trust, log: logging.Logger) -> None:
    """A byte now and then does not renew the bound."""
    async with secure("server", log, trust.server, ssl_handshake_timeout=0.2) as server:
        async with Peer(IPV4, server.port) as slow:
            hello = TlsPeer(slow, trust.client).hello()
            with timed() as watch:
                with pytest.raises(ConnectionError):
                    for byte in hello:
                        slow.send(bytes([byte]))
                        await asyncio.sleep(0.02)  # That is the fault.
            assert watch.seconds < 0.2 + SLACK
        await good_client_is_served(server, log, trust.client)


async def test_silent_handshakes_die_with_the_server(
    server_kind: str, trust: Trust, log: logging.Logger, figure: Figure
) -> None:
    """They hold nothing up, and their peers are not left in the dark."""
    before = open_sockets()
    server = secure(server_kind, log, trust.server)
    await soon(server.start_task)
    peers = [Peer(IPV4, server.port) for _ in range(20)]
    await turns()
    with timed() as watch:
        await soon(server.close())
    figure("TLS: close beside 20 silent handshakes", watch.seconds, 2.5)
    assert watch.seconds < SLACK
    for peer in peers:
        await peer.wait_hung_up()
        peer.close()
    await until(lambda: open_sockets() == before)


async def test_100_silent_handshakes_do_not_keep_a_good_client_out(
    trust: Trust, log: logging.Logger, figure: Figure
) -> None:
    """Not longer than the bound of a handshake: then there is room again."""
    async with secure("server", log, trust.server, ssl_handshake_timeout=0.3) as server:
        peers: list[Peer] = []
        for _ in range(10):
            peers += [Peer(IPV4, server.port) for _ in range(10)]
            await turns(20)
        with timed() as watch:
            while not server.connected_task.done():
                with contextlib.suppress(OSError):
                    async with Client(IPV4, server.port, log, ssl=trust.client):
                        await connected(server)
                        break
        figure("TLS: good client behind 100 silent handshakes, bound 300 ms", watch.seconds)
        assert watch.seconds < 0.3 + SLACK
        for peer in peers:
            peer.close()


NOT_TLS = {
    "HTTP": b"GET / HTTP/1.0\r\n\r\n",
    "a line": b"hello\r\n",
    "zeros": bytes(1000),
    "an alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "random": bytes(range(255, -1, -1)),
    "a record that is too long": b"\x16\x03\x01\xff\xff" + b"x" * 2000,
}


@pytest.mark.parametrize("data", NOT_TLS.values(), ids=NOT_TLS.keys())
async def test_plain_text_to_a_port_of_tls_is_closed_and_never_told(
    data: bytes, server_kind: str, trust: Trust, log: logging.Logger
) -> None:
    """The next client is served."""
    changes = Changes()
    async with secure(
        server_kind, log, trust.server, connect_callback=changes.callback, ssl_handshake_timeout=0.3
    ) as server:
        async with Peer(IPV4, server.port) as peer:
            peer.send(data)
            await peer.wait_hung_up()
        await turns()
        assert changes.seen == []
        await good_client_is_served(server, log, trust.client)


async def test_peer_that_leaves_in_the_handshake_is_never_told(
    how: str, server_kind: str, trust: Trust, log: logging.Logger
) -> None:
    """Before its hello, and after it."""
    changes = Changes()
    async with secure(server_kind, log, trust.server, connect_callback=changes.callback) as server:
        for says_hello in (False, True):
            peer = Peer(IPV4, server.port)
            if says_hello:
                peer.send(TlsPeer(peer, trust.client).hello())
                await peer.read(1)
            {"fin": peer.close, "rst": peer.reset}[how]()
        await until(lambda: len(server._tcpip.tasks._tasks) == 0)
        assert changes.seen == []
        await good_client_is_served(server, log, trust.client)


@pytest.mark.parametrize("data", [b"hello\r\n", b""], ids=["no TLS", "nothing"])
async def test_failed_handshake_is_logged_with_the_address_of_the_peer(
    data: bytes, trust: Trust, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """Only so can one find the device whose settings are wrong."""
    async with secure("server", log, trust.server, ssl_handshake_timeout=0.1) as server:
        async with Peer(IPV4, server.port) as peer:
            host, port = peer.socket.getsockname()
            peer.send(data)
            await peer.wait_hung_up()
        await until(lambda: len(server._tcpip.tasks._tasks) == 0)
    assert len([line for line in logged(caplog) if f"rejected {host}:{port}: its TLS handshake failed" in line]) == 1


async def test_many_failed_handshakes_are_logged_once_a_second(
    trust: Trust, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """Who knocks without TLS, over and over, does not fill the disk; the line that is there counts the others."""
    async with secure("server", log, trust.server) as server:
        for _ in range(30):
            async with Peer(IPV4, server.port) as peer:
                peer.send(b"GET / HTTP/1.0\r\n\r\n")
                await peer.wait_hung_up()
        await until(lambda: len(server._tcpip.tasks._tasks) == 0)
    told = [line for line in logged(caplog) if "its TLS handshake failed" in line]
    assert 1 <= len(told) <= 4
    assert all(len(line) < 300 for line in told)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one loopback address")
async def test_strangers_begin_no_handshake(
    server_kind: str, trust: Trust, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """More of them than there are seats in the lobby: they are closed at once, and those who may come in are served."""
    friend = "127.0.0.2"
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(
            secure(server_kind, log, trust.server, allowed_peers=[friend], ssl_handshake_timeout=60)
        )
        for _ in range(110):
            stranger = await stack.enter_async_context(Peer(IPV4, server.port))
            await stranger.wait_hung_up()
        context = trust.client
        async with Client(IPV4, server.port, log, ssl=context, local_addr=(friend, 0)):
            await connected(server)
    assert "its address is not among allowed_peers" in errors(caplog)[0]


async def test_version_that_is_too_old_is_refused(
    trust: Trust, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that knows TLS 1.1 at most (RFC 8996) is closed, was never connected, and the log says why."""
    changes = Changes()
    async with secure("server", log, trust.server, connect_callback=changes.callback) as server:
        async with Peer(IPV4, server.port) as peer:
            hello = bytearray(TlsPeer(peer, _only_tls_1_2()).hello())
            hello[9:11] = b"\x03\x02"
            peer.send(bytes(hello))
            await peer.wait_hung_up()
        assert changes.seen == []
        assert any("UNSUPPORTED_PROTOCOL" in line for line in logged(caplog))
        await good_client_is_served(server, log, trust.client)


def _only_tls_1_2() -> ssl.SSLContext:
    """Return a context whose hello has no list of versions, but one field with the highest."""
    context = ssl.create_default_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def test_contexts_refuse_what_is_older_than_tls_1_2(trust: Trust) -> None:
    """On both ends, whatever the system's default is."""
    for context in (trust.server, trust.mutual_server, trust.client, trust.known_client):
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert trust.client.check_hostname
    assert trust.client.verify_mode is ssl.CERT_REQUIRED
    assert trust.mutual_server.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("wrong", ["misnamed_server", "foreign_server"])
async def test_wrong_certificate_fails_the_client(wrong: str, trust: Trust, log: logging.Logger) -> None:
    """Another host's name, or an authority that is not trusted: the start says so, nothing stays open."""
    changes = Changes()
    context: ssl.SSLContext = getattr(trust, wrong)
    async with secure("server", log, context) as server:
        client = Client(IPV4, server.port, log, changes.callback, ssl=trust.client)
        with pytest.raises(ssl.SSLCertVerificationError):
            await soon(client.start_task)
        assert client.done_task.done()
        assert changes.seen == []


async def test_mutual_tls_lets_a_known_client_in(server_kind: str, trust: Trust, log: logging.Logger) -> None:
    """A certificate of the authority is the key."""
    async with secure(server_kind, log, trust.mutual_server) as server:
        await good_client_is_served(server, log, trust.known_client)


@pytest.mark.parametrize("who", ["client", "stranger"])
async def test_mutual_tls_lets_nobody_else_in(who: str, server_kind: str, trust: Trust, log: logging.Logger) -> None:
    """No certificate, or one of somebody else: never told, and a known client gets in beside it."""
    changes = Changes()
    async with secure(server_kind, log, trust.mutual_server, connect_callback=changes.callback) as server:
        context: ssl.SSLContext = getattr(trust, who)
        async with Peer(IPV4, server.port) as peer:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                link = TlsPeer(peer, context)
                await link.shake_hands()
                if not await link.read():
                    raise ConnectionError("hung up")
        assert changes.seen == []
        await good_client_is_served(server, log, trust.known_client)


async def test_silent_server_fails_the_client_in_time(trust: Trust, log: logging.Logger, figure: Figure) -> None:
    """The connect time-out counts until the link is usable."""
    async with listening() as listener:
        client = Client(IPV4, listener.port, log, ssl=trust.client, limits=Limits(connect_timeout=0.2))
        with timed() as watch:
            with pytest.raises(TimeoutError):
                await soon(client.start_task)
        figure("TLS: silent server, connect_timeout 200 ms", watch.seconds)
        assert watch.seconds < 0.2 + SLACK


async def test_close_of_a_client_in_its_handshake_is_prompt(trust: Trust, log: logging.Logger, figure: Figure) -> None:
    """A server that says nothing holds nobody up."""
    async with listening() as listener:
        client = Client(IPV4, listener.port, log, ssl=trust.client)
        await listener.accept()
        await turns()
        with timed() as watch:
            await soon(client.close())
        figure("TLS: close of a client in its handshake", watch.seconds, 2.5)
        assert watch.seconds < SLACK
        with pytest.raises(ConnectionAbortedError):
            await soon(client.start_task)


NO_DESCRIPTOR = """
async def main():
    context = tcpip_core.tls.server_context({certificate!r})
    async with tcpip_core.OneClientServer(IPV4, 0, log, ssl=context) as server:
        peer = Peer(IPV4, server.port)
        free = socket.socket()
        number = free.fileno()
        free.close()
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (number + 1, before[1]))
        await soon(peer.wait_hung_up())
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        peer.close()
"""


@LOOPS
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of descriptors")
def test_newcomer_for_whom_no_descriptor_is_left_is_closed(loop: str, tmp_path: Path) -> None:
    """It is not left connected to nobody; its handshake would need one more than its connection."""
    trust_in(tmp_path)
    said = run_program(NO_DESCRIPTOR.format(certificate=str(tmp_path / "server.pem")), loop).stderr
    assert "unclosed" not in said
