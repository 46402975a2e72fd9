"""Lines from a pipe or a file, or from a terminal that can do no more than lines."""

import asyncio
import threading
from typing import Final, TextIO, TypeAlias

from .._exit_codes import ExitCode, Failure

__all__ = ["PipedLines"]

_AHEAD: Final = 100
"""How many lines are read before they are wanted."""


_Queue: TypeAlias = "asyncio.Queue[str | Failure | None]"


class PipedLines:
    """Lines of a stream that may block, or be a plain file, neither of which an event loop can wait for.

    Parameters
    ----------
    stream : text file
        Usually stdin.
    is_by_hand : bool
        Somebody types them: Enter alone is no line.
    """

    def __init__(self, stream: TextIO, *, is_by_hand: bool = False) -> None:
        self._stream = stream
        self.is_by_hand = is_by_hand
        self._queue: _Queue | None = None
        self._room = threading.Semaphore(_AHEAD)

    async def next_line(self) -> str | None:
        """Return the next line, without its end; None at the end of the stream.

        Raises
        ------
        Failure
            If it is no text.
        """
        if self._queue is None:
            self._queue = asyncio.Queue()
            # Nobody joins it: it may wait for the stream for ever.
            arguments = (asyncio.get_running_loop(), self._queue)
            threading.Thread(target=self._read, args=arguments, name="stdin", daemon=True).start()
        line = await self._queue.get()
        self._room.release()
        if isinstance(line, Failure):
            raise line
        return line

    async def close(self) -> None:
        """Do nothing: nobody else reads the stream."""

    def _read(self, loop: asyncio.AbstractEventLoop, queue: _Queue) -> None:
        try:
            self._read_all(loop, queue)
        except (RuntimeError, ValueError, OSError):
            return  # The loop has ended, or the stream was closed: nobody waits any more.

    def _read_all(self, loop: asyncio.AbstractEventLoop, queue: _Queue) -> None:
        end: Failure | None = None
        try:
            for line in self._stream:
                if (stripped := line.rstrip("\r\n")) or not self.is_by_hand:
                    self._room.acquire()
                    loop.call_soon_threadsafe(queue.put_nowait, stripped)
        except UnicodeDecodeError as e:
            wrong = e.object[e.start : e.end]
            end = Failure(ExitCode.USAGE, f"what stdin has is no text in {e.encoding}: {e.reason}, {wrong!r}")
        loop.call_soon_threadsafe(queue.put_nowait, end)
