"""What hostile peers send, and what a server must make of it: pure, no loop, no socket.

A session is a stream of messages, well-formed ones among noise. `expected` is the reference: it has the whole stream
at once and cuts it with `bytes.find`; the server under test sees it in pieces, and must come to the same events.
"""

from __future__ import annotations

import ctypes
import json
import random
from dataclasses import dataclass
from typing import Any

from tests.fuzz._codec import PIECES, Reading, random_json

__all__ = ["FRAME_SIZE", "Dialect", "Event", "choose_dialect", "expected", "greeting", "hostile_messages"]

FRAME_SIZE = 4096
"""Longest line of the server under test (bytes); small, so that too long ones are cheap."""

STRUCT_SIZE = ctypes.sizeof(Reading)
TLS_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(range(190))
NOISE = (
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"\xff\xfb\x01\xff\xfb\x03\xff\xfd\x18",  # telnet
    b"\x00" * 50,
    TLS_HELLO,
    TLS_HELLO[:7],
    b"\r",
    b"\n",
    b"\n\r",
    b"\r\r\n",
    b"\r\n\r\n",
    b"J\r\n",
    b"S\r\n",
    b"heartbeat\r\n",
    b"\xc0\x80\r\n",
    b"\xf8\x88\x80\x80\x80\r\n",
    b"\xed\xa0\x80\r\n",
    b"\xe2\x82",
    b"%s%n%x\r\n",
    b"__import__('os')\r\n",
)

Event = tuple[str, object]
"""What became of one message: its kind, and the text, the value as `repr`, or the bytes."""


@dataclass(frozen=True)
class Dialect:
    """How one session is spoken, and whether the server gets over a bad message by itself."""

    encoding: str
    terminator: bytes
    tolerant: bool
    replies: bool

    def line(self, text: str) -> bytes:
        """Write a line."""
        return text.encode(self.encoding) + self.terminator


def choose_dialect(rng: random.Random) -> Dialect:
    """Choose one: mostly what people use, sometimes what nobody should."""
    encoding, terminator = rng.choice(
        [("utf-8", b"\r\n")] * 6
        + [("utf-8", b"\n"), ("latin-1", b"\r"), ("ascii", b"\r\r\n"), ("utf-16-le", b"\r\n"), ("utf-8", b";;")]
    )
    return Dialect(encoding, terminator, tolerant=rng.random() < 0.9, replies=rng.random() < 0.3)


def well_formed(rng: random.Random, dialect: Dialect, serial: int) -> bytes:
    """Write a message as it should be, with its number in it."""
    kind = rng.randrange(3)
    if kind == 0:
        return dialect.line(f"t{serial} {rng.random()}")
    if kind == 1:
        return dialect.line("J") + dialect.line(json.dumps({"serial": serial, "value": random_json(rng, 1)}))
    return dialect.line("S") + structure(rng, serial)


def structure(rng: random.Random, serial: int) -> bytes:
    """Make the bytes of a structure."""
    return serial.to_bytes(4, "little") + rng.randbytes(STRUCT_SIZE - 4)


def hostile(rng: random.Random, dialect: Dialect) -> bytes:
    """Make something else."""
    kind, end = rng.randrange(100), dialect.terminator
    if kind < 50:
        noise = rng.choice(NOISE) if kind < 30 else rng.randbytes(rng.randrange(60))
        return noise + (end if rng.random() < 0.6 else b"")
    if kind < 70:
        return dialect.line("J") + b"".join(rng.choices(PIECES, weights=PIECE_WEIGHTS, k=rng.randrange(5))) + end
    if kind < 80:
        return dialect.line("S") + rng.randbytes(rng.randrange(STRUCT_SIZE))
    if kind < 85:
        return end * rng.randrange(20)
    if kind < 97:
        text = json.dumps(random_json(rng, 2))
        return dialect.line("J") + dialect.line(text[: rng.randrange(len(text) + 1)])
    return b"x" * (FRAME_SIZE + rng.choice((-1, 0, 1, 2, 3000, 40_000))) + (end if rng.random() < 0.8 else b"")


PIECE_WEIGHTS = [1 if len(piece) > 1000 else 30 for piece in PIECES]


def hostile_messages(rng: random.Random, dialect: Dialect) -> list[bytes]:
    """Make the messages of one session."""
    sane = rng.choice((0.0, 0.3, 0.9))
    return [
        well_formed(rng, dialect, serial) if rng.random() < sane else hostile(rng, dialect)
        for serial in range(rng.choice((1, 3, 20, 100, 600)))
    ]


def greeting(rng: random.Random, dialect: Dialect) -> tuple[bytes, list[Event]]:
    """Make what a well-behaved client sends, one message of each kind, and what must be delivered of it."""
    serial = rng.randrange(1 << 32)
    value, data = {"serial": serial}, structure(rng, serial)
    stream = dialect.line(f"hello {serial}") + dialect.line("J") + dialect.line(json.dumps(value))
    return stream + dialect.line("S") + data, [
        ("text", f"hello {serial}"),
        ("json", repr(value)),
        ("structure", data),
    ]


class EndOfStreamError(Exception):
    """The stream ended inside of a message."""


class Cutter:
    """Cuts a whole stream into what a server must see."""

    def __init__(self, stream: bytes, dialect: Dialect) -> None:
        self._stream, self._dialect, self._place = stream, dialect, 0
        self.events: list[Event] = []

    def message(self) -> bool:
        """Cut one message off; tell whether it was a good one."""
        line = self._line()
        if line == "J":
            text = self._line()
            return text is not None and self._json(text)
        if line == "S":
            end = self._place + STRUCT_SIZE
            if end > len(self._stream):
                raise EndOfStreamError
            self.events.append(("structure", self._stream[self._place : end]))
            self._place = end
        elif line is not None:
            self.events.append(("text", line))
        return line is not None

    def _line(self) -> str | None:
        terminator = self._dialect.terminator
        found = self._stream.find(terminator, self._place)
        waits = len(self._stream) - self._place + 1 - len(terminator) if found < 0 else found - self._place
        if waits > FRAME_SIZE:
            self.events.append(("too long", None))
        if found < 0:
            raise EndOfStreamError
        raw, self._place = self._stream[self._place : found], found + len(terminator)
        if waits > FRAME_SIZE:
            return None
        try:
            return raw.decode(self._dialect.encoding)
        except UnicodeError:
            self.events.append(("bad text", None))
            return None

    def _json(self, text: str) -> bool:
        value: Any
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            self.events.append(("bad JSON", None))
            return False
        self.events.append(("json", repr(value)))
        return True


def expected(stream: bytes, dialect: Dialect) -> list[Event]:
    """Return what a server must make of a stream that ends with FIN."""
    cutter = Cutter(stream, dialect)
    try:
        while cutter.message() or dialect.tolerant:
            pass
    except EndOfStreamError:
        pass
    return cutter.events
