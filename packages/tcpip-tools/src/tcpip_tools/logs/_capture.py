"""A capture file as a transcript, by way of tshark, which knows all kinds of them."""

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tcpip_core.transcript import Close, Closer, Data, Direction, Eof, Event, Gap, Header, Open, parse_wall

from .. import __version__
from .._exit_codes import ExitCode, Failure
from .._report import address_of, printable
from ..pcapng import messages_said

__all__ = ["Segment", "events_of_segments", "read_capture", "segments_from"]

_FIELDS: Final = (
    "frame.time_epoch",
    "tcp.stream",
    "ip.src",
    "ipv6.src",
    "tcp.srcport",
    "ip.dst",
    "ipv6.dst",
    "tcp.dstport",
    "tcp.seq",
    "tcp.flags",
    "tcp.payload",
)
_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16
_MOST_OF_HEAD: Final = 256 * 1024
"""How much of a capture is read for its comments (bytes)."""
_MOST_AHEAD: Final = 1000
"""How many segments that came too early are kept for each direction until what was before them is given up."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A TCP segment as it was captured.

    Parameters
    ----------
    time : int
        When (nanoseconds since 1970-01-01 UTC).
    stream : int
        Which connection.
    source, destination : str
        Addresses with ports.
    sequence : int
        Of its first byte.
    flags : int
        As in its header.
    payload : bytes
        Its data.
    """

    time: int
    stream: int
    source: str
    destination: str
    sequence: int
    flags: int
    payload: bytes


def read_capture(name: str) -> tuple[Header, Iterator[Event]]:
    """Return the TCP connections in a capture as a transcript.

    How messages are told apart is known of a capture that was made out of a transcript.

    Parameters
    ----------
    name : str
        The file; of any kind that tshark reads.

    Raises
    ------
    Failure
        If tshark is not installed, or cannot read it, or there is no TCP in it.
    """
    tshark = shutil.which("tshark")
    if tshark is None:
        text = "a capture is read by tshark, which is not installed; it comes with Wireshark"
        raise Failure(ExitCode.USAGE, text)
    fields = [part for one in _FIELDS for part in ("-e", one)]
    options = ["-o", "tcp.relative_sequence_numbers:FALSE", "-o", "tcp.desegment_tcp_streams:FALSE"]
    command = [tshark, "-n", "-r", name, *options, "-T", "fields", "-E", "occurrence=l", *fields, "-Y", "tcp"]
    done = subprocess.run(command, capture_output=True, check=False)
    segments = list(segments_from(done.stdout.decode(errors="replace").splitlines()))
    if not segments:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        why = f"tshark says: {printable(said[-1])}" if done.returncode and said else "there is no TCP in it"
        raise Failure(ExitCode.USAGE, f"cannot convert {name}: {why}")
    producer = f"tcpip-tools {__version__}, from a capture"
    with Path(name).open("rb") as file:
        framing, encoding = messages_said(file.read(_MOST_OF_HEAD))
    header = Header(segments[0].time, framing=framing, encoding=encoding or "utf-8", producer=producer)
    return header, events_of_segments(segments)


def segments_from(lines: Iterable[str]) -> Iterator[Segment]:
    """Yield the segments that tshark has listed; lines that are none are left out."""
    for line in lines:
        values = line.split("\t")
        if len(values) != len(_FIELDS):
            continue
        time, stream, source4, source6, source, target4, target6, target, sequence, flags, payload = values
        try:
            yield Segment(
                _time(time),
                int(stream),
                address_of(source4 or source6, int(source)),
                address_of(target4 or target6, int(target)),
                int(sequence),
                int(flags, 16),
                bytes.fromhex(payload.replace(":", "")),
            )
        except ValueError:
            continue


def _time(text: str) -> int:
    """Return a time in nanoseconds, whether it was given in seconds or, by newer versions, as a date."""
    if "T" in text:
        return parse_wall(text)
    seconds, _, decimals = text.partition(".")
    return int(seconds) * 1_000_000_000 + int(decimals[:9].ljust(9, "0"))


