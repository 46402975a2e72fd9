"""Hosts, their addresses and ports, the links between them, and how a connection comes about."""

import asyncio
import contextlib
import contextvars
import errno
import itertools
import os
import random
import socket
from collections.abc import Callable, Iterator, Sequence

from ._link import Link, LinkSettings
from ._server import Listener, ServerLoop, SimServer
from ._socket import family_of
from ._tcp import Address, Tcp
from ._trace import EventLog

__all__ = ["Host", "Network"]

_LOOPBACK = ("127.0.0.1", "::1")
_WILDCARDS = ("0.0.0.0", "::")

_SYN_RETRIES = (0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 63.0)
"""When a connection is asked for, again and again (seconds since the first attempt): tcp_syn_retries of Linux."""

_SYN_TIMEOUT = 127.0
"""When that is given up (seconds)."""

_NO_NEIGHBOUR = 3.0
"""How long it takes to find that an address belongs to nobody (seconds)."""

_FIRST_PORT = 32_768

_LOOPBACK_SETTINGS = LinkSettings(latency=0.00005)


class Host:
    """A machine.

    Parameters
    ----------
    name : str
        Its name, which resolves to its addresses.
    addresses : sequence of str
        Its numeric addresses, beyond the loopback ones.
    """

    def __init__(self, name: str, addresses: Sequence[str]) -> None:
        self.name = name
        self.addresses = (*_LOOPBACK, *addresses)
        self.listeners: dict[tuple[str, int], Listener] = {}
        self.connections: dict[Tcp, None] = {}
        self._ports = itertools.count(_FIRST_PORT)

    def __repr__(self) -> str:
        return f"<Host {self.name}>"

    def add(self, tcp: Tcp) -> None:
        """Keep a connection until its kernel has forgotten it."""
        self.connections[tcp] = None
        tcp.on_gone = self._forget

    def _forget(self, tcp: Tcp) -> None:
        self.connections.pop(tcp, None)

    def free_port(self) -> int:
        """Return a port that nobody has had yet."""
        return next(self._ports)

    def listener_at(self, address: str, port: int) -> Listener | None:
        """Return who listens at an address, there or on all addresses."""
        wildcard = _WILDCARDS[family_of(address) is socket.AF_INET6]
        return self.listeners.get((address, port)) or self.listeners.get((wildcard, port))


