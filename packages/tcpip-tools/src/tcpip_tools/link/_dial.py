"""From a name to a connected socket, step by step, so that one can tell which step failed."""

import asyncio
import contextlib
import errno
import os
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from .._exit_codes import ExitCode, Failure, exit_code_for_error, sentence_of
from .._report import address_of
from ..host._sockets import round_trip_of

__all__ = ["Address", "Dialled", "dial", "failure_to_connect", "resolve"]


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a name.

    Parameters
    ----------
    family : int
        Such as ``socket.AF_INET6``.
    sockaddr : tuple
        As `socket.socket.connect` takes it.
    """

    family: int
    sockaddr: tuple[Any, ...]

    @property
    def ip(self) -> str:
        """The address without its port."""
        return str(self.sockaddr[0])

    def __str__(self) -> str:
        return address_of(self.ip, self.sockaddr[1])


@dataclass(frozen=True, slots=True)
class Dialled:
    """A connection that was made.

    Parameters
    ----------
    sock : socket.socket
        Connected, not blocking; whoever gets it closes it.
    address : Address
        Where to.
    seconds : float
        How long the handshake took (seconds).
    """

    sock: socket.socket
    address: Address
    seconds: float


_AddrInfo: TypeAlias = list[tuple[Any, Any, int, str, tuple[Any, ...]]]


async def resolve(host: str, port: int, timeout: float) -> list[Address]:
    """Return the addresses of a name, each once, in the order in which they are to be tried.

    Parameters
    ----------
    host, port
        What to look up.
    timeout : float
        How long to wait (seconds).

    Raises
    ------
    OSError
        A `socket.gaierror` if there is no such name, a `TimeoutError` if the name service does not answer in time.
    """
    loop = asyncio.get_running_loop()
    with contextlib.suppress(socket.gaierror):
        # An address is asked of nobody.
        return _unique(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    answer: asyncio.Future[_AddrInfo] = loop.create_future()

    def tell(found: _AddrInfo | None, error: OSError | None) -> None:
        if not answer.done():
            if found is not None:
                answer.set_result(found)
            else:
                answer.set_exception(error or OSError("no answer"))

    def look_up() -> None:
        found, error = None, None
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as e:
            error = e
        try:
            loop.call_soon_threadsafe(tell, found, error)
        except RuntimeError:
            return  # The loop has ended: nobody waits any more.

    # A thread that nobody joins: the loop's own are waited for at its end, and a name service can hang for long.
    threading.Thread(target=look_up, name="look up", daemon=True).start()
    try:
        async with asyncio.timeout(timeout):
            found = await answer
    except TimeoutError:
        raise TimeoutError(errno.ETIMEDOUT, f"the name service did not answer within {timeout:g} s") from None
    return _unique(found)


def _unique(found: _AddrInfo) -> list[Address]:
    return list(dict.fromkeys(Address(family, sockaddr) for family, _, _, _, sockaddr in found))


async def dial(addresses: Sequence[Address], timeout: float) -> Dialled:
    """Connect to the first of some addresses that can be connected to: one connection, never two at a time.

    Parameters
    ----------
    addresses : sequence of Address
        One or more.
    timeout : float
        Bound of all attempts together (seconds).

    Returns
    -------
    Dialled
        The connection.

    Raises
    ------
    OSError
        What the last attempt ended with, a `TimeoutError` with ``ETIMEDOUT`` where it was the time. No socket is left.
    """
    end = asyncio.get_running_loop().time() + timeout
    failure: OSError = OSError("no address")
    for place, address in enumerate(addresses):
        left = end - asyncio.get_running_loop().time()
        try:
            # An address that swallows everything leaves time for the ones after it.
            return await _dial_one(address, left / (len(addresses) - place))
        except OSError as e:
            failure = e
    raise failure


async def _dial_one(address: Address, timeout: float) -> Dialled:
    loop = asyncio.get_running_loop()
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        begun_at = loop.time()
        try:
            async with asyncio.timeout(timeout):
                await loop.sock_connect(sock, address.sockaddr)
        except OSError as e:
            # A time-out of ours has no number; the texts of asyncio are about its own calls.
            number = e.errno or errno.ETIMEDOUT
            raise OSError(number, os.strerror(number)) from e
        if sock.getsockname() == _peer_of(sock):
            # The port is one that this host lends to clients, nobody listens on it, and we were lent it ourselves.
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        # The kernel knows better than a loop that has to wake up first.
        return Dialled(sock, address, round_trip_of(sock) or loop.time() - begun_at)
    except BaseException:
        sock.close()
        raise


def _peer_of(sock: socket.socket) -> object:
    """Return the other end of a connection that was made; raise an error if it was reset since."""
    try:
        return sock.getpeername()
    except OSError as e:
        raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)) from e


_HINTS: Final = {
    ExitCode.REFUSED: "refused: nothing listens there; is the device's server running, and is this its port?",
    ExitCode.CONNECT_TIMEOUT: "no answer: is the host up, does a firewall let the port through, is its queue full?",
    ExitCode.NAME_OR_ROUTE: "no way there: check the address, the network and the routes",
    ExitCode.RESET: "connected, and reset at once: the server is busy, or does not want this client",
    ExitCode.USAGE: "this host's own rules forbid it",
}


def failure_to_connect(where: object, error: OSError) -> Failure:
    """Return what to say where a connection could not be made."""
    code = exit_code_for_error(error)
    if isinstance(error, socket.gaierror):
        text = f"the name cannot be resolved ({sentence_of(error)}); check its spelling and this host's name service"
    else:
        text = _HINTS.get(code, sentence_of(error))
    failure = Failure(code, f"cannot connect to {where}: {text}")
    failure.__cause__ = error
    return failure