def events_of_segments(segments: Iterable[Segment]) -> Iterator[Event]:
    """Yield what the segments of some connections carried, each byte once and in order.

    What was captured in another order is put in order. What is missing for good is a gap.
    """
    start: int | None = None
    links: dict[int, _Link] = {}
    time = 0
    for segment in segments:
        start = segment.time if start is None else start
        time = max(segment.time - start, time)
        link = links.get(segment.stream)
        if link is None:
            link = links[segment.stream] = _Link(len(links) + 1, segment)
            yield link.opened(time)
        yield from link.take(time, segment)
    for link in links.values():
        yield from link.rest(time)


class _Link:
    def __init__(self, number: int, first: Segment) -> None:
        self._number = number
        is_from_client = _is_from_client(first)
        self._client = first.source if is_from_client else first.destination
        self._device = first.destination if is_from_client else first.source
        self._is_continued = not first.flags & _SYN
        self._ways: dict[Direction, _Way] = {">": _Way(), "<": _Way()}
        self._is_closed = False
        self._first_end: Direction | None = None

    def opened(self, time: int) -> Open:
        return Open(time, self._number, self._client, self._device, self._is_continued)

    def take(self, time: int, segment: Segment) -> Iterator[Event]:
        direction: Direction = ">" if segment.source == self._client else "<"
        if self._is_closed:
            return
        if segment.flags & _RST:
            yield from self.rest(time)
            yield self._close(time, "RST", direction)
            return
        way = self._ways[direction]
        way.add(segment)
        yield from self._received(time, direction)
        if way.has_ended and self._first_end is None:
            self._first_end = direction
            yield Eof(time, self._number, direction)
        if all(one.has_ended for one in self._ways.values()) and self._first_end is not None:
            yield self._close(time, "FIN", self._first_end)

    def rest(self, time: int) -> Iterator[Event]:
        """Yield what waits for bytes that never came."""
        for direction in self._ways:
            yield from self._received(time, direction, give_up=True)

    def _received(self, time: int, direction: Direction, *, give_up: bool = False) -> Iterator[Event]:
        for missing, payload in self._ways[direction].taken(give_up=give_up):
            if missing:
                yield Gap(time, 1, missing, "not in the capture")
            yield Data(time, self._number, direction, payload)

    def _close(self, time: int, reason: str, direction: Direction) -> Close:
        self._is_closed = True
        by: Closer = "client" if direction == ">" else "device"
        return Close(time, self._number, reason, by)


def _is_from_client(segment: Segment) -> bool:
    if segment.flags & _SYN:
        return not segment.flags & _ACK
    # Nobody knows; devices mostly have the lower port.
    return int(segment.source.rpartition(":")[2]) > int(segment.destination.rpartition(":")[2])


@dataclass(slots=True)
class _Way:
    """One direction of a connection."""

    next: int | None = None
    early: dict[int, bytes] = field(default_factory=dict[int, bytes])
    end: int | None = None

    @property
    def has_ended(self) -> bool:
        return self.end is not None and self.next == self.end

    def add(self, segment: Segment) -> None:
        begin = segment.sequence + bool(segment.flags & _SYN)
        if self.next is None:
            self.next = begin % 2**32
        if segment.flags & _FIN:
            self.end = (begin + len(segment.payload)) % 2**32
        if segment.payload:
            known = self.early.get(begin, b"")
            self.early[begin] = max(known, segment.payload, key=len)

    def taken(self, *, give_up: bool) -> Iterator[tuple[int, bytes]]:
        """Yield what is next, each with how many bytes are missing before it."""
        while self.next is not None and self.early:
            ahead = {_distance(self.next, begin): begin for begin in self.early}
            nearest = min(ahead)
            if nearest > 0 and not give_up and len(self.early) <= _MOST_AHEAD:
                return
            payload = self.early.pop(ahead[nearest])
            # Sent again, in part or as a whole.
            new = payload[-nearest:] if nearest < 0 else payload
            if len(payload) > -nearest:
                missing = max(nearest, 0)
                self.next = (self.next + missing + len(new)) % 2**32
                yield missing, new


def _distance(origin: int, sequence: int) -> int:
    """Return how far a sequence number is ahead of another, which wraps; below 0 if it is behind."""
    return (sequence - origin + 2**31) % 2**32 - 2**31
