"""asyncio's socket transport over a simulated connection: the same steps, in the same turns of the loop.

It does what the selector transport of CPython 3.11 to 3.13 does: protocols and programs must not see a difference.
"""

import asyncio
import contextvars
import logging
import warnings
from collections.abc import Callable, Iterable
from typing import Any, Protocol, cast

from ._socket import SimSocket
from ._tcp import Tcp
from ._watch import WorldClock

__all__ = ["SimTransport"]

_log = logging.getLogger("asyncio")

_MOST_RECEIVED = 256 * 1024
"""How much is received at once (bytes)."""

_HIGH_WATER = 64 * 1024
"""How much may wait to be written before the protocol is paused (bytes)."""

_LATE_WRITES = 5
"""How many writes to a lost connection go unmentioned."""


class Loop(WorldClock, Protocol):
    """What a transport asks of its loop."""

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Tell of an error that nobody caught."""
        ...


class SimTransport(asyncio.Transport):
    """A stream transport.

    Parameters
    ----------
    loop : Loop
        The loop.
    tcp : Tcp
        The connection, which is established.
    protocol : asyncio.BaseProtocol
        Who uses it.
    waiter : asyncio.Future or None
        Done once the protocol knows that the connection is made.
    on_lost : callable or None
        Called once the protocol knows that the connection is lost.
    """

    _gone = True  # Nothing to warn of, where the constructor fails.

    def __init__(
        self,
        loop: Loop,
        tcp: Tcp,
        protocol: asyncio.BaseProtocol,
        waiter: "asyncio.Future[None] | None" = None,
        on_lost: "Callable[[SimTransport], None] | None" = None,
    ) -> None:
        super().__init__({"socket": SimSocket(tcp.local, tcp), "sockname": tcp.local, "peername": tcp.remote})
        self._loop = loop
        self._tcp = tcp
        self._protocol = protocol
        self._on_lost = on_lost
        self._context = contextvars.copy_context()
        self._pending = bytearray()
        self._high, self._low = _HIGH_WATER, _HIGH_WATER // 4
        self._protocol_paused = False
        self._reading_paused = False
        self._closing = False
        self._lost_calls = 0
        self._eof = False
        self._gone = False
        tcp.holder = self
        loop.call_soon(protocol.connection_made, self)
        loop.call_soon(self._watch_reading)
        if waiter is not None:
            loop.call_soon(_resolve, waiter)

    def __repr__(self) -> str:
        state = "closed" if self._gone else "closing" if self._closing else "open"
        return f"<{type(self).__name__} {self._tcp.name} {state}>"

    def __del__(self, _warn: Callable[..., None] = warnings.warn) -> None:
        if not self._gone:
            _warn(f"unclosed transport {self!r}", ResourceWarning, source=self)
            self._tcp.close()

    @property
    def tcp(self) -> Tcp:
        """The connection below, to look at or to break."""
        return self._tcp

    def drop(self) -> None:
        """Be gone with a loop that could not go on: nobody had a chance to close this."""
        self._closing = self._gone = True

    # Protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let somebody else use it."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return who uses it."""
        return self._protocol

    # Reading

    def is_reading(self) -> bool:
        """Return whether it looks at its socket for data."""
        return not self._closing and not self._reading_paused

    def pause_reading(self) -> None:
        """Receive nothing for now."""
        if self.is_reading():
            self._reading_paused = True
            self._tcp.readable.stop()

    def resume_reading(self) -> None:
        """Receive again."""
        if not self._closing and self._reading_paused:
            self._reading_paused = False
            self._watch_reading()

    def _watch_reading(self) -> None:
        if self.is_reading():
            self._tcp.readable.start(self._read_ready, self._context)

    def _read_ready(self) -> None:
        if self._lost_calls:
            return
        protocol = self._protocol
        step = "get_buffer" if isinstance(protocol, asyncio.BufferedProtocol) else "data_received"
        try:
            if isinstance(protocol, asyncio.BufferedProtocol):
                buffer = cast("memoryview", protocol.get_buffer(-1))
                if not len(buffer):
                    raise RuntimeError("get_buffer() returned an empty buffer")
                data = self._receive(len(buffer))
                if data:
                    buffer[: len(data)] = data
                    step = "buffer_updated"
                    protocol.buffer_updated(len(data))
            else:
                data = self._receive(_MOST_RECEIVED)
                if data:
                    cast("asyncio.Protocol", protocol).data_received(data)
            if data == b"":
                step = "eof_received"
                self._at_eof(cast("asyncio.Protocol", protocol))
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as e:  # noqa: BLE001  A protocol may raise anything.
            self._fatal_error(e, f"Fatal error: protocol.{step}() call failed.")

    def _receive(self, size: int) -> bytes | None:
        """Return what arrived, ``b""`` at EOF, None if there is nothing, or the connection failed."""
        try:
            return self._tcp.receive(size)
        except BlockingIOError:
            return None
        except OSError as e:
            self._force_close(e)
            return None

    def _at_eof(self, protocol: asyncio.Protocol) -> None:
        keep_open: object = protocol.eof_received()
        if keep_open:
            self._tcp.readable.stop()
        else:
            self.close()

    # Writing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send data, or keep what cannot be sent yet."""
        if not isinstance(data, bytes | bytearray | memoryview):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"data argument must be a bytes-like object, not {type(data).__name__!r}")
        if self._eof:
            raise RuntimeError("Cannot call write() after write_eof()")
        if not data:
            return
        if self._lost_calls:
            if self._lost_calls >= _LATE_WRITES:
                _log.warning("socket.send() raised exception.")
            self._lost_calls += 1
            return
        sent = 0
        if not self._pending:
            try:
                sent = self._tcp.send(data)
            except BlockingIOError:
                pass
            except OSError as e:
                self._force_close(e)
                return
            if sent == len(data):
                return
            self._tcp.writable.start(self._write_ready, self._context)
        self._pending += data[sent:]
        self._pause_if_full()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Send pieces as one."""
        self.write(b"".join(list_of_data))

    def _write_ready(self) -> None:
        if self._lost_calls:
            return
        try:
            sent = self._tcp.send(self._pending)
        except BlockingIOError:
            return
        except OSError as e:
            self._tcp.writable.stop()
            self._pending.clear()
            self._force_close(e)
            return
        del self._pending[:sent]
        self._resume_if_empty()
        if not self._pending:
            self._tcp.writable.stop()
            if self._closing:
                self._call_connection_lost(None)
            elif self._eof:
                self._tcp.shut_down()

    def write_eof(self) -> None:
        """Send FIN after what was written; reading goes on."""
        if not self._closing and not self._eof:
            self._eof = True
            if not self._pending:
                self._tcp.shut_down()

    def can_write_eof(self) -> bool:
        """Return True."""
        return True

    # Flow control

    def get_write_buffer_size(self) -> int:
        """Return how much waits to be written (bytes)."""
        return len(self._pending)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return the low and the high mark of that (bytes)."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set those marks."""
        if high is None:
            high = _HIGH_WATER if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"high ({high!r}) must be >= low ({low!r}) must be >= 0")
        self._high, self._low = high, low
        self._pause_if_full()

    def _pause_if_full(self) -> None:
        if len(self._pending) > self._high and not self._protocol_paused:
            self._protocol_paused = True
            self._call_protocol(self._protocol.pause_writing, "protocol.pause_writing() failed")

    def _resume_if_empty(self) -> None:
        if self._protocol_paused and len(self._pending) <= self._low:
            self._protocol_paused = False
            self._call_protocol(self._protocol.resume_writing, "protocol.resume_writing() failed")

    def _call_protocol(self, method: Callable[[], None], failed: str) -> None:
        try:
            method()
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as e:  # noqa: BLE001  A protocol may raise anything.
            self._report(e, failed)

    # The end

    def is_closing(self) -> bool:
        """Return whether it is closed, or about to be."""
        return self._closing

    def close(self) -> None:
        """Receive no more; end once what was written is sent."""
        if not self._closing:
            self._closing = True
            self._tcp.readable.stop()
            if not self._pending:
                self._lose(None)

    def abort(self) -> None:
        """End now; drop what was not sent."""
        self._force_close(None)

    def _report(self, error: BaseException, message: str) -> None:
        context = {"message": message, "exception": error, "transport": self, "protocol": self._protocol}
        self._loop.call_exception_handler(context)

    def _fatal_error(self, error: BaseException, message: str) -> None:
        if not isinstance(error, OSError):
            self._report(error, message)
        self._force_close(error)

    def _force_close(self, error: BaseException | None) -> None:
        if self._lost_calls:
            return
        self._pending.clear()
        self._closing = True
        self._tcp.readable.stop()
        self._lose(error)

    def _lose(self, error: BaseException | None) -> None:
        self._lost_calls += 1
        self._tcp.writable.stop()
        self._loop.call_soon(self._call_connection_lost, error)

    def _call_connection_lost(self, error: BaseException | None) -> None:
        try:
            # As in asyncio: a protocol may be told of a BaseException that it raised itself.
            self._protocol.connection_lost(cast("Exception | None", error))
        finally:
            self._gone = True
            self._lost_calls += 1
            self._tcp.close()
            if self._on_lost is not None:
                self._on_lost(self)


def _resolve(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)
