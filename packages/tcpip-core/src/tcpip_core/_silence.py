"""A peer that falls silent before something is sent to it: the kernel by itself takes too long to give up.

While sent data are unacknowledged Linux asks no keepalive questions, and the user time-out counts from the first
retransmission, not from when the peer was last heard (seen on Linux 6.18). So a first write in the eighth second of a
silence would begin another 11 s.
"""

import asyncio

from ._kernel import unanswered_for
from ._limits import Keepalive
from ._loss import LossReason
from ._ports import Link

__all__ = ["SilenceWatch"]

_JUST = 0.1
"""Within what time before a write something must have come (seconds)."""


class SilenceWatch:
    """Ends a link where what was sent is unacknowledged, and nothing was heard for as long as keepalive would wait.

    It looks every half `Keepalive.interval`, and only while there is something unacknowledged: an idle link has no
    timer. Where the platform does not tell, or there is no user time-out, nothing is watched.

    Parameters
    ----------
    link : Link
        The connection that it belongs to.
    keepalive : Keepalive
        What is set on its socket.
    """

    __slots__ = ("_interval", "_limit", "_link", "_loop", "_received", "_timer", "_wrote_at", "is_needed")

    def __init__(self, link: Link, keepalive: Keepalive) -> None:
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._interval = keepalive.interval / 2
        self._limit = max(keepalive.user_timeout or 0.0, keepalive.time + keepalive.interval)
        self._timer: asyncio.TimerHandle | None = None
        # The handshake was a sign of life.
        self._wrote_at, self._received = self._loop.time(), -1
        self.is_needed = keepalive.user_timeout is not None

    def wrote(self) -> None:
        """Watch what was just written; to be called if `is_needed`, and the peer is not heard at this very moment.

        Not where the peer was heard just before: the kernel's own time-out counts from here, and a timer costs each
        turn of the loop more than all that is done here.
        """
        now, received = self._loop.time(), self._link.arrivals
        if received == self._received or now - self._wrote_at > _JUST:
            self._begin()
        self._wrote_at, self._received = now, received

    def _begin(self) -> None:
        self.is_needed = False
        self._timer = self._loop.call_later(self._interval, self._look)

    def _look(self) -> None:
        transport = self._link.transport
        silence = None if transport is None else unanswered_for(transport.get_extra_info("socket"))
        if silence is None:
            self.is_needed = True
        elif silence < self._limit:
            self._begin()
        else:
            self._link.give_up(LossReason.SILENT)

    def stop(self) -> None:
        """Watch no more."""
        self.is_needed = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
