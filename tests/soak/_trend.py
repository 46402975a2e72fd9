"""Whether a series is flat: a slope that a few outliers cannot bend, and how much it says over the whole time."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Trend", "judge"]

WARM_UP = 0.2
"""Part of the series that is left out at its beginning: caches fill, the allocator settles."""

MOST_POINTS = 300
"""The slope compares each point with each; longer series are thinned to medians of neighbours."""

FEWEST_POINTS = 10


@dataclass(frozen=True)
class Trend:
    """A series, and what its slope says."""

    name: str
    unit: str
    values: Sequence[float]
    growth: float
    """How much the slope makes over the time that is judged."""
    most: float
    is_flat: bool

    def __str__(self) -> str:
        if math.isnan(self.growth):
            return f"{self.name}: too short a time to judge"
        verdict = "flat" if self.is_flat else "NOT FLAT"
        low, high = (min(self.values), max(self.values)) if self.values else (0, 0)
        return (
            f"{self.name}: {verdict}, {self.growth:+.3g} over the time (at most {self.most:g}); "
            f"between {low:.4g} and {high:.4g} {self.unit}".rstrip()
        )


def judge(name: str, seconds: Sequence[float], values: Sequence[float], *, most: float, unit: str = "") -> Trend:
    """Judge a series by its Theil-Sen slope, the median of the slopes between all pairs of points.

    Up to 29 % of the points may be anything. Too short a series is not flat: nothing was shown.
    """
    skipped = round(len(values) * WARM_UP)
    times, levels = thin(seconds[skipped:]), thin(values[skipped:])
    if len(levels) < FEWEST_POINTS:
        return Trend(name, unit, values, float("nan"), most, is_flat=False)
    pairs = [(i, j) for i in range(len(times)) for j in range(i)]
    slope = statistics.median((levels[i] - levels[j]) / (times[i] - times[j]) for i, j in pairs)
    growth = slope * (times[-1] - times[0])
    return Trend(name, unit, values, growth, most, is_flat=growth <= most)


def thin(values: Sequence[float]) -> list[float]:
    """Reduce a series to medians of neighbours."""
    width = -(-len(values) // MOST_POINTS) or 1
    return [statistics.median(values[i : i + width]) for i in range(0, len(values), width)]
