"""Segments of a real capture put into order; reading one with tshark is tried in ``tests/interop``."""

from __future__ import annotations

import random

import pytest

from tcpip_core.transcript import Close, Data, Eof, Event, Gap, Open
from tcpip_tools.logs._capture import Segment, events_of_segments, segments_from

CLIENT, DEVICE = "10.0.0.1:40000", "10.0.0.2:5000"
FIN, SYN, RST, ACK = 1, 2, 4, 16


def segment(sequence: int, payload: bytes = b"", flags: int = ACK, *, back: bool = False, time: int = 0) -> Segment:
    ends = (DEVICE, CLIENT) if back else (CLIENT, DEVICE)
    return Segment(time, 0, *ends, sequence % 2**32, flags, payload)


def events(*segments: Segment) -> list[Event]:
    return list(events_of_segments(segments))


def payload(found: list[Event], direction: str = ">") -> bytes:
    return b"".join(one.payload for one in found if isinstance(one, Data) and one.direction == direction)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("first", [0, 2**32 - 30])
def test_what_came_twice_late_or_in_parts_comes_out_once_and_in_order(seed: int, first: int) -> None:
    """Also where sequence numbers wrap."""
    chance = random.Random(seed)
    stream = chance.randbytes(100)
    cuts = sorted(chance.sample(range(1, 100), 9))
    parts = [(a, stream[a:b]) for a, b in zip([0, *cuts], [*cuts, 100], strict=True)]
    parts += [(a, stream[a : a + 20]) for a in chance.sample(range(100), 5)]
    chance.shuffle(parts)
    found = events(segment(first - 1, flags=SYN), *(segment(first + a, part) for a, part in parts))
    assert stream == payload(found)
    assert not any(isinstance(one, Gap) for one in found)


def test_what_is_missing_is_a_gap_with_its_size() -> None:
    """The capture began late, or the switch dropped some."""
    found = events(segment(0, flags=SYN), segment(1, b"one"), segment(9, b"two"), segment(12, flags=FIN | ACK))
    assert b"onetwo" == payload(found)
    assert [(1, 5)] == [(one.events, one.bytes) for one in found if isinstance(one, Gap)]


def test_one_that_never_comes_is_given_up_after_a_while() -> None:
    """Memory does not grow with the capture."""
    found = events(segment(0, flags=SYN), *(segment(5 + i, b"x") for i in range(5000)))
    gap = next(index for index, one in enumerate(found) if isinstance(one, Gap))
    assert gap < 3
    assert 5000 == len(payload(found))


@pytest.mark.parametrize(
    ("segments", "reason", "by"),
    [
        ((segment(1, flags=FIN | ACK), segment(1, flags=FIN | ACK, back=True)), "FIN", "client"),
        ((segment(1, flags=FIN | ACK, back=True), segment(1, flags=FIN | ACK)), "FIN", "device"),
        ((segment(1, flags=RST, back=True), segment(1, flags=RST)), "RST", "device"),
    ],
)
def test_the_end_is_whose_came_first(segments: tuple[Segment, ...], reason: str, by: str) -> None:
    """And comes once."""
    found = events(segment(0, flags=SYN), segment(0, flags=SYN | ACK, back=True), *segments)
    assert [(reason, by)] == [(one.reason, one.by) for one in found if isinstance(one, Close)]
    assert (reason == "FIN") == any(isinstance(one, Eof) for one in found)


def test_the_client_is_who_began_or_has_the_higher_port() -> None:
    """The second is a guess, and the link is marked as older than the capture."""
    assert [Open(0, 1, CLIENT, DEVICE)] == events(segment(0, flags=SYN | ACK, back=True))
    assert Open(0, 1, CLIENT, DEVICE, continued=True) == events(segment(7, b"x", back=True))[0]


def test_lines_of_tshark_are_read_and_others_left_out() -> None:
    """Older versions put colons between bytes, newer ones may give times as dates; UDP is no TCP."""
    old = "1700000000.123456789\t3\t10.0.0.1\t\t40000\t10.0.0.2\t\t5000\t7\t0x0018\t68:69"
    new = "2023-11-14T22:13:20.123456789Z\t3\t\t::1\t40000\t\t::2\t5000\t7\t0x0018\t6869"
    found = list(segments_from([old, "", "no\ttcp", old.replace("0x0018", ""), new]))
    assert [b"hi", b"hi"] == [one.payload for one in found]
    assert {1_700_000_000_123_456_789} == {one.time for one in found}
    assert ["10.0.0.1:40000", "[::1]:40000"] == [one.source for one in found]
