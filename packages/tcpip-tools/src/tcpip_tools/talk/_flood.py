"""So much of what a device says is shown to a person, and no more."""

__all__ = ["FloodGate"]


class FloodGate:
    """Lets so many messages a second through, and counts the rest.

    Parameters
    ----------
    most : int or None
        How many; None is all.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._second = -1
        self._count = 0
        self.held_back = 0

    def lets_through(self, now: float) -> bool:
        """Return whether a message of this moment may be shown."""
        if self._most is None:
            return True
        if int(now) != self._second:
            self._second, self._count = int(now), 0
        self._count += 1
        if self._count <= self._most:
            return True
        self.held_back += 1
        return False

    def take_held_back(self) -> int:
        """Return how many were held back since this was last asked."""
        count, self.held_back = self.held_back, 0
        return count
