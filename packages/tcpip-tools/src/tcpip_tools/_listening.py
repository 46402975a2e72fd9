"""Where a verb listens: ``PORT`` or ``HOST:PORT``, and the socket for it."""

import asyncio
import contextlib
import errno
import os
import socket
import struct
import sys
from typing import Final

from ._exit_codes import ExitCode, Failure, exit_code_for_error, is_address_of_another_host, sentence_of
from ._report import address_of
from ._targets import parse_address

__all__ = ["DEFAULT_HOST", "NO_LINGER", "bound_address", "cut", "listen", "parse_listen", "turn_away"]

DEFAULT_HOST: Final = "127.0.0.1"
NO_LINGER: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""Value of ``SO_LINGER`` with which closing a socket is a reset."""
_BACKLOG: Final = 100
_HINT: Final = "choose another port, or look who has it: tcpip who"


def parse_listen(text: str) -> tuple[str, int]:
    """Return the host and the port to listen on.

    Parameters
    ----------
    text : str
        ``PORT``, which is one of this host alone, or ``HOST:PORT``. Port 0 takes any that is free.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if ":" not in text:
        text = f"{DEFAULT_HOST}:{text}"
    return parse_address(text, lowest_port=0)


async def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, on one address of a name; whoever gets it closes it.

    Parameters
    ----------
    host, port
        Where.

    Raises
    ------
    Failure
        If that is not possible: the port is taken, or the address is not one of this host.
    """
    loop = asyncio.get_running_loop()
    sock: socket.socket | None = None
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        if sys.platform != "win32":  # There it would let two programs listen.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(_BACKLOG)
    except OSError as e:
        if sock is not None:
            sock.close()
        raise _failure(address_of(host, port), port, e) from e
    return sock


def _failure(where: str, port: int, error: OSError) -> Failure:
    if is_address_of_another_host(error):
        text = "this host does not have that address; give one of its own, or 0.0.0.0"
    elif error.errno == errno.EADDRINUSE:
        text = f"the port is taken; {_HINT} {port}"
    elif error.errno == errno.EACCES:
        text = f"{os.strerror(errno.EACCES).lower()}; ports from 1024 on need no rights"
    else:
        text = sentence_of(error)
    code = exit_code_for_error(error)
    return Failure(ExitCode.USAGE if code is ExitCode.EXPECTATION else code, f"cannot listen on {where}: {text}")


def bound_address(sock: socket.socket) -> tuple[str, int]:
    """Return the address and the port that a socket has."""
    host, port, *_ = sock.getsockname()
    return str(host), int(port)


def turn_away(sock: socket.socket) -> None:
    """Close a connection that was just accepted: by FIN, not by RST, also if its client has spoken already."""
    try:
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65_536):
            pass
    except OSError:
        pass  # Nothing more is there to read, or the client has left.
    finally:
        sock.close()


def cut(sock: socket.socket) -> None:
    """Close a connection by RST."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    sock.close()
