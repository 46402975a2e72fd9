"""The way between two hosts: how long it takes, how much fits, whether it is up.

A link loses nothing while it is up; TCP would repeat it, and a program sees only that it comes later. Cut it, and
nothing passes in either direction until it is restored.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ._handles import SimTimer
from ._trace import EventLog
from ._watch import KernelClock

__all__ = ["Carried", "Link", "LinkSettings", "Pace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """What a link is like.

    Parameters
    ----------
    latency : float or tuple of float
        One way, for each segment; a pair is the range of a random one (seconds).
    bandwidth : float or None
        In each direction (bytes per second).
    split : float
        How probable it is that what is sent at once is cut at a random place, again and again (0 <= split < 1).
    segment_size : int
        Most that travels as one piece (bytes).
    window : int
        How much a receiver keeps that its program has not read (bytes).
    send_buffer : int
        How much a sender's kernel keeps that the receiver has not acknowledged (bytes).
    initial_window : int or None
        How much a new connection sends before the first acknowledgement; doubles with each round trip (bytes).

    Raises
    ------
    ValueError
        If a figure is negative, or a size is below one.
    """

    latency: float | tuple[float, float] = 0.0005
    bandwidth: float | None = None
    split: float = 0.0
    segment_size: int = 65_536
    window: int = 65_536
    send_buffer: int = 65_536
    initial_window: int | None = None

    def __post_init__(self) -> None:
        low, high = self.latencies
        if not 0 <= low <= high < math.inf:
            raise ValueError(f"latency must be seconds, 0 or more, or a pair of them in order, not {self.latency!r}")
        if not 0 <= self.split < 1:
            raise ValueError(f"split must be a probability from 0 to below 1, not {self.split!r}")
        if self.bandwidth is not None and not self.bandwidth > 0:
            raise ValueError(f"bandwidth must be bytes per second above 0, or None, not {self.bandwidth!r}")
        for name in ("segment_size", "window", "send_buffer", "initial_window"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be 1 byte or more, not {value!r}")

    @property
    def latencies(self) -> tuple[float, float]:
        """The range of the latency (seconds)."""
        return self.latency if isinstance(self.latency, tuple) else (self.latency, self.latency)


class Carried(Protocol):
    """What travels over a link: one end of a connection, or an attempt at one."""

    def link_went_down(self) -> None:
        """Note that nothing arrives any more."""
        ...

    def link_came_up(self, *, nothing_lost: bool) -> None:
        """Note that things arrive again."""
        ...


class Link:
    """The way between two hosts, or of a host to itself.

    Parameters
    ----------
    name : str
        For the log.
    clock : KernelClock
        The loop.
    rng : random.Random
        For all that is random.
    settings : LinkSettings
        What it is like; may be replaced at any time.
    log : EventLog
        Where events are noted.
    """

    def __init__(
        self,
        name: str,
        clock: KernelClock,
        rng: random.Random,
        settings: LinkSettings,
        log: EventLog,
    ) -> None:
        self.name = name
        self.settings = settings
        self.is_up = True
        self.carried: dict[Carried, None] = {}
        self._clock = clock
        self._random = rng
        self._log = log
        self._busy_until = [0.0, 0.0]
        self._stall: SimTimer | None = None

    def cut(self) -> None:
        """Let nothing pass any more, and tell nobody."""
        self._end_stall()
        self._go_down("cut")

    def restore(self) -> None:
        """Let everything pass again; what was lost is sent again when its sender tries next."""
        self._end_stall()
        self._come_up(nothing_lost=False)

    def stall(self, duration: float) -> None:
        """Hold everything back for a while, and lose nothing.

        Parameters
        ----------
        duration : float
            How long (seconds).
        """
        if self.is_up:
            self._go_down("stall")
            self._stall = self._clock.kernel_at(self._clock.time() + duration, self._stall_is_over)

    def _stall_is_over(self) -> None:
        self._stall = None
        self._come_up(nothing_lost=True)

    def _end_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _go_down(self, why: str) -> None:
        self._log.note(why, self.name)
        if self.is_up:
            self.is_up = False
            self._each(lambda one: one.link_went_down())

    def _come_up(self, *, nothing_lost: bool) -> None:
        if not self.is_up:
            self.is_up = True
            self._log.note("restore", self.name)
            self._each(lambda one: one.link_came_up(nothing_lost=nothing_lost))

    def _each(self, call: Callable[[Carried], None]) -> None:
        for one in tuple(self.carried):
            call(one)

    def latency(self) -> float:
        """Return how long the next segment travels (seconds)."""
        low, high = self.settings.latencies
        return low if low == high else low + (high - low) * self._random.random()

    def round_trip(self) -> float:
        """Return the shortest time from a question to its answer (seconds)."""
        return 2 * self.settings.latencies[0]

    def piece(self, available: int) -> int:
        """Return how much of what is available travels as the next piece (bytes)."""
        size = min(available, self.settings.segment_size)
        if size > 1 and self.settings.split and self._random.random() < self.settings.split:
            size = self._random.randint(1, size - 1)
        return size

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
        """
        departure = max(self.now(), earliest)
        if self.settings.bandwidth is not None:
            departure = max(departure, self._busy_until[direction]) + size / self.settings.bandwidth
            self._busy_until[direction] = departure
        return departure + self.latency()

    def now(self) -> float:
        """Return the time (seconds)."""
        return self._clock.time()


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
