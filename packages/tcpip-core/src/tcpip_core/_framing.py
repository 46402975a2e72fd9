"""Bytes into frames: the buffer that received data wait in, and where in it a frame ends.

Pure: no loop, no socket, no logging, so that it can be tested and fuzzed by itself.
"""

import asyncio

__all__ = ["ReceiveBuffer"]


class ReceiveBuffer:
    """First-in first-out bytes with a search for frame ends that never looks at a byte twice.

    A search that failed remembers how far it got, for that separator only: a read that was cancelled and one
    with another separator after it must not skip what the first one had seen.
    """

    __slots__ = ("_data", "_searched", "_separator")

    def __init__(self) -> None:
        self._data = bytearray()
        self._separator = b""
        self._searched = 0

    def __len__(self) -> int:
        return len(self._data)

    def feed(self, chunk: bytes | bytearray | memoryview) -> None:
        """Append what arrived."""
        self._data += chunk

    def take(self, n: int) -> bytes:
        """Remove and return the first ``min(n, len(self))`` bytes."""
        taken = bytes(memoryview(self._data)[:n])
        del self._data[:n]
        self._searched = 0
        return taken

    def take_all(self) -> bytes:
        """Remove and return everything."""
        return self.take(len(self._data))

    def find_frame(self, separator: bytes, limit: int) -> int:
        """Return how many bytes the first frame takes, separator included, or -1 while it is not complete.

        Raises
        ------
        asyncio.LimitOverrunError
            If the frame without its separator is longer than `limit`, or will be. Nothing is removed; ``consumed``
            counts the bytes in front of the separator, or those that cannot be part of one.
        """
        start = self._searched if separator == self._separator else 0
        found = self._data.find(separator, start)
        if found > limit:
            raise asyncio.LimitOverrunError(
                f"the separator is there, but the frame is longer than the limit of {limit} bytes", found
            )
        if found >= 0:
            return found + len(separator)
        searched = max(0, len(self._data) + 1 - len(separator))
        if searched > limit:
            raise asyncio.LimitOverrunError(f"no separator within the limit of {limit} bytes", searched)
        self._separator, self._searched = separator, searched
        return -1
