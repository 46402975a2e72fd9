"""Transcripts for the tools: random ones that a link could have left, and ones written by hand."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from tcpip_core.transcript import (
    Close,
    Closer,
    Data,
    Direction,
    Eof,
    Event,
    Gap,
    Header,
    Mark,
    Open,
    create_transcript,
)

START = 1_700_000_000_123_456_789
CLOSERS: tuple[Closer, Closer] = ("client", "device")
WAYS: tuple[Direction, Direction] = (">", "<")


def write(path: Path, events: Sequence[Event], header: Header | None = None) -> str:
    """Write a transcript; return its name."""
    with create_transcript(path, header or Header(START, "dome:5000", "crlf", producer="a test")) as writer:
        for event in events:
            writer.write(event)
    return str(path)


def conversation(*, reset: bool = True) -> list[Event]:
    """Give a short talk over one link, with a reply in two pieces, a question without answer, a loss."""
    milli = 1_000_000
    return [
        Open(0, 1, "127.0.0.1:4000", "127.0.0.1:5000"),
        Data(10 * milli, 1, ">", b"*IDN?\r\n"),
        Data(12 * milli, 1, "<", b"ACME "),
        Data(14 * milli, 1, "<", b"9000\r\n"),
        Mark(15 * milli, "look here"),
        Data(20 * milli, 1, ">", b"MOVE 5\r\n"),
        Data(30 * milli, 1, ">", b"STATUS\r\n"),
        Data(31 * milli, 1, "<", b"OK\r\n\x1b[2J\xff\r\n"),
        Close(40 * milli, 1, "RST", "device") if reset else Close(40 * milli, 1, "FIN", "device"),
    ]


class RandomLog:
    """A transcript that real links could have left: several at a time, IPv4 and IPv6, short and long payloads.

    ``streams`` is what went each way over each link, in the order in which the links were opened.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._time = 0
        self.events: list[Event] = []
        self.streams: list[dict[Direction, bytes]] = []
        self.resets = 0
        open_links: dict[int, set[Direction]] = {}
        for _ in range(self._random.randrange(3, 40)):
            self._step(open_links)
        for number in list(open_links):
            if self._random.random() < 0.7:
                self._close(open_links, number)

    def _now(self) -> int:
        self._time += self._random.choice([0, 1, 1000, 1_000_000])
        return self._time

    def _step(self, open_links: dict[int, set[Direction]]) -> None:
        choice = self._random.random()
        if not open_links or (choice < 0.15 and len(open_links) < 3):
            self._open(open_links)
        elif choice < 0.2:
            self.events.append(Mark(self._now(), self._random.choice(["here", "\x1b[2J\x00\u00e9", "x" * 500])))
        elif choice < 0.23:
            self.events.append(Gap(self._now(), 1, 2, "full"))
        elif choice < 0.3:
            self._close(open_links, self._random.choice(list(open_links)))
        elif choice < 0.36:
            number = self._random.choice(list(open_links))
            self._finish(open_links, number)
        else:
            self._send(open_links, self._random.choice(list(open_links)))

    def _open(self, open_links: dict[int, set[Direction]]) -> None:
        number = len(self.streams) + 1
        host = self._random.choice(["127.0.0.1", "[::1]", "10.1.2.3", "[fe80::1%eth0]"])
        device = self._random.choice([host, host, "dome"])
        self.events.append(Open(self._now(), number, f"{host}:{40_000 + number}", f"{device}:5555"))
        self.streams.append({">": b"", "<": b""})
        open_links[number] = set(WAYS)

    def _send(self, open_links: dict[int, set[Direction]], number: int) -> None:
        ways = sorted(open_links[number])
        if not ways:
            return
        way = self._random.choice(ways)
        size = self._random.choice([0, 1, 7, 64, 1440, 1441, 5000, self._random.choice([100, 70_000, 200_000])])
        payload = self._random.randbytes(size)
        self.events.append(Data(self._now(), number, way, payload))
        self.streams[number - 1][way] += payload

    def _finish(self, open_links: dict[int, set[Direction]], number: int) -> None:
        if open_links[number]:
            way = self._random.choice(sorted(open_links[number]))
            open_links[number].discard(way)
            self.events.append(Eof(self._now(), number, way))

    def _close(self, open_links: dict[int, set[Direction]], number: int) -> None:
        # Where both sides have finished, nothing is left to be reset.
        is_over = not open_links.pop(number)
        reasons = ["FIN", "CLOSED_HERE"] if is_over else ["FIN", "CLOSED_HERE", "RST", "SILENT"]
        reason = self._random.choice(reasons)
        by: Closer = "network" if reason == "SILENT" else self._random.choice(CLOSERS)
        self.resets += reason == "RST"
        self.events.append(Close(self._now(), number, reason, by))
