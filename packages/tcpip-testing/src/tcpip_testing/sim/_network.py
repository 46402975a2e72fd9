"""Hosts, their addresses and ports, the links between them, and how a connection comes about."""

import asyncio
import contextlib
import contextvars
import errno
import itertools
import os
import random
import socket
from collections.abc import Callable, Iterator

from ._attempt import SYN_RETRIES, SYN_TIMEOUT, Attempt, Opening, fail
from ._host import LOOPBACK, WILDCARDS, Host
from ._line import Line
from ._link import Course, Link
from ._server import Listener, ServerLoop, SimServer
from ._settings import LinkSettings
from ._socket import family_of
from ._tcp import Address, Tcp
from ._trace import EventLog

__all__ = ["Network"]

_NO_NEIGHBOUR = 3.0
"""How long it takes to find that an address belongs to nobody (seconds)."""

_MEANT: dict[str, str] = dict(zip(WILDCARDS, LOOPBACK, strict=True))
"""Whom one reaches under the address of all: oneself, as on Linux."""


class Network:
    """All hosts and links of one loop.

    Parameters
    ----------
    loop : ServerLoop
        The loop.
    rng : random.Random
        For all that is random.
    settings : LinkSettings
        What links are like, until changed.
    """

    def __init__(self, loop: ServerLoop, rng: random.Random, settings: LinkSettings) -> None:
        self._loop = loop
        self._random = rng
        self._settings = settings
        self.log: EventLog = EventLog(loop.time)
        self.default_host: Host = Host("localhost", ())
        self.hosts: dict[str, Host] = {"localhost": self.default_host}
        self._links: dict[frozenset[str], Link] = {}
        self._numbers = itertools.count(1)
        self._current: contextvars.ContextVar[Host] = contextvars.ContextVar("sim host")

    # Hosts and links

    def add_host(self, name: str, *addresses: str) -> Host:
        """Add a machine.

        Parameters
        ----------
        name : str
            Its name.
        *addresses : str
            Its addresses; without one it gets an IPv4 address.

        Raises
        ------
        ValueError
            If there is such a name or address already, the name is none, or an address is not numeric.
        """
        taken = {address for host in self.hosts.values() for address in host.addresses}
        free = (address for address in (f"10.0.0.{number}" for number in itertools.count(1)) if address not in taken)
        given = addresses or (next(free),)
        if not _is_name(name):
            raise ValueError(f"a host has a name, which is no address, not {name!r}")
        if wrong := [address for address in given if not _is_numeric(address)]:
            raise ValueError(f"an address is numeric, IPv4 or IPv6, not {wrong[0]!r}")
        if name in self.hosts or taken.intersection(given):
            raise ValueError(f"there is a host named {name!r}, or with one of the addresses {given}, already")
        host = self.hosts[name] = Host(name, given)
        return host

    @property
    def current(self) -> Host:
        """The host that the calling code runs on."""
        return self._current.get(self.default_host)

    @contextlib.contextmanager
    def on(self, host: Host) -> Iterator[Host]:
        """Run code on a host: connections and servers made inside, and by tasks made inside, are made there."""
        token = self._current.set(host)
        try:
            yield host
        finally:
            self._current.reset(token)

    def link(self, one: Host, other: Host) -> Link:
        """Return the link between two hosts, or of a host to itself."""
        key = frozenset((one.name, other.name))
        if key not in self._links:
            self._links[key] = Link("-".join(sorted(key)), self._loop, self._random, self._settings, self.log)
        return self._links[key]

    @property
    def settings(self) -> LinkSettings:
        """What links are like that are used for the first time; setting it changes all links."""
        return self._settings

    @settings.setter
    def settings(self, settings: LinkSettings) -> None:
        self._settings = settings
        for link in self._links.values():
            link.settings = settings

    def links(self) -> list[Link]:
        """Return all links that were used."""
        return list(self._links.values())

    def _host_at(self, origin: Host, address: str) -> Host | None:
        if address in LOOPBACK:
            return origin
        return next((host for host in self.hosts.values() if address in host.addresses), None)

    def resolve(self, host: str | None, family: int = 0) -> list[str]:
        """Return the numeric addresses that a name stands for, from the current host.

        Raises
        ------
        socket.gaierror
            If the name is unknown, or has no address of that family.
        """
        name = host or "localhost"
        if name in self.hosts and name != "localhost":
            found = [address for address in self.hosts[name].addresses if address not in LOOPBACK]
        elif name == "localhost":
            found = list(LOOPBACK)
        else:
            found = [name] if _is_numeric(name) else []
        found = [address for address in found if family in (0, family_of(address))]
        if not found:
            raise socket.gaierror(
                socket.EAI_NONAME, f"{name!r} is not known in this simulation: Simulation.add_host adds one"
            )
        return found

    # Connecting

    async def connect(self, address: str, port: int, local: tuple[str, int] | None = None) -> Tcp:
        """Connect from the current host; return its end of the connection.

        Raises
        ------
        OSError
            If nobody listens (ECONNREFUSED), nobody answers (ETIMEDOUT), or there is no such host (EHOSTUNREACH).
        """
        host, address = self.current, _MEANT.get(address, address)
        other = self._host_at(host, address)
        attempt: asyncio.Future[Tcp] = self._loop.create_future()
        source = self._source(host, address, local)
        target = _socket_address(address, port)
        if other is None:
            timers = [self._loop.world_at(self._loop.time() + _NO_NEIGHBOUR, fail, attempt, errno.EHOSTUNREACH)]
        else:
            start = self._loop.time()
            ask = Attempt(self._loop, self.link(host, other), attempt, self._opening(host, other, source, target))
            timers = [self._loop.world_at(start + delay, ask.syn) for delay in SYN_RETRIES]
            timers.append(self._loop.world_at(start + SYN_TIMEOUT, fail, attempt, errno.ETIMEDOUT))
            ask.syn()
        try:
            return await attempt
        except asyncio.CancelledError:
            # It may have been established in this very turn.
            if attempt.done() and not attempt.cancelled() and attempt.exception() is None:
                attempt.result().close()
            raise
        except OSError as e:
            raise OSError(e.errno, f"Connect call failed {target}") from None
        finally:
            for timer in timers:
                timer.cancel()

    def _source(self, host: Host, address: str, local: tuple[str, int] | None) -> Address:
        family = family_of(address)
        own = [one for one in host.addresses if family_of(one) is family]
        # The loopback address comes first, and reaches nobody but oneself.
        source = own[0] if address in host.addresses else own[-1]
        if local is None:
            return _socket_address(source, host.free_port())
        if local[0] not in WILDCARDS:
            source = self.resolve(local[0], family)[0]
        if source not in host.addresses:
            raise OSError(errno.EADDRNOTAVAIL, f"error while attempting to bind on address {local}")
        return _socket_address(source, local[1] or host.free_port())

    def _opening(self, one: Host, other: Host, source: Address, target: Address) -> Opening:
        """Say who listens, and how a connection is made."""
        where = str(target[0]), int(target[1])

        def pair() -> tuple[Tcp, Tcp]:
            number = next(self._numbers)
            link = self.link(one, other)
            course = Course(self._loop, self.log, link, Line(f"{number}:{link.name}", self._loop, self.log))
            # The same for all connections between two hosts, whoever has begun: they share the bandwidth.
            direction = int(one.name > other.name)
            near = Tcp(course, direction, f"{number}:{one.name}", source, target)
            far = Tcp(course, 1 - direction, f"{number}:{other.name}", target, source)
            near.peer, far.peer = far, near
            one.add(near)
            self.log.note("connect", near.name)
            return near, far

        def admit(far: Tcp) -> None:
            listener = other.listener_at(*where)
            if listener is None:
                far.reset()
            else:
                other.add(far)
                listener.queue(far)

        def refused() -> None:
            self.log.note("refused", self.link(one, other).name, where[1])

        return Opening(lambda: other.listener_at(*where), pair, admit, refused)

    # Listening

    def listen(self, server: SimServer, address: str, port: int, backlog: int) -> Listener:
        """Let a server listen on the current host.

        Raises
        ------
        OSError
            If the port is taken (EADDRINUSE) or the address is not one of this host (EADDRNOTAVAIL).
        """
        return self._listen(self.current, address, port, lambda local: server.listen(local, backlog))

    def listen_bare(self, host: Host, port: int, on_ready: Callable[[Listener], object], backlog: int) -> Listener:
        """Listen on a host for connections that no asyncio server takes.

        Raises
        ------
        OSError
            If the port is taken (EADDRINUSE).
        """
        address = next((one for one in host.addresses if one not in LOOPBACK), LOOPBACK[0])
        return self._listen(host, address, port, lambda local: Listener(local, backlog, on_ready))

    def _listen(self, host: Host, address: str, port: int, make: Callable[[Address], Listener]) -> Listener:
        if address not in host.addresses and address not in WILDCARDS:
            raise _bind_error(errno.EADDRNOTAVAIL, address, port)
        number = port or host.free_port()
        if host.has_port(address, number):
            raise _bind_error(errno.EADDRINUSE, address, port)
        listener = host.listeners[address, number] = make(_socket_address(address, number))
        self.log.note("listen", host.name, number)
        return listener

    def stop_listening(self, host: Host) -> Callable[[Listener], None]:
        """Return what a server of a host calls for each port that it gives up."""

        def close(listener: Listener) -> None:
            host.listeners.pop(listener.local[:2], None)
            self.log.note("unlisten", host.name, listener.local[1])

        return close

    def describe(self) -> str:
        """Say what of the network keeps a run from going on, one a line."""
        down = [one.name for one in self._links.values() if not one.is_up]
        ends = {end: None for host in self.hosts.values() for end in host.connections}
        down += dict.fromkeys(end.line.name for end in ends if not end.line.is_up)
        waiting = [
            f"\n  {len(listener.waiting)} connections to {host.name}:{listener.local[1]} are not accepted"
            for host in self.hosts.values()
            for listener in host.listeners.values()
            if listener.waiting
        ]
        return (f"\n  cut or stalled: {', '.join(down)}" if down else "") + "".join(waiting)

    def open_sockets(self) -> list[tuple[str, object]]:
        """Return what programs have not closed: its addresses, and what holds it."""
        found: list[tuple[str, object]] = []
        for host in self.hosts.values():
            for end in host.connections:
                if not end.closed:
                    (own, port), (other, where) = end.local[:2], end.remote[:2]
                    found.append((f"from {own} port {port} to {other} port {where}", end.holder or end))
            found += [(f"of {own} port {port}", listener) for (own, port), listener in host.listeners.items()]
        return found

    def time_to_end(self) -> float:
        """Return how long it takes until what was closed is closed at both ends (seconds)."""
        now = self._loop.time()
        return max((link.busy_for(now) + 4 * link.settings.latencies[1] for link in self.links()), default=0.0)

    def forget(self, *, quietly: bool) -> None:
        """Drop all connections, for a loop that has ended; quietly where no program could have closed them."""
        for host in self.hosts.values():
            for end in host.connections:
                end.on_gone = end.on_ready = None
                end.line.carried.clear()
                if quietly and end.holder is not None:
                    end.holder.drop()
            host.connections.clear()
            host.listeners.clear()
        for link in self._links.values():
            link.carried.clear()


def _bind_error(number: int, address: str, port: int) -> OSError:
    reason = os.strerror(number).lower()
    return OSError(number, f"error while attempting to bind on address {(address, port)!r}: {reason}")


def _socket_address(address: str, port: int) -> Address:
    return (address, port, 0, 0) if family_of(address) is socket.AF_INET6 else (address, port)


def _is_name(name: object) -> bool:
    return isinstance(name, str) and bool(name) and not _is_numeric(name)


def _is_numeric(name: str) -> bool:
    try:
        socket.inet_pton(family_of(name), name)
    except OSError:
        return False
    return True
