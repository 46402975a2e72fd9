"""The sending half of a connection: hand over whole messages, and wait, within a bound, while the peer takes none.

Rules of this file
------------------
* A write hands its data over in one step, or raises without having touched anything.
* Whoever stops waiting for a blocked write, by time-out or cancellation, cuts the link: how much went over is unknown.
"""

import asyncio

from ._kernel import bytes_acknowledged
from ._limits import Keepalive
from ._loss import LossReason
from ._ports import Link
from ._silence import SilenceWatch
from ._waiting import Waiters, resolve_all, wait_in

__all__ = ["FIXED_COST", "Outgoing"]

FIXED_COST = 64
"""What a write costs however little it writes, as bytes: a system call takes as long as to copy so many."""

_FAIR_SHARE = 1024 * 1024
"""How much is written without waiting before other tasks get a turn (bytes, with the fixed costs): some 8 ms of lines.

After a peer in the same process had its turn, the kernel's next few hundred sends are slower; so not much less.
"""

_BULK = 32 * 1024
"""A write of so much gives others a turn at once: who reads it in the same process finds it in the cache (bytes)."""


class Outgoing:
    """What a connection is asked to send.

    Parameters
    ----------
    link : Link
        The connection that it belongs to.
    write_timeout : float or None
        How long a write may wait while the peer takes nothing (seconds).
    keepalive : Keepalive
        How long the peer may be silent.
    batch : bool
        Put small writes off to the end of the loop's turn, and send them together.

    Attributes
    ----------
    batch : list of bytes
        What was put off. As long as there is some, more may be added without a word.
    room : int
        How much may still be written before other tasks get a turn (bytes, with the fixed costs); 0 or less while the
        peer takes nothing.
    sink : asyncio.Transport or None
        Where data go; None while there is no connection, or its socket is gone.
    silence : SilenceWatch
        Notices that what was written is not answered.
    """

    __slots__ = (
        "_batch",
        "_batches",
        "_blocked",
        "_draining",
        "_link",
        "_loop",
        "_waiters",
        "_write_timeout",
        "batch",
        "room",
        "silence",
        "sink",
    )

    def __init__(self, link: Link, write_timeout: float | None, keepalive: Keepalive, batch: bool) -> None:
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._batches = batch
        self.batch: list[bytes] = []
        self.silence = SilenceWatch(link, keepalive)
        self._write_timeout = write_timeout
        self._blocked = False
        self._waiters: Waiters = {}
        self.room = _FAIR_SHARE
        self.sink: asyncio.Transport | None = None
        self._draining = 0

    @property
    def is_waited_for(self) -> bool:
        """Whether a writer waits for the peer to take data."""
        return self._draining > 0

    def block(self) -> None:
        """Make writers wait: the transport's buffer is full."""
        self._blocked = True
        self.room = 0

    def unblock(self) -> None:
        """Let writers go on, or find out that they cannot."""
        self._blocked = False
        self.room = _FAIR_SHARE
        self.wake()

    def wake(self) -> None:
        """Let waiting writers look again."""
        resolve_all(self._waiters)

    def hand_over(self, data: bytes) -> bool:
        """Hand data to the transport, or put them off to the end of this turn, in one step.

        Returns
        -------
        bool
            Whether the writer may go on at once; else it has to `settle`, which says also that nothing was touched.
        """
        sink = self.sink
        if sink is None:
            return False
        size = len(data)
        self.room -= FIXED_COST + size if size < _BULK else _FAIR_SHARE
        if not self._batches:
            sink.write(data)
        elif self.batch:
            self.batch.append(data)
            return self.room > 0
        elif sink.is_closing():
            return False
        else:
            self.batch.append(data)
            self._loop.call_soon(self.flush)
        if self.silence.is_needed and not self._link.is_hearing:
            self.silence.wrote()
        return self.room > 0 and not sink.is_closing()

    def flush(self) -> None:
        """Send what was put off; before anything else goes out, or the link is closed."""
        transport = self._link.transport
        if self.batch and transport is not None:
            data = b"".join(self.batch)
            self.batch.clear()
            if not transport.is_closing():
                transport.write(data)

    def write_eof(self) -> None:
        """Say that nothing more will be sent, after what was put off; a later write is refused by the transport."""
        self.flush()
        if self.sink is not None:
            self.sink.write_eof()
            self._batches = False

    async def settle(self) -> None:
        """Wait while the peer takes no data; give others a turn.

        Raises
        ------
        ConnectionError
            If not connected, or the connection ended, or the peer took nothing for ``write_timeout``.
        """
        transport = self._link.transport
        if self._blocked or not self._link.alive or transport is None or transport.is_closing():
            await self.drain()
        else:
            self.flush()
            self.room = _FAIR_SHARE
            await asyncio.sleep(0)

    async def drain(self) -> None:
        """Return once the transport takes more data.

        Raises
        ------
        ConnectionError
            If the connection ended, or the peer took nothing for ``write_timeout``.
        """
        transport = self._link.transport
        if not self._link.alive or transport is None or transport.is_closing():
            await self._link.refuse("write")
        self.flush()
        self._draining += 1
        try:
            await self._wait_for_peer(transport)
        finally:
            self._draining -= 1
            if self._link.peer_is_done:
                self._link.wrote()

    async def _wait_for_peer(self, transport: asyncio.Transport) -> None:
        taken = self._taken_by_peer(transport)
        while self._blocked:
            try:
                async with asyncio.timeout(self._write_timeout):
                    await wait_in(self._waiters)
            except TimeoutError:
                before, taken = taken, self._taken_by_peer(transport)
                if taken <= before:
                    self._link.end(LossReason.WRITE_TIMEOUT, abort=True)
            except asyncio.CancelledError:
                self._link.end(LossReason.WRITE_CANCELLED, abort=True)
                raise
            if transport.is_closing():
                await self._link.refuse("write")

    def _taken_by_peer(self, transport: asyncio.Transport) -> int:
        """Return a figure that grows as the peer takes data."""
        acknowledged = bytes_acknowledged(transport.get_extra_info("socket"))
        return -transport.get_write_buffer_size() if acknowledged is None else acknowledged
