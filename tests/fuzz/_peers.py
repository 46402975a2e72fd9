"""The peers of a fuzzed server: hostile ones with each way to send and to leave, and a well-behaved one."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import random
import sys
import time

from tests.fuzz._grammar import Dialect, expected, greeting, hostile_messages
from tests.fuzz._subject import Parser
from tests.support import IPV4, TIMEOUT, Peer, connected, soon, until

__all__ = ["LEAVINGS", "Greeting", "Session", "greet"]

if sys.platform == "linux":
    import fcntl
    import termios

LEAVINGS = ("half-close", "close", "reset when arrived", "reset", "rush", "hung up on")
"""How a session ends; "rush": the next client is there before the server can know."""


async def send(peer: Peer, stream: bytes, rng: random.Random) -> None:
    """Send a stream, cut anywhere, with pauses anywhere; a server that hangs up ends it."""
    cuts = sorted(rng.randrange(len(stream) + 1) for _ in range(rng.choice((0, 0, 1, 5, 30))))
    with contextlib.suppress(ConnectionError):
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            await peer.send_all(stream[start:end])
            if rng.random() < 0.5:
                await asyncio.sleep(0)
            if rng.random() < 0.01:
                await asyncio.sleep(0.003)  # the sender stalls


async def all_arrived(peer: Peer, server: Parser) -> None:
    """Wait until the server's kernel has everything, or the server has hung up; at once where one cannot ask."""
    if sys.platform == "linux":
        # SIOCOUTQ, tcp(7).
        await until(
            lambda: not server.connected or not any(fcntl.ioctl(peer.socket.fileno(), termios.TIOCOUTQ, bytes(4)))
        )


@dataclasses.dataclass
class Greeting:
    """How a well-behaved client fared."""

    seconds: float = 0.0
    knocks: int = 0


async def greet(server: Parser, rng: random.Random) -> Greeting:
    """Be a well-behaved client that knocks until it is let in; check that it is understood."""
    dialect = server.dialect
    server.dialect = dataclasses.replace(dialect, replies=True)
    stream, events = greeting(rng, dialect)
    replies, done = b"", Greeting()
    began = time.perf_counter()
    while not replies and time.perf_counter() - began < TIMEOUT:
        done.knocks += 1
        replies = await _knock(server, stream)
    done.seconds = time.perf_counter() - began
    assert replies == dialect.line("ok") * 3, f"a well-behaved client got {replies!r}"
    assert server.events[-3:] == events, f"a well-behaved client was understood as {server.events[-3:]!r}"
    del server.events[-3:]
    return done


async def _knock(server: Parser, stream: bytes) -> bytes:
    """Return all replies, none if turned away."""
    async with Peer(IPV4, server.port) as peer:
        try:
            peer.send(stream)
            peer.write_eof()
            return await peer.read_to_eof()
        except OSError:
            return b""


@dataclasses.dataclass
class Session:
    """One hostile peer from its connection to its end, and whether the server made of it what it must."""

    rng: random.Random
    server: Parser
    dialect: Dialect
    leaving: str
    most_buffered: int = 0

    async def run(self) -> tuple[int, Greeting]:
        """Return how many messages it sent, and how a well-behaved client fared thereafter."""
        rng, server = self.rng, self.server
        server.speak(self.dialect)
        server.events.clear()
        messages = hostile_messages(rng, self.dialect)
        stream = b"".join(messages)
        peer = Peer(IPV4, server.port)
        try:
            await connected(server)
            await send(peer, stream, rng)
            self.most_buffered = len(server._tcpip.connection.incoming)
            await self._leave(peer)
            if self.leaving != "rush":
                await self._wait_until_gone()
                self._check(stream)
                server.events.clear()
            greeted = await greet(server, rng)
            if self.leaving == "rush":
                self._check(stream)
        finally:
            peer.close()
        await self._wait_until_gone()
        return len(messages), greeted

    async def _leave(self, peer: Peer) -> None:
        if self.leaving == "half-close":
            with contextlib.suppress(ConnectionError, OSError):
                peer.write_eof()
                await peer.read_to_eof()
        elif self.leaving == "hung up on":
            await soon(self.server.close_client())
        elif self.leaving.startswith("reset"):
            if self.leaving == "reset when arrived":
                await all_arrived(peer, self.server)
            peer.reset()
        else:
            peer.close()

    async def _wait_until_gone(self) -> None:
        await soon(asyncio.wait({self.server.read_loop_task}))
        await until(lambda: not self.server.connected)

    @property
    def _must_be_whole(self) -> bool:
        """Whether all that was sent has arrived for certain, so that all of it must be delivered."""
        if self.leaving == "half-close":
            return True
        # A reply to a peer that is gone ends the link, and who is hung up on may not have been heard.
        return self.leaving in {"close", "reset when arrived"} and not self.dialect.replies

    def _check(self, stream: bytes) -> None:
        wanted, events = expected(stream, self.dialect), self.server.events
        if not self._must_be_whole:
            del wanted[len(events) :]
        if events != wanted:
            place = next((i for i, pair in enumerate(zip(events, wanted, strict=False)) if pair[0] != pair[1]), None)
            what = (
                f"{len(events)} events instead of {len(wanted)}"
                if place is None
                else f"event {place} is {events[place]!r} instead of {wanted[place]!r}"
            )
            raise AssertionError(f"{self.leaving}, {self.dialect}: {what}")
