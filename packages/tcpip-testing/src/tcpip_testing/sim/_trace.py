"""What happened, in order: one line for each event of the network."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Event", "EventLog"]


class Event(NamedTuple):
    """Something that happened.

    Parameters
    ----------
    time : float
        When, on the loop's clock (seconds).
    kind : str
        What, such as ``"data"`` or ``"fin"``.
    where : str
        Which end of which connection, or which link.
    detail : int or str
        How much, or what else.
    """

    time: float
    kind: str
    where: str
    detail: int | str = ""

    def __str__(self) -> str:
        return f"{self.time:12.6f}  {self.kind:10} {self.where} {self.detail}".rstrip()


class EventLog:
    """The events of a run.

    Parameters
    ----------
    clock : callable
        Gives the time.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.events: list[Event] = []
        self.on_event: Callable[[Event], object] | None = None

    def note(self, kind: str, where: str, detail: int | str = "") -> None:
        """Note one event."""
        event = Event(self._clock(), kind, where, detail)
        self.events.append(event)
        if self.on_event is not None:
            self.on_event(event)

    def digest(self) -> str:
        """Return a number that two runs share only if the same happened, at the same times to the last digit."""
        lines = "\n".join(f"{one.time!r} {one.kind} {one.where} {one.detail}" for one in self.events)
        return hashlib.sha256(lines.encode()).hexdigest()[:16]
