"""What was observed and is not written yet: a bounded queue from the links' threads to the one that writes."""

import threading
from dataclasses import dataclass, field
from typing import TypeAlias

from ._events import Close, Data, Event, Gap, Open

__all__ = ["Backlog", "Entry", "Missing", "size_of"]

_OVERHEAD = 300
"""What an event takes in memory beside its payload: 137 for data, 276 for a beginning (bytes; 3.11 and 3.13)."""


@dataclass(slots=True)
class Missing:
    """Events that nobody can have any more; stands where they would have stood."""

    time: int = 0
    events: int = 0
    bytes: int = 0
    reason: str = ""
    links: dict[int, Open | None] = field(default_factory=dict[int, Open | None])
    """Which links they have opened, and left open, or closed (None)."""

    def add(self, entry: "Entry", reason: str) -> None:
        """Count one more, or as many as are missing there."""
        if not self.events:
            self.time, self.reason = entry.time, entry.reason if isinstance(entry, Missing) else reason
        if isinstance(entry, Data):
            self.events += 1
            self.bytes += len(entry.payload)
        elif isinstance(entry, Gap | Missing):
            self.events += entry.events
            self.bytes += entry.bytes
        else:
            self.events += 1

    def note(self, event: Event) -> None:
        """Remember a link that is opened or closed; one that is both takes no memory."""
        if isinstance(event, Open):
            self.links[event.connection] = event
        elif isinstance(event, Close) and self.links.pop(event.connection, None) is None:
            self.links[event.connection] = None

    def gap(self) -> Gap:
        """Return the event that tells of it."""
        return Gap(self.time, self.events, self.bytes, self.reason)


Entry: TypeAlias = Event | Missing
"""What is on its way to a file."""


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
        self._entries: list[Entry] = []
        self._size = 0
        # Behind what is queued, because there was no room.
        self._dropped = Missing()
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
                self._dropped.note(event)
                return
            was_empty = not self._entries
            if self._dropped.events:
                # Else a stream would be joined over the hole. It goes beyond the bound by itself at most.
                self._entries.append(self._dropped)
                self._size += _OVERHEAD
                self._dropped = Missing()
            self._entries.append(event)
            self._size += size
            self._put += 1
            if was_empty:
                self._changed.notify_all()

    def take(self, patience: float) -> list[Entry] | None:
        """Wait for events, then a little for more, and take them all; None once closed and empty.

        Parameters
        ----------
        patience : float
            How long to collect before they are taken (seconds).

        Returns
        -------
        list of Entry
            What was queued, in order, with a `Missing` in each place where something is.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._entries or self._closed)
            self._changed.wait_for(lambda: self._hurry or self._closed, patience)
            taken = [*self._entries, self._dropped] if self._dropped.events else self._entries
            if not taken:
                return None
            self._entries, self._size, self._taken = [], 0, self._put
            self._dropped = Missing()
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
