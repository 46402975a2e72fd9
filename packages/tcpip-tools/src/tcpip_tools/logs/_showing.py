"""Show a transcript: open it, cut it into messages, and write until it ends or nobody reads."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tcpip_core.transcript import Direction, Event, Header, TranscriptReader
from tcpip_testing.framing import Framing, Structured, parse_framing

from .._exit_codes import ExitCode, Failure
from .._lines import make_writer
from .._report import Event as Report
from .._report import Writer
from . import _ending
from ._decoding import function_named, structure_named
from ._messages import Message, messages_in
from ._show import Decode, Times, Viewer
from ._source import events_of, follow, open_log

__all__ = ["Request", "encoding_for", "framing_for", "run", "warner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to show; the names are those of the options."""

    name: str
    follow: bool
    as_hex: bool
    grep: "re.Pattern[str] | None"
    structure: str | None
    function: str | None
    framing: str | None
    encoding: str | None
    connection: int | None
    direction: Direction | None
    times: Times


def run(request: Request, *, as_json: bool) -> ExitCode:
    """Show a transcript.

    Raises
    ------
    Failure
        If it cannot be read to its end, if a decode function raised, or if nothing is what was asked for.
    """
    writer = make_writer(as_json=as_json)
    found: dict[str, object] = {"shown": 0}
    return _ending.run(lambda: _Showing(request, writer, found).show(), writer, found)


class _Showing:
    def __init__(self, request: Request, writer: Writer, found: dict[str, object]) -> None:
        self._request = request
        self._writer = writer
        self._found = found
        self._structure: Framing | None = None
        self._decode: Decode | None = None
        if request.structure is not None:
            structure, self._decode = structure_named(request.structure)
            self._structure = Structured(structure)
        elif request.function is not None:
            self._decode = function_named(request.function)
        self._count = 0
        self._is_there = request.connection is None
        self._failures: list[str] = []

    def show(self) -> ExitCode:
        """Show it to its end, or until nobody reads; return the status."""
        for log, events in self._logs():
            self._show(log, events)
            if self._writer.output.gone:
                return ExitCode.OK
        self._check()
        return ExitCode.OK

    def _show(self, log: TranscriptReader, events: Iterable[Event]) -> None:
        viewer = Viewer(
            header=log.header,
            encoding=encoding_for(self._request.encoding, log.header),
            times=self._request.times,
            as_hex=self._request.as_hex,
            decode=self._decode,
            grep=self._request.grep,
        )
        viewer.failures = self._failures
        for item in messages_in(self._wanted(events), self._framings(log)):
            if isinstance(item, Message) and self._request.direction not in {None, item.direction}:
                continue
            for line in viewer.lines(item):
                self._count += 1
                self._found["shown"] = self._count
                self._writer(line)
            if self._writer.output.gone:
                return

    def _check(self) -> None:
        """Fail if what was shown is not what was asked for."""
        if self._failures:
            text = f"messages on which the decode function raised: {len(self._failures)}, first: {self._failures[0]}"
            raise Failure(ExitCode.EXPECTATION, text)
        if not self._is_there:
            raise Failure(ExitCode.EXPECTATION, f"there is no link {self._request.connection} in {self._request.name}")
        if not self._count and (self._request.grep or self._request.direction):
            raise Failure(ExitCode.EXPECTATION, f"nothing in {self._request.name} matches")

    def _logs(self) -> Iterator[tuple[TranscriptReader, Iterable[Event]]]:
        if self._request.follow:
            yield from follow(self._request.name)
            return
        with open_log(self._request.name) as log:
            yield log, events_of(log, self._request.name, warner(self._writer))

    def _wanted(self, events: Iterable[Event]) -> Iterator[Event]:
        wanted = self._request.connection
        for event in events:
            number = getattr(event, "connection", 0)
            self._is_there = self._is_there or number == wanted
            if wanted is None or number in {0, wanted}:
                yield event

    def _framings(self, log: TranscriptReader) -> dict[Direction, Framing | None]:
        told = framing_for(self._request.framing, log.header)
        return {">": told, "<": told if told is not None or self._structure is None else self._structure}


def framing_for(told: str | None, header: Header) -> Framing | None:
    """Return how messages are told apart: as told, else as the transcript says; None if nobody knows.

    Raises
    ------
    Failure
        If what was told is no framing. A name in a transcript that is none counts as none.
    """
    try:
        return _usable(told) if told is not None else _safe(header.framing)
    except ValueError as e:
        raise Failure(ExitCode.USAGE, str(e)) from e


def _safe(name: str) -> Framing | None:
    """Return the framing of a name that a stranger may have written: nothing is imported for it."""
    if not name or (name.startswith("struct:") and name.count(":") > 1):
        return None
    try:
        return _usable(name)
    except ValueError:
        return None


def _usable(name: str) -> Framing:
    """Return the framing of a name, if messages of it are not larger than a decoder takes."""
    framing = parse_framing(name)
    _ = framing.decoder()
    return framing


def encoding_for(told: str | None, header: Header) -> str:
    """Return the encoding of text: as told, else as the transcript says.

    Raises
    ------
    Failure
        If what was told is none.
    """
    encoding = told or header.encoding
    try:
        "".encode(encoding)
    except (LookupError, ValueError) as e:
        raise Failure(ExitCode.USAGE, f"{encoding!r} is no encoding of text") from e
    return encoding


def warner(writer: Writer) -> Callable[[str], None]:
    """Return what puts a warning on stderr."""
    return lambda text: writer(Report("warning", text, "!", {"text": text}, is_aside=True))
