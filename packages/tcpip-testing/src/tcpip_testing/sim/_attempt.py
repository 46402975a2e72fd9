"""One attempt to connect: SYN, the answer, and the answer to that."""

import asyncio
import errno
import os
from collections.abc import Callable
from typing import NamedTuple

from ._link import Link
from ._server import Listener
from ._tcp import Tcp
from ._watch import WorldClock

__all__ = ["SYN_RETRIES", "SYN_TIMEOUT", "Attempt", "Opening", "fail"]

SYN_RETRIES = (1.0, 3.0, 7.0, 15.0, 31.0, 63.0)
"""When a connection is asked for again (seconds since the first time): tcp_syn_retries of Linux."""

SYN_TIMEOUT = 127.0
"""When that is given up (seconds)."""


class Opening(NamedTuple):
    """What two hosts do to open a connection.

    Parameters
    ----------
    listener : callable
        Returns who listens, or None.
    pair : callable
        Makes both ends.
    admit : callable
        Lets the end of the listening host be accepted.
    refused : callable
        Notes that nobody listens.
    """

    listener: Callable[[], Listener | None]
    pair: Callable[[], tuple[Tcp, Tcp]]
    admit: Callable[[Tcp], None]
    refused: Callable[[], None]


class Attempt:
    """One attempt to connect.

    Parameters
    ----------
    clock : WorldClock
        The loop.
    link : Link
        The way to the other host.
    result : asyncio.Future
        Who waits for the near end.
    opening : Opening
        What the hosts do.
    """

    def __init__(self, clock: WorldClock, link: Link, result: "asyncio.Future[Tcp]", opening: Opening) -> None:
        self._clock = clock
        self._link = link
        self._result = result
        self._opening = opening
        self._answered = False

    def _later(self, step: Callable[[], None]) -> None:
        self._clock.world_at(self._clock.time() + self._link.latency(), self._arrives, step)

    def _arrives(self, step: Callable[[], None]) -> None:
        until = self._link.stalled_until
        if until is None:
            step()
        else:
            self._clock.world_at(until, self._arrives, step)

    def syn(self) -> None:
        """Ask for a connection."""
        if not self._result.done():
            self._later(self._syn_arrives)

    def _syn_arrives(self) -> None:
        if not self._link.is_up or self._answered:
            return
        listener = self._opening.listener()
        if listener is None:
            self._later(self._refused)
        elif not listener.is_full:
            self._answered = True
            self._later(self._syn_ack_arrives)

    def _refused(self) -> None:
        if self._link.is_up:
            self._opening.refused()
            fail(self._result, errno.ECONNREFUSED)

    def _syn_ack_arrives(self) -> None:
        if not self._link.is_up:
            self._answered = False  # The next SYN is answered again.
            return
        if self._result.done():
            return
        near, far = self._opening.pair()
        far.on_ready = lambda: self._may_be_accepted(far)
        self._result.set_result(near)
        near.established()

    def _may_be_accepted(self, far: Tcp) -> None:
        far.on_ready = None
        self._opening.admit(far)


def fail(attempt: "asyncio.Future[Tcp]", number: int) -> None:
    """Let whoever waits for a connection have an error instead."""
    if not attempt.done():
        attempt.set_exception(OSError(number, os.strerror(number)))
