"""Something that carries data and can be interrupted: a link between hosts, or a single connection."""

import math
from typing import Protocol

from ._handles import SimTimer
from ._trace import EventLog
from ._watch import WorldClock

__all__ = ["Carried", "Line"]


class Carried(Protocol):
    """One end of a connection, which goes over a line."""

    def line_went_down(self) -> None:
        """Note that nothing arrives any more."""
        ...

    def line_came_up(self, *, nothing_lost: bool) -> None:
        """Note that things arrive again."""
        ...


class Line:
    """Something that carries data in both directions, while it is up.

    Parameters
    ----------
    name : str
        For the list of events.
    clock : WorldClock
        The loop.
    log : EventLog
        Where events are noted.

    Attributes
    ----------
    is_up : bool
        Whether things arrive.
    """

    def __init__(self, name: str, clock: WorldClock, log: EventLog) -> None:
        self.name: str = name
        self.is_up: bool = True
        self.carried: dict[Carried, None] = {}
        self._clock = clock
        self._log = log
        self._stall: SimTimer | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {'up' if self.is_up else 'down'}>"

    def cut(self) -> None:
        """Let nothing pass any more, and tell nobody."""
        self._end_stall()
        self._go_down("cut")

    def restore(self) -> None:
        """Let everything pass again; what was lost is sent again when its sender tries next, as TCP does."""
        self._end_stall()
        self._come_up(nothing_lost=False)

    def stall(self, duration: float) -> None:
        """Hold everything back for a while, and lose nothing; does nothing to what is cut or stalled for longer.

        Parameters
        ----------
        duration : float
            How long (seconds).

        Raises
        ------
        ValueError
            If it is negative or infinite.
        """
        if not 0 <= duration < math.inf:
            raise ValueError(f"the duration of a stall must be seconds, 0 or more, and finite, not {duration!r}")
        end = self._clock.time() + duration
        if self.is_up or (self.stalled_until is not None and self.stalled_until < end):
            self._end_stall()
            self._go_down("stall")
            self._stall = self._clock.world_at(end, self._stall_is_over)

    @property
    def stalled_until(self) -> float | None:
        """When a stall ends (seconds on the loop's clock); None if there is none."""
        return None if self._stall is None else self._stall.due

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
            for one in tuple(self.carried):
                one.line_went_down()

    def _come_up(self, *, nothing_lost: bool) -> None:
        if not self.is_up:
            self.is_up = True
            self._log.note("restore", self.name)
            for one in tuple(self.carried):
                one.line_came_up(nothing_lost=nothing_lost)
