"""One end of a TCP connection as its kernel keeps it: buffers, windows, FIN, RST.

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
from typing import Any, TypeAlias

from ._handles import SimTimer
from ._line import Line
from ._link import Course
from ._silence import ORPHAN_TIMEOUT
from ._watch import Holder, Watch
from ._watchdog import Watchdog
from ._way import Segment, Way

__all__ = ["Address", "Tcp"]

Address: TypeAlias = tuple[Any, ...]


class Tcp:
    """One end of a connection, below asyncio: what a kernel does, and what a program asks of it.

    Parameters
    ----------
    course : Course
        What it goes over.
    direction : int
        Which way over the link, 0 or 1.
    name : str
        For the list of events: the number of the connection and the name of the host.
    local, remote : tuple
        Socket addresses.

    Attributes
    ----------
    peer : Tcp
        The other end.
    line : Line
        This connection alone, to be interrupted; both ends share it.
    name, local, remote
        As given.
    received : bytearray
        What arrived and was not taken.
    got_fin : bool
        Whether the other end is done.
    dead, closed : bool
        Whether it failed or is over for both ends; whether its program has closed it.
    resets_on_close : bool
        Whether `close` sends RST: the option ``SO_LINGER`` with no time.
    readable, writable : Watch
        Who is told that there is something to take, or room to send.
    on_taken : callable or None
        Called with all that is taken.
    """

    peer: "Tcp"

    def __init__(self, course: Course, direction: int, name: str, local: Address, remote: Address) -> None:
        self._course = course
        self._clock, self._log, self._link = course.clock, course.log, course.link
        self.line: Line = course.line
        self.name: str = name
        self.local: Address = local
        self.remote: Address = remote
        self.on_ready: Callable[[], None] | None = None
        self.on_gone: Callable[[Tcp], None] | None = None
        self.holder: Holder | None = None
        self.on_taken: Callable[[bytes], None] | None = None
        self.resets_on_close: bool = False
        settings = self._link.settings
        self.window: int = settings.window
        self.received: bytearray = bytearray()
        self.got_fin: bool = False
        self._freed = 0
        self._way = Way(course, direction, self._arrived)
        self._send_buffer = settings.send_buffer
        self._unsent = bytearray()
        self._hold: SimTimer | None = None
        self._flying = 0
        self._credit = settings.window
        self._wants_fin = self._sent_fin = self._fin_arrived = False
        self._error = 0
        self.dead: bool = False
        self.closed: bool = False
        self._watchdog = Watchdog(course.clock, course.is_up, self._is_silent)
        self._orphan: SimTimer | None = None
        self.readable: Watch = Watch(course.clock, self._is_readable)
        self.writable: Watch = Watch(course.clock, self._is_writable)
        self._link.carried[self] = self.line.carried[self] = None

    def __repr__(self) -> str:
        state = "closed" if self.closed else "dead" if self.dead else "open"
        return f"<{type(self).__name__} {self.name} {state}>"

    # What a program does

    def _is_readable(self) -> bool:
        return bool(self.received) or self.got_fin or self.dead

    def _is_writable(self) -> bool:
        return self.dead or 3 * self._room() >= self._send_buffer

    def _room(self) -> int:
        return self._send_buffer - len(self._unsent) - self._flying

    def _raise_error(self) -> None:
        number, self._error = self._error, 0
        if number:
            raise OSError(number, os.strerror(number))

    def receive(self, size: int) -> bytes:
        """Take what arrived.

        Parameters
        ----------
        size : int
            How much at most (bytes).

        Returns
        -------
        bytes
            At least one byte, or ``b""`` at EOF.

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
        """Take over what there is room for.

        Parameters
        ----------
        data : bytes or bytearray or memoryview
            What to send.

        Returns
        -------
        int
            How much was taken over, from its beginning (bytes).

        Raises
        ------
        BlockingIOError
            If there is no room.
        OSError
            If the connection failed, which is told once, or cannot send any more (BrokenPipeError).
        """
        self._raise_error()
        if self.dead or self._wants_fin:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        room = self._room()
        if room <= 0:
            raise BlockingIOError(errno.EAGAIN, "the send buffer is full")
        part = data[:room]
        self._unsent += part
        if self._hold is None and (hold := self._link.hold()):
            self._hold = self._clock.world_at(self._clock.time() + hold, self._transmit_now)
        elif len(self._unsent) >= self._link.settings.segment_size:
            self._transmit_now()
        else:
            self._transmit()
        return len(part)

    def shut_down(self) -> None:
        """Send FIN after what was sent; what arrives can still be taken."""
        self._wants_fin = True
        if not self.dead:
            self._transmit_now()

    def close(self) -> None:
        """Let the kernel finish: FIN after what was sent, or RST if not all that arrived was taken."""
        if not self.closed:
            self._abandon()
            if self.dead:
                self._forget()
            elif self.received or self.resets_on_close:
                self.reset()
            else:
                self.shut_down()
                self._orphan = self._clock.world_at(self._clock.time() + ORPHAN_TIMEOUT, self._give_up)
                self._end_if_complete()

    def reset(self) -> None:
        """End at once with RST; what was not sent is dropped."""
        self._abandon()
        if not self.dead:
            self._way.put(Segment("rst"))
            self._give_up()

    def interrupt(self) -> None:
        """Fail as by an RST that neither end has sent, but something in the middle of the network."""
        if not self.dead:
            self._fail(errno.EPIPE if self.got_fin else errno.ECONNRESET)

    def _abandon(self) -> None:
        self.closed = True
        self.readable.stop()
        self.writable.stop()

    @property
    def options(self) -> dict[tuple[int, int], int]:
        """The socket options that were set: numbers, by level and number."""
        return self._watchdog.options

    def set_option(self, level: int, number: int, value: int) -> None:
        """Set a socket option.

        Parameters
        ----------
        level, number : int
            Which one.
        value : int
            What it becomes.
        """
        self._watchdog.set_option(level, number, value)

    @property
    def unacknowledged(self) -> int:
        """How much was taken over and has not arrived (bytes)."""
        return len(self._unsent) + self._flying

    # The way out

    def established(self) -> None:
        """Let the other end be accepted."""
        self._way.put(Segment("ready"))

    def _transmit_now(self) -> None:
        """Wait no longer for more to travel with."""
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None
        self._transmit()

    def _transmit(self) -> None:
        if self._hold is not None:
            return
        while self._unsent and self._credit > 0:
            size = self._link.piece(min(len(self._unsent), self._credit))
            piece = bytes(memoryview(self._unsent)[:size])
            del self._unsent[:size]
            self._credit -= size
            self._flying += size
            self._watchdog.sent()
            self._way.put(Segment("data", piece))
        if self._unsent:
            self.peer._report_window()
            self._watchdog.window_closed()
        elif self._wants_fin and not self._sent_fin:
            self._sent_fin = True
            self._way.put(Segment("fin"))
        elif not self._course.is_up():
            self._watchdog.look()

    def _report_window(self) -> None:
        """Tell the sender how much was read."""
        if self._freed and not self.dead and not self.peer.dead:
            freed, self._freed = self._freed, 0
            self._way.put(Segment("window", number=freed))

    def _arrived(self, segment: Segment) -> None:
        """Hand over to the peer what has arrived there."""
        if segment.kind == "data":
            self._flying -= len(segment.data)
            self._watchdog.acknowledged(everything=not self.unacknowledged)
        elif segment.kind == "fin":
            self._fin_arrived = True
        if not self.dead:
            self._watchdog.heard()  # The acknowledgement; its way back is left out.
        self.peer._take_in(segment)
        self.writable.look()
        self._end_if_complete()

    # The way in

    def _take_in(self, segment: Segment) -> None:
        kind, data, number = segment
        self._watchdog.heard()
        if self.dead:
            if kind != "rst":
                self._way.put(Segment("rst"))
        elif kind == "data":
            self._take_in_data(data)
        elif kind == "fin":
            self._log.note("fin", self.name)
            self.got_fin = True
            self.readable.look()
            self._end_if_complete()
        elif kind == "rst":
            self.interrupt()
        elif kind == "window":
            self._credit += number
            self._watchdog.window_opened()
            self._transmit()
            self.writable.look()
        elif self.on_ready is not None:
            self.on_ready()

    def _take_in_data(self, data: bytes) -> None:
        if self.closed:
            # Nobody will read this: RFC 1122, 4.2.2.13.
            self._way.put(Segment("rst"))
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

    def _is_silent(self) -> None:
        self._fail(errno.ETIMEDOUT)
        self._way.put(Segment("rst"))

    def _give_up(self) -> None:
        """Forget everything but what can still be read."""
        self.dead = True
        self._unsent.clear()
        self._way.give_up()
        self._watchdog.stop()
        for timer in (self._hold, self._orphan):
            if timer is not None:
                timer.cancel()
        if self.closed:
            self._forget()

    def _end_if_complete(self) -> None:
        if self.closed and not self.dead and self._fin_arrived and self.got_fin:
            self._give_up()

    def _forget(self) -> None:
        self._link.carried.pop(self, None)
        self.line.carried.pop(self, None)
        if self.on_gone is not None:
            self.on_gone(self)

    # The line

    def line_went_down(self) -> None:
        """Begin to count how long the peer is silent."""
        self._watchdog.look()

    def line_came_up(self, *, nothing_lost: bool) -> None:
        """Send again what was lost, when TCP would.

        Parameters
        ----------
        nothing_lost : bool
            Whether it was only held back.
        """
        if (
            not self._course.is_up()
            or self._way.send_again(nothing_lost=nothing_lost)
            or self.dead
            or not self.peer.dead
        ):
            return
        # It does not know yet that nobody is there any more.
        probe = self._watchdog.next_probe()
        if probe is not None:
            self._clock.world_at(probe + self._link.round_trip(), self._probe)

    def _probe(self) -> None:
        if self._course.is_up() and not self.dead and self.peer.dead:
            self._fail(errno.ECONNRESET)
