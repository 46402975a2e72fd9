"""From times of rounds to a ratio that can be reported, or to the reason why it cannot: pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["CONTROL_BOUND", "WIDTH_BOUND", "Ratio", "ratio", "why_unstable"]

CONTROL_BOUND = 0.05
"""How far the median of the control, the baseline against itself, may be off 1."""
WIDTH_BOUND = 0.15
"""How wide the quartiles of a ratio may be apart, as part of the median."""


@dataclass(frozen=True)
class Ratio:
    """How many times as fast as the baseline, over the rounds: more is faster."""

    median: float
    low: float
    """The first quartile."""
    high: float
    """The third quartile."""

    @property
    def width(self) -> float:
        """How far the quartiles are apart, as part of the median."""
        return (self.high - self.low) / self.median


def ratio(baseline: Sequence[float], costs: Sequence[float]) -> Ratio:
    """Compare what a contestant took for an item in each round with what the baseline took in the same round."""
    each = [base / cost for base, cost in zip(baseline, costs, strict=True)]
    if len(each) < 2:
        return Ratio(each[0], each[0], each[0])
    low, median, high = statistics.quantiles(each, n=4, method="inclusive")
    return Ratio(median, low, high)


def why_unstable(found: Ratio, control: Ratio) -> str:
    """Say why a ratio is not to be reported; nothing if it is."""
    if abs(control.median - 1) > CONTROL_BOUND:
        return f"the baseline against itself gave {control.median:.2f}"
    if found.width > WIDTH_BOUND:
        return f"the middle half of the rounds reaches from {found.low:.2f} to {found.high:.2f}"
    return ""
