"""What goes wrong in a simulation when a test says so."""

import itertools
from asyncio import AbstractServer
from collections.abc import Iterable

from tcpip_core import BaseClientOrServer

from ._host import Host
from ._line import Line
from ._network import Network
from ._targets import Connected, check_host, connection_of, lines_of, listeners_of
from ._tcp import Tcp

__all__ = ["Faults"]


class Faults:
    """The part of a `Simulation` that breaks things.

    Parameters
    ----------
    network : Network
        What is broken.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    def cut(self, one: Connected | Tcp | Host, other: Host | None = None) -> None:
        """Let nothing pass any more in either direction, and tell nobody.

        Parameters
        ----------
        one : Client or server, StreamWriter, transport, or Host
            What has the connection that is cut; others between the same hosts go on. A host is cut off from all others.
        other : Host or None
            With a host: cut the link between the two, and whatever goes over it now and later.

        Raises
        ------
        TypeError
            If it is none of these, or its connection is not simulated.
        ValueError
            If it is not connected.
        """
        for line in lines_of(self._network, one, other):
            line.cut()

    def restore(self, one: Connected | Tcp | Host | None = None, other: Host | None = None) -> None:
        """Let everything pass again.

        What was lost is sent again when its sender tries next: the longer the cut, the later.

        Parameters
        ----------
        one : Client or server, StreamWriter, transport, Host, or None
            As for `cut`; None restores everything.
        other : Host or None
            As for `cut`.

        Raises
        ------
        TypeError
            If it is none of these, or its connection is not simulated.
        ValueError
            If it is not connected.
        """
        for line in self._all_lines() if one is None else lines_of(self._network, one, other):
            line.restore()

    def _all_lines(self) -> list[Line]:
        ends = [end for host in self._network.hosts.values() for end in host.connections]
        return [*self._network.links(), *dict.fromkeys(end.line for end in ends)]

    def stall(self, duration: float, one: Connected | Tcp | Host, other: Host | None = None) -> None:
        """Hold everything back for a while, and lose nothing.

        Parameters
        ----------
        duration : float
            How long (seconds).
        one : Client or server, StreamWriter, transport, or Host
            As for `cut`.
        other : Host or None
            As for `cut`.

        Raises
        ------
        TypeError
            If it is none of these, or its connection is not simulated.
        ValueError
            If it is not connected, or the duration is negative or infinite.
        """
        for line in lines_of(self._network, one, other):
            line.stall(duration)

    def reset(self, one: Connected | Tcp) -> None:
        """End a connection by an RST that reaches both ends at once, as from something between them.

        Parameters
        ----------
        one : Client or server, StreamWriter, or transport
            What has the connection.

        Raises
        ------
        TypeError
            If it is none of these, or its connection is not simulated.
        ValueError
            If it is not connected.
        """
        end = connection_of(one)
        end.interrupt()
        end.peer.interrupt()

    def partition(self, *groups: Iterable[Host]) -> None:
        """Cut all links between hosts of different groups; `restore` heals them.

        Parameters
        ----------
        *groups : iterable of Host
            Each group stays connected in itself; two or more.

        Raises
        ------
        TypeError
            If something is no host.
        ValueError
            If there are less than two groups, or a host is in several.
        """
        hosts = [[check_host(one) for one in group] for group in groups]
        everybody = [one.name for group in hosts for one in group]
        if len(hosts) < 2 or len(everybody) > len(set(everybody)):
            raise ValueError("a partition needs two or more groups of hosts, and each host in one of them")
        for some, others in itertools.combinations(hosts, 2):
            for one, other in itertools.product(some, others):
                self.cut(one, other)

    def stop_accepting(self, server: BaseClientOrServer | AbstractServer) -> None:
        """Let a server accept nobody: who connects waits; once its backlog is full, nobody is answered.

        Parameters
        ----------
        server : server of tcpip-core or asyncio
            Which.

        Raises
        ------
        TypeError
            If it is no simulated server.
        ValueError
            If it does not listen.
        """
        for listener in listeners_of(server):
            listener.stop_accepting()

    def resume_accepting(self, server: BaseClientOrServer | AbstractServer) -> None:
        """Let a server accept who waits, and who comes.

        Parameters
        ----------
        server : server of tcpip-core or asyncio
            Which.

        Raises
        ------
        TypeError
            If it is no simulated server.
        ValueError
            If it does not listen.
        """
        for listener in listeners_of(server):
            listener.resume_accepting()
