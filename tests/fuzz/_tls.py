"""Garbage where a TLS handshake should be, or behind it; and a well-behaved client after each."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import ssl
from collections import deque

import trustme

from tests.fuzz._grammar import NOISE, greeting
from tests.fuzz._subject import Parser
from tests.support import IPV4, Peer, soon, until

__all__ = ["Garbage", "contexts"]

MOST_STALLED = 20
"""Handshakes that are begun and left, at a time."""


def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make the contexts of a server and of a client that trusts it."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(IPV4).configure_cert(server)  # pyright: ignore[reportUnknownMemberType]  # OpenSSL.SSL
    client = ssl.create_default_context()
    authority.configure_trust(client)  # pyright: ignore[reportUnknownMemberType]  # OpenSSL.SSL
    return server, client


class Garbage:
    """Sends garbage to a server that speaks TLS."""

    def __init__(self, server: Parser, context: ssl.SSLContext) -> None:
        self._server, self._context = server, context
        self._stalled: deque[Peer] = deque()

    def close(self) -> None:
        """Close the handshakes that stall."""
        while self._stalled:
            self._stalled.popleft().close()

    async def send(self, rng: random.Random) -> int:
        """Send one sort of garbage, then be well-behaved; return how many messages that were."""
        kind = rng.randrange(4)
        if kind == 0:
            await self._break_record(rng)
        else:
            peer = Peer(IPV4, self._server.port)
            with contextlib.suppress(ConnectionError):
                peer.send(self._hello(rng))
                await asyncio.sleep(0)
            self._leave(peer, kind)
        await self._greet(rng)
        return 1

    def _leave(self, peer: Peer, kind: int) -> None:
        if kind == 1:
            peer.close()
        elif kind == 2:
            peer.reset()
        else:
            self._stalled.append(peer)
            if len(self._stalled) > MOST_STALLED:
                self._stalled.popleft().close()

    def _hello(self, rng: random.Random) -> bytes:
        """Make a real ClientHello, whole, cut, or with a byte changed; or something else."""
        if rng.random() < 0.3:
            return rng.choice(NOISE) + rng.randbytes(rng.randrange(300))
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        with contextlib.suppress(ssl.SSLWantReadError):
            self._context.wrap_bio(incoming, outgoing, server_hostname=IPV4).do_handshake()
        hello = bytearray(outgoing.read())
        if rng.random() < 0.5:
            hello[rng.randrange(len(hello))] ^= 1 << rng.randrange(8)
        return bytes(hello[: rng.choice((5, 50, len(hello)))])

    async def _break_record(self, rng: random.Random) -> None:
        """Shake hands, then send what no TLS peer would."""
        _, writer = await self._connect()
        with contextlib.suppress(OSError):
            with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as below:
                below.send(rng.randbytes(rng.randrange(1, 300)))
        writer.transport.abort()
        await until(lambda: not self._server.connected)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await soon(asyncio.open_connection(IPV4, self._server.port, ssl=self._context))

    async def _greet(self, rng: random.Random) -> None:
        stream, events = greeting(rng, self._server.dialect)
        reader, writer = await self._connect()
        writer.write(stream)
        wanted = self._server.dialect.line("ok") * 3
        replies = await soon(reader.readexactly(len(wanted)))
        assert replies == wanted
        assert self._server.events[-3:] == events
        self._server.events.clear()
        writer.close()
        await until(lambda: not self._server.connected)
        with contextlib.suppress(OSError):
            await soon(writer.wait_closed())
