"""What a test points at when it breaks something: a client, a stream, hosts; and which lines these stand for."""

import asyncio
from typing import Any, Protocol, TypeAlias

from tcpip_core import BaseClientOrServer

from ._host import Host
from ._line import Line
from ._network import Network
from ._server import Listener, SimServer
from ._tcp import Tcp
from ._transport import SimTransport

__all__ = ["Connected", "HasTransport", "check_host", "connection_of", "lines_of", "listeners_of"]


class HasTransport(Protocol):
    """What shows the transport of its connection, such as `asyncio.StreamWriter`."""

    @property
    def transport(self) -> asyncio.BaseTransport | None:
        """The transport; None if it is not connected."""
        ...


Connected: TypeAlias = BaseClientOrServer | asyncio.BaseTransport | HasTransport

_ALLOWED = "a Client or server of tcpip-core, a StreamWriter or another object with a transport, or a transport"


def connection_of(thing: object) -> Tcp:
    """Return the connection that something has.

    Raises
    ------
    TypeError
        If it is of no kind that has one, or its connection is not simulated.
    ValueError
        If it is not connected.
    """
    if isinstance(thing, Tcp):
        return thing
    # Programs use this name, so it will stay.
    holder: Any = getattr(thing, "_writer", None) if isinstance(thing, BaseClientOrServer) else thing
    transport: Any = holder if isinstance(holder, asyncio.BaseTransport) else getattr(holder, "transport", None)
    if isinstance(transport, asyncio.BaseTransport) and not isinstance(transport, SimTransport):
        raise TypeError(f"{thing!r} has a connection that is not simulated")
    if isinstance(transport, SimTransport) and not (transport.tcp.dead or transport.tcp.closed):
        return transport.tcp
    if isinstance(thing, BaseClientOrServer | asyncio.BaseTransport) or hasattr(thing, "transport"):
        raise ValueError(f"{thing!r} is not connected: there is nothing to break")
    raise TypeError(f"{thing!r} is no connection; it must be {_ALLOWED}")


def check_host(thing: object) -> Host:
    """Return a host.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if isinstance(thing, Host):
        return thing
    raise TypeError(f"{thing!r} is no host; Simulation.add_host makes them, and Simulation.localhost is one")


def lines_of(network: Network, one: object, other: object) -> list[Line]:
    """Return what is between two hosts, around one host, or the one connection that something has.

    Raises
    ------
    TypeError
        If it is none of these.
    ValueError
        If it is not connected.
    """
    if isinstance(one, Host) and isinstance(other, Host):
        return [network.link(one, other)]
    if isinstance(one, Host) and other is None:
        return [network.link(one, host) for host in network.hosts.values() if host is not one]
    if isinstance(one, Host) or other is not None:
        raise TypeError(f"give one connection, one host, or two hosts, not {one!r} and {other!r}")
    return [connection_of(one).line]


def listeners_of(thing: object) -> tuple[Listener, ...]:
    """Return the ports that a server listens on.

    Raises
    ------
    TypeError
        If it is no server, or not simulated.
    ValueError
        If it does not listen.
    """
    server = getattr(thing, "_server", None) if isinstance(thing, BaseClientOrServer) else thing
    if not isinstance(server, SimServer):
        if isinstance(thing, BaseClientOrServer) and server is None:
            raise ValueError(f"{thing!r} does not listen")
        raise TypeError(f"{thing!r} is no simulated server; it must be a server of tcpip-core or of asyncio")
    if not server.sockets:
        raise ValueError(f"{thing!r} does not listen")
    return server.listeners
