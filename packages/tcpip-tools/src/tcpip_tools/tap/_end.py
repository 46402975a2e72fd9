"""One end of a relayed link: what its peer does, told to an owner; what the owner wants, done to its peer.

Rules of this file
------------------
* The socket is ours, and known: a transport does not tell of a reset while it does not read, and drops what had arrived
  before one that a write met.
* An end knows nothing of the other one.
"""

import asyncio
import contextlib
import socket
import struct
import sys
from typing import Final, Protocol

from tcpip_core import Keepalive
from tcpip_core.transcript import Direction

from .._listening import NO_LINGER
from .._report import address_of

__all__ = ["End", "Owner"]

_SCRATCH: Final = memoryview(bytearray(256 * 1024))
"""What every end receives into, one after the other: a fresh buffer for each piece costs twice as much."""
_HIGH_WATER: Final = 256 * 1024
"""How much may wait to be sent before the other end is not read any more (bytes)."""
_EARLY: Final = 65_536
"""How much is kept of what comes before there is an owner (bytes)."""
_SALVAGED: Final = 4 * 1024 * 1024
"""How much is still read of a link that was reset (bytes)."""
_FLUSH: Final = 0.5
"""How long what was sent has to arrive before a reset follows it (seconds)."""
_FIRST_PAUSE: Final = 0.001
_SIOCOUTQ: Final = 0x5411


class Owner(Protocol):
    """Is told what the peer of an end does; in the order in which it did it."""

    def arrived(self, end: "End", data: bytes) -> None:
        """Take what came."""
        ...

    def finished(self, end: "End") -> None:
        """Take that nothing more comes: FIN."""
        ...

    def lost(self, end: "End", error: Exception | None) -> None:
        """Take that the end is gone; None is an end that we closed."""
        ...

    def full(self, end: "End", is_full: bool) -> None:
        """Take that the peer does not keep up, or does again."""
        ...


class End(asyncio.BufferedProtocol):
    """One end.

    Parameters
    ----------
    sock : socket.socket
        Connected; closed when the end is gone.
    direction : {">", "<"}
        Which way goes what its peer says.
    """

    def __init__(self, sock: socket.socket, direction: Direction) -> None:
        self.sock = sock
        self.direction: Direction = direction
        self.is_finished = False
        """Its peer sends no more."""
        self.is_gone = False
        self._error: Exception | None = None
        self._owner: Owner | None = None
        self._early: list[bytes] = []
        self._transport: asyncio.Transport
        self._is_paused = False
        self.address = ""
        """Of its peer; not known where that has left already."""
        with contextlib.suppress(OSError):
            host, port, *_ = sock.getpeername()
            self.address = address_of(str(host), int(port))
            Keepalive().apply(sock)

    def own(self, owner: Owner) -> None:
        """Tell an owner from now on, and of what has happened until now."""
        self._owner = owner
        early, self._early = self._early, []
        for data in early:
            owner.arrived(self, data)
        if self.is_finished:
            owner.finished(self)
        if self.is_gone:
            owner.lost(self, self._error)
        elif self._is_paused:
            self.pause(False)

    @property
    def is_stale(self) -> bool:
        """Whether its peer has ended the link, in one direction or both."""
        return self.is_finished or self.is_gone

    @property
    def has_halves(self) -> bool:
        """Whether one direction can end alone; with TLS it cannot."""
        return self._transport.can_write_eof()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=_HIGH_WATER)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Give the buffer to receive into."""
        return _SCRATCH

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on what was received."""
        self._take(bytes(_SCRATCH[:nbytes]))

    def _take(self, data: bytes) -> None:
        if self._owner is not None:
            self._owner.arrived(self, data)
            return
        self._early.append(data)
        if sum(map(len, self._early)) >= _EARLY:
            self.pause(True)

    def eof_received(self) -> bool:
        """Pass on that nothing more comes; the other direction stays open, where there can be half a link."""
        self.is_finished = True
        if self._owner is not None:
            self._owner.finished(self)
        return self.has_halves

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on that the end is gone, after what had come before."""
        if self.is_gone:
            return
        if exc is not None and self.has_halves:
            self._salvage()
        self.is_gone, self._error = True, exc
        if self._owner is not None:
            self._owner.lost(self, exc)

    def _salvage(self) -> None:
        """Take what the kernel still has: the error that ended the link may have been met by writing."""
        size = 0
        with contextlib.suppress(OSError):
            while size < _SALVAGED and (data := self.sock.recv(65_536)):
                size += len(data)
                self._take(data)

    def pause_writing(self) -> None:
        """Pass on that the peer does not keep up."""
        if self._owner is not None:
            self._owner.full(self, True)

    def resume_writing(self) -> None:
        """Pass on that it does again."""
        if self._owner is not None:
            self._owner.full(self, False)

    def look(self) -> None:
        """Notice a reset that the transport does not look for: it reads nothing, or has read the end."""
        if self.is_gone or not (self._is_paused or self.is_finished):
            return
        try:
            number = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        except OSError:
            return
        if number:
            self.connection_lost(OSError(number, "reset"))
            self._transport.abort()

    def send(self, data: bytes) -> None:
        """Send to the peer."""
        if not self.is_gone:
            self._transport.write(data)

    def finish(self) -> None:
        """Tell the peer that nothing more comes: FIN, behind what was sent."""
        if self.is_gone or self._transport.is_closing():
            return
        if self.has_halves:
            self._transport.write_eof()

    def pause(self, is_paused: bool) -> None:
        """Read no more for now, or again."""
        self._is_paused = is_paused
        # A transport that has met the end of the data would tell it again.
        if self.is_gone or self.is_finished or self._transport.is_closing():
            return
        if is_paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def close(self) -> None:
        """End the link in an orderly way, behind what was sent."""
        self._transport.close()

    def abort(self) -> None:
        """End the link now; what was not sent is dropped."""
        self._transport.abort()

    def reset(self) -> None:
        """End the link by RST, as soon as the peer has what was sent, or some time has passed."""
        self.pause(True)
        loop = asyncio.get_running_loop()
        self._reset(loop, loop.time() + _FLUSH, _FIRST_PAUSE)

    def _reset(self, loop: asyncio.AbstractEventLoop, until: float, pause: float) -> None:
        if self.is_gone:
            return
        if self._is_flushed() or loop.time() >= until:
            with contextlib.suppress(OSError):
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            self._transport.abort()
        else:
            loop.call_later(pause, self._reset, loop, until, 2 * pause)

    def _is_flushed(self) -> bool:
        return not self._transport.get_write_buffer_size() and not _unacknowledged(self.sock)


def _unacknowledged(sock: socket.socket) -> int:
    """Return how much the peer's kernel has not got yet (bytes); 0 where that is not told."""
    if sys.platform != "linux":
        return 0
    import fcntl

    try:
        size: int = struct.unpack("i", fcntl.ioctl(sock.fileno(), _SIOCOUTQ, b"\0\0\0\0"))[0]
    except OSError:
        return 0
    return size
