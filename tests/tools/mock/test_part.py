"""The part that a recorded device plays: in order, moved, and what it does not know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpip_core.transcript import Close, Data, Direction, Eof, Event, Gap, Open
from tcpip_testing.framing import parse_framing
from tcpip_tools.mock._part import Move, Moved, Part, Unknown, nearest
from tcpip_tools.mock._script import End, Finish, Say, TooMuch, scripts_of

CRLF = parse_framing("crlf")
MILLI = 1_000_000


def events_of(*said: tuple[Direction, bytes]) -> list[Event]:
    """Make a link on which something is said each millisecond."""
    return [Open(0, 1), *(Data(time * MILLI, 1, way, data) for time, (way, data) in enumerate(said, 1))]


def part(*said: tuple[Direction, bytes], framing: str = "crlf") -> Part:
    """Make the part of a link."""
    told = parse_framing(framing)
    (script,), _ = scripts_of(events_of(*said), told)
    return Part(script, told)


def answers(one: Part, data: bytes) -> list[Move]:
    """Let it hear something; give what it does then."""
    one.hear(data)
    found: list[Move] = []
    while (move := one.next()) is not None:
        found.append(move)
    return found


TALK: tuple[tuple[Direction, bytes], ...] = (
    ("<", b"hello\r\n"),
    (">", b"STATUS\r\n"),
    ("<", b"1\r\n"),
    (">", b"STATUS\r\n"),
    ("<", b"2\r\n"),
    (">", b"MOVE 5\r\n"),
    ("<", b"OK\r\n"),
)


def said(moves: list[Move]) -> list[bytes]:
    """Pick what the device says."""
    return [move.payload for move in moves if isinstance(move, Say)]


def test_it_is_replayed_in_order_with_the_waits_between() -> None:
    """The same request has another answer the second time."""
    one = part(*TALK)
    assert [Say(0.001, b"hello\r\n")] == answers(one, b"")
    assert [Say(0.001, b"1\r\n")] == answers(one, b"STATUS\r\n")
    assert [] == answers(one, b"STAT")
    assert [Say(0.001, b"2\r\n")] == answers(one, b"US\r\n")
    assert b"" == one.pending
    assert 2 == one.known


@pytest.mark.parametrize("framing", ["crlf", "raw"])
def test_requests_at_once_are_answered_in_order(framing: str) -> None:
    """A client need not wait."""
    one = part(*TALK, framing=framing)
    assert [b"hello\r\n", b"1\r\n", b"2\r\n", b"OK\r\n"] == said(answers(one, b"STATUS\r\nSTATUS\r\nMOVE 5\r\n"))


@pytest.mark.parametrize("framing", ["crlf", "raw"])
def test_a_request_that_was_recorded_elsewhere_moves_the_replay_there(framing: str) -> None:
    """Forward first; after the last time the first one comes again: one may poll for longer than was recorded."""
    one = part(*TALK, framing=framing)
    answers(one, b"")
    assert [Moved, Say] == [type(move) for move in answers(one, b"MOVE 5\r\n")]
    assert [[b"1\r\n"], [b"2\r\n"], [b"1\r\n"]] == [said(answers(one, b"STATUS\r\n")) for _ in range(3)]


def test_an_unknown_request_names_the_nearest_and_the_place_is_kept() -> None:
    """What comes next is still what was recorded."""
    one = part(*TALK)
    answers(one, b"")
    (unknown,) = answers(one, b"MOVE 6\r\n")
    assert isinstance(unknown, Unknown)
    assert (b"MOVE 6", b"MOVE 5") == (unknown.payload, unknown.nearest)
    assert 0.8 < unknown.likeness < 1
    assert [b"1\r\n"] == said(answers(one, b"STATUS\r\n"))


def test_the_head_of_a_request_out_of_order_is_not_taken_for_one() -> None:
    """Without framing TCP may cut it; what no recorded request begins with is told at once."""
    one = part(*TALK, framing="raw")
    answers(one, b"")
    assert [] == answers(one, b"MOVE")
    assert [b"OK\r\n"] == said(answers(one, b" 5\r\n"))
    assert [] == answers(one, b"MOVE")
    (unknown,) = answers(one, b" 6\r\n")
    assert isinstance(unknown, Unknown)
    assert b"MOVE 6\r\n" == unknown.payload


def test_where_nothing_was_asked_nothing_is_near() -> None:
    """A device that only speaks."""
    assert [Say(0.001, b"x"), Unknown(b"HELLO", None, 0.0)] == answers(part(("<", b"x")), b"HELLO\r\n")
    assert (None, 0.0) == nearest(b"x", [])


def test_how_the_device_ended_the_link_is_replayed() -> None:
    """FIN of a half, FIN of all, RST; but not an end with which it followed its client."""
    end: list[Event] = [Eof(9 * MILLI, 1, "<"), Close(10 * MILLI, 1, "FIN", "device")]
    (script,), _ = scripts_of([Open(0, 1), *end], CRLF)
    assert [Finish(0.009), End(0.001, is_reset=False)] == script.steps
    (script,), _ = scripts_of([Open(0, 1), Close(5 * MILLI, 1, "RST", "device")], CRLF)
    assert [End(0.005, is_reset=True)] == script.steps
    (script,), _ = scripts_of([Open(0, 1), Eof(MILLI, 1, ">"), *end], CRLF)
    assert [] == script.steps


def test_links_are_told_apart_and_what_is_missing_is_counted() -> None:
    """Several clients were there at the same time."""
    mixed: list[Event] = [
        Data(1, 2, ">", b"b"), Data(2, 1, ">", b"a"), Data(3, 2, ">", b"\r\n"), Gap(4, 5, 6, "x"),
    ]  # fmt: skip
    scripts, missing = scripts_of(mixed, CRLF)
    assert ([2, 1], 5) == ([one.number for one in scripts], missing)


def test_a_transcript_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it holds."""
    monkeypatch.setattr("tcpip_tools.mock._script._MOST", 2**20)
    with pytest.raises(TooMuch, match="more than 1 MiB"):
        scripts_of((Data(time, 1, "<", b"x" * 1000) for time in range(10**9)), CRLF)


