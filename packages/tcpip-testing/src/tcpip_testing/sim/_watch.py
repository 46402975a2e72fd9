"""What the simulated world needs of the loop, and who is told that a socket has something for them."""

import contextvars
from collections.abc import Callable
from typing import Protocol, TypeVarTuple, Unpack

from ._handles import SimHandle, SimTimer

__all__ = ["Holder", "Watch", "WorldClock"]

Ts = TypeVarTuple("Ts")


class WorldClock(Protocol):
    """What the simulated world asks of the loop."""

    def time(self) -> float:
        """Return the time (seconds)."""
        ...

    def world_at(self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts) -> SimTimer:
        """Call something later that is no timer of the program."""
        ...

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: contextvars.Context | None = None
    ) -> SimHandle:
        """Call something in the next turn."""
        ...


class Holder(Protocol):
    """What a program holds of a connection."""

    def drop(self) -> None:
        """Be gone with a loop that could not go on: nobody had a chance to close this."""
        ...


class Watch:
    """Somebody who wants to know that a socket is readable, or writable; told once a turn while it is so.

    Parameters
    ----------
    clock : WorldClock
        The loop.
    is_ready : callable
        Returns whether it is so.
    """

    __slots__ = ("_callback", "_clock", "_context", "_handle", "_is_ready")

    def __init__(self, clock: WorldClock, is_ready: Callable[[], bool]) -> None:
        self._clock = clock
        self._is_ready = is_ready
        self._callback: Callable[[], object] | None = None
        self._context: contextvars.Context | None = None
        self._handle: SimHandle | None = None

    def start(self, callback: Callable[[], object], context: contextvars.Context) -> None:
        """Tell somebody from now on.

        Parameters
        ----------
        callback : callable
            What is called, in a turn of the loop.
        context : contextvars.Context
            What it runs in.
        """
        self._callback, self._context = callback, context
        self.look()

    def stop(self) -> None:
        """Tell nobody any more."""
        self._callback = None
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def look(self) -> None:
        """Tell in the next turn, if there is something to tell."""
        if self._callback is not None and self._handle is None and self._is_ready():
            self._handle = self._clock.call_soon(self._tell, context=self._context)

    def _tell(self) -> None:
        self._handle = None
        if self._callback is not None and self._is_ready():
            self._callback()
            self.look()
