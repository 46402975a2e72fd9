"""Every bound of this library in two values: `Limits` for our own waits and sizes, `Keepalive` for the kernel's.

Pure data: no loop, no logging.
"""

import socket
from dataclasses import dataclass, fields
from typing import Protocol, Self

from .constants import KEEPALIVE_INTERVAL, KEEPALIVE_PROBES, KEEPALIVE_TIME, KEEPALIVE_USER_TIMEOUT

__all__ = ["DEFAULT_KEEPALIVE", "DEFAULT_LIMITS", "PROBING", "Keepalive", "Limits", "SocketLike"]


class SocketLike(Protocol):
    """A socket, or what a transport shows in its place."""

    @property
    def family(self) -> int:
        """Address family, such as ``socket.AF_INET6``."""
        ...

    def setsockopt(self, level: int, optname: int, value: int, /) -> None:
        """Set one integer option."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long things may take and how large they may get.

    Give one to any client or server as ``limits=``. ``None`` means without bound.

    Parameters
    ----------
    connect_timeout : float or None
        From the start of a client's attempt to connect to the end of its TLS handshake, name look-up included
        (seconds). A server gives a newcomer 5 s for the handshake, or ``ssl_handshake_timeout``.
    write_timeout : float or None
        How long a write may wait while the peer takes nothing at all. A peer that reads slowly, but reads,
        does not run into it (seconds). On Linux ``Keepalive.user_timeout`` has its own say: the kernel gives up a peer
        that leaves no room for so long, even one that is alive.
    close_timeout : float
        How long `close` tries to hand over what was written before it cuts the link (seconds).
    drain_timeout : float
        How long a link that the peer has ended stays connected while nobody reads what arrived before, or, with a
        read loop, while the reply to the last message is not written (seconds).
    callback_timeout : float or None
        How long one call of the connect callback may take before it is cancelled (seconds).
    frame_timeout : float or None
        How long a peer may take from the first byte of a frame that is waited for to its last; then the link is cut.
        None waits as long as it takes (seconds).
    frame_size : int
        Longest frame that `readuntil` and all built on it accept, terminator not counted (bytes).
        Twice as much is buffered before the peer is made to wait. The same as asyncio's keyword ``limit=``, which
        counts where both are given.
    strict_json : bool
        Refuse JSON that RFC 8259 does not know or warns of: ``NaN``, ``Infinity``, a key that stands twice. Read,
        it is a `json.JSONDecodeError`; written, a `JSONEncodeError`.
    strict_text : bool
        Refuse to write text that contains the terminator, because the peer would see two lines: a `ValueError`.

    Raises
    ------
    ValueError
        If a time is negative or not a number, or a size is below one.
    """

    connect_timeout: float | None = 15.0
    write_timeout: float | None = 10.0
    close_timeout: float = 2.0
    drain_timeout: float = 2.0
    callback_timeout: float | None = 10.0
    frame_timeout: float | None = None
    frame_size: int = 65_536
    strict_json: bool = False
    strict_text: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_timeout"):
                unbounded_allowed = field.name not in {"close_timeout", "drain_timeout"}
                if not (value is None and unbounded_allowed) and not _is_bounded_time(value):
                    raise ValueError(f"Limits.{field.name} must be a number of seconds, 0 or more, not {value!r}")
            elif field.name.startswith("strict_"):
                if not isinstance(value, bool):
                    raise ValueError(f"Limits.{field.name} must be True or False, not {value!r}")
            elif not isinstance(value, int) or value < 1:
                raise ValueError(f"Limits.{field.name} must be a whole number of bytes, 1 or more, not {value!r}")


