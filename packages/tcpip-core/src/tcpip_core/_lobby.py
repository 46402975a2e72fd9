"""Where a newcomer with TLS shows who it is before it may take the place, within a bound, and not beyond the server."""

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from ._connection import Connection
from ._kernel import readable_address
from ._tasks import OwnedTasks

__all__ = ["front_door"]

_HANDSHAKE_TIMEOUT = 5.0
"""How long a newcomer may take to show who it is, unless told otherwise (seconds)."""

_MOST_WAITING = 100
"""Most handshakes at a time; who comes then is closed."""


class Doorkeeper(Protocol):
    """Who may come in at all, and who is told of those that did not get further."""

    def admits(self, host: str, peer: str) -> bool:
        """Return whether a peer may try; note one that may not."""
        ...

    def rejected(self, peer: str, why: str) -> None:
        """Note that somebody was turned away."""
        ...


class TlsLobby:
    """Does the handshakes of a server, each in a task that the server owns.

    ``loop.create_server(ssl=…)`` would do them too, but shows nobody the connections that are in one: a server could
    not close them with itself.

    Parameters
    ----------
    context : ssl.SSLContext
        How to talk TLS.
    make : callable
        Makes the connection of a newcomer.
    timeouts : mapping
        ``ssl_handshake_timeout`` and ``ssl_shutdown_timeout`` (seconds), for asyncio.
    tasks : OwnedTasks
        Where the handshakes belong.
    doorkeeper : Doorkeeper
        Who may begin a handshake, and who hears of those that fail.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        make: Callable[[], Connection],
        timeouts: Mapping[str, float | None],
        tasks: OwnedTasks,
        doorkeeper: Doorkeeper,
    ) -> None:
        self._context = context
        self._make = make
        self._timeouts = timeouts
        self._tasks = tasks
        self._doorkeeper = doorkeeper
        self._waiting = 0

    def enter(self, transport: asyncio.Transport) -> None:
        """Begin the handshake of a newcomer.

        Its socket gets a new transport, because ``start_tls`` on uvloop loses what came before it is called. What
        the newcomer has sent waits in the kernel.
        """
        host, peer = readable_address(transport.get_extra_info("peername"))
        sock = self._socket_of(transport, peer) if self._doorkeeper.admits(host, peer) else None
        transport.abort()
        if sock is not None:
            self._waiting += 1
            handshake = _Handshake(self._make(), sock, peer)
            task = self._tasks.spawn(self._shake_hands(handshake), "TLS handshake")
            task.add_done_callback(lambda _: self._ended(handshake))

    def _socket_of(self, transport: asyncio.Transport, peer: str) -> socket.socket | None:
        """Return a newcomer's socket, for another transport to use; None, and a note, where there is no room."""
        descriptor: int = transport.get_extra_info("socket").fileno()
        if descriptor < 0:  # On a simulated network.
            why = "TLS needs sockets of the operating system, and this event loop has others"
        elif self._waiting >= _MOST_WAITING:
            why = f"{_MOST_WAITING} others are in their TLS handshakes"
        else:
            try:
                return socket.socket(fileno=os.dup(descriptor))
            except OSError as e:
                why = f"no descriptor is left for its TLS handshake: {e!r}"
        self._doorkeeper.rejected(peer, why)
        return None

    async def _shake_hands(self, handshake: "_Handshake") -> None:
        handshake.has_begun = True
        connection, sock = handshake.connection, handshake.sock
        sock.setblocking(False)
        connect = cast("Callable[..., Awaitable[object]]", asyncio.get_running_loop().connect_accepted_socket)
        try:
            await connect(lambda: connection, sock, ssl=self._context, **self._timeouts)
        except (OSError, EOFError) as e:
            self._doorkeeper.rejected(handshake.peer, f"its TLS handshake failed: {e!r:.200}")
        except BaseException:
            connection.discard()
            raise

    def _ended(self, handshake: "_Handshake") -> None:
        self._waiting -= 1
        if not handshake.has_begun:
            # Cancelled before its first step; otherwise its transport owns the socket.
            handshake.sock.close()


@dataclass(slots=True)
class _Handshake:
    connection: Connection
    sock: socket.socket
    peer: str
    has_begun: bool = False


class TlsEntry(asyncio.Protocol):
    """The protocol of a newcomer until it is in the lobby, which is in the same step.

    Parameters
    ----------
    lobby : TlsLobby
        Where it goes.
    """

    def __init__(self, lobby: TlsLobby) -> None:
        self._lobby = lobby

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the newcomer to the lobby."""
        self._lobby.enter(cast("asyncio.Transport", transport))


def front_door(
    make: Callable[[], Connection],
    keywords: dict[str, Any],
    tasks: OwnedTasks,
    doorkeeper: Doorkeeper,
) -> Callable[[], asyncio.BaseProtocol]:
    """Return what makes the protocol of a newcomer; take the TLS keywords of ``start_server`` out of `keywords`."""
    context = keywords.pop("ssl", None)
    timeouts = {name: keywords.pop(name, None) for name in ("ssl_handshake_timeout", "ssl_shutdown_timeout")}
    if context is None:
        return make
    if timeouts["ssl_handshake_timeout"] is None:
        timeouts["ssl_handshake_timeout"] = _HANDSHAKE_TIMEOUT
    lobby = TlsLobby(context, make, timeouts, tasks, doorkeeper)
    return lambda: TlsEntry(lobby)
