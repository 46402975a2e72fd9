"""Every mix of reads over a stream that is cut anywhere, against a plain model: the stream, and a place in it.

Kinds of reads, terminators and encodings change from one read to the next; reads are cancelled, tried again; lines
are longer than the limit, cannot be decoded, end in the middle. Hypothesis shows the shortest script that breaks it.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest

from tcpip_core import Limits, Tuning
from tests.contract._links import Link, linked
from tests.support import IPV4, soon, turns

SMALL, LARGE = 30, 1000
"""Longest frames (bytes): pieces below make longer ones than the first, and many that fit into the second."""

TERMINATORS = (b"\r\n", b"\n", b"aa", b"\n\n", b"\xc3\xa9", b"\xff", b"aba")
"""Two that overlap themselves, one that is no ASCII, one that no text has."""

ENCODINGS = ("utf-8", "ascii", "latin-1", "utf-16")
PIECES = (
    *(b"a", b"b", b"aa", b"\n", b"\r\n", b"\xc3\xa9", b"\xff", b"x" * 25),
    *(b"1\r\n", b"12\r\n", b"\xc3\xa9\r\n", b'{"a": 1}\r\n', b"[1, NaN]\r\n"),
)

MANY = hypothesis.settings.default.max_examples >= 1000  # type: ignore[union-attr]  # There is a profile.
model = hypothesis.settings(
    max_examples=10_000 if MANY else 50,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow],
)


class Triple(ctypes.Structure):
    """A structure with an odd size."""

    _fields_ = [("bytes", ctypes.c_uint8 * 3)]


class Seven(ctypes.Structure):
    """One of another class."""

    _fields_ = [("bytes", ctypes.c_uint8 * 7)]


@dataclass(frozen=True)
class Step:
    """One read: its kind, what it is given, and after how many turns it is cancelled and tried again, if at all."""

    kind: str
    size: int
    terminator: bytes
    encoding: str
    cancel_after: int | None


steps = st.builds(
    Step,
    kind=st.sampled_from(
        ("str", "str", "str", "json", "struct", "struct", "seven", "read", "exactly", "until", "line")
    ),
    size=st.sampled_from((0, 1, 2, 5, 40, 100)),
    terminator=st.sampled_from((*TERMINATORS[:1] * 5, *TERMINATORS)),
    encoding=st.sampled_from((*ENCODINGS[:1] * 5, *ENCODINGS)),
    cancel_after=st.none() | st.none() | st.integers(0, 4),
)
scripts = st.lists(st.tuples(steps, st.integers(1, 6)), max_size=12).map(
    lambda drawn: [step for step, times in drawn for _ in range(times)]
)
streams = st.lists(st.sampled_from(PIECES), max_size=80).map(b"".join)
cuts = st.lists(st.tuples(st.sampled_from((1, 7, 60, 1000)), st.integers(0, 3)), min_size=1, max_size=5)


class Model:
    """The stream and the place up to which it was read."""

    def __init__(self, stream: bytes, limit: int) -> None:
        self.stream = stream
        self.limit = limit
        self.place = 0

    @property
    def rest(self) -> bytes:
        """What was not read yet, arrived or not."""
        return self.stream[self.place :]

    def can_end(self, step: Step) -> bool:
        """Tell whether a read ends although no more comes; one that is refused for its length ends too."""
        rest = self.rest
        if step.kind in {"struct", "seven", "exactly"}:
            return len(rest) >= {"struct": 3, "seven": 7}.get(step.kind, step.size)
        if step.kind == "read":
            return bool(rest) or step.size == 0
        found = rest.find(end_of(step))
        return found >= 0 or len(rest) + 1 - len(end_of(step)) > self.limit

    def frame(self, end: bytes) -> bytes | None:
        """Give the next frame, None if it is longer than the limit."""
        found = self.rest.find(end)
        return self.rest[: found + len(end)] if 0 <= found <= self.limit else None


def end_of(step: Step) -> bytes:
    """Give what ends the frame of a read."""
    return b"\n" if step.kind == "line" else step.terminator


async def call(link: Link, step: Step) -> object:
    """Do a read."""
    subject = link.subject
    subject.terminator, subject.encoding = step.terminator, step.encoding
    reads: dict[str, Callable[[], Awaitable[Any]]] = {
        "str": subject.read_str,
        "json": subject.read_json,
        "struct": lambda: subject.read_into(Triple()),
        "seven": lambda: subject.read_into(Seven()),
        "read": lambda: subject.read(step.size),
        "exactly": lambda: subject.readexactly(step.size),
        "until": lambda: subject.readuntil(step.terminator),
        "line": subject.readline,
    }
    result = await reads[step.kind]()
    return bytes(result) if isinstance(result, ctypes.Structure) else result


async def stubbornly(link: Link, step: Step) -> object:
    """Do a read; give it up once, if the step says so, and do it again."""
    if step.cancel_after is None:
        return await soon(call(link, step))
    reading = asyncio.ensure_future(call(link, step))
    await turns(step.cancel_after)
    reading.cancel()
    try:
        return await reading
    except asyncio.CancelledError:
        return await soon(call(link, step))


async def check(link: Link, model: Model, step: Step) -> None:
    """Do a read, and compare what came of it with what the model says."""
    if step.kind in {"str", "json", "until", "line"}:
        await check_frame(link, model, step)
        return
    got = await stubbornly(link, step)
    assert isinstance(got, bytes)
    assert got == model.rest[: len(got)]
    if step.kind == "read":
        assert len(got) <= step.size
        assert got or step.size == 0
    else:
        assert len(got) == {"struct": 3, "seven": 7}.get(step.kind, step.size)
    model.place += len(got)


async def check_frame(link: Link, model: Model, step: Step) -> None:
    """Do a read of one frame."""
    end = end_of(step)
    frame = model.frame(end)
    if frame is None:
        await check_overrun(link, model, step)
        return
    model.place += len(frame)
    try:
        expected: object = frame if step.kind in {"until", "line"} else frame[: -len(end)].decode(step.encoding)
        if step.kind == "json":
            assert isinstance(expected, str)
            expected = json.loads(expected)
    except ValueError as e:
        with pytest.raises(type(e)):
            await stubbornly(link, step)
    else:
        assert repr(expected) == repr(await stubbornly(link, step))


async def check_overrun(link: Link, model: Model, step: Step) -> None:
    """Read a frame that is too long: all of it stays, and what the error says leads past it."""
    if step.kind == "line":
        return  # It drops as much as has arrived, which no model knows.
    with pytest.raises(asyncio.LimitOverrunError) as caught:
        await stubbornly(link, step)
    consumed = caught.value.consumed
    assert model.limit < consumed <= len(model.rest)
    assert step.terminator not in model.rest[:consumed]
    assert await soon(link.subject.readexactly(consumed)) == model.rest[:consumed]
    model.place += consumed


async def send(link: Link, stream: bytes, cuts: list[tuple[int, int]]) -> None:
    """Send a stream in pieces, with turns of the loop between them."""
    place = number = 0
    while place < len(stream):
        size, pause = cuts[number % len(cuts)]
        link.send(stream[place : place + size])
        place, number = place + size, number + 1
        await turns(pause)


@pytest.fixture(params=[True, False], ids=["at once", "next turn"])
def tuning(request: pytest.FixtureRequest) -> Tuning:
    """Give both ways to wake a reader."""
    return Tuning(wake_at_once=request.param)


@pytest.mark.timeout(1800)
@model
@hypothesis.given(stream=streams, cuts=cuts, script=scripts, limit=st.sampled_from((SMALL, LARGE)))
async def test_any_mix_of_reads_is_that_of_the_model(
    tuning: Tuning, stream: bytes, cuts: list[tuple[int, int]], script: list[Step], limit: int
) -> None:
    """Nothing is lost, doubled or reordered; then the peer ends, and the last read gets all that is left."""
    async with linked("server", IPV4, limits=Limits(frame_size=limit), tuning=tuning) as link:
        sending = asyncio.create_task(send(link, stream, cuts))
        model = Model(stream, limit)
        last: Step | None = None
        for step in script:
            last = step
            if not model.can_end(step):
                break
            await check(link, model, step)
            last = None
        await sending
        await check_end(link, model, last)


async def check_end(link: Link, model: Model, step: Step | None) -> None:
    """Read what the peer's end leaves incomplete: it comes as it is."""
    if step is None or step.kind in {"read", "line"}:
        step = Step("read", -1, b"\n", "utf-8", None)
    reading = asyncio.ensure_future(call(link, step))
    await turns(2)
    link.peer.write_eof()
    try:
        rest = await soon(reading)
    except asyncio.IncompleteReadError as e:
        rest = e.partial
    assert rest == model.rest
    assert await link.changes.next() is False
