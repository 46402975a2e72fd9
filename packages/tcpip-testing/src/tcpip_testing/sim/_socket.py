"""What a transport or server shows as its socket: options can be set, addresses asked for, nothing else done."""

import errno
import os
import socket
import struct
from typing import Any

from ._tcp import Address, Tcp

__all__ = ["SimSocket", "family_of"]

_RESET = struct.pack("ii", 1, 0)
"""What ``SO_LINGER`` is set to by programs that end with RST."""


def family_of(address: str) -> socket.AddressFamily:
    """Return the family of a numeric address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class SimSocket:
    """A socket without a descriptor.

    Parameters
    ----------
    local : tuple
        Its own address.
    tcp : Tcp or None
        The connection below; None for one that listens.
    """

    type: int = socket.SOCK_STREAM
    proto: int = socket.IPPROTO_TCP

    def __init__(self, local: Address, tcp: Tcp | None = None) -> None:
        self._local = local
        self._tcp = tcp
        self._options: dict[tuple[int, int], int] = {}
        self._known = {
            (socket.SOL_SOCKET, socket.SO_TYPE): self.type,
            (socket.IPPROTO_TCP, socket.TCP_NODELAY): int(tcp is not None),  # As asyncio sets it.
        }
        self.family: socket.AddressFamily = family_of(local[0])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._local}>"

    def _check_open(self) -> None:
        if self._tcp is not None and self._tcp.closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def fileno(self) -> int:
        """Return -1: there is no descriptor."""
        return -1

    def gettimeout(self) -> float:
        """Return 0: it never blocks."""
        return 0

    def settimeout(self, value: float | None, /) -> None:
        """Accept 0 alone, as the sockets of asyncio's transports do.

        Raises
        ------
        ValueError
            If it is anything else.
        """
        if value != 0:
            raise ValueError("settimeout(): only 0 timeout is allowed on transport sockets")

    def setblocking(self, flag: bool, /) -> None:
        """Accept False alone, as the sockets of asyncio's transports do.

        Raises
        ------
        ValueError
            If it is True.
        """
        if flag:
            raise ValueError("setblocking(): transport sockets cannot be blocking")

    def getsockname(self) -> Address:
        """Return its own address."""
        self._check_open()
        return self._local

    def getpeername(self) -> Address:
        """Return the address of the other end.

        Raises
        ------
        OSError
            If there is none.
        """
        self._check_open()
        if self._tcp is None or self._tcp.dead:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return self._tcp.remote

    def setsockopt(self, level: int, optname: int, value: Any, optlen: int | None = None, /) -> None:
        """Set an option; those of keepalive, the user time-out and ``SO_LINGER`` without time have an effect."""
        self._check_open()
        if self._tcp is not None and (level, optname) == (socket.SOL_SOCKET, socket.SO_LINGER):
            self._tcp.resets_on_close = value == _RESET
        number = value if isinstance(value, int) else int.from_bytes(value[:4] if value else b"", "little")
        if self._tcp is None:
            self._options[level, optname] = number
        else:
            self._tcp.set_option(level, optname, number)

    def getsockopt(self, level: int, optname: int, buflen: int = 0, /) -> int | bytes:
        """Return an option that was set, otherwise what asyncio sets, or 0."""
        self._check_open()
        options = self._options if self._tcp is None else self._tcp.options
        number = options.get((level, optname), self._known.get((level, optname), 0))
        return number.to_bytes(buflen, "little") if buflen else number
