"""Random histories: whatever peers and users do in whatever order, the callback tells the truth.

Hypothesis chooses the steps and shows the shortest history that breaks a claim, with a line to replay it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest

import tcpip_core
from tests.contract._rigs import CLIENT, LineServer, Subject, make
from tests.support import IPV4, Listener, Peer, soon, turns

MOST_PEERS = 4
"""How many peers a history keeps at once; a second is enough to be rejected."""

PEER_STEPS = ("fin", "rst", "line", "half a line")
USER_STEPS = ("read", "write", "tell", "wait", "look", "hold callback", "release callback")
SERVER_STEPS = st.lists(
    st.sampled_from((*PEER_STEPS, *USER_STEPS, "connect", "connect", "close_client", "basic_close_client")),
    max_size=25,
)
CLIENT_STEPS = st.lists(st.sampled_from((*PEER_STEPS, *USER_STEPS, "close", "basic_close")), max_size=12)

random_steps = hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])


@dataclass
class History:
    """The peers of one object, what its callback was told, and what the user has under way."""

    seen: list[bool] = field(default_factory=list[bool])
    peers: list[Peer] = field(default_factory=list[Peer])
    reading: list[asyncio.Future[Any]] = field(default_factory=list[asyncio.Future[Any]])
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    calls: int = 0
    most_calls: int = 0

    async def callback(self, who: tcpip_core.BaseClientOrServer) -> None:
        """Note what is told, alone, and wait where the history holds it."""
        self.calls += 1
        self.most_calls = max(self.most_calls, self.calls)
        self.seen.append(who.connected)
        try:
            await self.gate.wait()
        finally:
            self.calls -= 1

    async def take(self, step: str, subject: Subject) -> None:
        """Do one step."""
        if step in PEER_STEPS:
            self._let_peer(step)
        elif step == "connect":
            if len(self.peers) < MOST_PEERS:
                self.peers.append(Peer(IPV4, subject.port))
        elif step == "read":
            self.reading.append(asyncio.ensure_future(subject.read(3)))
        elif step == "hold callback":
            self.gate.clear()
        elif step == "release callback":
            self.gate.set()
        elif step == "look":
            await self.look(subject)
        else:
            await self._let_user(step, subject)

    def _let_peer(self, step: str) -> None:
        if not self.peers:
            return
        peer = self.peers[-1]
        try:
            if step == "line":
                peer.send(b"a line\r\n")
            elif step == "half a line":
                peer.send(b"half")
            elif step == "fin":
                peer.write_eof()
            else:
                self.peers.pop().reset()
        except OSError:
            self.peers.pop().close()

    async def _let_user(self, step: str, subject: Subject) -> None:
        actions: dict[str, Callable[[], Awaitable[None]]] = {
            "write": lambda: subject.write(b"to the peer"),
            "tell": subject.call_connect_callback,
            "wait": lambda: turns(5),
        }
        action = actions.get(step) or getattr(subject, step)
        held = not self.gate.is_set()
        doing = asyncio.ensure_future(action())
        await turns(3)
        if held:
            self.gate.set()
        await asyncio.gather(doing, return_exceptions=True)
        if not doing.cancelled() and doing.exception() is not None:
            assert isinstance(doing.exception(), ConnectionError)

    async def look(self, subject: Subject) -> None:
        """Check that what was told last is what is true, once everything has settled."""
        self.gate.set()
        await turns(60)
        assert subject.connected is bool(self.seen and self.seen[-1])
        assert not subject.connected or subject.should_be_connected

    async def finish(self, subject: Subject) -> None:
        """Close everything and check what was told from first to last."""
        self.gate.set()
        await soon(subject.close())
        for peer in self.peers:
            peer.close()
        await soon(asyncio.gather(*self.reading, return_exceptions=True))
        assert self.seen == [index % 2 == 0 for index in range(len(self.seen))]
        assert not self.seen or self.seen[-1] is False
        assert self.most_calls <= 1
        assert subject.done_task.done()
        assert not subject.should_be_connected


@random_steps
@hypothesis.given(steps=SERVER_STEPS)
async def test_server_tells_the_truth_in_every_history(server_kind: str, steps: list[str], log: logging.Logger) -> None:
    """True and False alternate, the last is False, and nothing is left, whatever happened."""
    history = History()
    history.gate.set()
    server = make(server_kind, IPV4, 0, log, connect_callback=history.callback)
    await soon(server.start_task)
    try:
        for step in steps:
            if step == "read" and isinstance(server, LineServer):
                continue
            await history.take(step, server)
        await history.look(server)
    finally:
        await history.finish(server)


@random_steps
@hypothesis.given(steps=CLIENT_STEPS)
async def test_client_tells_the_truth_in_every_history(steps: list[str], log: logging.Logger) -> None:
    """One True, one False, and nothing is left, whatever happened."""
    history = History()
    history.gate.set()
    listener = Listener(IPV4)
    client = make(CLIENT, IPV4, listener.port, log, connect_callback=history.callback)
    try:
        history.peers.append(await listener.accept())
        await soon(client.start_task)
        for step in steps:
            await history.take(step, client)
        await history.look(client)
    finally:
        await history.finish(client)
        listener.close()
    assert history.seen == [True, False]


@pytest.mark.slow
@random_steps
@hypothesis.given(steps=SERVER_STEPS)
async def test_server_serves_after_every_history(server_kind: str, steps: list[str], log: logging.Logger) -> None:
    """Once all peers are gone a new client is served, whatever happened before."""
    history = History()
    history.gate.set()
    server = make(server_kind, IPV4, 0, log, connect_callback=history.callback)
    await soon(server.start_task)
    try:
        for step in steps:
            if step != "read":
                await history.take(step, server)
        for peer in history.peers:
            peer.close()
        await turns(60)
        with Peer(IPV4, server.port).socket as sock:
            await history.look(server)
            assert server.connected
            await soon(server.write(b"welcome"))
            assert await Peer.of(sock).read() == b"welcome"
    finally:
        await history.finish(server)
