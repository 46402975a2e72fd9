"""A machine of the simulated network: its addresses, who listens there, its connections."""

import itertools
import socket
from collections.abc import Sequence

from ._server import Listener
from ._socket import family_of
from ._tcp import Tcp

__all__ = ["LOOPBACK", "WILDCARDS", "Host"]

LOOPBACK = ("127.0.0.1", "::1")
WILDCARDS = ("0.0.0.0", "::")

_FIRST_PORT = 32_768


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
        self._ports = itertools.count(_FIRST_PORT)

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
        """Return a port that nobody has had yet.

        Returns
        -------
        int
            Its number.
        """
        taken = {port for _, port in self.listeners}
        return next(port for port in self._ports if port not in taken)

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
            Who does; None if nobody does.
        """
        wildcard = WILDCARDS[family_of(address) is socket.AF_INET6]
        return self.listeners.get((address, port)) or self.listeners.get((wildcard, port))
