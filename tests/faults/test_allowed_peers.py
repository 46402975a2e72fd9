"""Who may connect at all: addresses and networks, of both families, and of one seen as the other."""

from __future__ import annotations

import logging
import socket
from typing import Any

import pytest

from tcpip_core import OneClientServer
from tests.contract._rigs import make
from tests.faults._faults import errors, is_holder
from tests.support import IPV4, IPV6, Changes, Peer, connected, has_ipv6, open_sockets, turns, until

needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


def server_for(kind: str, host: str | None, log: logging.Logger, peers: Any, **kwargs: Any) -> OneClientServer:
    """Make a server that lets some peers in."""
    server = make(kind, host, None if "sock" in kwargs else 0, log, allowed_peers=peers, **kwargs)
    assert isinstance(server, OneClientServer)
    return server


@pytest.mark.parametrize(
    ("host", "peers"),
    [
        (IPV4, [IPV4]),
        (IPV4, ["127.0.0.0/8"]),
        (IPV4, ["0.0.0.0/0"]),
        (IPV4, ["10.0.0.0/8", "::1", IPV4]),
        (IPV4, [f"::ffff:{IPV4}"]),
        (IPV4, ["::ffff:127.0.0.0/104"]),
        pytest.param(IPV6, [IPV6], marks=needs_ipv6),
        pytest.param(IPV6, ["::/0"], marks=needs_ipv6),
        pytest.param(IPV6, ["::/64", IPV4], marks=needs_ipv6),
    ],
)
async def test_peer_on_the_list_is_let_in(host: str, peers: list[str], server_kind: str, log: logging.Logger) -> None:
    """By its address, or by a network that holds it."""
    async with server_for(server_kind, host, log, peers) as server, Peer(host, server.port) as peer:
        await connected(server)
        assert is_holder(server, peer)


@pytest.mark.parametrize(
    ("host", "peers"),
    [
        (IPV4, []),
        (IPV4, ["10.0.0.0/8", "192.168.1.17"]),
        (IPV4, ["127.0.0.2"]),
        (IPV4, ["::ffff:127.0.0.2", "::ffff:10.0.0.0/104"]),
        (IPV4, ["::/0"]),
        pytest.param(IPV6, ["0.0.0.0/0"], marks=needs_ipv6),
        pytest.param(IPV6, ["::2", "fe80::/10"], marks=needs_ipv6),
    ],
)
async def test_peer_that_is_not_on_the_list_is_closed_at_once(
    host: str, peers: list[str], server_kind: str, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """The place is free, the callback hears nothing, the log names the peer and says why."""
    changes = Changes()
    async with server_for(server_kind, host, log, peers, connect_callback=changes.callback) as server:
        for _ in range(20):
            async with Peer(host, server.port) as peer:
                await peer.wait_hung_up()
        await turns()
        assert not server.connected
        assert changes.seen == []
        told = errors(caplog)
        assert 1 <= len(told) <= 4
        assert "allowed_peers" in told[0]
        assert host in told[0]


@needs_ipv6
@pytest.mark.parametrize(
    ("peers", "allowed"),
    [
        ([IPV4], True),
        (["127.0.0.0/8"], True),
        (["10.0.0.0/8"], False),
        ([IPV6], False),
        (["::ffff:127.0.0.1"], True),
        (["::ffff:127.0.0.0/104"], True),
    ],
)
async def test_ipv4_peer_of_a_socket_of_both_families_is_an_ipv4_peer(
    peers: list[str], allowed: bool, log: logging.Logger
) -> None:
    """There the kernel shows ``::ffff:127.0.0.1``; a list of IPv4 addresses means it all the same."""
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::", 0))
    async with server_for("server", None, log, peers, sock=sock) as server:
        async with Peer(IPV4, sock.getsockname()[1]) as peer:
            if allowed:
                await connected(server)
            else:
                await peer.wait_hung_up()
                assert not server.connected


async def test_stranger_does_not_disturb_the_holder(server_kind: str, log: logging.Logger) -> None:
    """Not even where newcomers replace it, or have it probed."""
    for policy in ("replace", "probe"):
        changes = Changes()
        async with server_for(
            server_kind, "0.0.0.0", log, [IPV4], on_second_client=policy, connect_callback=changes.callback
        ) as server:
            async with Peer(IPV4, server.port):
                assert await changes.next() is True
                with socket.socket() as sock:
                    sock.bind(("127.0.0.2", 0))
                    sock.connect((IPV4, server.port))
                    sock.setblocking(False)
                    await Peer.of(sock).wait_hung_up()
                assert changes.seen == [True]


async def test_peer_that_resets_before_it_is_accepted_is_no_error(server_kind: str, log: logging.Logger) -> None:
    """Its address cannot be asked for any more: it is turned away, and nothing is reported to the loop."""
    async with server_for(server_kind, IPV4, log, [IPV4]) as server:
        for _ in range(10):
            Peer(IPV4, server.port).reset()
            await turns(5)
        await until(lambda: not server.connected)
        async with Peer(IPV4, server.port) as peer:
            await until(lambda: is_holder(server, peer))


BAD = {
    "a name": ["localhost"],
    "an empty string": [""],
    "bits of a host": ["10.0.0.1/8"],
    "a range": ["10.0.0.1-10.0.0.5"],
    "a port": ["10.0.0.1:5000"],
    "a netmask too long": ["10.0.0.0/33"],
    "too many parts": ["10.0.0.0.0"],
    "None": [None],
    "a list": [["10.0.0.1"]],
    "a number": [5],
    "packed bytes": [b"\x7f\0\0\1"],
    "one string": IPV4,
    "bytes": b"127.0.0.1",
    "no iterable": 5,
}


@pytest.mark.parametrize("peers", BAD.values(), ids=BAD.keys())
async def test_bad_list_is_refused_before_anything_exists(peers: Any, server_kind: str, log: logging.Logger) -> None:
    """A typing error must not leave a server open to all, or closed to all."""
    before = open_sockets()
    with pytest.raises((ValueError, TypeError), match="allowed_peers"):
        server_for(server_kind, IPV4, log, peers)
    assert open_sockets() == before
