"""Connections that tell an observer what happens on them. Those that do not are another class, and pay nothing.

Rules of this file
------------------
* An observer never changes what a link does. One that raises is logged, and that link is not observed any further.
* What is told is told before the program learns of it, so that the order is that of the link.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast

from ._connection import Connection, Owner
from ._kernel import readable_address
from ._limits import Keepalive, Limits
from ._loss import LossReason
from ._observer import LinkObserver, Observer, Side
from ._states import State
from ._tuning import Tuning

__all__ = ["Observation", "ObservedConnection"]

_FAULTS = (Exception, asyncio.CancelledError)
"""What user code may raise that is not meant for the loop; the last by asking a future that was cancelled."""


class Observation:
    """The observer of a client or server, kept from doing harm.

    Parameters
    ----------
    observer : Observer
        Who is told.
    side : {"client", "device"}
        Which end of its links the client or server is.
    log : callable
        Returns the logger.
    """

    def __init__(self, observer: Observer, side: Side, log: Callable[[], logging.Logger]) -> None:
        self._observer = observer
        self._side: Side = side
        self._log = log

    def connected(self, local: str, peer: str) -> LinkObserver | None:
        """Return who is told of a new link; None for nobody."""
        try:
            return self._observer.connected(self._side, local, peer)
        except _FAULTS:
            self.complain("the observer raised; this link is not observed")
            return None

    def failed(self, error: OSError) -> None:
        """Tell that a client could not connect."""
        try:
            self._observer.failed(error)
        except _FAULTS:
            self.complain("the observer raised")

    def complain(self, what: str) -> None:
        """Log the exception that is being handled."""
        self._log().exception(what)


class ObservedConnection(Connection):
    """A connection whose observer is told of everything.

    Parameters
    ----------
    owner, limits, keepalive, tuning
        As for `Connection`.
    observation : Observation
        Who is told.
    """

    def __init__(
        self, owner: Owner, limits: Limits, keepalive: Keepalive, tuning: Tuning, observation: Observation
    ) -> None:
        super().__init__(owner, limits, keepalive, tuning)
        self._observation = observation
        self._observer: LinkObserver | None = None
        # On uvloop some may arrive before the connection has its place.
        self._early: list[bytes] = []
        self.data_received = self._received  # type: ignore[method-assign]

    def tell(self, call: Callable[[LinkObserver], None]) -> None:
        """Tell the observer something, if there is one."""
        if self._observer is not None:
            try:
                call(self._observer)
            except _FAULTS:
                self._observer = None
                self._observation.complain(f"the observer raised; the link to {self.peer} is not observed any more")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Go on as any connection, with a transport that tells what it is given."""
        observed: Any = ObservedTransport(cast("asyncio.Transport", transport), self)
        super().connection_made(observed)

    def enter(self) -> None:
        """Begin to tell."""
        super().enter()
        local = "" if self.transport is None else readable_address(self.transport.get_extra_info("sockname"))[1]
        self._observer = self._observation.connected(local, self.peer)
        early, self._early = self._early, []
        for data in early:
            self.tell(lambda observer, data=data: observer.received(data))  # type: ignore[misc]

    def _received(self, data: bytes) -> None:
        """Tell what was received."""
        if self.alive:
            self.tell(lambda observer: observer.received(data))
        elif self.state is State.WAITING:
            self._early.append(data)
        self.incoming.data_received(data)

    def eof_received(self) -> bool:
        """Tell that the peer sends no more."""
        if self.alive:
            self.tell(lambda observer: observer.eof_received())
        return super().eof_received()

    def end(self, reason: LossReason, cause: BaseException | None = None, *, abort: bool = False) -> None:
        """Tell the end, after all that is still sent."""
        if self.alive:
            if not abort:
                self.outgoing.flush()
            self.tell(lambda observer: observer.ended(reason))
            self._observer = None
        super().end(reason, cause, abort=abort)


class ObservedTransport:
    """A transport that tells what it is given to send; in all else it is the one below.

    Parameters
    ----------
    transport : asyncio.Transport
        The one below.
    connection : ObservedConnection
        Who is told.
    """

    def __init__(self, transport: asyncio.Transport, connection: ObservedConnection) -> None:
        self._transport = transport
        self._connection = connection
        # Asked for each message; __getattr__ takes its time.
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    @property
    def max_size(self) -> int:
        """How much asyncio's transport receives at once (bytes); others have no such attribute."""
        size: int = self.__getattr__("max_size")
        return size

    @max_size.setter
    def max_size(self, size: int) -> None:
        setattr(self._transport, "max_size", size)  # noqa: B010  # it is no public one

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send, and tell."""
        if not self.is_closing():
            self._connection.tell(lambda observer: observer.sent(bytes(data)))
        self._transport.write(data)

    def write_eof(self) -> None:
        """Send no more, and tell."""
        self._connection.tell(lambda observer: observer.eof_sent())
        self._transport.write_eof()
