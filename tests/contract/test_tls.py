"""TLS through ``ssl=``, on both ends, with certificates made for these tests."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest
import trustme

import tcpip_core
from tests.contract._rigs import READ_LOOP_SERVER, SERVER, make
from tests.support import IPV4, IPV6, Changes, Peer, connected, listening, soon, turns, until


class Contexts(NamedTuple):
    """Both ends of a trust, and a client that trusts somebody else."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    stranger: ssl.SSLContext


@pytest.fixture(scope="module")
def tls() -> Contexts:
    """Make an authority, a certificate for the loopback addresses, and contexts that use them."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(IPV4, IPV6, "localhost").configure_cert(server)  # pyright: ignore[reportUnknownMemberType]  # OpenSSL.SSL
    client = ssl.create_default_context()
    authority.configure_trust(client)  # pyright: ignore[reportUnknownMemberType]  # OpenSSL.SSL
    return Contexts(server, client, ssl.create_default_context())


@asynccontextmanager
async def secure_pair(
    kind: str, host: str, tls: Contexts, log: logging.Logger
) -> AsyncIterator[tuple[tcpip_core.OneClientServer, Changes, tcpip_core.Client, Changes]]:
    """Connect a client to a server, both ours, through TLS."""
    at_server, at_client = Changes(), Changes()
    server = make(kind, host, 0, log, ssl=tls.server, connect_callback=at_server.callback)
    assert isinstance(server, tcpip_core.OneClientServer)
    async with server:
        client = tcpip_core.Client(host, server.port, log, at_client.callback, ssl=tls.client)
        async with client:
            await connected(server)
            yield server, at_server, client, at_client


async def test_both_ends_exchange_lines(server_kind: str, host: str, tls: Contexts, log: logging.Logger) -> None:
    """The same methods, encrypted."""
    async with secure_pair(server_kind, host, tls, log) as (server, _, client, _):
        if server_kind == READ_LOOP_SERVER:
            await soon(client.write_str("hello"))
            assert await soon(client.read_str()) == "HELLO"
        else:
            await soon(client.write_str("hello"))
            assert await soon(server.read_str()) == "hello"
            await soon(server.write_json({"az": 1.5}))
            assert await soon(client.read_json()) == {"az": 1.5}


async def test_link_is_really_encrypted(tls: Contexts, log: logging.Logger) -> None:
    """The streams know their cipher; the keyword was not dropped on the way."""
    async with secure_pair(SERVER, IPV4, tls, log) as (server, _, client, _):
        for one in (server, client):
            assert one._writer is not None
            assert one._writer.get_extra_info("ssl_object") is not None
            assert one._writer.get_extra_info("cipher") is not None


async def test_much_data_passes(tls: Contexts, host: str, log: logging.Logger) -> None:
    """More than any buffer, in both directions at once."""
    data = bytes(range(256)) * 4096
    async with secure_pair(SERVER, host, tls, log) as (server, _, client, _):
        *received, _, _ = await soon(
            asyncio.gather(
                client.readexactly(len(data)),
                server.readexactly(len(data)),
                client.write(data),
                server.write(data),
            )
        )
        assert received == [data, data]


async def test_close_of_the_client_is_told_to_the_server(server_kind: str, tls: Contexts, log: logging.Logger) -> None:
    """A loss is told while nobody reads, through TLS as without."""
    async with secure_pair(server_kind, IPV4, tls, log) as (server, at_server, client, at_client):
        await soon(client.close())
        assert await at_server.next() is True
        assert await at_server.next() is False
        assert server.should_be_connected
        assert at_client.seen == [True, False]


async def test_close_client_of_the_server_is_told_to_the_client(
    server_kind: str, tls: Contexts, log: logging.Logger
) -> None:
    """The other way round."""
    async with secure_pair(server_kind, IPV4, tls, log) as (server, _, client, at_client):
        await soon(server.close_client())
        assert await at_client.next() is True
        assert await at_client.next() is False
        await soon(client.done_task)
        assert client.should_be_connected


async def test_certificate_that_is_not_trusted_fails_the_start(tls: Contexts, log: logging.Logger) -> None:
    """The right exception, and nothing left open on either end."""
    async with make(SERVER, IPV4, 0, log, ssl=tls.server) as server:
        client = tcpip_core.Client(IPV4, server.port, log, ssl=tls.stranger)
        with pytest.raises(ssl.SSLCertVerificationError):
            await soon(client.start_task)
        assert client.done_task.done()


async def test_peer_that_is_no_tls_server_fails_the_start(tls: Contexts, log: logging.Logger) -> None:
    """A plain device behind a client that expects TLS is an error of the start, not a hang."""
    async with listening() as listener:
        client = tcpip_core.Client(IPV4, listener.port, log, ssl=tls.client)
        peer = await listener.accept()
        peer.send(b"220 plain text\r\n")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await soon(client.start_task)
        assert client.done_task.done()


async def test_peer_that_never_shakes_hands_is_a_time_out(tls: Contexts, log: logging.Logger) -> None:
    """The connect time-out counts until the link is usable."""
    limits = tcpip_core.Limits(connect_timeout=0.1)
    async with listening() as listener:
        client = tcpip_core.Client(IPV4, listener.port, log, ssl=tls.client, limits=limits)
        with pytest.raises(TimeoutError):
            await soon(client.start_task)
        assert client.done_task.done()


@pytest.mark.parametrize("what", ["nothing", "plain text"])
async def test_client_that_speaks_no_tls_is_never_told(what: str, tls: Contexts, log: logging.Logger) -> None:
    """Whoever does not complete the handshake was not connected, and the next client is served."""
    changes = Changes()
    server = make(SERVER, IPV4, 0, log, ssl=tls.server, connect_callback=changes.callback)
    assert isinstance(server, tcpip_core.OneClientServer)
    async with server:
        async with Peer(IPV4, server.port) as peer:
            if what == "plain text":
                peer.send(b"GET / HTTP/1.0\r\n\r\n")
            else:
                peer.write_eof()
            await peer.wait_hung_up()
        await turns()
        assert changes.seen == []
        async with tcpip_core.Client(IPV4, server.port, log, ssl=tls.client):
            assert await changes.next() is True


async def test_lost_tls_client_is_told(how: str, tls: Contexts, log: logging.Logger) -> None:
    """A cable pulled between two encrypted messages is a loss like any other."""
    changes = Changes()
    server = make(SERVER, IPV4, 0, log, ssl=tls.server, connect_callback=changes.callback)
    assert isinstance(server, tcpip_core.OneClientServer)
    async with server:
        peer = Peer(IPV4, server.port)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        link = tls.client.wrap_bio(incoming, outgoing, server_hostname=IPV4)
        while True:
            try:
                link.do_handshake()
                break
            except ssl.SSLWantReadError:
                peer.send(outgoing.read())
                incoming.write(await peer.read())
        peer.send(outgoing.read())
        assert await changes.next() is True
        {"fin": peer.write_eof, "rst": peer.reset}[how]()
        assert await changes.next() is False
        await until(lambda: not server.connected)
        peer.close()