def _is_bounded_time(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < float("inf")


_MOST = {"time": 32_767, "interval": 32_767, "probes": 127}
"""Largest figures that Linux takes (include/net/tcp.h: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL, MAX_TCP_KEEPCNT)."""

_TICK = 0.001
"""Unit of TCP_USER_TIMEOUT, whose 0 means that it is off (seconds)."""

_LONGEST_USER_TIMEOUT = 2_147_483
"""What a C int of such units holds, in whole seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keepalive:
    """What the kernel does to notice a peer that is gone without a word.

    The kernel asks after `time` seconds of silence, again every `interval` seconds, and gives up after `probes`
    unanswered questions, or once sent data stayed unacknowledged for `user_timeout` seconds. Where both are set
    Linux ends an idle link by the user time-out (tcp(7); RFC 1122, 4.2.3.6; RFC 5482).

    Parameters
    ----------
    time : int
        Silence before the first probe (seconds, 1 to 32 767).
    interval : int
        Time between probes (seconds, 1 to 32 767).
    probes : int
        Unanswered probes that end the connection (1 to 127).
    user_timeout : float or None
        Longest time that sent data may stay unacknowledged (seconds, 0.001 to 2 147 483). On Linux it also ends a
        link whose peer is alive but leaves no room for what was written, however large ``Limits.write_timeout`` is.
        ``None`` leaves the system's own rule, about 15 minutes on Linux. Ignored where the platform lacks the option.

    Raises
    ------
    ValueError
        If a figure is out of its range, or of another type.

    Notes
    -----
    The ranges are those of Linux (``MAX_TCP_KEEPIDLE`` and its neighbours in include/net/tcp.h; TCP_USER_TIMEOUT is a
    C int of milliseconds), for all systems: a program must not depend on where it runs.
    """

    time: int = KEEPALIVE_TIME
    interval: int = KEEPALIVE_INTERVAL
    probes: int = KEEPALIVE_PROBES
    user_timeout: float | None = KEEPALIVE_USER_TIMEOUT

    def __post_init__(self) -> None:
        for name, most in _MOST.items():
            value = getattr(self, name)
            if not isinstance(value, int) or not 1 <= value <= most:
                raise ValueError(f"Keepalive.{name} must be a whole number from 1 to {most}, not {value!r}")
        wanted = self.user_timeout
        if wanted is not None and not (_is_bounded_time(wanted) and _TICK <= wanted <= _LONGEST_USER_TIMEOUT):
            raise ValueError(
                f"Keepalive.user_timeout must be a number of seconds from {_TICK} to {_LONGEST_USER_TIMEOUT}, or None, "
                f"not {wanted!r}"
            )

    @classmethod
    def fast(cls) -> Self:
        """Return figures that notice a dead link within 6 s, for a network that one trusts.

        Returns
        -------
        Keepalive
            First probe after 3 s, then one a second; 5 s until data must be acknowledged.
        """
        return cls(time=3, interval=1, probes=3, user_timeout=5.0)

    def apply(self, sock: SocketLike) -> None:
        """Set the options on a connected TCP socket; any other kind of socket is left as it is.

        Parameters
        ----------
        sock : socket.socket, or what ``transport.get_extra_info("socket")`` gives
            The socket.

        Raises
        ------
        OSError
            If the socket is dead; options already set stay set.
        """
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            return
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        user_timeout = None if self.user_timeout is None else round(self.user_timeout * 1000)
        for option, value in zip(_OPTIONS, (self.time, self.interval, self.probes, user_timeout), strict=True):
            if option is not None and value is not None:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _known(*names: str) -> int | None:
    """Return the first of some names of options that the platform knows."""
    return next((getattr(socket, name) for name in names if hasattr(socket, name)), None)


# macOS calls the first one TCP_KEEPALIVE and has no user time-out; Windows has the three since Python 3.7.
_OPTIONS = (
    _known("TCP_KEEPIDLE", "TCP_KEEPALIVE"),
    _known("TCP_KEEPINTVL"),
    _known("TCP_KEEPCNT"),
    _known("TCP_USER_TIMEOUT"),
)

DEFAULT_LIMITS = Limits()
"""Where none are given."""

DEFAULT_KEEPALIVE = Keepalive()
"""Where none is given."""

PROBING = Keepalive(time=1, interval=1, probes=3, user_timeout=None)
"""Asks a peer that was silent for a second for a sign of life."""
