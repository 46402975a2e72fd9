"""Take secrets out of a transcript, wherever it was cut into pieces.

It is read twice: first to see what there is to be covered, the hosts of all links too; then to be written again. What
is read the second time is a copy without a name, as stdin can be read once, and a log may grow.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from tcpip_core.transcript import (
    Close,
    Data,
    Direction,
    Error,
    Event,
    Gap,
    Header,
    Mark,
    Open,
    TranscriptReader,
    TranscriptWriter,
    Writable,
)

from .._exit_codes import ExitCode, Failure, sentence_of
from ._covering import cover, covered, is_large_as_text
from ._files import output
from ._source import events_of, open_log

__all__ = ["Secrets", "run"]

_MOST: Final = 256 * 1024 * 1024
"""Most payload that one transcript may have (bytes): all of it is looked at at once."""

_MOST_HOSTS: Final = 10_000
_LONGEST_HOST: Final = 1024

_OVERHEAD: Final = 512
"""What a stream counts beside its payload (bytes)."""

_Stream: TypeAlias = tuple[int, Direction, int]
"""Connection, direction, and how many gaps were before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What is to be taken out.

    Parameters
    ----------
    patterns : sequence of str
        Regular expressions for text; what they match is covered, in payloads too.
    addresses : bool
        Take out the hosts of all links and of the target too, wherever the transcript has them beside the payload.
    """

    patterns: Sequence[str]
    addresses: bool = False


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
    with open_log(source) as log, tempfile.TemporaryFile() as copy:
        cleaning = _Cleaning(log.header, secrets)
        cleaning.look_at(_copied(log.header, events_of(log, source, warn), copy, source))
        _ = copy.seek(0)
        with output(target) as file:
            _write(TranscriptReader(copy), cleaning, file, source, compress=target.endswith(".gz"))
    return cleaning.places


def _copied(header: Header, events: Iterable[Event], file: Writable, source: str) -> Iterator[Event]:
    """Yield events, which have been copied when the last one was taken."""
    try:
        copy = TranscriptWriter(file, header)
        for event in events:
            copy.write(event)
            yield event
        copy.flush()
    except ValueError as e:
        raise Failure(ExitCode.USAGE, f"{source} cannot be written again: {e}") from e
    except OSError as e:
        raise Failure(ExitCode.USAGE, f"cannot keep a copy of {source}: {sentence_of(e)}") from e


def _write(log: TranscriptReader, cleaning: "_Cleaning", file: Writable, source: str, *, compress: bool) -> None:
    try:
        with TranscriptWriter(file, cleaning.header(), compress=compress) as writer:
            writer.write(Mark(0, f"redacted, places covered: {cleaning.places}"))
            for event in log:
                writer.write(cleaning.cleaned(event))
    except ValueError as e:
        raise Failure(ExitCode.USAGE, f"{source} cannot be written again without its secrets: {e}") from e


class _Cleaning:
    """What is covered in a transcript.

    Attributes
    ----------
    places : int
        In how many places something is; known when all of it was looked at.
    """

    def __init__(self, header: Header, secrets: Secrets) -> None:
        try:
            self._patterns = [re.compile(pattern) for pattern in secrets.patterns]
        except re.error as e:
            raise Failure(ExitCode.USAGE, f"a pattern is no regular expression: {e}") from e
        self._header = header
        self._addresses = secrets.addresses
        self._streams: dict[_Stream, bytearray] = {}
        self._places: dict[_Stream, int] = {}
        self._gaps = 0
        self._hosts: dict[str, str] = {}
        self._any_host: re.Pattern[str] | None = None
        self.places = 0

    def look_at(self, events: Iterable[Event]) -> None:
        """Find the secrets in each direction of each link, across its pieces, up to a gap; and all hosts."""
        size, most = 0, _MOST // 8 if is_large_as_text(self._header.encoding) else _MOST
        for event in events:
            if isinstance(event, Data):
                key = self._stream_of(event)
                size += len(event.payload) + (0 if key in self._streams else _OVERHEAD)
                if size > most:
                    raise Failure(ExitCode.USAGE, f"this transcript has more payload than {most} bytes: cut it first")
                self._streams.setdefault(key, bytearray()).extend(event.payload)
            else:
                self._note(event)
        _ = self._note_host(self._header.target)
        self._gaps = 0
        self.places += sum(covered(text, self._patterns)[1] for text in (self._header.target, self._header.producer))
        try:
            for stream in self._streams.values():
                self.places += cover(stream, self._patterns, self._header.encoding)
        except LookupError as e:
            raise Failure(ExitCode.USAGE, f"there is no way to find text of {self._header.encoding}: {e}") from e
        hosts = sorted(self._hosts, key=len, reverse=True)
        self._any_host = re.compile("|".join(map(re.escape, hosts)), re.IGNORECASE) if hosts else None

    def _stream_of(self, event: Data) -> _Stream:
        return event.connection, event.direction, self._gaps

    def _note(self, event: Event) -> None:
        self._gaps += isinstance(event, Gap)
        for text in _texts_of(event):
            if isinstance(event, Open) and self._addresses:
                self.places += self._note_host(text)
            else:
                self.places += covered(text, self._patterns)[1]

    def _note_host(self, address: str) -> bool:
        host = _parts_of(address)[0].lower()
        if not (self._addresses and host):
            return False
        name = self._hosts.setdefault(host, f"host-{len(self._hosts) + 1}")
        if len(self._hosts) > _MOST_HOSTS or len(host) > _LONGEST_HOST:
            raise Failure(
                ExitCode.USAGE, f"this transcript has too many hosts, or too long ones ({name}): cut it first"
            )
        return True

    def header(self) -> Header:
        """Return the header without its secrets."""
        header = self._header
        target = "redacted" if self._addresses and header.target else self._text(header.target)
        return replace(header, target=target, producer=self._text(header.producer))

    def cleaned(self, event: Event) -> Event:
        """Return an event without its secrets; to be called for all of them in order."""
        match event:
            case Data():
                return self._data(event)
            case Gap():
                self._gaps += 1
                return replace(event, reason=self._text(event.reason))
            case Open():
                return replace(event, client=self._address(event.client), device=self._address(event.device))
            case Close():
                return replace(event, reason=self._text(event.reason))
            case Mark() | Error():
                return replace(event, text=self._text(event.text))
            case _:
                return event

    def _data(self, event: Data) -> Data:
        key = self._stream_of(event)
        place = self._places.get(key, 0)
        end = self._places[key] = place + len(event.payload)
        return replace(event, payload=bytes(self._streams[key][place:end]))

    def _text(self, text: str) -> str:
        """Return a text without what the patterns match, nor a host that is taken out."""
        text = covered(text, self._patterns)[0]
        if self._any_host is None:
            return text
        return self._any_host.sub(lambda found: self._hosts.get(found[0].lower(), "host"), text)

    def _address(self, address: str) -> str:
        """Return an address whose host is made up, the same for the same host, with its port."""
        host, port = _parts_of(address)
        if not (self._addresses and host):
            return self._text(address)
        name = self._hosts[host.lower()]
        return f"{name}:{port}" if port else name


def _texts_of(event: Event) -> Sequence[str]:
    match event:
        case Open():
            return event.client, event.device
        case Close() | Gap():
            return (event.reason,)
        case Mark() | Error():
            return (event.text,)
        case _:
            return ()


def _parts_of(address: str) -> tuple[str, str]:
    """Return the host of an address, without brackets and zone, and its port; ``""`` for what is not there."""
    host, colon, port = address.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = address, ""
    return host.strip("[]").partition("%")[0], port if port.isascii() and port.isdigit() else ""
