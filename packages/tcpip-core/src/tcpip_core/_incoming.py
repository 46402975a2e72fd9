"""The receiving half of a connection: what arrived, who waits for it, and when the peer has to wait.

Rules of this file
------------------
* Data leave the buffer in the step that returns them, so that a cancelled read loses nothing.
* One task reads at a time.
* The peer is paused only while nobody waits to read; a waiting read may need more than the buffer's bound.
"""

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar, TypeVarTuple, Unpack

from ._framing import ReceiveBuffer
from ._kernel import HangupWatch
from ._loss import LossReason
from ._ports import Link
from ._waiter import Waiter
from ._waiting import SECOND_LOOK, is_late

__all__ = ["Incoming"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


_RECEIVE = 120_000
"""How much asyncio receives at once: less than glibc has to ask the system for (bytes)."""


class Incoming:
    """What a connection received and was not asked for yet.

    Parameters
    ----------
    link : Link
        The connection that it belongs to.
    frame_size : int
        Longest frame (bytes); the peer is paused at more than twice as much.
    frame_timeout : float or None
        How long the peer may take for the rest of a frame (seconds).
    wake_at_once : bool
        Resume who waits within the event in which data arrive.

    Attributes
    ----------
    frame_size : int
        As given.
    buffer : ReceiveBuffer
        Where it is. Who takes from it what was cut ahead need not ask here: then this side is connected, the peer
        has not ended the connection, and nobody else reads.
    is_plain : bool
        Whether there is nothing to do but to take from `buffer`, or to wait with `waiter`: connected, the peer is not
        done and not paused, and nothing has a time-out.
    waiter : Waiter
        What a reader awaits.
    """

    __slots__ = (
        "_frame_end",
        "_frame_timeout",
        "_frame_timer",
        "_hangup",
        "_is_open",
        "_link",
        "_loop",
        "_paused",
        "_peer_is_leaving",
        "_wake",
        "buffer",
        "frame_size",
        "is_plain",
        "waiter",
    )

    def __init__(self, link: Link, frame_size: int, frame_timeout: float | None, wake_at_once: bool) -> None:
        self._link = link
        self.frame_size = frame_size
        self._frame_timeout = frame_timeout
        self._frame_end: float | None = None
        self._frame_timer: asyncio.TimerHandle | None = None
        self._hangup: HangupWatch | None = None
        self._peer_is_leaving = False
        self._loop = asyncio.get_running_loop()
        self._is_open = False
        self.waiter = Waiter(self._loop)
        self._wake = self.waiter.wake if wake_at_once else self.waiter.wake_soon
        self._paused = False
        self.is_plain = False
        self.buffer = ReceiveBuffer()

    def __len__(self) -> int:
        return len(self.buffer)

    @property
    def delivered(self) -> int:
        """How many messages were read."""
        return self.buffer.taken

    @property
    def reader_is_away(self) -> bool:
        """Whether somebody has read from here and does not wait for more at this moment."""
        return self.delivered > 0 and not self.waiter.is_waited_for

    def data_received(self, data: bytes) -> None:
        """Keep what was received; wake the reader, or pause the peer if there is none and enough is kept.

        The connection's own method of this name.
        """
        if not self._is_open:
            return
        self.buffer.feed(data)
        link = self._link
        link.arrivals += 1
        link.is_hearing = True
        self._wake()
        link.is_hearing = False
        # Only now: what is too much for who does nothing may be just what a reader waits for.
        if not self.waiter.is_busy and self.buffer.uncut > 2 * self.frame_size:
            self.pause()

    def limit_receive(self) -> None:
        """Have asyncio's transport make an object of a suitable size for each event.

        Its own size is 256 KiB, of which most is given back. In a process that never freed as much, that costs four
        system calls and page faults for each message: three times as much as all the rest. Other loops' transports,
        which make objects of the right size, have no such attribute.
        """
        transport: Any = self._link.transport
        if hasattr(transport, "max_size"):
            transport.max_size = _RECEIVE

    # What the connection tells

    def wake(self) -> None:
        """Let the waiting reader look again."""
        self.waiter.wake_soon()

    def note_state(self, *, is_open: bool) -> None:
        """Follow a change of the connection, or of what is paused.

        Parameters
        ----------
        is_open : bool
            Whether what arrives is kept.
        """
        link = self._link
        self._is_open = is_open
        can_get_more = link.alive and not link.peer_is_done
        self.is_plain = can_get_more and not self._paused and self._frame_timeout is None
        if not can_get_more:
            self.buffer.look_no_further()

    # Reads: each says what to take out of the buffer

    async def read(self, n: int) -> bytes:
        """Return up to n bytes, ``b""`` at EOF; if n is negative all that comes until EOF."""
        try:
            return await self.when_there(False, None, self.buffer.take_some, n)
        except asyncio.IncompleteReadError as e:
            return e.partial

    async def readexactly(self, n: int) -> bytes:
        """Return n bytes."""
        if n < 0:
            await self._check()
            raise ValueError(f"cannot read {n} bytes: give 0 or more")
        return await self.when_there(False, n, self.buffer.take_exactly, n)

    async def readuntil(self, separator: bytes) -> bytes:
        """Return one frame, separator included."""
        if not separator:
            await self._check()
            raise ValueError("the separator must be at least one byte long")
        return await self.when_there(False, None, self.buffer.take_frame, separator, self.frame_size)

    async def readline(self) -> bytes:
        """Return one line, at EOF what there is of it."""
        try:
            return await self.readuntil(b"\n")
        except asyncio.IncompleteReadError as e:
            return e.partial
        except asyncio.LimitOverrunError as e:
            # As asyncio does: the line that is too long is dropped, so that the next read makes progress.
            complete = self.buffer.find_frame(b"\n", len(self.buffer))
            self.buffer.take(complete if complete > 0 else len(self.buffer))
            self._took()
            raise ValueError(e.args[0]) from None

    async def when_there(
        self, has_waited: bool, expected: int | None, take: Callable[[Unpack[Ts]], T | None], *args: *Ts
    ) -> T:
        """Return what `take` gives; as long as that is None, wait until more arrived.

        Parameters
        ----------
        has_waited : bool
            It was not there before, and has been waited for.
        expected : int or None
            How many bytes that needs, if known; for the error.
        take : callable
            A method of `buffer`.
        *args
            For it.

        Raises
        ------
        asyncio.IncompleteReadError
            If the peer closed its side first; with all that came.
        ConnectionError
            If not connected, or this side ends the connection meanwhile, or the peer's end was not an orderly one.
        RuntimeError
            If another task is waiting to read.
        """
        link = self._link
        if not has_waited:
            await self._check()
        try:
            while True:
                if not link.alive and not link.peer_is_done:
                    await link.refuse("read")
                taken = take(*args)
                if taken is not None:
                    break
                await self._more(expected)
        except asyncio.LimitOverrunError:
            await self.let_others_run()
            raise
        except (UnicodeError, LookupError):
            # This line is gone all the same.
            self._took()
            raise
        self._took()
        return taken

    async def _check(self) -> None:
        """Refuse a read while there is no connection, or somebody else is in the middle of one."""
        if not self._link.alive:
            await self._link.refuse("read")
        if self.waiter.is_busy:
            raise RuntimeError("another task is already reading from this connection: one reader at a time")

    async def _incomplete(self, expected: int | None) -> NoReturn:
        """End where the peer's end is in the middle of a message; raise with all that came of it."""
        await self._link.report_end()
        error = asyncio.IncompleteReadError(self.buffer.take_all(), expected)
        error.add_note(f"{self._link.peer} closed the connection")
        raise error

    async def let_others_run(self) -> None:
        """Wait one turn: a frame that is too long stays, so who reads on after its error meets it at once again."""
        self.waiter.is_busy = True
        try:
            await asyncio.sleep(0)
        finally:
            self.waiter.is_busy = False

    def _took(self) -> None:
        """Note that a message was taken."""
        self._frame_end = None
        if self._paused and self.buffer.uncut <= self.frame_size:
            self.resume()
        if self._link.peer_is_done:
            self._link.drained_some()

    async def _more(self, expected: int | None) -> None:
        """Wait until something arrived, but not for ever if the frame has begun and is bounded."""
        if self._link.peer_is_done:
            await self._incomplete(expected)
        if self._paused:
            self.resume()
        if self._frame_timeout is not None and self.buffer:
            self._begin_frame(self._frame_timeout)
        try:
            await self.waiter
        finally:
            if self._frame_timer is not None:
                self._frame_timer.cancel()
                self._frame_timer = None

    def _begin_frame(self, timeout: float) -> None:
        """Arm the time-out of the frame whose beginning is there."""
        if self._frame_end is None:
            self._frame_end = self._loop.time() + timeout
        self._arm_frame_timer(max(self._frame_end, self._loop.time()), timeout)

    def _arm_frame_timer(self, due: float, timeout: float) -> None:
        self._frame_timer = self._loop.call_at(due, self._frame_time_is_up, due, timeout)

    def _frame_time_is_up(self, due: float, timeout: float) -> None:
        now = self._loop.time()
        if is_late(now - due, timeout):
            # This process stood still, and has not looked at the socket since.
            self._arm_frame_timer(now + timeout * SECOND_LOOK, timeout)
        elif self.waiter.is_waited_for:
            cause = TimeoutError(f"no whole message within {timeout:g} s of its first byte (frame_timeout)")
            self._link.end(LossReason.LIMIT, cause)

    # Back-pressure

    @property
    def is_paused(self) -> bool:
        """Whether the peer is made to wait, because nobody reads what it sends."""
        return self._paused

    def pause(self) -> None:
        """Make the peer wait, but notice if it goes away."""
        transport = self._link.transport
        if self._paused or self._peer_is_leaving or transport is None or transport.is_closing():
            return
        self._paused = True
        self.note_state(is_open=self._is_open)
        transport.pause_reading()
        sock = transport.get_extra_info("socket")
        self._hangup = HangupWatch(-1 if sock is None else sock.fileno(), self._receive_the_rest)

    def resume(self) -> None:
        """Let the peer send again."""
        self._paused = False
        self.note_state(is_open=self._is_open)
        self.stop_watching()
        transport = self._link.transport
        if transport is not None and not transport.is_closing():
            transport.resume_reading()

    def stop_watching(self) -> None:
        """Notice a paused peer's going no more."""
        if self._hangup is not None:
            self._hangup.stop()
            self._hangup = None

    def _receive_the_rest(self) -> None:
        """Receive what the kernel still holds of a peer that is done, and the end behind it."""
        self._peer_is_leaving = True
        self.resume()
