"""TLS links that go wrong after the handshake: vanished peers, garbage, peers that take or end nothing."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tcpip_core import Client, Limits, LossReason, OneClientServer
from tests.contract._rigs import READ_LOOP_SERVER, Subject, make
from tests.faults._faults import SLACK, blocked_write, die, errors, needs_dead_peer, timed
from tests.faults._tls import TlsPeer, Trust, trust_in
from tests.faults.conftest import Figure
from tests.support import IPV4, Changes, Peer, connected, listening, soon

PIECE = 256 * 1024
"""What is written at a time: one piece of any size never waits, TLS takes it whole (bytes)."""


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """Make certificates once."""
    return trust_in(tmp_path_factory.mktemp("tls"))


@dataclass
class SecureRig:
    """A server of ours, and a client that speaks TLS by hand."""

    server: OneClientServer
    link: TlsPeer
    changes: Changes


@asynccontextmanager
async def secure_rig(kind: str, trust: Trust, log: logging.Logger, **kwargs: Any) -> AsyncIterator[SecureRig]:
    """Connect both."""
    changes = Changes()
    server = make(kind, IPV4, 0, log, ssl=trust.server, connect_callback=changes.callback, **kwargs)
    assert isinstance(server, OneClientServer)
    async with server:
        async with Peer(IPV4, server.port) as peer:
            link = TlsPeer(peer, trust.client)
            await link.shake_hands()
            assert await changes.next() is True
            yield SecureRig(server, link, changes)
            await soon(server.close())


async def is_served(server: OneClientServer, trust: Trust, log: logging.Logger) -> None:
    """Check that the next client gets the place."""
    async with Client(IPV4, server.port, log, ssl=trust.client):
        await connected(server)


async def test_peer_that_vanishes_without_close_notify_is_told(
    how: str, server_kind: str, trust: Trust, log: logging.Logger, figure: Figure
) -> None:
    """Most programs just close the socket; it is a loss like any other, at once."""
    async with secure_rig(server_kind, trust, log) as rig:
        with timed() as watch:
            {"fin": rig.link.peer.write_eof, "rst": rig.link.peer.reset}[how]()
            assert await rig.changes.next() is False
        figure("TLS: peer vanished, to the callback", watch.seconds)
        assert watch.seconds < SLACK
        assert rig.server.loss_reason in {LossReason.FIN, LossReason.RST, LossReason.TLS}
        await is_served(rig.server, trust, log)


async def test_lines_before_the_peer_vanished_are_read(trust: Trust, log: logging.Logger) -> None:
    """What arrived whole is read in order, then comes the end."""
    async with secure_rig("server", trust, log) as rig:
        rig.link.send(b"one\r\ntwo\r\nthr")
        rig.link.peer.write_eof()
        assert [await soon(rig.server.read_str()) for _ in range(2)] == ["one", "two"]
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await soon(rig.server.read_str())
        assert rig.changes.seen == [True, False]


GARBAGE = {
    "plain text": b"hello in plain text\r\n",
    "a record that does not decrypt": b"\x17\x03\x03\x00\x40" + b"x" * 0x40,
    "a record that is too long": b"\x17\x03\x03\xff\xff" + b"x" * 1000,
    "a record of no known kind": b"\x63\x03\x03\x00\x04abcd",
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_after_the_handshake_ends_the_link(
    data: bytes, server_kind: str, trust: Trust, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody reads it as data; the server serves on."""
    async with secure_rig(server_kind, trust, log) as rig:
        rig.link.send(b"whole\r\n")
        if server_kind == READ_LOOP_SERVER:
            assert await rig.link.read() == b"WHOLE\r\n"
        else:
            assert await soon(rig.server.read_str()) == "whole"
        rig.link.peer.send(data)
        assert await rig.changes.next() is False
        assert rig.server.loss_reason is LossReason.TLS
        await rig.link.peer.wait_hung_up()
        assert len(errors(caplog)) <= 1
        await is_served(rig.server, trust, log)


