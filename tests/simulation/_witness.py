"""The promises, as checks on what one subject does.

A subject is a real `Client` or server. It reports to its witness when a connection is admitted and when it is lost (by
the hooks that the endpoint calls), and each operation and callback goes through here. What is found wrong is collected
in `violations`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

from tcpip_core import LossReason

if TYPE_CHECKING:
    from tcpip_core import BaseClientOrServer
    from tcpip_core._connection import Connection
    from tcpip_testing.sim import Tcp

__all__ = ["Record", "Witness"]

TOLERANCE = 1e-6
"""What adding up times costs (seconds)."""

OWN_ENDS = {
    LossReason.CLOSED_HERE,
    LossReason.HEARTBEAT,
    LossReason.WRITE_TIMEOUT,
    LossReason.WRITE_CANCELLED,
}
"""Ends that this side chose: what was not read then is dropped."""


class Record:
    """What is known of one connection of a subject."""

    def __init__(self, number: int, connection: Connection, tcp: Tcp) -> None:
        self.number = number
        self.connection = connection
        self.tcp = tcp
        self.taken = bytearray()
        self.delivered = bytearray()
        self.offered = bytearray()
        # Whether what is left has a complete frame for the read that waits, while one does.
        self.has_frame: Callable[[bytes], bool] | None = None
        self.last_read = 0.0
        self.lost = False
        tcp.on_taken = self.taken.extend

    @property
    def rest(self) -> bytes:
        """What arrived and was not delivered."""
        return bytes(self.taken[len(self.delivered) :])

    def missing(self) -> bytes:
        """Return the complete lines that arrived and were not delivered."""
        end = self.taken.rfind(b"\r\n") + 2
        return bytes(self.taken[len(self.delivered) : end]) if end > 1 else b""


class Witness:
    """What one subject was seen to do."""

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop, close_timeout: float, drain_timeout: float) -> None:
        self.name = name
        self.loop = loop
        self.close_bound = close_timeout + 0.5 + TOLERANCE
        self.drain_timeout = drain_timeout
        self.violations: list[str] = []
        self.records: list[Record] = []
        self.told: list[bool] = []
        self.lost_count = 0
        self.told_losses = 0
        self.callback_task: asyncio.Task[Any] | None = None
        self.close_began: float | None = None
        self.done_at: float | None = None

    def blame(self, text: str) -> None:
        """Note a violation."""
        self.violations.append(f"{self.loop.time():.6f} s, {self.name}: {text}")

    # What the endpoint reports

    def admitted(self, connection: Connection) -> None:
        """Note a connection that was let in; nobody else may be in by now."""
        transport: Any = connection.transport
        for other in self.records:
            theirs = other.connection.transport
            if not other.lost or (theirs is not None and not theirs.is_closing()):
                self.blame(f"connection {len(self.records) + 1} was admitted beside connection {other.number}")
        if self.done_at is not None:
            self.blame("a connection was admitted after the end")
        self.records.append(Record(len(self.records) + 1, connection, transport.tcp))

    def ended(self, connection: Connection) -> None:
        """Note that a connection was lost; all that arrived complete must have been delivered."""
        record = self.record_of(connection)
        if record is None or record.lost:
            self.blame("a connection was lost that was not there")
            return
        record.lost = True
        self.lost_count += 1
        callers = _callers()
        if connection.loss_reason not in OWN_ENDS and record.missing() and not self._may_drop(record, callers):
            self.blame(
                f"connection {record.number} was lost ({connection.loss_reason}) by {' < '.join(callers)} "
                f"with complete messages unread: {record.missing()[:80]!r}"
            )

    def _may_drop(self, record: Record, callers: list[str]) -> bool:
        """Tell the documented exceptions.

        A newcomer took the place; nobody read for ``drain_timeout``; a read that asked for more than came meets the
        end; a write finds that the link is dead.
        """
        if "_inherit" in callers or "refuse" in callers:
            return True
        if "report_end" in callers and record.has_frame is not None:
            return not record.has_frame(record.rest)
        waited = self.loop.time() - record.last_read
        return "_time_is_up" in callers and record.has_frame is None and waited > self.drain_timeout - TOLERANCE

    def record_of(self, connection: Connection) -> Record | None:
        """Return what is known of a connection."""
        for record in reversed(self.records):
            if record.connection is connection:
                return record
        return None

    # What users see

    def callback_begins(self, connected: bool) -> None:
        """Note a call of the callback."""
        if self.callback_task is not None:
            self.blame("the callback was called while it ran")
        self.callback_task = asyncio.current_task()
        if connected is bool(self.told and self.told[-1]):
            self.blame(f"the callback was told {connected} twice")
        self.told.append(connected)
        if not connected:
            self.told_losses += 1

    def callback_ends(self) -> None:
        """Note the end of a call."""
        self.callback_task = None

    def loss_reported(self, connection: Connection, what: str) -> None:
        """Note that an operation reported a loss; the callback must know by now."""
        if asyncio.current_task() is self.callback_task:
            return
        losses = sum(1 for one in self.records if one.lost)
        record = self.record_of(connection)
        index = losses if record is None else record.number
        if record is not None and not record.lost:
            self.blame(f"{what} reported a loss of connection {record.number}, which is not lost")
        if self.told_losses < index:
            self.blame(f"{what} reported loss {index} when the callback had been told of {self.told_losses}")

    # The end

    def close_begins(self) -> float:
        """Note the first call of close."""
        now = self.loop.time()
        if self.close_began is None:
            self.close_began = now
        return now

    def close_ended(self, began: float) -> None:
        """Note that a call of close returned."""
        if self.loop.time() - began > self.close_bound:
            self.blame(f"close took {self.loop.time() - began:.3f} s")

    def done(self, _: object = None) -> None:
        """Note that ``done_task`` is done."""
        self.done_at = self.loop.time()
        if self.close_began is not None and self.done_at - self.close_began > self.close_bound:
            self.blame(f"done {self.done_at - self.close_began:.3f} s after close was called first")

    def check_end(self, subject: BaseClientOrServer) -> None:
        """Check what must hold once all is down."""
        if not subject.done_task.done():
            self.blame("closed, but done_task is not done")
        if left := sorted(task.get_name() for task in subject._tcpip.tasks):
            self.blame(f"closed, but tasks run: {', '.join(left)}")
        if self.told and self.told[-1]:
            self.blame("the last call of the callback said connected")
        if len(self.told) != 2 * len(self.records):
            self.blame(f"{len(self.records)} connections, but {len(self.told)} calls of the callback")
        for record in self.records:
            if not record.lost:
                self.blame(f"closed, but connection {record.number} was never lost")
            if not record.tcp.closed:
                self.blame(f"closed, but the socket of connection {record.number} is open")
            self.check_streams(record)

    def check_streams(self, record: Record) -> None:
        """Check that what was read is what came, and that what was written went over whole and in order."""
        if not record.taken.startswith(record.delivered):
            self.blame(f"connection {record.number}: what was read is not what arrived: {bytes(record.delivered)!r}")


def _callers() -> list[str]:
    """Name the functions of the library that led here, innermost first."""
    names: list[str] = []
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and len(names) < 6:
        if "tcpip_core" in frame.f_code.co_filename:
            names.append(frame.f_code.co_name)
        frame = frame.f_back
    return names
