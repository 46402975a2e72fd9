"""Messages put together out of pieces."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tcpip_core.transcript import Close, Data, Direction, Eof, Event, Gap
from tcpip_testing._decoders import TerminatedDecoder
from tcpip_testing.framing import Decoder, Framing, Terminated, parse_framing
from tcpip_tools.logs._messages import Item, Message, messages_in

LF = parse_framing("lf")
BOTH: dict[Direction, Framing | None] = {">": LF, "<": LF}


def said(items: list[Item]) -> list[tuple[int, bytes, str]]:
    return [(item.time, item.payload, item.remark) for item in items if isinstance(item, Message)]


def found(*events: Event, framings: dict[Direction, Framing | None] = BOTH) -> list[Item]:
    return list(messages_in(events, framings))


@given(st.lists(st.binary(max_size=5).map(lambda b: b.replace(b"\n", b"")), max_size=8), st.data())
def test_messages_are_the_same_wherever_they_were_cut(messages: list[bytes], data: st.DataObject) -> None:
    """Each has the time of its end; nothing is lost at a close."""
    stream = b"".join(message + b"\n" for message in messages) + b"rest"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    ends = [0, *cuts, len(stream)]
    pieces = [Data(n, 1, ">", stream[a:b]) for n, (a, b) in enumerate(itertools.pairwise(ends))]
    items = found(*pieces, Close(99, 1, "FIN", "client"))
    assert [*messages, b"rest"] == [payload for _, payload, _ in said(items)]
    assert (99, b"rest", "not a whole message") == said(items)[-1]


def test_links_and_directions_are_told_apart() -> None:
    """Three streams at once, in pieces that alternate."""
    items = found(Data(1, 1, ">", b"a"), Data(2, 1, "<", b"b"), Data(3, 2, ">", b"c"), Data(4, 1, ">", b"\n"))
    assert [(4, b"a", ""), (4, b"b", "not a whole message"), (4, b"c", "not a whole message")] == said(items)


def test_a_beginning_before_a_gap_is_given_and_what_follows_begins_anew() -> None:
    """Two halves of different messages must not become one."""
    items = found(Data(1, 1, ">", b"one\ntw"), Gap(2, 1, 1, ""), Data(3, 1, ">", b"ee\nfour\n"))
    assert [b"one", b"tw", b"ee", b"four"] == [payload for _, payload, _ in said(items)]


def test_an_end_of_one_direction_leaves_the_other() -> None:
    """A half-closed link still answers."""
    items = found(Data(1, 1, ">", b"bye"), Data(2, 1, "<", b"go"), Eof(3, 1, ">"), Data(4, 1, "<", b"od\n"))
    assert [(3, b"bye", "not a whole message"), (4, b"good", "")] == said(items)


def test_a_stream_that_is_not_of_the_framing_is_given_in_pieces() -> None:
    """With what is wrong, and without losing a byte."""
    framing = parse_framing("len:u32be")
    pieces = [Data(1, 1, ">", b"\x00\x00\x00\x02hi\xff"), Data(2, 1, ">", b"\xff\xff\xff!"), Data(3, 1, ">", b"more")]
    items = said(found(*pieces, framings={">": framing, "<": None}))
    assert [b"hi", b"\xff\xff\xff\xff!", b"more"] == [payload for _, payload, _ in items]
    assert "from here on pieces are given as they arrived" in items[1][2]


def test_without_a_framing_each_piece_is_a_message_but_nothing_is_none() -> None:
    """As they arrived."""
    items = found(Data(1, 1, ">", b"a"), Data(2, 1, ">", b""), framings={">": None, "<": None})
    assert [(1, b"a", "")] == said(items)


def test_messages_without_an_end_do_not_fill_the_memory() -> None:
    """However many links have one: what there is no room for is given as it is, and nothing is lost."""
    size = 8 * 2**20
    pieces: list[Event] = [Data(n, n, ">", bytes([n]) * size) for n in range(1, 7)]
    items = said(found(*pieces, Data(8, 5, ">", b"more"), Data(9, 1, ">", b"end\nnext\n")))
    assert [5, 6, 8, 9, 9, 9, 9, 9] == [time for time, *_ in items]
    assert 6 * size + len(b"moreendnext") == sum(len(payload) for _, payload, _ in items)
    for time, payload, remark in items[:2]:
        assert bytes([time]) * size == payload
        assert "from here on pieces are given as they arrived" in remark
    assert (9, b"next", "") == items[4]


def test_a_long_message_in_small_pieces_is_not_copied_for_each() -> None:
    """The time would grow with the square of its length: what the work is, is counted, not timed."""
    copied = 0

    class Counting(TerminatedDecoder):
        @property
        def pending(self) -> bytes:
            nonlocal copied
            copied += len(self._buffer)
            return super().pending

    class Framed(Terminated):
        def _decoder(self, max_frame: int) -> Decoder:
            return Counting(self.terminator, max_frame)

    pieces = [Data(n, 1, ">", b"0123456789") for n in range(1000)]
    items = said(found(*pieces, Data(1000, 1, ">", b"\nrest"), framings={">": Framed(b"\n"), "<": None}))
    assert [10_000, 4] == [len(payload) for _, payload, _ in items]
    assert copied < 100
