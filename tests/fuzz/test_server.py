"""The short form of the fuzzing of a living server, and proof that it finds what it is there for."""

from __future__ import annotations

import random
import sys

import pytest

from tests.conftest import LOOP_FACTORIES
from tests.fuzz import server
from tests.fuzz._grammar import FRAME_SIZE, STRUCT_SIZE, Dialect, Event, expected
from tests.fuzz._subject import Parser
from tests.fuzz.server import Figures, fuzz

MESSAGES = 20_000
linux = pytest.mark.skipif(sys.platform != "linux", reason="descriptors and memory are read from /proc")


def short_run(loop: str) -> Figures:
    """Fuzz for a second or two, with new sessions each time."""
    return fuzz(loop, MESSAGES, random.SystemRandom().randrange(1 << 40), minutes=4 / 60)


@linux
@pytest.mark.parametrize("loop", LOOP_FACTORIES)
def test_hostile_messages_do_no_harm(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server delivers what is well-formed, serves the next client at once, and keeps nothing."""
    monkeypatch.setattr(server, "LONGEST_BUSY", 1.0)  # The session judges times; here others use the machine too.
    figures = short_run(loop)
    assert [] == figures.findings
    assert figures.messages > 1000


@linux
@pytest.mark.parametrize("mistake", ["loses", "repeats"])
def test_a_message_lost_or_repeated_is_found(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that gets one message in fifty wrong does not pass."""
    read = Parser.read_and_dispatch
    count = 0

    async def read_badly(self: Parser) -> None:
        nonlocal count
        await read(self)
        count += 1
        if count % 50 == 0 and self.events:
            if mistake == "loses":
                self.events.pop()
            else:
                self.events.append(self.events[-1])

    monkeypatch.setattr(Parser, "read_and_dispatch", read_badly)
    assert any("instead of" in one or "understood as" in one for one in short_run("asyncio").findings)


TOLERANT = Dialect("utf-8", b"\r\n", tolerant=True, replies=False)
STRICT = Dialect("utf-8", b"\r\n", tolerant=False, replies=False)
TEXT = ("text", "a")


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"a\r\n\r\na", [TEXT, ("text", "")]),
        (b"J\r\n[1]\r\nJ\r\n[1\r\na\r\n", [("json", "[1]"), ("bad JSON", None), TEXT]),
        (b"S\r\n" + b"\n" * STRUCT_SIZE + b"a\r\n", [("structure", b"\n" * STRUCT_SIZE), TEXT]),
        (b"\xff\r\na\r\n", [("bad text", None), TEXT]),
        (b"a" * (FRAME_SIZE + 1) + b"\r\na\r\n", [("too long", None), TEXT]),
        (b"a" * (FRAME_SIZE + 2), [("too long", None)]),
        (b"a" * (FRAME_SIZE + 1), []),
    ],
)
def test_the_reference_says_what_people_would(stream: bytes, events: list[Event]) -> None:
    """The reference is checked by hand, where it cannot be compared with anything."""
    assert events == expected(stream, TOLERANT)
    bad = next((i for i, (kind, _) in enumerate(events) if kind.startswith(("bad", "too"))), len(events))
    assert events[: bad + 1] == expected(stream, STRICT)
