"""Figures and a picture of reply times; pure."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Times", "histogram", "in_words", "summarise"]

_BARS: Final = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True)
class Times:
    """What some reply times have in common (seconds).

    Parameters
    ----------
    count : int
        How many there are.
    least, p50, p90, p99, most : float
        Percentiles; each is one of the times.
    jitter : float
        How much a time differs from the one before it, on average.
    """

    count: int
    least: float
    p50: float
    p90: float
    p99: float
    most: float
    jitter: float


def summarise(times: Sequence[float]) -> Times | None:
    """Return the figures; None of no times."""
    if not times:
        return None
    ordered = sorted(times)

    def at(share: float) -> float:
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    steps = [abs(after - before) for before, after in itertools.pairwise(times)]
    jitter = sum(steps) / len(steps) if steps else 0.0
    return Times(len(times), ordered[0], at(0.5), at(0.9), at(0.99), ordered[-1], jitter)


def in_words(seconds: float) -> str:
    """Return a span of time with three digits and the unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}" if seconds / size < 999.5 else f"{seconds / size:.0f} {unit}"
    return f"{seconds * 1e6:.2g} us"


def histogram(times: Sequence[float], width: int = 40) -> Iterator[str]:
    """Yield lines of a picture: how many times lie in each of the classes, whose bounds are 1, 2, 5, 10, 20, 50...

    Parameters
    ----------
    times : sequence of float
        Above 0 (seconds).
    width : int
        Length of the longest bar (characters).
    """
    counts: dict[float, int] = {}
    for time in times:
        bound = _bound(time)
        counts[bound] = counts.get(bound, 0) + 1
    if not counts:
        return
    most = max(counts.values())
    bound = min(counts)
    while bound <= max(counts) * 1.001:
        count = next((found for key, found in counts.items() if math.isclose(key, bound)), 0)
        yield f"up to {in_words(bound):>7} {count:>7} {_bar(count / most * width)}".rstrip()
        bound = _bound(bound * 1.01)


def _bound(time: float) -> float:
    """Return the upper bound of the class that a time is in."""
    decade = 10.0 ** math.floor(math.log10(max(time, 1e-9)))
    return next(step * decade for step in (1, 2, 5, 10, 20) if time <= step * decade * (1 + 1e-9))


def _bar(length: float) -> str:
    eighths = round(length * 8)
    return "█" * (eighths // 8) + (_BARS[eighths % 8] if eighths % 8 else "")