class Network:
    """All hosts and links of one loop.

    Parameters
    ----------
    loop : ServerLoop
        The loop.
    rng : random.Random
        For all that is random.
    settings : LinkSettings
        What links between hosts are like; those of a host to itself are fast.
    """

    def __init__(self, loop: ServerLoop, rng: random.Random, settings: LinkSettings) -> None:
        self._loop = loop
        self._random = rng
        self.settings = settings
        self.log = EventLog(loop.time)
        self.default_host = Host("localhost", ())
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
            If there is such a name or address already.
        """
        given = addresses or (f"10.0.0.{len(self.hosts)}",)
        taken = {address for host in self.hosts.values() for address in host.addresses}
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
            settings = _LOOPBACK_SETTINGS if one is other else self.settings
            name = "-".join(sorted(key))
            self._links[key] = Link(name, self._loop, self._random, settings, self.log)
        return self._links[key]

    def _host_at(self, origin: Host, address: str) -> Host | None:
        if address in _LOOPBACK:
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
            found = [address for address in self.hosts[name].addresses if address not in _LOOPBACK]
        elif name == "localhost":
            found = list(_LOOPBACK)
        else:
            found = [name] if _is_numeric(name) else []
        found = [address for address in found if family in (0, family_of(address))]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return found

    # Connecting

    async def connect(self, address: str, port: int, local: tuple[str, int] | None = None) -> Tcp:
        """Connect from the current host; return its end of the connection.

        Raises
        ------
        OSError
            If nobody listens (ECONNREFUSED), nobody answers (ETIMEDOUT), or there is no such host (EHOSTUNREACH).
        """
        host = self.current
        other = self._host_at(host, address)
        attempt: asyncio.Future[Tcp] = self._loop.create_future()
        source = self._source(host, address, local)
        target = _socket_address(address, port)
        if other is None:
            timers = [self._loop.kernel_at(self._loop.time() + _NO_NEIGHBOUR, _fail, attempt, errno.EHOSTUNREACH)]
        else:
            start = self._loop.time()
            ask = Attempt(self, self._loop, attempt, host, other, source, target)
            timers = [self._loop.kernel_at(start + delay, ask.syn) for delay in _SYN_RETRIES[1:]]
            timers.append(self._loop.kernel_at(start + _SYN_TIMEOUT, _fail, attempt, errno.ETIMEDOUT))
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
        if local is not None:
            if local[0] not in host.addresses:
                raise OSError(errno.EADDRNOTAVAIL, f"error while attempting to bind on address {local}")
            return _socket_address(local[0], local[1] or host.free_port())
        family = family_of(address)
        own = [one for one in host.addresses if family_of(one) is family]
        # The loopback address comes first, and reaches nobody but oneself.
        return _socket_address(own[0] if address in host.addresses else own[-1], host.free_port())

    def pair(self, one: Host, other: Host, source: Address, target: Address) -> tuple[Tcp, Tcp]:
        """Make both ends of a connection."""
        number = next(self._numbers)
        link = self.link(one, other)
        near = Tcp(self._loop, self.log, link, 0, f"{number}:{one.name}", source, target)
        far = Tcp(self._loop, self.log, link, 1, f"{number}:{other.name}", target, source)
        near.peer, far.peer = far, near
        one.add(near)
        return near, far

    # Listening

    def listen(self, server: SimServer, address: str, port: int, backlog: int) -> Listener:
        """Listen on the current host.

        Raises
        ------
        OSError
            If the port is taken (EADDRINUSE) or the address is not one of this host (EADDRNOTAVAIL).
        """
        host = self.current
        if address not in host.addresses and address not in _WILDCARDS:
            raise _bind_error(errno.EADDRNOTAVAIL, address, port)
        number = port or host.free_port()
        if (address, number) in host.listeners:
            raise _bind_error(errno.EADDRINUSE, address, port)
        listener = host.listeners[address, number] = server.listen(_socket_address(address, number), backlog)
        self.log.note("listen", host.name, number)
        return listener

    def stop_listening(self, host: Host) -> Callable[[Listener], None]:
        """Return what a server of a host calls for each port that it gives up."""

        def close(listener: Listener) -> None:
            host.listeners.pop(listener.local[:2], None)
            self.log.note("unlisten", host.name, listener.local[1])

        return close

    def forget(self) -> None:
        """Drop all connections, for a loop that has ended."""
        for host in self.hosts.values():
            for end in host.connections:
                end.on_gone = end.on_ready = None
            host.connections.clear()
            host.listeners.clear()
        for link in self._links.values():
            link.carried.clear()


class Attempt:
    """One attempt to connect: SYN, the answer, and the answer to that.

    Parameters
    ----------
    network : Network
        Where.
    loop : ServerLoop
        The loop.
    result : asyncio.Future
        Who waits.
    host, other : Host
        From, to.
    source, target : tuple
        Their socket addresses.
    """

    def __init__(
        self,
        network: Network,
        loop: ServerLoop,
        result: "asyncio.Future[Tcp]",
        host: Host,
        other: Host,
        source: Address,
        target: Address,
    ) -> None:
        self._network = network
        self._loop = loop
        self._result = result
        self._hosts = host, other
        self._addresses = source, target
        self._link = network.link(host, other)
        self._answered = False

    def _later(self, step: Callable[[], None]) -> None:
        self._loop.kernel_at(self._loop.time() + self._link.latency(), step)

    def syn(self) -> None:
        """Ask for a connection."""
        if not self._result.done():
            self._later(self._syn_arrives)

    def _syn_arrives(self) -> None:
        if not self._link.is_up or self._answered:
            return
        host, port = self._hosts[1], int(self._addresses[1][1])
        listener = host.listener_at(str(self._addresses[1][0]), port)
        if listener is None:
            self._later(self._refused)
        elif not listener.is_full:
            self._answered = True
            self._later(self._syn_ack_arrives)

    def _refused(self) -> None:
        if self._link.is_up:
            self._network.log.note("refused", self._link.name)
            _fail(self._result, errno.ECONNREFUSED)

    def _syn_ack_arrives(self) -> None:
        if not self._link.is_up:
            self._answered = False  # The next SYN is answered again.
            return
        if self._result.done():
            return
        near, far = self._network.pair(*self._hosts, *self._addresses)
        far.on_ready = lambda: self._may_be_accepted(far)
        self._network.log.note("connect", near.name)
        self._result.set_result(near)
        near.established()

    def _may_be_accepted(self, far: Tcp) -> None:
        listener = self._hosts[1].listener_at(str(far.local[0]), int(far.local[1]))
        far.on_ready = None
        if listener is None:
            far.reset()
        else:
            self._hosts[1].add(far)
            listener.queue(far)


def _fail(attempt: "asyncio.Future[Tcp]", number: int) -> None:
    if not attempt.done():
        attempt.set_exception(OSError(number, os.strerror(number)))


def _bind_error(number: int, address: str, port: int) -> OSError:
    reason = os.strerror(number).lower()
    return OSError(number, f"error while attempting to bind on address {(address, port)!r}: {reason}")


def _socket_address(address: str, port: int) -> Address:
    return (address, port, 0, 0) if family_of(address) is socket.AF_INET6 else (address, port)


def _is_numeric(name: str) -> bool:
    try:
        socket.inet_pton(family_of(name), name)
    except OSError:
        return False
    return True
