"""Record what a verb does in a transcript: ``--log``."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ._exit_codes import ExitCode, Failure
from ._running import LOG
from ._targets import Target

__all__ = ["recorded"]


@contextlib.contextmanager
def recorded(target: Target) -> Iterator[Target]:
    """Record the links to a target while the block runs, if that was asked for.

    Parameters
    ----------
    target : Target
        Where to.

    Yields
    ------
    Target
        The same, with the recorder that is told of its links.

    Raises
    ------
    Failure
        If the file cannot be there.
    """
    if target.log is None:
        yield target
        return
    from tcpip_core.transcript import Recorder

    path = Path(target.log).absolute()
    if path.exists() and not path.is_file():
        raise Failure(ExitCode.USAGE, f"--log {target.log}: that is there, and is no regular file")
    directory = path.parent
    if not (directory.is_dir() and os.access(directory, os.W_OK)):
        raise Failure(ExitCode.USAGE, f"--log {target.log}: nothing can be written into {directory}")
    log = LOG.getChild("recorder")
    try:
        recorder = Recorder(
            target.log, target=str(target), framing=target.framing, encoding=target.encoding, keep=None, log=log
        )
    except ValueError as e:
        raise Failure(ExitCode.USAGE, f"--log {target.log}: {e}") from e
    try:
        yield replace(target, observer=recorder)
    finally:
        with _shown(log):
            recorder.close()


@contextlib.contextmanager
def _shown(log: logging.Logger) -> Iterator[None]:
    """Show on stderr what a logger says is wrong, such as how much of a recording is missing."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.ERROR)
    handler.setFormatter(logging.Formatter("tcpip: %(message)s"))
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
