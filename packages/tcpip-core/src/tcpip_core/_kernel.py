"""What only the kernel knows of a socket, where a platform tells: the peer hung up; the peer took this much."""

import asyncio
import contextlib
import select
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

if sys.platform == "linux":
    import fcntl
    import termios

__all__ = ["HangupWatch", "answered_within", "unacknowledged"]


def unacknowledged(sock: Any) -> int:
    """Return how much sent data the peer has not acknowledged; 0 where that cannot be asked (bytes).

    Parameters
    ----------
    sock : socket.socket, or what ``transport.get_extra_info("socket")`` gives
        A connected TCP socket, or None.
    """
    if sys.platform == "linux":
        if sock is not None:
            with contextlib.suppress(OSError):
                # SIOCOUTQ, tcp(7). Without it, a slow peer looks dead until a third of the send buffer is free.
                answer: bytes = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
                return int(struct.unpack("i", answer)[0])
    return 0


_LAST_DATA_RECV, _LAST_ACK_RECV = 13, 14
"""Where ``tcpi_last_data_recv`` and ``tcpi_last_ack_recv`` stand in Linux' ``struct tcp_info``, in words of 4 bytes."""


def answered_within(since: float, sock: Any) -> bool:
    """Return whether the peer's kernel sent anything, if only an acknowledgement, within the last `since` seconds.

    True where that cannot be asked.

    Parameters
    ----------
    since : float
        How far to look back (seconds).
    sock : socket.socket, or what ``transport.get_extra_info("socket")`` gives
        A connected TCP socket, or None.
    """
    if sys.platform == "linux":
        if sock is not None:
            with contextlib.suppress(OSError):
                words = struct.unpack("15I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 60))
                return bool(min(words[_LAST_DATA_RECV], words[_LAST_ACK_RECV]) <= since * 1000)
    return True


class HangupWatch:
    """Calls back once if the peer of a socket ends the connection, in whatever way.

    A transport that is paused looks at its socket no more, so an end behind unread data would go unnoticed, and a
    dead peer would keep the slot for ever.

    Where the platform has no ``epoll`` (Linux has), or there is no real socket, nothing is watched.

    Parameters
    ----------
    fd : int
        The socket's descriptor; below 0 means none.
    on_hangup : callable
        What to call.
    """

    def __init__(self, fd: int, on_hangup: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_hangup = on_hangup
        self._epoll: Any = None
        if sys.platform == "linux":
            if fd >= 0:
                # An epoll of our own: the loop's would report unread data over and over. Errors need no flag.
                self._epoll = select.epoll()
                self._epoll.register(fd, select.EPOLLRDHUP)
                self._loop.add_reader(self._epoll.fileno(), self._hung_up)

    def _hung_up(self) -> None:
        self.stop()
        self._on_hangup()

    def stop(self) -> None:
        """Watch no more; harmless if it does not."""
        if self._epoll is not None:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None
