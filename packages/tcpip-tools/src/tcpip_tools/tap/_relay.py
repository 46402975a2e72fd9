"""Two ends of a link, each of which meets what happens at the other: bytes, FIN, half a link, RST, and pressure.

Rules of this file
------------------
* What is passed on is noted, and before it is passed on. Once the link has ended, nothing is passed on and nothing is
  noted: what one end still says then reaches nobody. So the `Close` is the last event of a link.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, TypeAlias

from tcpip_core import LossReason
from tcpip_core.transcript import Close, Closer, Data, Direction, Eof, Event, Open

from .._exit_codes import ExitCode, exit_code_for_error
from ._end import End

__all__ = ["Note", "Relay"]

Note: TypeAlias = Callable[[Event], None]
"""Takes an event with the time of `time.monotonic_ns`; must not wait."""

_LOOK: Final = 0.05
"""How often to look for what a transport does not tell (seconds)."""
_REASONS: Final = {
    ExitCode.RESET: LossReason.RST,
    ExitCode.CONNECT_TIMEOUT: LossReason.SILENT,
    ExitCode.NAME_OR_ROUTE: LossReason.UNREACHABLE,
    ExitCode.TLS: LossReason.TLS,
}
_NAMES: Final[dict[Direction, Closer]] = {">": "client", "<": "device"}


class Relay:
    """Passes on what happens at one end to the other, and notes it.

    Parameters
    ----------
    number : int
        Of the link.
    client, device : End
        The two ends, connected.
    note : callable
        Takes the events.

    Attributes
    ----------
    over : asyncio.Future
        Done when both ends are gone.
    size : dict
        How much went each way (bytes).
    reason : LossReason or None
        Why the link ended; None while it has not.
    """

    def __init__(self, number: int, client: End, device: End, note: Note) -> None:
        self._loop = asyncio.get_running_loop()
        self._number = number
        self._ends: Final = (client, device)
        self._note = note
        self._timer: asyncio.TimerHandle | None = None
        self.over: asyncio.Future[None] = self._loop.create_future()
        self.size: dict[Direction, int] = {">": 0, "<": 0}
        self.reason: LossReason | None = None

    def begin(self) -> None:
        """Note that there is a link, and begin to pass on."""
        client, device = self._ends
        self._note(Open(time.monotonic_ns(), self._number, client.address, device.address))
        for end in self._ends:
            end.own(self)
        self._look()

    @property
    def is_ending(self) -> bool:
        """Whether one side has ended it, so that it will be over soon."""
        return self.reason is not None or self._ends[0].is_stale

    def arrived(self, end: End, data: bytes) -> None:
        """Pass on bytes."""
        if self.reason is not None:
            return
        self._note(Data(time.monotonic_ns(), self._number, end.direction, data))
        self.size[end.direction] += len(data)
        self._other(end).send(data)

    def finished(self, end: End) -> None:
        """Pass on a FIN; after the second one the link is over."""
        if self.reason is not None:
            return
        self._note(Eof(time.monotonic_ns(), self._number, end.direction))
        other = self._other(end)
        other.finish()
        if other.is_finished or not other.has_halves:
            # Whoever spoke of the end first has closed the link; the other one has followed.
            closer = other.direction if other.is_finished else end.direction
            self._ended(LossReason.FIN if closer == "<" else LossReason.CLOSED_HERE, _NAMES[closer])
            for one in self._ends:
                one.close()

    def lost(self, end: End, error: Exception | None) -> None:
        """Pass on a reset, or that one end is silent: to the other end it cannot be shown but by a reset."""
        other = self._other(end)
        if error is not None:
            code = exit_code_for_error(error) if isinstance(error, OSError) else ExitCode.EXPECTATION
            reason = _REASONS.get(code, LossReason.ERROR)
            by: Closer = "network" if reason in {LossReason.SILENT, LossReason.UNREACHABLE} else _NAMES[end.direction]
            self._ended(reason, by)
            other.reset()
        elif self.reason is None:
            # A link with TLS has no halves: its end is that of both directions.
            self._ended(LossReason.FIN if end.direction == "<" else LossReason.CLOSED_HERE, _NAMES[end.direction])
            other.close()
        if other.is_gone and not self.over.done():
            self.over.set_result(None)
            if self._timer is not None:
                self._timer.cancel()

    def full(self, end: End, is_full: bool) -> None:
        """Pass on the pressure: whoever sends to a peer that does not read has to wait."""
        self._other(end).pause(is_full)

    def stop(self) -> None:
        """End both ends in an orderly way; used where nobody is to wait for the peers."""
        self._ended(LossReason.CLOSED_HERE, "unknown")
        for end in self._ends:
            end.close()

    def abort(self) -> None:
        """End both ends now."""
        for end in self._ends:
            end.abort()

    def _ended(self, reason: LossReason, by: Closer) -> None:
        if self.reason is None:
            self.reason = reason
            self._note(Close(time.monotonic_ns(), self._number, reason.name, by))

    def _other(self, end: End) -> End:
        client, device = self._ends
        return device if end is client else client

    def _look(self) -> None:
        for end in self._ends:
            end.look()
        if not self.over.done():
            self._timer = self._loop.call_later(_LOOK, self._look)
