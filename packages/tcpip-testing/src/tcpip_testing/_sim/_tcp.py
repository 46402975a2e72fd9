"""One end of a TCP connection as its kernel keeps it: buffers, windows, FIN, RST, silence.

Rules of this file
------------------
* What one end sends arrives in order, each piece later than the one before.
* FIN comes after all data; RST drops what its sender has not sent, and what its receiver has.
* Data that arrived before an RST can still be read; then the error is told, once, to whoever looks first.
* Nobody is told of anything unless they look: a program that neither reads nor writes learns nothing.
"""

import errno
import os
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from ._handles import SimTimer
from ._link import Link, Pace
from ._silence import ORPHAN_TIMEOUT, next_retry, patience_of
from ._trace import EventLog
from ._watch import KernelClock, Watch

__all__ = ["Address", "Tcp"]

Address: TypeAlias = tuple[Any, ...]


class Segment(NamedTuple):
    """What travels.

    Parameters
    ----------
    kind : str
        ``"data"``, ``"fin"``, ``"rst"``, ``"window"`` (the receiver has read) or ``"ready"`` (may be accepted).
    data : bytes
        The data.
    number : int
        How much the receiver has read (bytes).
    """

    kind: str
    data: bytes = b""
    number: int = 0


class Tcp:
    """One end of a connection.

    Parameters
    ----------
    clock : KernelClock
        The loop.
    log : EventLog
        Where events are noted.
    link : Link
        What it goes over.
    direction : int
        Which way over the link, 0 or 1.
    name : str
        For the log.
    local, remote : tuple
        Socket addresses.
    """

    peer: "Tcp"

    def __init__(
        self, clock: KernelClock, log: EventLog, link: Link, direction: int, name: str, local: Address, remote: Address
    ) -> None:
        self._clock = clock
        self._log = log
        self._link = link
        self._pace = Pace(link, direction)
        self.name = name
        self.local, self.remote = local, remote
        self.options: dict[tuple[int, int], int] = {}
        self.on_ready: Callable[[], None] | None = None
        self.on_gone: Callable[[Tcp], None] | None = None
        self.on_taken: Callable[[bytes], None] | None = None
        settings = link.settings
        # Receiving.
        self.window = settings.window
        self.received = bytearray()
        self.got_fin = False
        self._freed = 0
        # Sending.
        self._send_buffer = settings.send_buffer
        self._unsent = bytearray()
        self._flying = 0
        self._credit = settings.window
        self._wants_fin = self._sent_fin = self._fin_arrived = False
        self._lost: list[Segment] = []
        self._lost_at = 0.0
        self._has_gap = False
        # Life.
        now = clock.time()
        self._error: int | None = None
        self.dead = False
        self.closed = False
        self._last_heard = now
        self._unacknowledged_since: float | None = None
        self._window_closed_since: float | None = None
        self._watchdog: SimTimer | None = None
        self._orphan: SimTimer | None = None
        self.readable = Watch(clock, self._is_readable)
        self.writable = Watch(clock, self._is_writable)
        link.carried[self] = None

    # What a program does

    def _is_readable(self) -> bool:
        return bool(self.received) or self.got_fin or self.dead

    def _is_writable(self) -> bool:
        return self.dead or 3 * self._room() >= self._send_buffer

    def _room(self) -> int:
        return self._send_buffer - len(self._unsent) - self._flying

    def _raise_error(self) -> None:
        if self._error is not None:
            number, self._error = self._error, None
            raise OSError(number, os.strerror(number))

    def receive(self, size: int) -> bytes:
        """Take up to `size` bytes; ``b""`` at EOF.

        Raises
        ------
        BlockingIOError
            If there is nothing yet.
        OSError
            If the connection failed; told once.
        """
        if self.received:
            data = bytes(memoryview(self.received)[:size])
            del self.received[:size]
            self._freed += len(data)
            if self.on_taken is not None:
                self.on_taken(data)
            if 2 * self._freed >= self.window or self.peer._unsent:
                self._report_window()
            return data
        self._raise_error()
        if self.got_fin or self.dead:
            return b""
        raise BlockingIOError(errno.EAGAIN, "nothing has arrived")

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Take over what there is room for, and return how much that is.

        Raises
        ------
        BlockingIOError
            If there is no room.
        OSError
            If the connection failed; told once.
        BrokenPipeError
            If it cannot send any more.
        """
        self._raise_error()
        if self.dead or self._wants_fin:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        room = self._room()
        if room <= 0:
            raise BlockingIOError(errno.EAGAIN, "the send buffer is full")
        part = data[:room]
        self._unsent += part
        self._transmit()
        return len(part)

    def shut_down(self) -> None:
        """Send FIN after what was written."""
        self._wants_fin = True
        if not self.dead:
            self._transmit()

    def close(self) -> None:
        """Let the kernel finish: FIN after what was written, or RST if not all that arrived was read."""
        if not self.closed:
            self._abandon()
            if self.dead:
                self._forget()
            elif self.received:
                self.reset()
            else:
                self.shut_down()
                self._orphan = self._clock.kernel_at(self._clock.time() + ORPHAN_TIMEOUT, self._give_up)
                self._end_if_complete()

    def reset(self) -> None:
        """End at once with RST; what was not sent is dropped."""
        self._abandon()
        if not self.dead:
            self._put(Segment("rst"))
            self._give_up()

    def _abandon(self) -> None:
        self.closed = True
        self.readable.stop()
        self.writable.stop()

    def set_option(self, level: int, number: int, value: int) -> None:
        """Set a socket option."""
        self.options[level, number] = value
        self._watch_over()

    @property
    def unacknowledged(self) -> int:
        """How much was taken over and has not arrived (bytes)."""
        return len(self._unsent) + self._flying

    # The way out

    def established(self) -> None:
        """Let the other end, which listens, be accepted."""
        self._put(Segment("ready"))

    def _transmit(self) -> None:
        while self._unsent and self._credit > 0:
            size = self._link.piece(min(len(self._unsent), self._credit))
            piece = bytes(memoryview(self._unsent)[:size])
            del self._unsent[:size]
            self._credit -= size
            self._flying += size
            if self._unacknowledged_since is None:
                self._unacknowledged_since = self._clock.time()
            self._put(Segment("data", piece))
        if self._unsent:
            self.peer._report_window()
            if self._window_closed_since is None:
                self._window_closed_since = self._clock.time()
            self._watch_over()
        elif self._wants_fin and not self._sent_fin:
            self._sent_fin = True
            self._put(Segment("fin"))
        elif not self._link.is_up:
            self._watch_over()

    def _report_window(self) -> None:
        """Tell the sender how much was read."""
        if self._freed and not self.dead and not self.peer.dead:
            freed, self._freed = self._freed, 0
            self._put(Segment("window", number=freed))

    def _put(self, segment: Segment) -> None:
        """Put something on its way."""
        self._clock.kernel_at(self._pace.arrival(len(segment.data)), self._arrive, segment)

    def _arrive(self, segment: Segment) -> None:
        """Be at the other end, if the link is up; what is lost is sent again, but an RST is sent once."""
        is_reset = segment.kind == "rst"
        if self._link.is_up and not self._lost and (is_reset or not self._has_gap):
            self._hand_over(segment)
        elif self.dead:
            self._has_gap = True
        elif not is_reset:
            self._lost_at = self._lost_at if self._lost else self._clock.time()
            self._lost.append(segment)

    def _arrive_again(self) -> None:
        if self._link.is_up:
            lost, self._lost = self._lost, []
            for segment in lost:
                self._hand_over(segment)

    def _hand_over(self, segment: Segment) -> None:
        if segment.kind == "data":
            self._flying -= len(segment.data)
            self._unacknowledged_since = self._clock.time() if self.unacknowledged else None
        elif segment.kind == "fin":
            self._fin_arrived = True
        if not self.dead:
            self._last_heard = self._clock.time()  # The acknowledgement; its way back is left out.
        self.peer._take_in(segment)
        self.writable.look()
        self._end_if_complete()

    # The way in

    def _take_in(self, segment: Segment) -> None:
        kind, data, number = segment
        self._last_heard = self._clock.time()
        if self.dead:
            if kind != "rst":
                self._put(Segment("rst"))
        elif kind == "data":
            self._take_in_data(data)
        elif kind == "fin":
            self._log.note("fin", self.name)
            self.got_fin = True
            self.readable.look()
            self._end_if_complete()
        elif kind == "rst":
            self._fail(errno.EPIPE if self.got_fin else errno.ECONNRESET)
        elif kind == "window":
            self._credit += number
            self._window_closed_since = None
            self._transmit()
            self.writable.look()
        elif self.on_ready is not None:
            self.on_ready()

    def _take_in_data(self, data: bytes) -> None:
        if self.closed:
            # Nobody will read this: RFC 1122, 4.2.2.13.
            self._put(Segment("rst"))
            self._give_up()
            return
        self._log.note("data", self.name, len(data))
        self.received += data
        self.readable.look()

    # Its end

    def _fail(self, number: int) -> None:
        """End because of an error, which is kept for whoever looks."""
        self._log.note("fails", self.name, errno.errorcode[number])
        self._error = number
        self._give_up()
        self.readable.look()
        self.writable.look()

    def interrupt(self) -> None:
        """Reset it from the middle of the network: an RST that neither end has sent."""
        if not self.dead:
            self._fail(errno.EPIPE if self.got_fin else errno.ECONNRESET)

    def _give_up(self) -> None:
        """Forget everything but what can still be read."""
        self.dead = True
        self._unsent.clear()
        if self._lost:
            # What is still on its way comes after a gap that nobody fills.
            self._lost.clear()
            self._has_gap = True
        for timer in (self._watchdog, self._orphan):
            if timer is not None:
                timer.cancel()
        if self.closed:
            self._forget()

    def _end_if_complete(self) -> None:
        if self.closed and not self.dead and self._fin_arrived and self.got_fin:
            self._give_up()

    def _forget(self) -> None:
        self._link.carried.pop(self, None)
        if self.on_gone is not None:
            self.on_gone(self)

    # Silence

    def link_went_down(self) -> None:
        """Begin to count how long the peer is silent."""
        self._watch_over()

    def link_came_up(self, *, nothing_lost: bool) -> None:
        """Send again what was lost, when TCP would."""
        now = self._clock.time()
        if self._lost:
            when = now if nothing_lost else next_retry(self._lost_at, now)
            self._clock.kernel_at(when + self._link.latency(), self._arrive_again)
        elif not self.dead and self.peer.dead:
            # It does not know yet that nobody is there any more.
            probe = patience_of(self.options).next_probe(self._last_heard, now)
            if probe is not None:
                self._clock.kernel_at(probe + self._link.round_trip(), self._probe)

    def _probe(self) -> None:
        if self._link.is_up and not self.dead and self.peer.dead:
            self._fail(errno.ECONNRESET)

    def _watch_over(self) -> None:
        """Look again when silence would end this connection."""
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        if self.dead:
            return
        deadline = self._deadline()
        if deadline is None:
            return
        if deadline <= self._clock.time():
            self._fail(errno.ETIMEDOUT)
            self._put(Segment("rst"))
        else:
            self._watchdog = self._clock.kernel_at(deadline, self._watch_over)

    def _deadline(self) -> float | None:
        patience = patience_of(self.options)
        if not self._link.is_up:
            if self._unacknowledged_since is not None:
                return patience.gives_up_sending(self._unacknowledged_since)
            return patience.gives_up_idle(self._last_heard)
        if self._window_closed_since is not None and patience.user_timeout is not None:
            # Linux since 5.11: answered probes of a closed window do not count as progress.
            return self._window_closed_since + patience.user_timeout
        return None
