"""Measure the time of a stretch of a program: on the clock, and on the processors, of all processes that take part."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Self

__all__ = ["Figures", "Meter"]


@dataclass(frozen=True)
class Figures:
    """How long something took (seconds)."""

    cpu: float
    wall: float


class Meter:
    """A context manager that measures what is done inside.

    Parameters
    ----------
    *others : int
        Processes that work for this one; what they spend meanwhile is added. Linux only.
    """

    def __init__(self, *others: int) -> None:
        # What clock_getcpuclockid(3) returns: the CPU clock of another process, to the nanosecond.
        self._clocks = [(~pid << 3) | 2 for pid in others]
        self._began = (0.0, 0.0)
        self.figures: Figures | None = None

    def _cpu(self) -> float:
        return time.process_time() + sum(map(time.clock_gettime, self._clocks))

    def __enter__(self) -> Self:
        self._began = (self._cpu(), time.perf_counter())
        return self

    def __exit__(self, *_: object) -> None:
        wall = time.perf_counter()
        self.figures = Figures(self._cpu() - self._began[0], wall - self._began[1])
