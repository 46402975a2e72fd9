"""What was said, and when; bounded, so that no flood fills the memory."""

from collections import deque
from collections.abc import Callable
from typing import Final

__all__ = ["Transcript"]

_MOST: Final = 500
"""How many lines are kept."""


class Transcript:
    """Lines with their times.

    Parameters
    ----------
    clock : callable
        Gives the time (seconds).
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()
        self._lines: deque[str] = deque(maxlen=_MOST)
        self._count = 0

    def note(self, mark: str, text: str) -> None:
        """Add a line: ``<`` the program under test, ``>`` the script, ``*`` the connection."""
        self._count += 1
        self._lines.append(f"{self._clock() - self._began:9.3f}  {mark} {text}")

    def __str__(self) -> str:
        left_out = self._count - len(self._lines)
        head = [f"           ({left_out} lines before this)"] if left_out else []
        return "\n".join([*head, *self._lines]) or "           (nothing happened)"
