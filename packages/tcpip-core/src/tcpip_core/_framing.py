"""Bytes into messages: the buffer that received data wait in, where in it a frame ends, and what is cut out ahead.

Pure: no loop, no socket, no logging, so that it can be tested and fuzzed by itself.

Rules of this file
------------------
* Order: lines or structures that were cut ahead, then the front, then the tail.
* Nothing is moved to take something: the front is immutable, with a place in it. Each byte is copied a bounded number
  of times, however the stream is cut.
* What is cut ahead is a view: `give_back` undoes it, and everything but the very same read calls that first. Who
  reads in turns with another method gets little cut ahead, and so loses little by it.
"""

import asyncio
import codecs
import ctypes
import functools
import io
from typing import TypeVar

__all__ = ["ReceiveBuffer", "StructureT"]

StructureT = TypeVar("StructureT", bound=ctypes.Structure)


class ReceiveBuffer:
    """First-in first-out bytes with a search for frame ends that never looks at a byte twice.

    A search that failed remembers how far it got, for that separator only: a read that was cancelled and one
    with another separator after it must not skip what the first one had seen.

    Attributes
    ----------
    front, tail : bytes, bytearray
        Empty if nothing waits here; what is cut ahead is still in the front.
    lines : list of str
        Lines that were cut ahead, the next one last.
    terminator, encoding
        What they were cut with.
    structures : io.BytesIO
        The bytes of structures that were cut ahead: whole ones only, all of one class.
    kind : type or None
        That class.
    size : int
        Of one of them (bytes).
    """

    __slots__ = (
        "_is_ahead",
        "_last_kind",
        "_looks_ahead",
        "_next_reach",
        "_place",
        "_searched",
        "_separator",
        "_taken",
        "encoding",
        "front",
        "kind",
        "lines",
        "size",
        "structures",
        "tail",
        "terminator",
    )

    def __init__(self) -> None:
        self.front = b""
        self._place: int = 0
        self.tail = bytearray()
        self._separator = b""
        self._searched = 0
        self._taken: int = 0
        self._is_ahead = False
        self._last_kind: type | None = None
        self._looks_ahead = True
        self._next_reach = _FARTHEST
        self.lines: list[str] = []
        self.terminator = b""
        self.encoding = ""
        self.structures = _NO_STRUCTURES
        self.size = 0
        self.kind: type | None = None

    def __len__(self) -> int:
        if self._is_ahead:
            self.give_back()
        return self.uncut

    @property
    def uncut(self) -> int:
        """How many bytes wait here, without what was cut ahead."""
        return len(self.front) - self._place + len(self.tail)

    @property
    def taken(self) -> int:
        """How many messages were handed out."""
        return self._taken - self._ahead()

    def _ahead(self) -> int:
        if self.kind is None:
            return len(self.lines)
        return self._bytes_ahead() // self.size

    def _bytes_ahead(self) -> int:
        return len(self.structures.getbuffer()) - self.structures.tell()

    def feed(self, chunk: bytes) -> None:
        """Append what arrived."""
        if self.front or self.tail:
            self.tail += chunk
        else:
            self.front = chunk

    # Bytes

    def take(self, n: int) -> bytes:
        """Remove and return the first ``min(n, len(self))`` bytes."""
        if self._is_ahead:
            self.give_back()
        end = self._place + n
        if end > len(self.front):
            self._gather()
            end = min(n, len(self.front))
        taken = self.front[self._place : end]
        self._taken += 1
        if end < len(self.front):
            self._place = end
        else:
            self._drop_front()
        return taken

    def take_all(self) -> bytes:
        """Remove and return everything."""
        return self.take(len(self))

    def take_some(self, n: int) -> bytes | None:
        """Remove and return up to n bytes; None while there is not one, or n is negative: then nothing is enough."""
        return self.take(n) if n == 0 or (n > 0 and len(self)) else None

    def take_exactly(self, n: int) -> bytes | None:
        """Remove and return n bytes; None while they are not complete."""
        return self.take(n) if len(self) >= n else None

    def take_frame(self, separator: bytes, limit: int) -> bytes | None:
        """Remove and return the first frame, separator included; None while it is not complete.

        Raises
        ------
        asyncio.LimitOverrunError
            As for `find_frame`. Nothing is removed.
        """
        size = self.find_frame(separator, limit)
        return None if size < 0 else self.take(size)

    def find_frame(self, separator: bytes, limit: int) -> int:
        """Return how many bytes the first frame takes, separator included, or -1 while it is not complete.

        Raises
        ------
        asyncio.LimitOverrunError
            If the frame without its separator is longer than `limit`, or will be. Nothing is removed; ``consumed``
            counts the bytes in front of the separator, or those that cannot be part of one.
        """
        if self._is_ahead:
            self.give_back()
        length = self.front.find(separator, self._place) - self._place
        if length < 0:
            length = self._find_across(separator)
            if length < 0 and self._searched <= limit:
                return -1
        if length > limit:
            raise asyncio.LimitOverrunError(
                f"the separator is there, but the frame is longer than the limit of {limit} bytes", length
            )
        if length < 0:
            raise asyncio.LimitOverrunError(f"no separator within the limit of {limit} bytes", self._searched)
        return length + len(separator)

    def _find_across(self, separator: bytes) -> int:
        """Return how many bytes stand before a separator that does not end in the front, or -1.

        A frame that is not complete waits in the tail, where appending to it is cheap.
        """
        if self.front:
            self.tail[:0] = self.front[self._place :]
            self._searched = 0
            self._drop_front()
        start = self._searched if separator == self._separator else 0
        found = self.tail.find(separator, start)
        self._separator = separator
        self._searched = max(0, len(self.tail) + 1 - len(separator)) if found < 0 else found
        return found

    def _drop_front(self) -> None:
        self.front = b""
        self._place = 0

    def _gather(self) -> None:
        """Make everything the front."""
        self.front = self.front[self._place :] + self.tail
        self._place = self._searched = 0
        self.tail.clear()

    def look_no_further(self) -> None:
        """Cut nothing ahead any more: from here on it matters when the last message is taken."""
        self._looks_ahead = False
        self.give_back()

    def give_back(self) -> None:
        """Undo what was cut ahead."""
        self._is_ahead = False
        if self.lines:
            self._next_reach = _NEAREST
            self._taken -= len(self.lines)
            text = self.terminator.decode("ascii").join(self.lines)
            self._place -= len(text.encode(self.encoding)) + len(self.terminator)
            self.lines.clear()
        if self.kind is not None:
            if self._ahead():
                self._next_reach = _NEAREST
            self._taken -= self._ahead()
            self._place -= self._bytes_ahead()
            self.kind, self.structures = None, _NO_STRUCTURES
        if self._place == len(self.front):
            self._drop_front()

    # Text

    def take_line(self, terminator: bytes, encoding: str, limit: int) -> str | None:
        """Remove and return one line without its terminator, decoded strictly; None while it is not complete.

        Lines behind it are cut too, into `lines`.

        Parameters
        ----------
        terminator : bytes
            What ends it.
        encoding : str
            Of the text.
        limit : int
            Longest line (bytes).

        Raises
        ------
        asyncio.LimitOverrunError
            As for `find_frame`. Nothing is removed.
        UnicodeError
            If it cannot be decoded. It is removed.
        """
        if self._is_ahead:
            self.give_back()
        front, place = self.front, self._place
        end = front.find(terminator, place)
        if end < 0 or end > place + limit:
            size = self.find_frame(terminator, limit)
            if size < 0:
                return None
            if self.tail:
                self._gather()
            front, place = self.front, self._place
            end = place + size - len(terminator)
        behind = end + len(terminator)
        if behind == len(front):
            self.front, self._place = b"", 0
        elif self._looks_ahead and self._cut_lines(terminator, encoding, behind, limit):
            return self.lines.pop()
        else:
            self._place = behind
        self._taken += 1
        return front[place:end].decode(encoding)

    def _cut_lines(self, terminator: bytes, encoding: str, first: int, limit: int) -> bool:
        """Cut the line that ends at `first`, and those behind it within `limit`, so that none of them is longer."""
        separator = _as_text(terminator, encoding)
        last = self.front.rfind(terminator, first, self._place + self._reach(limit))
        while separator and last >= 0:
            try:
                text = str(memoryview(self.front)[self._place : last], encoding)
            except UnicodeDecodeError as e:
                last = self.front.rfind(terminator, first, self._place + e.start)
                continue
            self._is_ahead = True
            self.lines = text.split(separator)
            self.lines.reverse()
            self.terminator, self.encoding = terminator, encoding
            self._place = last + len(terminator)
            self._taken += len(self.lines)
            return True
        return False

    def _reach(self, most: int) -> int:
        """Return how far to look ahead this time, and look further the next time."""
        reach = self._next_reach
        self._next_reach = min(2 * reach, _FARTHEST)
        return min(reach, most)

    # Structures

    def fill(self, struct: StructureT, size: int) -> StructureT | None:
        """Fill a structure of a size with the first bytes, and return it; None while they are not complete.

        Of a second one of the same class a stream is likely: more of them are cut too, into `structures`.
        """
        if self._is_ahead:
            self.give_back()
        kind = type(struct)
        if len(self.front) == size and not self.tail and not self._place:
            io.BytesIO(self.front).readinto(struct)
            self.front = b""
            self._last_kind = kind
            self._taken += 1
            return struct
        if len(self.front) - self._place < size:
            if self.uncut < size:
                return None
            self._gather()
        is_stream = self._looks_ahead and kind is self._last_kind and size > 0
        count = max(1, self._reach(len(self.front) - self._place) // size) if is_stream else 1
        end = self._place + count * size
        structures = io.BytesIO(self.front[self._place : end])
        structures.readinto(struct)
        self._last_kind = kind
        self._taken += count
        if count > 1:
            self._is_ahead = True
            self.kind, self.size, self.structures = kind, size, structures
            self._place = end
        elif end < len(self.front):
            self._place = end
        else:
            self._drop_front()
        return struct


_NO_STRUCTURES = io.BytesIO()

_NEAREST, _FARTHEST = 512, 256 * 1024
"""How far to look ahead after what was cut had to be given back, and at most (bytes)."""


@functools.lru_cache(maxsize=64)
def _as_text(terminator: bytes, encoding: str) -> str:
    """Return a terminator as text if decoding first and splitting then finds the lines that the bytes have, else "".

    That is so in encodings where each ASCII byte is that character and nothing else, unless the terminator overlaps
    itself, such as ``aa``: then the last one in ``aaa`` is none.
    """
    try:
        is_ascii_based = codecs.lookup(encoding).name in {"utf-8", "ascii", "iso8859-1"}
    except LookupError:
        return ""  # Decoding says so, of one line alone.
    overlaps = any(terminator.startswith(terminator[start:]) for start in range(1, len(terminator)))
    return terminator.decode("ascii") if is_ascii_based and terminator.isascii() and not overlaps else ""
