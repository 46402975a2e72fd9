"""Two asyncio transports joined in memory: what one writes arrives at the other, in order, whole or in chosen chunks.

Rules of this file
------------------
* What is written is on the wire until it is delivered; the end, FIN or RST, comes after it. RST drops it.
* A receiver that has paused reading gets nothing; a sender whose wire is full is paused. Nothing is ever lost but by
  RST, by a cut, or because the receiver is closed.
* Protocols are called from the loop, never from inside a call of their own.
"""

import asyncio
import errno
import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, TypeAlias

__all__ = ["MOST_AT_ONCE", "Chunks", "MemoryTransport", "Wire", "chunk_sizes", "joined_transports"]

Chunks: TypeAlias = Sequence[int] | Callable[[int], int]
"""How the wire is cut: the sizes of the chunks (bytes), again and again, or a function of how much waits (bytes)."""


MOST_AT_ONCE: Final = 65536
"""How much arrives at once, unless chosen otherwise (bytes): a receiver must have a chance to pause."""


def chunk_sizes(chunks: Chunks | None) -> Callable[[int], int]:
    """Return a function that says how much of what waits is delivered at once.

    Raises
    ------
    ValueError
        If a size is below 1, or there is none.
    """
    if chunks is None:
        return lambda waiting: min(waiting, MOST_AT_ONCE)
    if callable(chunks):
        return chunks
    sizes = list(chunks)
    if not sizes or min(sizes) < 1:
        raise ValueError(f"chunks must be sizes of 1 byte or more, such as [1] or [3, 1000], not {chunks!r}")
    following = itertools.cycle(sizes)
    return lambda waiting: next(following)


class Wire:
    """One direction.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        Where deliveries run.
    size_of_chunk : callable or None
        See `chunk_sizes`; None delivers only what `deliver` is called for.
    """

    sender: "MemoryTransport"
    receiver: "MemoryTransport"

    def __init__(self, loop: asyncio.AbstractEventLoop, size_of_chunk: Callable[[int], int] | None) -> None:
        self._loop = loop
        self._size_of_chunk = size_of_chunk
        self._is_due = False
        self.data = bytearray()
        self.end: Literal["fin", "rst"] | None = None
        self._ended = False
        self.is_cut = False

    def put(self, data: bytes | bytearray | memoryview) -> None:
        """Put data on the wire."""
        self.data += data
        self.look()

    def finish(self, end: Literal["fin", "rst"]) -> None:
        """Put the end on the wire; RST wins."""
        if end == "rst":
            self.data.clear()
        if self.end is None or end == "rst":
            self.end = end
        self.look()

    @property
    def has_news(self) -> bool:
        """Whether something is to be delivered, and may be."""
        if self.is_cut or self._ended:
            return False
        if self.end == "rst":
            return True
        return bool(self.data or self.end) and (self.receiver.is_reading() or self.receiver.is_closing())

    def look(self) -> None:
        """Deliver a chunk in the next turn, if there is something and nobody else decides."""
        if self._size_of_chunk is not None and not self._is_due and self.has_news:
            self._is_due = True
            self._loop.call_soon(self._step)

    def _step(self) -> None:
        self._is_due = False
        if self._size_of_chunk is None or not self.has_news:
            return
        waiting = len(self.data)
        try:
            size = self._size_of_chunk(waiting) if waiting else 0
            if waiting and size < 1:
                raise ValueError(f"chunks gave {size} for {waiting} bytes: it must be 1 or more")
        except Exception as e:  # noqa: BLE001  It is the test's function; whoever looks first has to learn of it.
            self.data.clear()
            self.receiver.fail(e)
            self.sender.fail(e)
        else:
            self.deliver(min(size, waiting))
            self.look()

    def deliver(self, size: int) -> None:
        """Deliver one chunk; the end, where nothing is left."""
        chunk = bytes(memoryview(self.data)[:size])
        del self.data[:size]
        if chunk:
            self.receiver.take_in(chunk)
            self.sender.sent()
        elif self.end is not None:
            self._ended = True
            self.receiver.take_in_end(self.end)


