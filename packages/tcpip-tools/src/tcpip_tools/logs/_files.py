"""Files that are written whole or not at all."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from tcpip_core.transcript import Writable

from .._exit_codes import ExitCode, Failure, sentence_of

__all__ = ["output", "standard_output", "whole_file"]


def output(name: str) -> "contextlib.AbstractContextManager[Writable]":
    """Return `whole_file` of a name, or `standard_output` for ``-``."""
    return standard_output() if name == "-" else whole_file(Path(name))


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file that gets its name when all is written; one that had the name before is replaced then.

    Parameters
    ----------
    path : Path
        Its name.

    Raises
    ------
    Failure
        If it cannot be written. Nothing of it stays, and what had the name before is as it was.
    """
    unfinished: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            unfinished = Path(file.name)
            yield cast("BinaryIO", file)
        # As a file has it that is made by open().
        mask = os.umask(0)
        os.umask(mask)
        unfinished.chmod(0o666 & ~mask)
        unfinished.replace(path)
    except OSError as e:
        raise Failure(ExitCode.USAGE, f"cannot write {path}: {sentence_of(e)}") from e
    finally:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)


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
