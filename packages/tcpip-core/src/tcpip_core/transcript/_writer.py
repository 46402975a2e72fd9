"""Write a transcript to a file, plain or compressed. No threads: whoever writes waits for the disk."""

import zlib
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from ._events import Event, Header
from ._lines import encode_event, encode_header

__all__ = ["TranscriptWriter", "Writable", "create_transcript"]


class Writable(Protocol):
    """Where a transcript is written to: a binary file, or anything like one."""

    def write(self, data: bytes, /) -> object:
        """Take bytes, all of them.

        Parameters
        ----------
        data : bytes
            The bytes.
        """
        ...

    def flush(self) -> object:
        """Hand on what was written."""
        ...

    def close(self) -> object:
        """End the file."""
        ...


class Packer(Protocol):
    """What compresses, as the module `zlib` has it."""

    def compress(self, data: bytes, /) -> bytes:
        """Return some of what was packed so far."""
        ...

    def flush(self, mode: int = zlib.Z_FINISH, /) -> bytes:
        """Return the rest of it."""
        ...

    def copy(self) -> "Packer":
        """Return another one in the same state."""
        ...


def create_transcript(path: str | Path, header: Header) -> "TranscriptWriter":
    """Begin a transcript in a new file.

    Parameters
    ----------
    path : str or Path
        The file; one that exists is overwritten. If its name ends with ``.gz`` it is compressed.
    header : Header
        The first line.

    Returns
    -------
    TranscriptWriter
        It holds the file open until it is closed.

    Raises
    ------
    OSError
        If the file cannot be written.
    ValueError
        If the header cannot be; the file was not touched.
    """
    _ = encode_header(header)
    return TranscriptWriter(Path(path).open("wb"), header, compress=Path(path).suffix == ".gz")


class TranscriptWriter:
    """Writes a header, then events.

    Parameters
    ----------
    file : binary file
        Where to write to; it belongs to the writer.
    header : Header
        The first line; written at once.
    compress : bool
        With gzip.

    Raises
    ------
    OSError
        If the file cannot be written.
    ValueError
        If the header cannot be: its encoding is unknown, its start is no time, or a text is too long.
    """

    def __init__(self, file: Writable, header: Header, *, compress: bool = False) -> None:
        self._file = file
        self._packer = new_packer() if compress else None
        self.header = header
        self._write(encode_header(header))

    def write(self, event: Event) -> None:
        """Write an event.

        Parameters
        ----------
        event : Event
            The event. A payload of more than 256 KiB becomes several events of the same time.

        Raises
        ------
        OSError
            If the file cannot be written; the last line is torn then.
        ValueError
            If a text in it is too long; nothing was written.
        """
        self._write(encode_event(event, self.header.encoding))

    def flush(self) -> None:
        """Hand everything written so far to the operating system.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        if self._packer is not None:
            _ = self._file.write(self._packer.flush(zlib.Z_SYNC_FLUSH))
        _ = self._file.flush()

    def close(self) -> None:
        """End the file; a second call does nothing.

        Raises
        ------
        OSError
            If the rest cannot be written. The file is closed all the same.
        """
        try:
            if self._packer is not None:
                packer, self._packer = self._packer, None
                _ = self._file.write(packer.flush())
        finally:
            _ = self._file.close()

    def __enter__(self) -> Self:
        """Return this object."""
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def _write(self, lines: bytes) -> None:
        _ = self._file.write(lines if self._packer is None else self._packer.compress(lines))


def new_packer() -> Packer:
    """Return what compresses a stream in the format of gzip."""
    return zlib.compressobj(wbits=31)
