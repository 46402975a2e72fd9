"""Take secrets out of a transcript, wherever it was cut into pieces; pure but for reading and writing it."""

import bisect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from tcpip_core.transcript import Close, Data, Direction, Error, Event, Gap, Header, Mark, Open, TranscriptWriter

from .._exit_codes import ExitCode, Failure
from ._files import output
from ._source import events_of, open_log

__all__ = ["Secrets", "redact", "run"]

_MOST: Final = 1024 * 1024 * 1024
"""Most payload that one transcript may have (bytes): all of it is looked at at once."""

_Stream: TypeAlias = tuple[int, Direction, int]
"""Connection, direction, and how many gaps were before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What is to be taken out.

    Parameters
    ----------
    patterns : sequence of str
        Regular expressions for text; what they match is covered.
    addresses : bool
        Take out addresses and names of hosts too, where the transcript has them beside the payload.
    """

    patterns: Sequence[str]
    addresses: bool = False


@dataclass(slots=True)
class _Cover:
    """Which parts of a stream are covered: begins and ends, in order."""

    begins: list[int] = field(default_factory=list[int])
    ends: list[int] = field(default_factory=list[int])


def run(source: str, target: str, secrets: Secrets, warn: Callable[[str], None]) -> int:
    """Write a transcript again without its secrets.

    Parameters
    ----------
    source, target : str
        The files; ``-`` is stdin, or stdout.
    secrets : Secrets
        What to take out.
    warn : callable
        Is told what is odd about the transcript.

    Returns
    -------
    int
        How many places were covered.

    Raises
    ------
    Failure
        If it cannot be read, or written. Nothing was written then.
    """
    with open_log(source) as log:
        header, events = log.header, list(_bounded(events_of(log, source, warn)))
    header, cleaned, places = redact(header, events, secrets)
    with output(target) as file, TranscriptWriter(file, header, compress=target.endswith(".gz")) as writer:
        for event in cleaned:
            writer.write(event)
    return places


def _bounded(events: Iterable[Event]) -> Iterator[Event]:
    size = 0
    for event in events:
        size += len(event.payload) if isinstance(event, Data) else 0
        if size > _MOST:
            raise Failure(ExitCode.USAGE, f"this transcript has more than {_MOST} bytes of payload: cut it first")
        yield event


def redact(header: Header, events: Sequence[Event], secrets: Secrets) -> tuple[Header, list[Event], int]:
    """Return a transcript without its secrets, and how many places were covered.

    Each covered byte of a payload becomes ``x``, so that sizes and framings stay as they were.

    Raises
    ------
    Failure
        If a pattern is no regular expression, or the encoding of the transcript lacks a character of it.
    """
    cleaning = _Cleaning(header, secrets)
    cleaning.look_at(events)
    cleaned = [cleaning.cleaned(event) for event in events]
    target = "redacted" if secrets.addresses and header.target else cleaning.text(header.target)
    note = Mark(0, f"redacted, places covered: {cleaning.places}")
    return replace(header, target=target), [note, *cleaned], cleaning.places


class _Cleaning:
    def __init__(self, header: Header, secrets: Secrets) -> None:
        self._addresses = secrets.addresses
        try:
            self._texts = [re.compile(pattern) for pattern in secrets.patterns]
            self._patterns = [re.compile(pattern.encode(header.encoding)) for pattern in secrets.patterns]
        except (re.error, UnicodeError) as e:
            raise Failure(ExitCode.USAGE, f"a pattern cannot be used for {header.encoding}: {e}") from e
        self._covers: dict[_Stream, _Cover] = {}
        self._places: dict[_Stream, int] = {}
        self._gaps = 0
        self._hosts: dict[str, str] = {}
        self.places = 0

    def look_at(self, events: Iterable[Event]) -> None:
        """Find the secrets in each direction of each link, across its pieces, up to a gap."""
        streams: dict[_Stream, bytearray] = {}
        for event in events:
            if isinstance(event, Data):
                streams.setdefault(self._stream_of(event), bytearray()).extend(event.payload)
            self._gaps += isinstance(event, Gap)
        self._gaps = 0
        for key, stream in streams.items():
            self._covers[key] = self._cover_of(bytes(stream))

    def _stream_of(self, event: Data) -> _Stream:
        return event.connection, event.direction, self._gaps

    def _cover_of(self, stream: bytes) -> _Cover:
        cover = _Cover()
        for begin, end in sorted(found.span() for pattern in self._patterns for found in pattern.finditer(stream)):
            if begin == end:
                continue
            self.places += 1
            if cover.ends and begin <= cover.ends[-1]:
                cover.ends[-1] = max(end, cover.ends[-1])
            else:
                cover.begins.append(begin)
                cover.ends.append(end)
        return cover

    def cleaned(self, event: Event) -> Event:
        """Return an event without its secrets; to be called for all of them in order."""
        match event:
            case Data():
                return self._data(event)
            case Gap():
                self._gaps += 1
                return replace(event, reason=self.text(event.reason))
            case Open():
                return replace(event, client=self._address(event.client), device=self._address(event.device))
            case Close():
                return replace(event, reason=self.text(event.reason))
            case Mark() | Error():
                return replace(event, text=self.text(event.text))
            case _:
                return event

    def _data(self, event: Data) -> Data:
        key = self._stream_of(event)
        place = self._places.get(key, 0)
        end = self._places[key] = place + len(event.payload)
        cover, payload = self._covers[key], bytearray(event.payload)
        for index in range(bisect.bisect_right(cover.ends, place), len(cover.begins)):
            if cover.begins[index] >= end:
                break
            first, last = max(cover.begins[index], place) - place, min(cover.ends[index], end) - place
            payload[first:last] = b"x" * (last - first)
        return replace(event, payload=bytes(payload))

    def text(self, text: str) -> str:
        """Return a text without what the patterns match, nor a host that was taken out."""
        for pattern in self._texts:
            text, count = pattern.subn(lambda found: "x" * len(found[0]), text)
            self.places += count
        for host, name in self._hosts.items():
            text = text.replace(host, name)
        return text

    def _address(self, address: str) -> str:
        """Return an address whose host is made up, the same for the same host, with its port."""
        if not self._addresses or not address:
            return self.text(address)
        host, colon, port = address.rpartition(":")
        name = self._hosts.setdefault(host if colon else address, f"host-{len(self._hosts) + 1}")
        self.places += 1
        return f"{name}:{port}" if colon and port.isdigit() else name
