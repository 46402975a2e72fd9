"""What an observer is told, as events of a transcript."""

import itertools
import threading
from collections.abc import Callable
from typing import Final

from .._loss import LossReason
from .._observer import Side
from ._clocks import now
from ._events import Close, Closer, Data, Direction, Eof, Error, Event, Mark, Open

__all__ = ["Observing"]

_PEER: Final = frozenset({LossReason.FIN, LossReason.RST})
_NOBODY: Final = frozenset({LossReason.SILENT, LossReason.UNREACHABLE})
_UNCLEAR: Final = frozenset({LossReason.TLS, LossReason.ERROR})


class Observing:
    """An observer that makes events and hands them on, with times of `now`.

    Parameters
    ----------
    record : callable
        Takes an event; must not wait.
    ended : callable, optional
        Is told the reason when a link has ended, after the event of it.
    """

    def __init__(self, record: Callable[[Event], None], ended: Callable[[LossReason], None] | None = None) -> None:
        self._record = record
        self._ended = ended
        self._numbers = itertools.count(1)
        self._numbering = threading.Lock()

    def connected(self, side: Side, local: str, peer: str) -> "ObservedLink":
        """Note that a link was made."""
        with self._numbering:
            number = next(self._numbers)
        client, device = (local, peer) if side == "client" else (peer, local)
        self._record(Open(now(), number, client, device))
        return ObservedLink(self._record, self._ended, number, side)

    def failed(self, error: OSError) -> None:
        """Note that a client could not connect."""
        self._record(Error(now(), 0, (error.strerror or str(error) or type(error).__name__)[:1000]))

    def mark(self, text: str) -> None:
        """Note a text."""
        self._record(Mark(now(), text))


class ObservedLink:
    """One link, as events.

    Parameters
    ----------
    record : callable
        Takes an event.
    ended : callable or None
        Is told the reason when the link has ended.
    number : int
        The link's number.
    side : {"client", "device"}
        Which end of it is observed.
    """

    __slots__ = ("_ended", "_in", "_number", "_out", "_record", "_side")

    def __init__(
        self,
        record: Callable[[Event], None],
        ended: Callable[[LossReason], None] | None,
        number: int,
        side: Side,
    ) -> None:
        self._record = record
        self._ended = ended
        self._number = number
        self._side: Side = side
        self._in: Direction = "<" if side == "client" else ">"
        self._out: Direction = ">" if side == "client" else "<"

    def received(self, data: bytes) -> None:
        """Note what arrived."""
        self._record(Data(now(), self._number, self._in, data))

    def sent(self, data: bytes) -> None:
        """Note what was handed over."""
        self._record(Data(now(), self._number, self._out, data))

    def eof_received(self) -> None:
        """Note that the peer sends no more."""
        self._record(Eof(now(), self._number, self._in))

    def eof_sent(self) -> None:
        """Note that this side sends no more."""
        self._record(Eof(now(), self._number, self._out))

    def ended(self, reason: LossReason) -> None:
        """Note that the link is over."""
        self._record(Close(now(), self._number, reason.name, self._closer(reason)))
        if self._ended is not None:
            self._ended(reason)

    def _closer(self, reason: LossReason) -> Closer:
        if reason in _NOBODY:
            return "network"
        if reason in _UNCLEAR:
            return "unknown"
        if reason in _PEER:
            return "device" if self._side == "client" else "client"
        return self._side
