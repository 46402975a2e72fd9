"""The two clocks of a transcript, read together. They are the machine's: a recorder belongs to no event loop."""

import time

__all__ = ["now", "wall_clock_offset"]


def now() -> int:
    """Return the time on a clock that never goes back (nanoseconds)."""
    return time.monotonic_ns()


def wall_clock_offset() -> int:
    """Return what the clock on the wall shows (since 1970-01-01 UTC) less `now` (nanoseconds)."""
    return time.time_ns() - time.monotonic_ns()
