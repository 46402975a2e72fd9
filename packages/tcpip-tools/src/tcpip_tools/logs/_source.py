"""Where a transcript comes from: a file, a file that still grows, or stdin; and what to say where it cannot be read."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from tcpip_core.transcript import Event, TranscriptError, TranscriptReader

from .._exit_codes import ExitCode, Failure, sentence_of
from .._report import printable

__all__ = ["events_of", "follow", "open_log"]

_LOOK_AGAIN: Final = 0.1
"""How often to look whether a file has grown (seconds)."""


def open_log(name: str) -> TranscriptReader:
    """Open a transcript.

    Parameters
    ----------
    name : str
        The file; ``-`` is stdin.

    Raises
    ------
    Failure
        If it cannot be read, or is none.
    """
    return _opened(name, lambda: _stdin() if name == "-" else Path(name).open("rb", buffering=0))


def events_of(log: TranscriptReader, name: str, warn: Callable[[str], None]) -> Iterator[Event]:
    """Yield the events of a transcript.

    Parameters
    ----------
    log : TranscriptReader
        The transcript.
    name : str
        Its name, for what is said of it.
    warn : callable
        Is told that its last line is not whole.

    Raises
    ------
    Failure
        If it cannot be read on. What came before was given.
    """
    try:
        yield from log
    except TranscriptError as e:
        raise _damaged(name, e) from e
    except OSError as e:
        raise _unreadable(name, e) from e
    if log.is_torn:
        warn(f"{name}: the last line is not whole, as after a crash of what wrote it; everything before it is here")


def follow(name: str) -> Iterator[tuple[TranscriptReader, Iterator[Event]]]:
    """Yield a transcript that still grows, and each that takes its place, without an end.

    Parameters
    ----------
    name : str
        The file.

    Raises
    ------
    Failure
        If it cannot be read, or is none.
    """
    while True:
        file = _opened(name, lambda: _Growing(Path(name)))
        with file as log:
            yield log, events_of(log, name, lambda _: None)


def _opened(name: str, open_file: "Callable[[], BinaryIO | _Growing]") -> TranscriptReader:
    try:
        return TranscriptReader(open_file())
    except TranscriptError as e:
        raise _damaged(name, e) from e
    except OSError as e:
        raise _unreadable(name, e) from e


def _stdin() -> BinaryIO:
    if cast("object", sys.stdin) is None:
        raise Failure(ExitCode.USAGE, "stdin is closed: give it something to read, or name a file")
    # Without the buffer, which waits until it is full.
    buffer = sys.stdin.buffer
    return cast("BinaryIO", getattr(buffer, "raw", buffer))


class _Growing:
    """A file whose end is waited at, until another file has its name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb", buffering=0)

    def read(self, size: int, /) -> bytes:
        while not (piece := self._file.read(size) or b""):
            if self._is_replaced():
                # Once more: it may have grown before it was.
                return self._file.read(size) or b""
            time.sleep(_LOOK_AGAIN)
        return piece

    def _is_replaced(self) -> bool:
        try:
            return not os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False

    def close(self) -> None:
        self._file.close()


def _damaged(name: str, error: TranscriptError) -> Failure:
    return Failure(ExitCode.USAGE, f"{name}, {printable(str(error), 300)}")


def _unreadable(name: str, error: OSError) -> Failure:
    return Failure(ExitCode.USAGE, f"cannot read {name}: {sentence_of(error)}")
