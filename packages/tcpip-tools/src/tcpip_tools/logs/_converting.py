"""Turn a transcript, or a capture, into something else; whole, or not at all."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tcpip_core.transcript import Event, Header, TranscriptWriter
from tcpip_testing.framing import Framing

from .. import __version__
from .._exit_codes import ExitCode, Failure
from ._files import output
from ._showing import encoding_for, framing_for
from ._source import events_of, open_log

__all__ = ["FORMATS", "Log", "format_of", "run"]

FORMATS: Final = ("pcapng", "text", "csv", "dialogue", "pytest", "tcplog")

_SUFFIXES: Final = {".pcapng": "pcapng", ".txt": "text", ".csv": "csv", ".tcplog": "tcplog", ".gz": "tcplog"}

_RAW: Final = frozenset({"pcapng", "csv"})
"""Formats that hold bytes of the link as they are, which might drive a terminal."""

_CAPTURES: Final = frozenset(
    bytes.fromhex(magic) for magic in ("0a0d0d0a", "d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d")
)
"""How captures begin: pcapng, and pcap of either byte order with times in micro- or nanoseconds."""


@dataclass(frozen=True, slots=True)
class Log:
    """A transcript to be converted.

    Parameters
    ----------
    name : str
        Where it comes from.
    header : Header
        Its header, with the encoding to go by.
    events : iterator of Event
        Its events.
    framing : Framing or None
        How messages are told apart; None if nobody knows.
    """

    name: str
    header: Header
    events: Iterator[Event]
    framing: Framing | None


def format_of(name: str) -> str | None:
    """Return the format that the name of a file says; None if it says none."""
    path = Path(name)
    if path.suffix == ".py":
        return "pytest" if path.name.startswith("test_") else "dialogue"
    return _SUFFIXES.get(path.suffix)


def run(
    source: str, target: str, to: str, framing: str | None, encoding: str | None, warn: Callable[[str], None]
) -> None:
    """Convert a transcript.

    Parameters
    ----------
    source : str
        A transcript, or a capture; ``-`` is a transcript on stdin.
    target : str
        What to write; ``-`` is stdout.
    to : str
        One of `FORMATS`.
    framing, encoding : str or None
        Of messages; None goes by the transcript.
    warn : callable
        Is told what is odd about it.

    Raises
    ------
    Failure
        If it cannot be read, or written, or not be converted, or is nothing for the terminal that stdout is. Nothing
        was written then, but to stdout.
    """
    if to in _RAW and target == "-" and sys.stdout is not None and sys.stdout.isatty():
        raise Failure(ExitCode.USAGE, f"{to} is nothing for a terminal: give a file, or a program to pipe it into")
    with _opened(source, framing, encoding, warn) as log, output(target) as file:
        if to == "tcplog":
            with TranscriptWriter(file, log.header, compress=target.endswith(".gz")) as writer:
                for event in log.events:
                    writer.write(event)
        else:
            for piece in _CONVERTERS[to](log):
                _ = file.write(piece)


@contextmanager
def _opened(source: str, framing: str | None, encoding: str | None, warn: Callable[[str], None]) -> Iterator[Log]:
    if _is_capture(source):
        from ._capture import read_capture

        yield _told(source, *read_capture(source), framing, encoding)
        return
    with open_log(source) as opened:
        yield _told(source, opened.header, events_of(opened, source, warn), framing, encoding)


def _told(name: str, header: Header, events: Iterator[Event], framing: str | None, encoding: str | None) -> Log:
    """Return a transcript, with what was told of its messages in its header too."""
    known = framing_for(framing, header)
    header = replace(header, framing=framing or header.framing, encoding=encoding_for(encoding, header))
    return Log(name, header, events, known)


def _is_capture(name: str) -> bool:
    if name == "-":
        return False
    try:
        with Path(name).open("rb") as file:
            return file.read(4) in _CAPTURES
    except OSError:
        return False  # Who opens it as a transcript says what is wrong.


def _pcapng(log: Log) -> Iterator[bytes]:
    from ..pcapng import blocks

    return blocks(log.header, log.events, f"tcpip-tools {__version__}")


def _text(log: Log) -> Iterator[bytes]:
    from ._tables import text

    return text(log.header, log.events, log.framing)


def _csv(log: Log) -> Iterator[bytes]:
    from ._tables import csv

    return csv(log.header, log.events, log.framing)


def _dialogue(log: Log) -> Iterator[bytes]:
    from ._scripts import dialogue

    return dialogue(log.name, log.header, log.events, log.framing)


def _pytest(log: Log) -> Iterator[bytes]:
    from ._scripts import pytest_test

    return pytest_test(log.name, log.header, log.events, log.framing)


_CONVERTERS: Final[Mapping[str, Callable[[Log], Iterator[bytes]]]] = {
    "pcapng": _pcapng,
    "text": _text,
    "csv": _csv,
    "dialogue": _dialogue,
    "pytest": _pytest,
}
