"""The dome itself: a shutter, and a motor that turns at a steady rate.

Pure: where it points follows from the time, which callers give. So nothing has to run while it turns.
"""

from ._protocol import arc

__all__ = ["Dome"]


class Dome:
    """A dome that starts closed and parked at azimuth 0.

    Parameters
    ----------
    rate : float
        How fast it turns (degrees per second, above 0).
    """

    def __init__(self, rate: float) -> None:
        if not rate > 0:
            raise ValueError(f"rate must be above 0 degrees per second, not {rate!r}")
        self.rate = rate
        self.shutter_open = False
        self.target = 0.0
        self._from = 0.0
        self._since = 0.0

    def _way(self, now: float) -> tuple[float, float]:
        """Return how far it has turned, and how far it has to (degrees)."""
        whole = arc(self._from, self.target)
        done = min(abs(whole), self.rate * max(0.0, now - self._since))
        return (done if whole >= 0 else -done), whole

    def azimuth(self, now: float) -> float:
        """Return where it points (degrees, 0 <= azimuth < 360).

        Parameters
        ----------
        now : float
            The time, on any clock that only grows (seconds).
        """
        done, whole = self._way(now)
        # Twice: the remainder of a tiny negative number is rounded up to 360 itself.
        return self.target if done == whole else (self._from + done) % 360 % 360

    def is_moving(self, now: float) -> bool:
        """Tell whether it turns."""
        done, whole = self._way(now)
        return done != whole

    def move(self, azimuth: float, now: float) -> None:
        """Turn to an azimuth the shorter way, starting from wherever it points now."""
        self._from, self._since, self.target = self.azimuth(now), now, azimuth

    def stop(self, now: float) -> None:
        """Stay where it points now."""
        self.move(self.azimuth(now), now)
