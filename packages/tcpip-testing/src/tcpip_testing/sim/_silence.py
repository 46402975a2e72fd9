"""When the kernel gives up on a peer that does not answer; pure.

The rules are those of Linux: tcp(7), RFC 1122 4.2.3.6, RFC 5482.
"""

import socket
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["ORPHAN_TIMEOUT", "Patience", "next_retry", "patience_of"]

_RETRANSMISSION_BOUND = 924.6
"""How long sent data may stay unacknowledged without a user time-out: 15 retries (seconds)."""

_FIRST_RETRY, _LONGEST_RETRY = 0.2, 120.0
"""Time until data are sent again: the first, and the longest after doubling (seconds)."""

ORPHAN_TIMEOUT = 60.0
"""How long the kernel keeps a connection that its program has closed, and the peer has not (seconds)."""


class Patience(NamedTuple):
    """What a socket's options say about silence.

    Parameters
    ----------
    keepalive : tuple of float or None
        Time until the first probe, time between probes (seconds), number of probes; None: no probes.
    user_timeout : float or None
        Longest time without an acknowledgement (seconds).
    """

    keepalive: tuple[float, float, int] | None
    user_timeout: float | None

    def gives_up_idle(self, last_heard: float) -> float | None:
        """Return when an idle link ends whose peer was last heard at a given time; None: never."""
        if self.keepalive is None:
            return None
        first, interval, probes = self.keepalive
        if self.user_timeout is None:
            return last_heard + first + probes * interval
        # Once a probe is out, the user time-out overrules the count of probes; it is looked at with each probe.
        sent = 1
        while first + sent * interval < self.user_timeout:
            sent += 1
        return last_heard + first + sent * interval

    def gives_up_sending(self, since: float) -> float:
        """Return when a link ends whose data are not acknowledged since a given time."""
        return since + (_RETRANSMISSION_BOUND if self.user_timeout is None else self.user_timeout)

    def next_probe(self, last_heard: float, now: float) -> float | None:
        """Return when the peer is asked next whether it is there; None: never."""
        if self.keepalive is None:
            return None
        first, interval, _ = self.keepalive
        when = last_heard + first
        while when < now:
            when += interval
        return when


def patience_of(options: Mapping[tuple[int, int], int]) -> Patience:
    """Read a socket's options."""

    def option(name: str, default: float) -> float:
        number = getattr(socket, name, None)
        return default if number is None else options.get((socket.IPPROTO_TCP, number), default)

    keepalive = None
    if options.get((socket.SOL_SOCKET, socket.SO_KEEPALIVE)):
        idle = option("TCP_KEEPIDLE", option("TCP_KEEPALIVE", 7200))
        keepalive = (idle, option("TCP_KEEPINTVL", 75), int(option("TCP_KEEPCNT", 9)))
    return Patience(keepalive, option("TCP_USER_TIMEOUT", 0) / 1000 or None)


def next_retry(lost_at: float, now: float) -> float:
    """Return when data that were lost are sent again, at the earliest now."""
    when, wait = lost_at, _FIRST_RETRY
    while True:
        when += wait
        if when >= now:
            return when
        wait = min(2 * wait, _LONGEST_RETRY)
