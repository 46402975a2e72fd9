"""Read a transcript, whoever wrote it, in bounded memory.

Rules of this file
------------------
* A last line that is not whole is what a crash leaves, and no error; so are zeros at the end of a compressed file.
  Anything else that is not understood is one, after what came before it was given.
* No line is longer than `MAX_LINE`, compressed or not; what is held is one line and one piece of the file.
"""

import contextlib
import itertools
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from ._events import Event, Header
from ._lines import MAX_LINE, decode_event, decode_header, is_json

__all__ = ["Readable", "TranscriptError", "TranscriptReader", "open_transcript"]

_PIECE = 64 * 1024
"""How much is read, and unpacked, at a time (bytes)."""


class TranscriptError(ValueError):
    """A file is no transcript, is damaged, or was written by a newer version; the text says which, and where."""


class Readable(Protocol):
    """Where a transcript is read from: a binary file, or anything like one."""

    def read(self, size: int, /) -> bytes | None:
        """Read the next piece.

        Parameters
        ----------
        size : int
            How much at most (bytes).

        Returns
        -------
        bytes or None
            The piece, ``b""`` or None at the end.
        """
        ...

    def close(self) -> object:
        """Give up what it holds."""
        ...


_MOST_ZEROS = 16
"""More than a gzip file can have at its end: that of nothing has 9 (bytes)."""


class Unpacker(Protocol):
    """What undoes a compression, as the module `zlib` has it."""

    @property
    def eof(self) -> bool:
        """Whether the end of what was compressed is reached."""
        ...

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes:
        """Return some of what bytes unpack to."""
        ...

    def copy(self) -> Self:
        """Return another one in the same state."""
        ...


def open_transcript(path: str | Path) -> "TranscriptReader":
    """Open a transcript to be read.

    Parameters
    ----------
    path : str or Path
        The file; it may be compressed with gzip, whatever its name.

    Returns
    -------
    TranscriptReader
        It holds the file open until it is closed.

    Raises
    ------
    OSError
        If the file cannot be read.
    TranscriptError
        If it does not begin like a transcript. The file is closed then.
    """
    return TranscriptReader(Path(path).open("rb", buffering=0))


class TranscriptReader:
    """The header and the events of a transcript, read once, from the first to the last.

    Unknown keys and kinds of events are passed over.

    Parameters
    ----------
    file : binary file
        Where to read from; it belongs to the reader. It may be compressed with gzip.

    Attributes
    ----------
    header : Header
        What the first line says.
    line : int
        Number of the line that was read last; the header is 1.
    is_torn : bool
        The last line was not whole; known once all was read. What it would have said is missing.

    Raises
    ------
    OSError
        If the file cannot be read.
    TranscriptError
        If it does not begin like a transcript. The file is closed then.
    """

    def __init__(self, file: Readable) -> None:
        self._file = file
        self.line: int = 0
        self.is_torn: bool = False
        self._lines = self._split(self._unpack(self._read()))
        try:
            first = next(self._lines, None)
            if first is None:
                what = "it ends within its first line" if self.is_torn else "it is empty"
                raise self._error(f"this is no transcript: {what}")
            try:
                self.header: Header = decode_header(first)
            except ValueError as e:
                raise self._error(str(e)) from None
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[Event]:
        """Return the events that were not read yet, in the order of the file.

        Raises
        ------
        OSError
            If the file cannot be read on.
        TranscriptError
            If a line cannot be understood. Those before it were given.
        """
        for line in self._lines:
            try:
                event = decode_event(line, self.header.encoding)
            except ValueError as e:
                raise self._error(str(e)) from None
            if event is not None:
                yield event

    def close(self) -> None:
        """Close the file; always safe."""
        self._file.close()

    def __enter__(self) -> Self:
        """Return this object."""
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def _error(self, what: str) -> TranscriptError:
        return TranscriptError(f"line {max(self.line, 1)}: {what}")

    def _read(self) -> Iterator[bytes]:
        while piece := self._file.read(_PIECE):
            yield piece

    def _unpack(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Give what is in a file that may be compressed."""
        first = next(pieces, b"")
        while 0 < len(first) < 2 and (more := next(pieces, b"")):
            first += more
        if first[:2] != b"\x1f\x8b":
            yield first
            yield from pieces
            return
        packed, unpacker, zeros = b"", zlib.decompressobj(wbits=31), _Zeros()
        rest = zeros.held_back(itertools.chain((first,), pieces))
        while packed or (packed := next(rest, b"")):
            if unpacker.eof:
                packed = packed.lstrip(b"\0")
                if not packed:
                    continue
                unpacker = zlib.decompressobj(wbits=31)
            yield from self._unpack_some(unpacker, packed)
            packed = unpacker.unconsumed_tail or unpacker.unused_data
        while piece := b"".join(self._unpack_some(unpacker, b"")):
            yield piece
        end = _unpack_up_to_damage(unpacker, bytes(min(zeros.number, _MOST_ZEROS)))
        self.is_torn = not unpacker.eof
        # Else the zeros are no part of it, and may unpack to anything.
        if not self.is_torn:
            yield end

    def _unpack_some(self, unpacker: Unpacker, packed: bytes) -> Iterator[bytes]:
        before = unpacker.copy()
        try:
            piece = unpacker.decompress(packed, _PIECE)
        except zlib.error as e:
            # It keeps to itself what it has unpacked before.
            yield _unpack_up_to_damage(before, packed)
            raise self._error(f"the compressed file is damaged ({e})") from None
        yield piece

    def _split(self, pieces: Iterator[bytes]) -> Generator[bytes, None, None]:
        """Cut a stream into its lines; leave out empty ones, and a last one that is not whole."""
        rest = b""
        for piece in pieces:
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                self.line += 1
                if len(line) > MAX_LINE:
                    raise self._error(f"it is longer than {MAX_LINE} bytes")
                if line.strip():
                    yield line
            if len(rest) > MAX_LINE:
                self.line += 1
                raise self._error(f"it is longer than {MAX_LINE} bytes")
        if rest.strip():
            self.line += 1
            if is_json(rest):
                yield rest
            else:
                self.is_torn = True


def _unpack_up_to_damage(unpacker: Unpacker, packed: bytes) -> bytes:
    """Return what bytes unpack to before the first one that is wrong, or the end."""
    pieces: list[bytes] = []
    with contextlib.suppress(zlib.error):
        for place in range(len(packed)):
            if unpacker.eof:
                break
            pieces.append(unpacker.decompress(packed[place : place + 1]))
    return b"".join(pieces)


class _Zeros:
    """Holds zeros back until something else follows: at its end a file has them that was written while power failed.

    Attributes
    ----------
    number : int
        How many are held back.
    """

    def __init__(self) -> None:
        self.number = 0

    def held_back(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Give the pieces without the zeros at the end of the last."""
        for piece in pieces:
            kept = piece.rstrip(b"\0")
            if kept:
                for begin in range(0, self.number, _PIECE):
                    yield bytes(min(self.number - begin, _PIECE))
                yield kept
                self.number = 0
            self.number += len(piece) - len(kept)
