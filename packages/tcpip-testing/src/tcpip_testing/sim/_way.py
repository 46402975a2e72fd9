"""What one end of a connection has sent, on its way to the other: in order, lost while the line is down, sent again."""

from collections.abc import Callable
from typing import NamedTuple

from ._link import Course, Pace
from ._silence import next_retry

__all__ = ["Segment", "Way"]


class Segment(NamedTuple):
    """What travels.

    Parameters
    ----------
    kind : str
        ``"data"``, ``"fin"``, ``"rst"``, ``"window"`` (the receiver has read) or ``"ready"`` (may be accepted).
    data : bytes
        The data.
    number : int
        How much the receiver has read (bytes).
    """

    kind: str
    data: bytes = b""
    number: int = 0


class Way:
    """The way from one end to the other.

    Parameters
    ----------
    course : Course
        What it goes over.
    direction : int
        Which way over the link, 0 or 1.
    deliver : callable
        Called with each segment that arrives.
    """

    def __init__(self, course: Course, direction: int, deliver: Callable[[Segment], None]) -> None:
        self._course = course
        self._clock = course.clock
        self._pace = Pace(course.link, direction)
        self._deliver = deliver
        self._lost: list[Segment] = []
        self._lost_at = 0.0
        self._given_up = False
        self._has_gap = False

    def put(self, segment: Segment) -> None:
        """Send something."""
        self._clock.world_at(self._pace.arrival(len(segment.data)), self._arrive, segment)

    def _arrive(self, segment: Segment) -> None:
        """Be at the other end, if the line is up; what is lost is sent again, but an RST is sent once."""
        is_reset = segment.kind == "rst"
        if self._course.is_up() and not self._lost and (is_reset or not self._has_gap):
            self._deliver(segment)
        elif self._given_up:
            self._has_gap = True
        elif not is_reset:
            self._lost_at = self._lost_at if self._lost else self._clock.time()
            self._lost.append(segment)

    def send_again(self, *, nothing_lost: bool) -> bool:
        """Send what was lost again, when TCP would; return whether there is anything."""
        if not self._lost:
            return False
        now = self._clock.time()
        when = now if nothing_lost else next_retry(self._lost_at, now)
        self._clock.world_at(when + self._course.link.latency(), self._arrive_again)
        return True

    def _arrive_again(self) -> None:
        if self._course.is_up():
            lost, self._lost = self._lost, []
            for segment in lost:
                self._deliver(segment)

    def give_up(self) -> None:
        """Send nothing again: what is still on its way comes after a gap that nobody fills."""
        self._given_up = True
        if self._lost:
            self._lost.clear()
            self._has_gap = True
