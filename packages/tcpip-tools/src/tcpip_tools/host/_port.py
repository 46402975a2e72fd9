"""One port as this host sees it: who listens, who holds it, who waits."""

import platform
from collections.abc import Iterable
from dataclasses import dataclass

from .._exit_codes import ExitCode, Failure
from ._sockets import LISTEN, Socket, is_supported, tcp_sockets

__all__ = ["Port", "look_at", "port_of_this_host"]

_ALL = frozenset({"0.0.0.0", "::"})  # they are compared, not listened on


@dataclass(frozen=True, slots=True)
class Port:
    """A port of this host.

    Parameters
    ----------
    listeners : tuple of Socket
        Those that take connections to it.
    holders : tuple of Socket
        Connections that a program has accepted and not closed.
    waiting : tuple of Socket
        Connections that were made, and that no program has accepted yet.
    callers : tuple of Socket
        Connections of this host to that port of whatever host; the other end of a holder may be among them.
    """

    listeners: tuple[Socket, ...]
    holders: tuple[Socket, ...]
    waiting: tuple[Socket, ...]
    callers: tuple[Socket, ...]

    @property
    def is_full(self) -> bool:
        """Whether no listener's queue has room: then the kernel does not answer newcomers."""
        # Linux takes one more than was asked for (sk_acceptq_is_full).
        return bool(self.listeners) and all(one.received > one.sent for one in self.listeners)

    def without(self, caller: tuple[str, int]) -> "Port":
        """Return the port without the connection that comes from an address."""

        def others(sockets: tuple[Socket, ...]) -> tuple[Socket, ...]:
            return tuple(one for one in sockets if one.remote != caller)

        callers = tuple(one for one in self.callers if one.local != caller)
        return Port(self.listeners, others(self.holders), others(self.waiting), callers)

    def has_accepted(self, caller: tuple[str, int]) -> bool | None:
        """Return whether a program has taken the connection from an address; None if it is not in the table."""
        if any(one.remote == caller for one in self.waiting):
            return False
        return True if any(one.remote == caller for one in self.holders) else None


def look_at(sockets: Iterable[Socket], port: int, ip: str | None = None) -> Port:
    """Pick out what concerns a port.

    Parameters
    ----------
    sockets : iterable of Socket
        The kernel's table.
    port : int
        The port.
    ip : str or None
        Leave out what has another address; None takes all of this host.
    """
    listeners: list[Socket] = []
    served: list[Socket] = []
    callers: list[Socket] = []
    for one in sockets:
        if one.state == LISTEN:
            if one.local[1] == port and (ip is None or one.local[0] == ip or one.local[0] in _ALL):
                listeners.append(one)
        elif one.local[1] == port and (ip is None or one.local[0] == ip):
            served.append(one)
        elif one.remote[1] == port and (ip is None or one.remote[0] == ip):
            callers.append(one)
    held = tuple(one for one in served if one.inode)
    return Port(tuple(listeners), held, tuple(one for one in served if not one.inode), tuple(callers))


def port_of_this_host(port: int, ip: str | None) -> Port:
    """Return a port as the kernel sees it now.

    Parameters
    ----------
    port : int
        The port.
    ip : str or None
        One of this host's addresses; None is all.

    Raises
    ------
    Failure
        If this platform, or this container, does not tell.
    """
    if not is_supported():
        raise Failure(ExitCode.EXPECTATION, f"{platform.system()} does not show its sockets like this; Linux does")
    try:
        return look_at(tcp_sockets(port), port, ip)
    except OSError as e:
        text = f"this system does not show its table of sockets: {e.strerror or e}"
        raise Failure(ExitCode.EXPECTATION, text) from e
