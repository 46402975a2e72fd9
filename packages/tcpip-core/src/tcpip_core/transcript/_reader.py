"""Read a transcript, whoever wrote it, in bounded memory.

Rules of this file
------------------
* A last line that is not whole is what a crash leaves, and no error. Anything else that is not understood is one.
* No line is longer than `MAX_LINE`, compressed or not; what is held is one line and one piece of the file.
"""

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


class Unpacker(Protocol):
    """What undoes a compression, as the module `zlib` has it."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return some of what bytes unpack to."""
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
        packed, unpacker = first, zlib.decompressobj(wbits=31)
        while packed or (packed := next(pieces, b"")):
            if unpacker.eof:
                unpacker = zlib.decompressobj(wbits=31)
            yield self._unpack_some(unpacker, packed)
            # Zeros are what a file has at its end that was written while the power failed.
            packed = unpacker.unconsumed_tail or unpacker.unused_data.lstrip(b"\0")
        while rest := self._unpack_some(unpacker, b""):
            yield rest
        self.is_torn = not unpacker.eof

    def _unpack_some(self, unpacker: Unpacker, packed: bytes) -> bytes:
        try:
            return unpacker.decompress(packed, _PIECE)
        except zlib.error as e:
            raise self._error(f"the compressed file is damaged ({e})") from None

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
