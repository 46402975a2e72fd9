"""What only the kernel knows of a socket, where a platform tells: its peer's address, that it hung up, what it took."""

import asyncio
import contextlib
import select
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any, cast

__all__ = [
    "HangupWatch",
    "answered_within",
    "bytes_acknowledged",
    "peer_has_ended",
    "readable_address",
    "unanswered_for",
]


# Where Linux' ``struct tcp_info`` has what we ask for: words of 4 bytes, but the last one of 8 (tcp(7), linux/tcp.h).
_UNACKED, _LAST_DATA_RECV, _LAST_ACK_RECV = 6, 13, 14
_PROBES_OFFSET, _BYTES_ACKED_OFFSET, _NOTSENT_OFFSET = 3, 120, 144
_ESTABLISHED = 1


def _tcp_info(sock: Any, size: int) -> bytes:
    """Return the beginning of what the kernel tells of a socket, ``b""`` if it tells less than `size` bytes."""
    if sys.platform == "linux":
        if sock is not None:
            # A socket that is gone refuses; uvloop's stand-in for one then has the descriptor -1, a ValueError.
            with contextlib.suppress(OSError, ValueError):
                info: bytes = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size)
                return info if len(info) == size else b""
    return b""


def bytes_acknowledged(sock: Any) -> int | None:
    """Return how much the peer has acknowledged since the connection was made (bytes); None where that is not told.

    Sizes of buffers do not say as much: a peer that reads slowly looks dead until a third of the kernel's send buffer
    is free, and TLS hides a buffer.

    Parameters
    ----------
    sock : socket.socket, or what ``transport.get_extra_info("socket")`` gives
        A connected TCP socket, or None.
    """
    info = _tcp_info(sock, _BYTES_ACKED_OFFSET + 8)
    return int(struct.unpack_from("Q", info, _BYTES_ACKED_OFFSET)[0]) if info else None


def answered_within(since: float, sock: Any) -> bool:
    """Return whether the peer's kernel sent anything, if only an acknowledgement, within the last `since` seconds.

    True where that cannot be asked. So it is while a closed window holds back data: then Linux sends no keepalive, and
    asks after the window at a pace of its own, up to minutes apart; a peer that has answered the last time counts.

    Parameters
    ----------
    since : float
        How far to look back (seconds).
    sock : socket.socket, or what ``transport.get_extra_info("socket")`` gives
        A connected TCP socket, or None.
    """
    words = _words(sock)
    return not words or _silence(words) <= since or (not words[_UNACKED] and _has_closed_its_window(sock))


def _has_closed_its_window(sock: Any) -> bool:
    """Return whether data without a segment under way wait for a peer that has answered the last question."""
    info = _tcp_info(sock, _NOTSENT_OFFSET + 4)
    return bool(info) and info[_PROBES_OFFSET] == 0 and struct.unpack_from("I", info, _NOTSENT_OFFSET)[0] > 0


def unanswered_for(sock: Any) -> float | None:
    """Return for how long nothing was heard of the peer's kernel, if segments wait for its acknowledgement (seconds).

    None if none do, or that cannot be asked.

    Parameters
    ----------
    sock : socket.socket, or what ``transport.get_extra_info("socket")`` gives
        A connected TCP socket, or None.
    """
    words = _words(sock)
    return _silence(words) if words and words[_UNACKED] else None


def _words(sock: Any) -> tuple[int, ...]:
    count = _LAST_ACK_RECV + 1
    info = _tcp_info(sock, 4 * count)
    return struct.unpack(f"{count}I", info) if info else ()


def _silence(words: tuple[int, ...]) -> float:
    return min(words[_LAST_DATA_RECV], words[_LAST_ACK_RECV]) / 1000


def peer_has_ended(sock: Any) -> bool:
    """Return whether the peer's FIN or RST is here, read or not; False where that cannot be asked.

    Parameters
    ----------
    sock : socket.socket, or what ``transport.get_extra_info("socket")`` gives
        A TCP socket that was not closed on this side, or None.
    """
    info = _tcp_info(sock, 1)
    return bool(info) and info[0] != _ESTABLISHED


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
                # No descriptor may be left; then the peer is paused unwatched.
                with contextlib.suppress(OSError):
                    self._watch(fd)

    def _watch(self, fd: int) -> None:
        if sys.platform == "linux":
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


def readable_address(address: object) -> tuple[str, str]:
    """Return the host of a socket address, and the whole as a person writes it."""
    if not isinstance(address, tuple):
        return "", str(address or "an unnamed peer")
    host, port = (str(part) for part in cast("tuple[object, ...]", address)[:2])
    return host, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
