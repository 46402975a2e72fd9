"""A machine of the simulated network: its addresses, who listens there, its connections."""

import errno
import os
import socket
from collections.abc import Sequence

from ._server import Listener
from ._socket import family_of
from ._tcp import Tcp

__all__ = ["LOOPBACK", "WILDCARDS", "Host"]

LOOPBACK = ("127.0.0.1", "::1")
WILDCARDS = ("0.0.0.0", "::")

_PORTS = range(32_768, 61_000)
"""The ports that a kernel gives away by itself: ip_local_port_range of Linux."""


class Host:
    """A machine of the simulated network; `Simulation.host` makes it.

    Parameters
    ----------
    name : str
        Its name, which resolves to its addresses.
    addresses : sequence of str
        Its numeric addresses, beyond the loopback ones.

    Attributes
    ----------
    name : str
        As given.
    addresses : tuple of str
        All its addresses.
    connections : dict
        Its ends of connections, oldest first, until its kernel has forgotten them; the values mean nothing.
    listeners : dict
        Who listens here, by address and port.
    """

    def __init__(self, name: str, addresses: Sequence[str]) -> None:
        self.name: str = name
        self.addresses: tuple[str, ...] = (*LOOPBACK, *addresses)
        self.listeners: dict[tuple[str, int], Listener] = {}
        self.connections: dict[Tcp, None] = {}
        self._given = 0

    def __repr__(self) -> str:
        return f"<Host {self.name}>"

    def add(self, tcp: Tcp) -> None:
        """Keep a connection until its kernel has forgotten it.

        Parameters
        ----------
        tcp : Tcp
            An end of it.
        """
        self.connections[tcp] = None
        tcp.on_gone = self._forget

    def _forget(self, tcp: Tcp) -> None:
        self.connections.pop(tcp, None)

    def free_port(self) -> int:
        """Return a port that nobody has, and as long as there are such nobody has had.

        Returns
        -------
        int
            Its number.

        Raises
        ------
        OSError
            If all are taken (EADDRNOTAVAIL).
        """
        taken = {port for _, port in self.listeners}
        if self._given >= len(_PORTS):
            taken.update(tcp.local[1] for tcp in self.connections)
        for _ in _PORTS:
            port = _PORTS[self._given % len(_PORTS)]
            self._given += 1
            if port not in taken:
                return port
        raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))

    def has_port(self, address: str, port: int) -> bool:
        """Return whether a port is taken for an address.

        Parameters
        ----------
        address : str
            One of this host, or that of all of a family.
        port : int
            The port.

        Returns
        -------
        bool
            Whether somebody has it there; who has it on all addresses has it on each.
        """
        family = family_of(address)
        return any(
            number == port and family_of(other) is family and (other == address or {other, address} & {*WILDCARDS})
            for other, number in self.listeners
        )

    def listener_at(self, address: str, port: int) -> Listener | None:
        """Return who listens at an address, there or on all addresses.

        Parameters
        ----------
        address : str
            One of this host.
        port : int
            The port.

        Returns
        -------
        Listener or None
            Who does; None if nobody does, or only has the port and does not listen yet.
        """
        wildcard = WILDCARDS[family_of(address) is socket.AF_INET6]
        listener = self.listeners.get((address, port)) or self.listeners.get((wildcard, port))
        return listener if listener is not None and listener.listening else None
