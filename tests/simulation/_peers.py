"""What our side talks to: the bare end of a connection, which does as it likes."""

from __future__ import annotations

import contextlib
import contextvars
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcpip_testing.sim import Tcp

__all__ = ["Peer"]


class Peer:
    """The other end: sends numbered lines, keeps what it gets, ends in any way."""

    def __init__(self, tcp: Tcp, name: str) -> None:
        self.name = name
        self.tcp = tcp
        self.got = bytearray()
        self.said = bytearray()
        self.lines = 0
        self.ended = ""
        self._queue: deque[bytes] = deque()
        self._mute = False
        self._context = contextvars.copy_context()
        tcp.readable.start(self._read, self._context)

    @property
    def alive(self) -> bool:
        """Whether it has not ended, nor seen the end."""
        return not self.ended

    def talk(self, count: int, length: int = 4) -> None:
        """Send numbered lines."""
        text: list[str] = []
        for _ in range(count):
            self.lines += 1
            text.append(f"{self.name}:{self.lines}:{'x' * length}\r\n")
        self.send("".join(text).encode())

    def send(self, data: bytes) -> None:
        """Send anything, now or once there is room."""
        if self.alive and not self.tcp.closed:
            self._queue.append(data)
            self._write()

    def _write(self) -> None:
        try:
            while self._queue:
                sent = self.tcp.send(self._queue[0])
                self.said += self._queue[0][:sent]
                self._queue[0] = self._queue[0][sent:]
                if not self._queue[0]:
                    self._queue.popleft()
            self.tcp.writable.stop()
        except BlockingIOError:
            self.tcp.writable.start(self._write, self._context)
        except OSError as e:
            self._end(repr(e))

    def _read(self) -> None:
        try:
            data = self.tcp.receive(65536)
        except OSError as e:
            self._end(repr(e))
            return
        if data:
            self.got += data
        else:
            self._end("EOF")

    def _end(self, why: str) -> None:
        self.ended = self.ended or why
        self.tcp.close()

    def mute(self) -> None:
        """Read no more."""
        self._mute = True
        self.tcp.readable.stop()

    def unmute(self) -> None:
        """Read again."""
        if self._mute and not self.tcp.closed:
            self._mute = False
            self.tcp.readable.start(self._read, self._context)

    def half_close(self) -> None:
        """Send FIN, and go on reading."""
        if not self.tcp.closed and not self._queue:
            with contextlib.suppress(OSError):
                self.tcp.shut_down()

    def close(self) -> None:
        """Close."""
        self._end("closed")

    def reset(self) -> None:
        """Close with RST."""
        self.ended = self.ended or "reset"
        if not self.tcp.closed:
            self.tcp.reset()
