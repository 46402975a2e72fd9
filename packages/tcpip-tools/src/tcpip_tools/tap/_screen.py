"""What goes over a link, shown as it does: by a thread, so that a terminal that stands still does not stop the link.

Like a recorder it drops what it cannot keep up with, and says how much.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from tcpip_core.transcript import Data, Event, Gap

__all__ = ["Screen"]

_MOST: Final = 8 * 1024 * 1024
"""How much may wait to be shown (bytes)."""
_OVERHEAD: Final = 300
"""What an event takes in memory beside its payload (bytes)."""
_PATIENCE: Final = 2.0
"""How long what waits may take to be shown at the end (seconds)."""


class Screen:
    """Shows events while a block runs.

    Parameters
    ----------
    show : callable
        Takes the events one by one and shows them; called in the thread. Their times are nanoseconds since `start`.
    start : int
        By `time.monotonic_ns`.
    """

    def __init__(self, show: Callable[[Iterator[Event]], None], start: int) -> None:
        self._start = start
        self._changed = threading.Condition()
        self._events: deque[Event] = deque()
        self._size = 0
        self._dropped: Gap | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=lambda: show(self._taken()), name="screen", daemon=True)

    def put(self, event: Event) -> None:
        """Take an event, or count it as dropped; never waits."""
        size = _OVERHEAD + (len(event.payload) if isinstance(event, Data) else 0)
        with self._changed:
            if self._size + size > _MOST:
                self._drop(event, size - _OVERHEAD)
                return
            self._events.append(event)
            self._size += size
            if len(self._events) == 1:
                self._changed.notify()

    def _drop(self, event: Event, size: int) -> None:
        gap = self._dropped or Gap(event.time, 0, 0, "they came faster than they could be shown")
        self._dropped = replace(gap, events=gap.events + 1, bytes=gap.bytes + size)

    def _taken(self) -> Iterator[Event]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._events or self._is_closed)
                events, self._events, self._size = self._events, deque(), 0
                if self._dropped is not None:
                    events.append(self._dropped)
                    self._dropped = None
            if not events:
                return
            for event in events:
                yield replace(event, time=event.time - self._start)

    def __enter__(self) -> Self:
        """Begin to show."""
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Show what waits, for some time at most."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join(_PATIENCE)
