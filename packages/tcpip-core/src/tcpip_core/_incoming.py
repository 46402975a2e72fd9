"""The receiving half of a connection: what arrived, who waits for it, and when the peer has to wait.

Rules of this file
------------------
* Data leave the buffer in the step that returns them, so that a cancelled read loses nothing.
* One task reads at a time.
* The peer is paused only while nobody waits to read; a waiting read may need more than the buffer's bound.
"""

import asyncio
import weakref

from ._framing import ReceiveBuffer
from ._kernel import HangupWatch
from ._loss import LossReason
from ._ports import Link
from ._waiting import SECOND_LOOK, is_late, resolve

__all__ = ["Incoming", "scratch_buffer"]

_SCRATCH_SIZE = 256 * 1024
"""How much one receive call takes at most (bytes)."""

_scratch_buffers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, memoryview] = weakref.WeakKeyDictionary()


def scratch_buffer(loop: asyncio.AbstractEventLoop) -> memoryview:
    """Return the buffer that all connections of a loop receive into, one at a time.

    asyncio's own receive path makes a new 256 KiB object for each event, which in most processes costs more than
    the rest of a small message's way.
    """
    buffer = _scratch_buffers.get(loop)
    if buffer is None:
        buffer = _scratch_buffers[loop] = memoryview(bytearray(_SCRATCH_SIZE))
    return buffer


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
    """

    __slots__ = (
        "_buffer",
        "_frame_end",
        "_frame_size",
        "_frame_timeout",
        "_frame_timer",
        "_hangup",
        "_link",
        "_loop",
        "_paused",
        "_peer_is_leaving",
        "_reading",
        "_waiter",
        "delivered",
        "received",
    )

    def __init__(self, link: Link, frame_size: int, frame_timeout: float | None) -> None:
        self._link = link
        self._frame_size = frame_size
        self._frame_timeout = frame_timeout
        self._frame_end: float | None = None
        self._frame_timer: asyncio.TimerHandle | None = None
        self._hangup: HangupWatch | None = None
        self._peer_is_leaving = False
        self.received = 0
        self._loop = asyncio.get_running_loop()
        self._buffer = ReceiveBuffer()
        self._waiter: asyncio.Future[None] | None = None
        self._reading = False
        self._paused = False
        self.delivered = 0

    def __len__(self) -> int:
        return len(self._buffer)

    @property
    def reader_is_away(self) -> bool:
        """Whether somebody has read from here and does not wait for more at this moment."""
        return self.delivered > 0 and self._waiter is None

    def feed(self, chunk: memoryview) -> None:
        """Keep what was received; wake the reader, or pause the peer if there is none and enough is kept."""
        self._buffer.feed(chunk)
        self.received += len(chunk)
        if self._waiter is not None:
            self.wake()
        elif len(self._buffer) > 2 * self._frame_size and not self._paused:
            self.pause()

    def wake(self) -> None:
        """Let the waiting reader look again."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            resolve(waiter)

    async def read(self, n: int) -> bytes:
        """Return up to n bytes, ``b""`` at EOF; if n is negative all that comes until EOF."""
        await self._check()
        if n == 0:
            return b""
        if n < 0:
            while not self._link.peer_is_done:
                await self._more()
            await self._link.report_end()
            return self._buffer.take_all()
        while not self._buffer:
            if self._link.peer_is_done:
                await self._link.report_end()
                return b""
            await self._more()
        return self._take(n)

    async def readexactly(self, n: int) -> bytes:
        """Return n bytes."""
        await self._check()
        if n < 0:
            raise ValueError(f"cannot read {n} bytes: give 0 or more")
        while len(self._buffer) < n:
            if self._link.peer_is_done:
                await self._link.report_end()
                raise self._incomplete(n)
            await self._more()
        return self._take(n)

    async def readuntil(self, separator: bytes) -> bytes:
        """Return one frame, separator included."""
        await self._check()
        if not separator:
            raise ValueError("the separator must be at least one byte long")
        while (size := self._buffer.find_frame(separator, self._frame_size)) < 0:
            if self._link.peer_is_done:
                await self._link.report_end()
                raise self._incomplete(None)
            await self._more()
        return self._take(size)

    async def readline(self) -> bytes:
        """Return one line, at EOF what there is of it."""
        try:
            return await self.readuntil(b"\n")
        except asyncio.IncompleteReadError as e:
            return e.partial
        except asyncio.LimitOverrunError as e:
            # As asyncio does: the line that is too long is dropped, so that the next read makes progress.
            complete = self._buffer.find_frame(b"\n", len(self._buffer))
            self._take(complete if complete > 0 else len(self._buffer))
            raise ValueError(e.args[0]) from None

    def _incomplete(self, expected: int | None) -> asyncio.IncompleteReadError:
        """Return the error of a read that met the peer's end, with all that came."""
        error = asyncio.IncompleteReadError(self._buffer.take_all(), expected)
        error.add_note(f"{self._link.peer} closed the connection")
        return error

    async def _check(self) -> None:
        """Refuse a read while there is no connection, or somebody else is in the middle of one."""
        if not self._link.alive:
            await self._link.refuse("read")
        if self._reading:
            raise RuntimeError("another task is already reading from this connection: one reader at a time")

    def _take(self, n: int) -> bytes:
        taken = self._buffer.take(n)
        self.delivered += 1
        self._frame_end = None
        if self._paused and len(self._buffer) <= self._frame_size:
            self.resume()
        if self._link.peer_is_done:
            self._link.drained_some()
        return taken

    async def _more(self) -> None:
        """Wait until something arrived or the peer is done.

        Raises
        ------
        ConnectionError
            If this side ended the connection meanwhile.
        """
        if self._paused:
            self.resume()
        waiter = self._waiter = self._loop.create_future()
        self._reading = True
        if self._frame_timeout is not None and self._buffer:
            self._begin_frame(self._frame_timeout)
        try:
            await waiter
        finally:
            self._reading = False
            self._waiter = None
            if self._frame_timer is not None:
                self._frame_timer.cancel()
                self._frame_timer = None
        if not self._link.alive and not self._link.peer_is_done:
            await self._link.refuse("read")

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
        elif self._waiter is not None:
            self._link.end(LossReason.LIMIT)

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
        transport.pause_reading()
        sock = transport.get_extra_info("socket")
        self._hangup = HangupWatch(-1 if sock is None else sock.fileno(), self._receive_the_rest)

    def resume(self) -> None:
        """Let the peer send again."""
        self._paused = False
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