class MemoryTransport(asyncio.Transport):
    """One end of the wires.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        The loop.
    out : Wire
        What it writes to.
    name, peer : str
        Given as ``sockname`` and ``peername``.
    """

    _high = 65536
    _low = _high // 4

    def __init__(self, loop: asyncio.AbstractEventLoop, out: Wire, name: str, peer: str) -> None:
        super().__init__({"sockname": name, "peername": peer})
        self._loop = loop
        self._name = name
        self.out = out
        out.sender = self
        self._protocol: asyncio.BaseProtocol = asyncio.Protocol()
        self._reading = True
        self._writing_paused = False
        self._eof_written = False
        self._closing = False
        self.lost: asyncio.Future[None] = loop.create_future()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}{' closing' if self._closing else ''}>"

    def connect(self, protocol: asyncio.BaseProtocol) -> None:
        """Give it its protocol, which learns that the connection is made."""
        self._protocol = protocol
        protocol.connection_made(self)

    @property
    def incoming(self) -> Wire:
        """What it receives from."""
        return self.out.receiver.out

    # Receiving

    def take_in(self, data: bytes) -> None:
        """Hand data to the protocol; where nobody takes them any more, RST comes back."""
        if self._closing:
            self.out.receiver.fail(ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)))
        elif isinstance(self._protocol, asyncio.Protocol):
            self._protocol.data_received(data)

    def take_in_end(self, end: Literal["fin", "rst"]) -> None:
        """Tell the protocol that the peer is done, or has reset the connection."""
        if self._closing:
            return
        if end == "rst":
            self.fail(ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)))
        elif isinstance(self._protocol, asyncio.Protocol) and not self._protocol.eof_received():
            self.close()

    def is_reading(self) -> bool:
        """Return whether it wants data."""
        return self._reading and not self._closing

    def pause_reading(self) -> None:
        """Receive nothing for now."""
        self._reading = False

    def resume_reading(self) -> None:
        """Receive again."""
        self._reading = True
        self.incoming.look()

    # Sending

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Put data on the wire; after the end they are dropped, as on a socket."""
        if self._eof_written:
            raise RuntimeError("Cannot call write() after write_eof()")
        if not self._closing:
            self.out.put(data)
            self._pause_if_full()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Put pieces on the wire as one."""
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        """End what is sent; receiving goes on."""
        if not self._eof_written and not self._closing:
            self._eof_written = True
            self.out.finish("fin")

    def can_write_eof(self) -> bool:
        """Return True."""
        return True

    def get_write_buffer_size(self) -> int:
        """Return how much is on the wire (bytes)."""
        return len(self.out.data)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return the low and the high mark of that (bytes)."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set those marks."""
        if high is None:
            high = type(self)._high if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"the marks must be high >= low >= 0, not {high!r} and {low!r}")
        self._high, self._low = high, low
        self._pause_if_full()

    def _pause_if_full(self) -> None:
        if len(self.out.data) > self._high and not self._writing_paused:
            self._writing_paused = True
            self._protocol.pause_writing()

    def sent(self) -> None:
        """Let the protocol write again, once enough has arrived."""
        if self._writing_paused and len(self.out.data) <= self._low:
            self._writing_paused = False
            self._protocol.resume_writing()

    # The end

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return who uses it."""
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let somebody else use it."""
        self._protocol = protocol

    def is_closing(self) -> bool:
        """Return whether it is closed, or about to be."""
        return self._closing

    def close(self) -> None:
        """Receive no more; what was written still arrives, then the end."""
        self._end(None, "fin")

    def abort(self) -> None:
        """Close, and drop what was written and has not arrived."""
        self.out.data.clear()
        self._end(None, "fin")

    def reset(self) -> None:
        """Close with RST: the peer meets `ConnectionResetError`."""
        self._end(None, "rst")

    def fail(self, error: Exception) -> None:
        """End because of an error, which the protocol is told."""
        self._end(error, "fin")

    def _end(self, error: Exception | None, end: Literal["fin", "rst"]) -> None:
        if not self._closing:
            self._closing = True
            self.out.finish(end)
            self.incoming.look()
            self._loop.call_soon(self._tell_lost, error)

    def _tell_lost(self, error: Exception | None) -> None:
        try:
            self._protocol.connection_lost(error)
        finally:
            self.lost.set_result(None)


def joined_transports(
    loop: asyncio.AbstractEventLoop, names: tuple[str, str], chunks: Chunks | None, *, is_lockstep: bool
) -> tuple[MemoryTransport, MemoryTransport]:
    """Return two ends that are joined; both need a protocol yet."""
    wires = [Wire(loop, None if is_lockstep else chunk_sizes(chunks)) for _ in names]
    near = MemoryTransport(loop, wires[0], *names)
    far = MemoryTransport(loop, wires[1], names[1], names[0])
    wires[0].receiver, wires[1].receiver = far, near
    return near, far
