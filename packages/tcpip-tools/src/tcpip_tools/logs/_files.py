"""Files that are written whole or not at all."""

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from tcpip_core.transcript import Writable

from .._exit_codes import ExitCode, Failure, sentence_of

__all__ = ["output", "standard_output", "whole_file"]


def output(name: str) -> "contextlib.AbstractContextManager[Writable]":
    """Return `whole_file` of a name, or `standard_output` for ``-`` and whatever else is stdout."""
    return standard_output() if name == "-" or _is_stdout(name) else whole_file(Path(name))


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file that gets its name when all is written; one that had the name before is replaced then.

    Behind a symbolic link it is the file that the link leads to. One that is replaced hands on its owner, its group,
    and who may do what; where owner or group cannot be kept nobody may do more than before. What is no regular file,
    such as a FIFO or a device, is written into; a reader of it who leaves ends the block without a word.

    Parameters
    ----------
    path : Path
        Its name.

    Raises
    ------
    Failure
        If it cannot be written. Nothing of it stays, and what had the name before is as it was.
    """
    try:
        old = _status_of(path)
        with _written_into(path) if old and not stat.S_ISREG(old.st_mode) else _replacing(path, old) as file:
            yield file
    except OSError as e:
        raise Failure(ExitCode.USAGE, f"cannot write {path}: {sentence_of(e)}") from e


def _is_stdout(name: str) -> bool:
    """Return whether a name such as ``/dev/stdout`` leads to what stdout is, which must not be replaced."""
    try:
        return os.path.samestat(Path(name).stat(), os.fstat(sys.stdout.fileno()))
    except (AttributeError, OSError, ValueError):
        return False


def _status_of(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def _written_into(path: Path) -> Iterator[BinaryIO]:
    # Nothing is made or cut off: it is somebody else's.
    with contextlib.suppress(BrokenPipeError), os.fdopen(os.open(path, os.O_WRONLY), "wb") as file:
        yield file


@contextlib.contextmanager
def _replacing(path: Path, old: os.stat_result | None) -> Iterator[BinaryIO]:
    target = Path(os.path.realpath(path))
    unfinished: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            unfinished = Path(file.name)
            yield cast("BinaryIO", file)
        unfinished.chmod(_mode_of_new() if old is None else _handed_on(old, unfinished))
        unfinished.replace(target)
    finally:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)


def _mode_of_new() -> int:
    """Return the mode of a file that is made by open()."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _handed_on(old: os.stat_result, new: Path) -> int:
    """Give a file the owner and the group of another, as far as one may; return the mode that it is to have."""
    mode = stat.S_IMODE(old.st_mode) & 0o777
    with contextlib.suppress(PermissionError, AttributeError):
        os.chown(new, -1, old.st_gid)
        os.chown(new, old.st_uid, -1)
    # Another group than before may do no more than everybody.
    return mode if new.stat().st_gid == old.st_gid else mode & (0o707 | (mode & 0o7) << 3)


@contextlib.contextmanager
def standard_output() -> Iterator[Writable]:
    """Give stdout for bytes; closing it leaves it open. A reader who leaves ends the block without a word.

    Raises
    ------
    Failure
        If whoever started us has closed it.
    """
    if cast("object", sys.stdout) is None:
        raise Failure(ExitCode.USAGE, "stdout is closed: give it somewhere to write to, such as /dev/null")
    try:
        yield _Stdout()
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # So that the interpreter's last flush does not complain.
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)


class _Stdout:
    def write(self, data: bytes, /) -> None:
        _ = sys.stdout.buffer.write(data)

    def flush(self) -> None:
        sys.stdout.buffer.flush()

    def close(self) -> None:
        self.flush()
