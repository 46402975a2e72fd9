"""How often that may be logged which a peer can bring about as often as it likes."""

import asyncio

__all__ = ["LogPace"]


class LogPace:
    """So often at once, and once a second after that.

    Parameters
    ----------
    burst : int
        How many at once; one comes back with each second.

    Attributes
    ----------
    count : int
        How many there were.
    skipped : int
        How many of those before were not logged since the last that was.
    """

    __slots__ = ("_burst", "_left", "_loop", "_seen_at", "_was_skipped", "count", "skipped")

    def __init__(self, burst: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._burst = burst
        self._left = float(burst)
        self._seen_at = self._loop.time()
        self.count = 0
        self.skipped = 0
        self._was_skipped = 0

    def allows(self) -> bool:
        """Count one, and return whether it may be logged."""
        now = self._loop.time()
        self._left = min(self._burst, self._left + now - self._seen_at)
        self._seen_at = now
        self.count += 1
        if self._left < 1:
            self._was_skipped += 1
            return False
        self._left -= 1
        self.skipped, self._was_skipped = self._was_skipped, 0
        return True
