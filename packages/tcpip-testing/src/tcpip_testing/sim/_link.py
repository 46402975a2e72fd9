"""The way between two hosts: how long it takes, how much fits, whether it is up.

A link loses nothing while it is up; TCP would repeat it, and a program sees only that it comes later. Cut it, and
nothing passes in either direction until it is restored.
"""

import math
import random
from typing import NamedTuple

from ._line import Line
from ._settings import LinkSettings
from ._trace import EventLog
from ._watch import WorldClock

__all__ = ["Course", "Link", "Pace"]

_LONGEST_HOLD = 0.04
"""How long data wait for more to travel with (seconds): as long as Linux delays an acknowledgement at least."""


class Link(Line):
    """The way between two hosts, or of a host to itself.

    Parameters
    ----------
    name : str
        For the list of events.
    clock : WorldClock
        The loop.
    rng : random.Random
        For all that is random.
    settings : LinkSettings
        What it is like; may be replaced at any time. Sizes of windows and buffers are those of new connections.
    log : EventLog
        Where events are noted.

    Attributes
    ----------
    is_up : bool
        Whether things arrive.
    """

    def __init__(self, name: str, clock: WorldClock, rng: random.Random, settings: LinkSettings, log: EventLog) -> None:
        super().__init__(name, clock, log)
        self.settings: LinkSettings = settings
        self._random = rng
        self._busy_until = [0.0, 0.0]

    def latency(self) -> float:
        """Return how long the next segment travels.

        Returns
        -------
        float
            A random time of its range (seconds).
        """
        low, high = self.settings.latencies
        return low if low == high else low + (high - low) * self._random.random()

    def round_trip(self) -> float:
        """Return the shortest time from a question to its answer.

        Returns
        -------
        float
            Twice the least latency (seconds).
        """
        return 2 * self.settings.latencies[0]

    def piece(self, available: int) -> int:
        """Return how much of what is available travels as the next piece.

        Parameters
        ----------
        available : int
            How much there is (bytes, 1 or more).

        Returns
        -------
        int
            At least 1 (bytes).
        """
        size = min(available, self.settings.segment_size)
        if size > 1 and self.settings.split and self._random.random() < self.settings.split:
            size = self._random.randint(1, size - 1)
        return size

    def hold(self) -> float:
        """Return how long what is written waits for more to travel with.

        Returns
        -------
        float
            Mostly 0 (seconds).
        """
        merge = self.settings.merge
        return _LONGEST_HOLD if merge and self._random.random() < merge else 0.0

    def arrival(self, direction: int, size: int, earliest: float) -> float:
        """Return when something arrives that is sent now, or later.

        Parameters
        ----------
        direction : int
            0 or 1.
        size : int
            How long it is (bytes).
        earliest : float
            When it may leave at the earliest (seconds on the loop's clock).

        Returns
        -------
        float
            When (seconds on the loop's clock).
        """
        departure = max(self.now(), earliest)
        if self.settings.bandwidth is not None:
            departure = max(departure, self._busy_until[direction]) + size / self.settings.bandwidth
            self._busy_until[direction] = departure
        return departure + self.latency()

    def busy_for(self, now: float) -> float:
        """Return how long what was sent takes to leave.

        Parameters
        ----------
        now : float
            The time (seconds).

        Returns
        -------
        float
            How long (seconds); 0 without a bound of the bandwidth.
        """
        return max(0.0, *(until - now for until in self._busy_until))

    def now(self) -> float:
        """Return the time.

        Returns
        -------
        float
            The virtual one (seconds).
        """
        return self._clock.time()


class Course(NamedTuple):
    """What both ends of a connection share.

    Parameters
    ----------
    clock : WorldClock
        The loop.
    log : EventLog
        Where events are noted.
    link : Link
        The way between their hosts.
    line : Line
        This connection alone, which can be interrupted as well.
    """

    clock: WorldClock
    log: EventLog
    link: Link
    line: Line

    def is_up(self) -> bool:
        """Return whether things arrive."""
        return self.link.is_up and self.line.is_up


class Pace:
    """When what one end of a connection sends arrives: in order, and after TCP's slow start.

    Parameters
    ----------
    link : Link
        What it goes over.
    direction : int
        Which way, 0 or 1.
    """

    def __init__(self, link: Link, direction: int) -> None:
        self._link = link
        self._direction = direction
        self._previous = 0.0
        self._round = link.settings.initial_window
        self._left = self._round or 0
        self._departs = 0.0

    def arrival(self, size: int) -> float:
        """Return when a piece arrives that is sent now; always later than the one before it."""
        if self._round is not None and size:
            self._departs = max(self._departs, self._link.now())
            if size > self._left:
                self._departs += self._link.round_trip()
                self._round *= 2
                self._left = max(self._round, size)
            self._left -= size
        when = self._link.arrival(self._direction, size, self._departs)
        # Equal times would leave the order to chance on other loops.
        self._previous = when if when > self._previous else math.nextafter(self._previous, math.inf)
        return self._previous
