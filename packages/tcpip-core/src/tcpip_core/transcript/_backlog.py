"""What was observed and is not written yet: a bounded queue from the links' threads to the one that writes."""

import threading
from dataclasses import dataclass

from ._events import Data, Event, Gap

__all__ = ["Backlog", "size_of"]

_OVERHEAD = 300
"""What an event takes in memory beside its payload: 137 for data, 276 for a beginning (bytes; 3.11 and 3.13)."""


@dataclass(slots=True)
class _Missing:
    """Events that nobody can have any more."""

    since: int = 0
    events: int = 0
    bytes: int = 0
    reason: str = ""

    def add(self, event: Event, reason: str) -> None:
        """Count one more."""
        if not self.events:
            self.since, self.reason = event.time, reason
        if isinstance(event, Gap):
            self.events += event.events
            self.bytes += event.bytes
        else:
            self.events += 1
            self.bytes += len(event.payload) if isinstance(event, Data) else 0

    def gap(self) -> list[Gap]:
        """Return the event that tells of it, if there is anything to tell."""
        return [Gap(self.since, self.events, self.bytes, self.reason)] if self.events else []


def size_of(event: Event) -> int:
    """Return how much memory an event takes, rounded up (bytes)."""
    return _OVERHEAD + (len(event.payload) if isinstance(event, Data) else 0)


class Backlog:
    """Events on their way to a file.

    Parameters
    ----------
    most : int
        How much memory they may take (bytes). Beyond that payloads are dropped, and counted; what opens and closes
        links is kept up to twice as much.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._changed = threading.Condition()
        self._events: list[Event] = []
        self._size = 0
        # Before what is queued, because it could not be written; and behind it, because there was no room.
        self._unwritten, self._dropped = _Missing(), _Missing()
        self._hurry = False
        self._closed = False
        self._taken = 0
        self._written = 0
        self._put = 0

    def put(self, event: Event) -> None:
        """Queue an event, or count it as missing; never waits for the disk."""
        size = size_of(event)
        most = self._most if isinstance(event, Data) else 2 * self._most
        with self._changed:
            if self._closed:
                return
            if self._size + size > most:
                self._dropped.add(event, "the recorder could not keep up")
                return
            self._events.append(event)
            self._size += size
            self._put += 1
            if len(self._events) == 1:
                self._changed.notify_all()

    def give_up(self, events: list[Event], reason: str) -> None:
        """Count events that were taken, and could not be written, as missing."""
        with self._changed:
            for event in events:
                self._unwritten.add(event, reason)

    def take(self, patience: float) -> list[Event] | None:
        """Wait for events, then a little for more, and take them all; None once closed and empty.

        Parameters
        ----------
        patience : float
            How long to collect before they are taken (seconds).

        Returns
        -------
        list of Event
            What was queued, with a `Gap` before or behind it where something is missing.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._events or self._closed)
            self._changed.wait_for(lambda: self._hurry or self._closed, patience)
            taken = [*self._unwritten.gap(), *self._events, *self._dropped.gap()]
            if not taken:
                return None
            self._events, self._size, self._taken = [], 0, self._put
            self._unwritten, self._dropped = _Missing(), _Missing()
        return taken

    def done(self) -> None:
        """Note that what was taken last is dealt with."""
        with self._changed:
            self._written = self._taken
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until everything queued so far is dealt with; return whether it was, in time."""
        with self._changed:
            due = self._put
            self._hurry = True
            self._changed.notify_all()
            try:
                return self._changed.wait_for(lambda: self._written >= due, timeout)
            finally:
                self._hurry = False

    def close(self) -> None:
        """Take nothing more in."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def is_closed(self) -> bool:
        """Whether nothing more comes in."""
        return self._closed

    @property
    def missing(self) -> str:
        """How much could not be written and is not told yet, in words."""
        return f"{self._unwritten.events} events, {self._unwritten.bytes} bytes"