@given(
    talk=st.lists(st.tuples(st.sampled_from(">>>><"), st.binary(max_size=40)), max_size=20),
    cuts=st.lists(st.integers(1, 30), min_size=1),
    framing=st.sampled_from(["crlf", "lf", "raw", "fixed:4", "len:u16be", "nul"]),
)
def test_the_same_bytes_get_the_same_answers_however_they_are_cut(
    talk: list[tuple[Direction, bytes]], cuts: list[int], framing: str
) -> None:
    """In any framing, also a wrong one."""
    one = part(*talk, framing=framing)
    heard = b"".join(data for way, data in talk if way == ">")
    moves = answers(one, b"")
    for cut in cuts * (len(heard) // len(cuts) + 1):
        moves += answers(one, heard[:cut])
        heard = heard[cut:]
    assert [data for way, data in talk if way == "<" and data] == said(moves)
    assert len(said(moves)) == len(moves)
    assert b"" == one.pending


@given(data=st.lists(st.binary(max_size=30), max_size=20))
def test_anything_that_is_heard_is_taken_without_an_end(data: list[bytes]) -> None:
    """A hostile client gets no exception, and no loop."""
    one = part(*TALK)
    for piece in data:
        answers(one, piece)


def test_a_flood_of_unknown_requests_is_dealt_with_one_by_one() -> None:
    """In a time that grows with their number, not with its square; the nearest is looked for now and then only."""
    one = part(*TALK)
    found = answers(one, b"\r\n" * 50_000 + b"STATUS\r\n")
    assert [b"hello\r\n", b"1\r\n"] == said(found)
    unknown = [move for move in found if isinstance(move, Unknown)]
    assert (50_000, 100) == (len(unknown), sum(move.nearest is not None for move in unknown))
