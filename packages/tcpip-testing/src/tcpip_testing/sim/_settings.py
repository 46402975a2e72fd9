"""What a link is like, in one value; pure."""

import math
import re
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

__all__ = ["LinkSettings"]

_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
_TIME = re.compile(r"(\d+\.?\d*|\.\d+) ?(s|ms|us)")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """What a link between two hosts is like.

    Parameters
    ----------
    latency : float or tuple of float or str
        How long each segment travels, one way (seconds). A pair is the range of a random one, which is jitter; text has
        units: ``"5ms"``, ``"1ms..20ms"``.
    bandwidth : float or None
        In each direction (bytes per second); None is without bound.
    split : float
        How probable it is that what is sent at once is cut at a random place, again and again (0 <= split < 1).
    merge : float
        How probable it is that data wait for more, for 40 ms at most, to travel in one piece (0 <= merge <= 1).
    segment_size : int
        Most that travels as one piece (bytes).
    window : int
        How much a receiver keeps that its program has not read (bytes).
    send_buffer : int
        How much a sender's kernel keeps that the receiver has not acknowledged (bytes).
    initial_window : int or None
        How much a new connection sends before the first acknowledgement; doubles with each round trip (bytes). None is
        without bound.

    Attributes
    ----------
    latencies : tuple of float
        The least and the greatest latency (seconds).

    Raises
    ------
    ValueError
        If a figure is negative or no number, a size is below one or not whole, or the text of a latency is of another
        form.
    """

    latency: float | tuple[float, float] | str = 0.0005
    bandwidth: float | None = None
    split: float = 0.0
    merge: float = 0.0
    segment_size: int = 65_536
    window: int = 65_536
    send_buffer: int = 65_536
    initial_window: int | None = None
    latencies: tuple[float, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        low, high = latencies = _latencies(self.latency)
        if not 0 <= low <= high < math.inf:
            raise ValueError(f"latency must be seconds, 0 or more, or a pair of them in order, not {self.latency!r}")
        object.__setattr__(self, "latencies", latencies)
        if not (_is_number(self.split) and 0 <= self.split < 1):
            raise ValueError(f"split must be a probability from 0 to below 1, not {self.split!r}")
        if not (_is_number(self.merge) and 0 <= self.merge <= 1):
            raise ValueError(f"merge must be a probability from 0 to 1, not {self.merge!r}")
        if self.bandwidth is not None and not (_is_number(self.bandwidth) and self.bandwidth > 0):
            raise ValueError(f"bandwidth must be bytes per second above 0, or None, not {self.bandwidth!r}")
        for name in ("segment_size", "window", "send_buffer", "initial_window"):
            value: object = getattr(self, name)
            if value is None and name == "initial_window":
                continue
            if not (isinstance(value, int) and value >= 1):
                raise ValueError(f"{name} must be 1 byte or more, and whole, not {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, Real)


def _latencies(latency: float | tuple[float, float] | str) -> tuple[float, float]:
    """Return the range of a latency (seconds)."""
    if not isinstance(latency, str):
        return _bounds(latency if isinstance(latency, tuple) else (latency, latency), latency)
    times = [_TIME.fullmatch(part.strip()) for part in latency.split("..")]
    seconds = [float(one[1]) * _UNITS[one[2]] for one in times if one]
    if len(seconds) != len(times) or len(seconds) > 2:
        raise ValueError(f"latency must be a time with a unit, or two, like '5ms' or '1ms..20ms', not {latency!r}")
    return seconds[0], seconds[-1]


def _bounds(pair: tuple[Any, ...], latency: object) -> tuple[float, float]:
    if len(pair) != 2 or not all(map(_is_number, pair)):
        raise ValueError(
            f"latency must be seconds, a pair of them as a tuple, or text like '5ms' or '1ms..20ms', not {latency!r}"
        )
    return float(pair[0]), float(pair[1])