@pytest.mark.parametrize("blocked", [False, True], ids=["idle", "writing"])
async def test_peer_that_answers_no_close_notify_does_not_hold_up_close(
    blocked: bool, server_kind: str, trust: Trust, log: logging.Logger, figure: Figure
) -> None:
    """asyncio alone would wait 30 s for a peer that has stopped."""
    limits = Limits(close_timeout=0.2, write_timeout=None)
    async with secure_rig(server_kind, trust, log, limits=limits) as rig:
        writing = await blocked_write(rig.server, PIECE) if blocked else None
        with timed() as watch:
            await soon(rig.server.close())
        figure("TLS: close beside a half-dead peer, close_timeout 0.2 s", watch.seconds, 0.7)
        assert watch.seconds < 0.7 + SLACK
        if writing is not None:
            with pytest.raises(ConnectionError):
                await soon(writing)
        await rig.link.peer.wait_hung_up()
        assert rig.changes.seen == [True, False]


async def test_server_that_answers_no_close_notify_does_not_hold_up_a_client(
    trust: Trust, log: logging.Logger, figure: Figure
) -> None:
    """The same from the other side."""
    async with listening() as listener:
        limits = Limits(close_timeout=0.2)
        client = Client(IPV4, listener.port, log, ssl=trust.client, limits=limits)
        peer = await listener.accept()
        await _serve_handshake(peer, trust.server)
        await soon(client.start_task)
        with timed() as watch:
            await soon(client.close())
        figure("TLS: client's close beside a half-dead server, close_timeout 0.2 s", watch.seconds, 0.7)
        assert watch.seconds < 0.7 + SLACK


async def _serve_handshake(peer: Peer, context: ssl.SSLContext) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    link = context.wrap_bio(incoming, outgoing, server_side=True)
    while True:
        try:
            link.do_handshake()
            break
        except ssl.SSLWantReadError:
            if outgoing.pending:
                peer.send(outgoing.read())
            incoming.write(await peer.read())
    peer.send(outgoing.read())


@needs_dead_peer
async def test_dead_peer_does_not_hold_up_close(
    server_kind: str, trust: Trust, log: logging.Logger, figure: Figure
) -> None:
    """Its kernel answers nothing any more, not even the FIN."""
    async with secure_rig(server_kind, trust, log, limits=Limits(close_timeout=0.2)) as rig:
        die(rig.link.peer)
        with timed() as watch:
            await soon(rig.server.close())
        figure("TLS: close of a dead link, close_timeout 0.2 s", watch.seconds, 0.7)
        assert watch.seconds < 0.7 + SLACK


async def test_write_to_a_peer_that_never_reads_times_out(
    server_kind: str, trust: Trust, log: logging.Logger, figure: Figure
) -> None:
    """TLS has buffers of its own; the bound holds all the same."""
    async with secure_rig(server_kind, trust, log, limits=Limits(write_timeout=0.2)) as rig:
        with timed() as watch:
            with pytest.raises(ConnectionError):
                await soon(await blocked_write(rig.server, PIECE))
        figure("TLS: write to a frozen peer, write_timeout 200 ms", watch.seconds)
        assert watch.seconds < 0.6 + SLACK
        assert rig.server.loss_reason is LossReason.WRITE_TIMEOUT
        assert rig.changes.seen == [True, False]
        await is_served(rig.server, trust, log)


async def test_second_client_is_closed_after_its_handshake(server_kind: str, trust: Trust, log: logging.Logger) -> None:
    """One client, also where newcomers shake hands first; the holder never notices."""
    async with secure_rig(server_kind, trust, log) as rig:
        subject: Subject = rig.server
        async with Peer(IPV4, rig.server.port) as second:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                link = TlsPeer(second, trust.client)
                await link.shake_hands()
                if not await link.read():
                    raise ConnectionError("hung up")
        await soon(subject.write_str("hello"))
        assert await rig.link.read() == b"hello\r\n"
        assert rig.changes.seen == [True]
