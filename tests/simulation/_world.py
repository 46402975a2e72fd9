"""One run: hosts, subjects and their users, peers, faults, and the end, after which nothing may be left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from tcpip_core import Limits
from tcpip_testing.sim import Event, Host, LinkSettings, Listener, Simulation, Tcp

from ._blows import apply
from ._faults import Fault
from ._peers import Peer
from ._subjects import ModelClient, ModelLoopServer, ModelServer, Subject, read_once, write_once
from ._witness import Record, Witness

__all__ = ["Cast", "World"]

T = TypeVar("T")

LOG = logging.getLogger("tcpip_simulation")
ADDRESS, PORT = "10.0.0.1", 5000
END_OF_FAULTS = 10.0
"""When everything is repaired (seconds)."""
PATIENCE = 45
"""How often a newcomer may try, once a second, until it is served: a dead peer holds the place for 15 s or so."""

ROLES = (("server", "raw"), ("loop", "raw"), ("raw", "client"), ("server", "client"), ("loop", "client"))
LINKS = (
    LinkSettings(),
    LinkSettings(latency=(0.0001, 0.02)),
    LinkSettings(latency=(0.001, 0.003), split=0.6),
    LinkSettings(latency=0.01, window=400, send_buffer=300),
    LinkSettings(latency=0.002, bandwidth=20_000.0),
    LinkSettings(latency=0.02, initial_window=100),
)


class Cast:
    """The classes that play; a test may put a broken one in."""

    client: type[ModelClient] = ModelClient
    server: type[ModelServer] = ModelServer
    loop: type[ModelLoopServer] = ModelLoopServer


class World:
    """One run of the model."""

    def __init__(self, sim: Simulation, seed: int, faults: list[Fault], cast: Cast) -> None:
        self.sim = sim
        self.loop = sim.loop
        self.rng = random.Random(seed ^ 0x5EED)
        self.cast = cast
        self.faults = faults
        self.violations: list[str] = []
        self.server_role, self.client_role = self.rng.choice(ROLES)
        sim.settings = self.rng.choice(LINKS)
        self.device = sim.add_host("device", ADDRESS)
        self.control = sim.add_host("control")
        self.elsewhere = sim.add_host("elsewhere")
        self.link = sim.link(self.device, self.control)
        self.limits = Limits(
            frame_size=self.rng.choice((400, 65536)),
            write_timeout=self.rng.choice((0.5, 10.0)),
            callback_timeout=self.rng.choice((1.0, 10.0)),
            close_timeout=self.rng.choice((0.3, 2.0)),
            drain_timeout=self.rng.choice((0.2, 2.0)),
        )
        self.peers: list[Peer] = []
        self.subjects: list[Subject] = []
        self.keepers: list[asyncio.Task[None]] = []
        self.users: dict[Subject, list[asyncio.Task[None]]] = {}
        self.helpers: dict[asyncio.Task[Any], None] = {}
        self.behaviours: list[tuple[str, float]] = []
        self.dispatches: list[tuple[str, float]] = []
        self.listener: Listener | None = None
        self.over = False
        self.client_over = False
        self._events = 0
        self._due: dict[int, list[Fault]] = {}

    # The run

    async def run(self) -> None:
        """Play everything, and check the end."""
        self._plan_faults()
        if self.server_role == "raw":
            with self.sim.on(self.device):
                self.later(0.3 * self.rng.random(), self._listen)
        else:
            self.keepers.append(self._spawn(self.device, self._keep_server()))
        if self.client_role == "raw":
            self.later(0.01, self.connect_peer, True)
        else:
            self.keepers.append(self._spawn(self.control, self._keep_client()))
        await asyncio.sleep(END_OF_FAULTS)
        self._repair()
        await asyncio.sleep(0.5)
        await self._end_clients()
        served = await self._serve_a_newcomer() if self.server_role != "raw" else None
        self.over = True
        await self._close_all()
        if served is not None:
            await self._check_that_all_was_written(*served)
        await self._check_leftovers()

    def later(self, delay: float, call: Callable[..., object], *args: Any) -> None:
        """Do something that is no part of a subject, later."""
        self.sim.call_later(delay, call, *args)

    def _spawn(self, host: Host, coro: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        with self.sim.on(host):
            return self.loop.create_task(coro)

    def help(self, coro: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside the users' tasks."""
        return self._helper(self._spawn(self.device, self._quietly(coro)))

    def _helper(self, task: asyncio.Task[T]) -> asyncio.Task[T]:
        self.helpers[task] = None
        task.add_done_callback(lambda done: self.helpers.pop(done, None))
        return task

    @staticmethod
    async def _quietly(coro: Coroutine[Any, Any, None]) -> None:
        with contextlib.suppress(ConnectionError):
            await coro

    # Faults

    def _plan_faults(self) -> None:
        for fault in self.faults:
            if fault.event:
                self._due.setdefault(fault.event, []).append(fault)
            else:
                self.later(fault.time, self._strike, fault, fault.turns)
        self.sim.on_event(self._count)

    def _count(self, event: Event) -> None:
        self._events += 1
        if self._events in self._due and self.loop.time() < END_OF_FAULTS:
            for fault in self._due.pop(self._events):
                self.loop.call_soon(self._strike, fault, fault.turns)

    def _strike(self, fault: Fault, turns: int) -> None:
        if turns:
            self.loop.call_soon(self._strike, fault, turns - 1)
        elif self.loop.time() < END_OF_FAULTS:
            self.sim.note("fault", fault.kind, fault.number)
            apply(self, fault)

    def _repair(self) -> None:
        self._due.clear()
        self.behaviours.clear()
        self.dispatches.clear()
        self.link.restore()
        self.link.settings = replace(self.link.settings, latency=0.001, bandwidth=None, window=65536)
        if self.listener is not None:
            self.listener.resume_accepting()
        for listener in self.device.listeners.values():
            listener.resume_accepting()
        for peer in self.peers:
            peer.unmute()

    # Peers

    def _listen(self) -> None:
        self.listener = self.sim.listen(self.device, PORT, self._accept)

    def _accept(self, listener: Listener) -> None:
        while listener.accepting and listener.waiting:
            self._adopt(listener.waiting.popleft())

    def connect_peer(self, again: bool = False, lines: int | None = None) -> asyncio.Task[Peer | None]:
        """Let somebody connect to the server; if `again`, whenever the link is lost."""
        host = self.control if again else self.elsewhere
        with self.sim.on(host):
            task = self.loop.create_task(self._reconnect_peer() if again else self._connect_peer(lines))
        return self._helper(task)

    async def _connect_peer(self, lines: int | None = None) -> Peer | None:
        try:
            tcp = await self.sim.connect(ADDRESS, PORT)
        except OSError:
            return None
        return self._adopt(tcp, lines)

    async def _reconnect_peer(self) -> None:
        while not self.client_over:
            peer = await self._connect_peer()
            while peer is not None and peer.alive and not self.client_over:
                await asyncio.sleep(0.5)
            if peer is not None and self.client_over:
                peer.close()
            await asyncio.sleep(self.rng.random())

    def _adopt(self, tcp: Tcp, lines: int | None = None) -> Peer:
        peer = Peer(tcp, f"p{len(self.peers) + 1}")
        self.peers.append(peer)
        bursts = self.rng.randint(1, 4) if lines is None else 1
        for _ in range(bursts):
            count = self.rng.randint(1, 5) if lines is None else lines
            self.later(2 * self.rng.random() * (lines is None), peer.talk, count, self.rng.choice((0, 5, 60)))
        return peer

    # Subjects

    async def _keep_server(self) -> None:
        number = 0
        while not self.over:
            number += 1
            witness = self._witness(f"server {number}")
            await self._play(self._make_server(witness), witness)
            await asyncio.sleep(0.1 * self.rng.random())

    def _make_server(self, witness: Witness) -> Subject:
        keywords: dict[str, Any] = {
            "host": ADDRESS,
            "port": PORT,
            "log": LOG,
            "connect_callback": _told,
            "limits": self.limits,
        }
        if self.server_role == "loop":
            loop_server = self.cast.loop(**keywords, run_heartbeat_monitor_task=self.rng.random() < 0.2)
            loop_server.dispatches = self.dispatches
            return self._watched(loop_server, witness)
        interval = self.rng.choice((0.1, 0.1, 0.0))
        return self._watched(self.cast.server(**keywords, monitor_connection_interval=interval), witness)

    async def _keep_client(self) -> None:
        number = 0
        while not self.client_over:
            number += 1
            witness = self._witness(f"client {number}")
            client = self.cast.client(
                ADDRESS,
                PORT,
                LOG,
                _told,
                monitor_connection_interval=self.rng.choice((0.1, 0.1, 0.0)),
                run_heartbeat_send_task=self.rng.random() < 0.3,
                limits=self.limits,
            )
            await self._play(self._watched(client, witness), witness)
            await asyncio.sleep(0.5 * self.rng.random())

    def _witness(self, name: str) -> Witness:
        return Witness(name, self.loop, self.limits.close_timeout, self.limits.drain_timeout)

    def _watched(self, subject: Subject, witness: Witness) -> Subject:
        subject.witness = witness
        subject.rng = random.Random(self.rng.random())
        subject.behaviours = self.behaviours
        subject.watch()
        self.subjects.append(subject)
        return subject

    async def _play(self, subject: Subject, witness: Witness) -> None:
        """Use a subject until it is done, and check what it leaves."""
        host = self.sim.host
        users = self.users[subject] = []
        if not isinstance(subject, ModelLoopServer):
            users.append(self._spawn(host, self._read_all(subject)))
        users.append(self._spawn(host, self._write_some(subject)))
        try:
            await asyncio.wait({subject.done_task})
        finally:
            for user in users:
                user.cancel()
        for _ in range(4):
            await asyncio.sleep(0)
        witness.check_end(subject)
        if host.listeners and self.server_role != "raw":
            witness.blame(f"closed, but somebody listens: {sorted(host.listeners)}")
        if open_ones := [tcp.name for tcp in host.connections if not tcp.closed]:
            witness.blame(f"closed, but sockets are open: {', '.join(open_ones)}")
        self._check_writes(witness)
        self.violations += witness.violations

    def _check_writes(self, witness: Witness) -> None:
        by_tcp = {peer.tcp: peer.got for peer in self.peers}
        for other in self.subjects:
            by_tcp.update({record.tcp: record.taken for record in other.witness.records})
        for record in witness.records:
            got = by_tcp.get(record.tcp.peer, bytearray())
            if not record.offered.startswith(got):
                witness.blame(f"the peer of connection {record.number} got what was not written: {bytes(got)[:200]!r}")

    async def _read_all(self, subject: ModelClient | ModelServer) -> None:
        while not subject.done_task.done():
            try:
                if isinstance(subject, ModelServer) and not subject.connected:
                    await asyncio.wait({subject.connected_task})
                await read_once(subject)
            except (ConnectionError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.02)

    async def _write_some(self, subject: Subject) -> None:
        for _ in range(12):
            await asyncio.sleep(subject.rng.random())
            with contextlib.suppress(ConnectionError):
                await write_once(subject, subject.rng.choice((0, 10, 300)))

    def cancel_user(self, subject: Subject, index: int, duration: float) -> None:
        """Cancel one of a subject's users, and let another one take its place."""
        users = self.users[subject]
        if index < len(users) and not isinstance(subject, ModelLoopServer) and users[index].cancel():
            host = self.control if isinstance(subject, ModelClient) else self.device
            again = self._read_all if index == 0 else self._write_some
            users[index] = self._spawn(host, self._after(duration, subject, again))

    async def _after(self, delay: float, subject: Any, again: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
        await asyncio.sleep(delay * (self.rng.random() < 0.5))
        await again(subject)

    def current(self, number: int) -> Subject | None:
        """Return one of the subjects that are not done."""
        alive = [one for one in self.subjects if not one.done_task.done()]
        return alive[number % len(alive)] if alive else None

    # The end

    async def _end_clients(self) -> None:
        self.client_over = True
        for peer in self.peers:
            peer.close()
        for subject in self.subjects:
            if isinstance(subject, ModelClient):
                await subject.close()
        for keeper in self.keepers:
            if self.server_role == "raw" or keeper is not self.keepers[0]:
                await keeper

    async def _serve_a_newcomer(self) -> tuple[Peer, Record] | None:
        """Let newcomers try until one is served, and send it more than a small buffer takes."""
        for _ in range(PATIENCE):
            attempt = self.connect_peer(lines=1)
            await asyncio.sleep(1)
            peer = attempt.result() if attempt.done() else None
            for subject in self.subjects:
                record = subject.witness.records[-1] if subject.witness.records else None
                if peer and record and record.tcp.peer is peer.tcp and record.delivered and not record.lost:
                    await write_once(subject, 4_000)
                    return peer, record
            if peer is not None:
                peer.close()
        self.violations.append(f"after {PATIENCE} s without faults no newcomer is served")
        return None

    async def _check_that_all_was_written(self, peer: Peer, record: Record) -> None:
        """Where nothing fails, what was written before `close` arrives.

        The link may still be busy with what the kernel sends for a connection that was closed before.
        """
        await asyncio.sleep(10)
        if peer.got != record.offered:
            self.violations.append(f"{len(record.offered)} bytes were written before close, {len(peer.got)} arrived")

    async def _close_all(self) -> None:
        for subject in self.subjects:
            await subject.close()
        for keeper in self.keepers:
            await keeper
        for task in tuple(self.helpers):
            task.cancel()
        if self.helpers:
            await asyncio.wait(tuple(self.helpers))

    async def _check_leftovers(self) -> None:
        for _ in range(4):
            await asyncio.sleep(0)
        if left := sorted(task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()):
            self.violations.append(f"at the end tasks are left: {', '.join(left)}")
        if timers := self.sim.timers():
            self.violations.append(f"at the end timers are left: {timers}")


async def _told(subject: Any) -> None:
    """Be the callback of a subject: its own method, which is not there yet when it is made."""
    await subject.told(subject)
