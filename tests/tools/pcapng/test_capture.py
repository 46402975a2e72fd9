"""Captures that are made out of transcripts: TCP that a kernel without losses would have sent."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpip_core.transcript import Clock, Close, Data, Direction, Eof, Error, Event, Gap, Header, Mark, Open
from tcpip_tools.pcapng import blocks, messages_said
from tcpip_tools.pcapng._blocks import section_header
from tcpip_tools.pcapng._segments import checksum
from tests.tools._transcripts import START, RandomLog
from tests.tools.pcapng._parsed import Packet, folded, parsed

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
V4 = Open(0, 1, "10.0.0.1:40000", "10.0.0.2:5000")
V6 = Open(0, 2, "[::1]:40001", "[::1]:5000")


def capture(*events: Event) -> list[Packet]:
    return parsed(b"".join(blocks(Header(START), events, "a test")))[1]


def flags(packets: Sequence[Packet]) -> list[int]:
    return [packet.flags for packet in packets]


def comments(packets: Sequence[Packet]) -> list[str]:
    return [one for packet in packets for one in packet.comments]


@given(st.binary(min_size=1, max_size=200).filter(any))
def test_the_checksum_is_that_of_rfc_1071(data: bytes) -> None:
    """Its quick form against the plain one."""
    assert 0xFFFF - folded(data) == checksum(data)


@pytest.mark.parametrize("seed", range(30))
def test_each_stream_is_whole_and_in_order(seed: int) -> None:
    """Sequence numbers without holes or overlaps, everything acknowledged, FIN counted, for any transcript."""
    log = RandomLog(seed)
    packets = capture(*log.events)
    expected: dict[tuple[object, object], int] = {}
    streams: list[dict[Direction, bytes]] = []
    links: dict[frozenset[tuple[str, int]], int] = {}
    for packet in packets:
        way, back = (packet.source, packet.destination), (packet.destination, packet.source)
        if packet.flags == SYN:
            links[frozenset(way)] = len(streams)
            streams.append({">": b"", "<": b""})
            expected[way], expected[back] = packet.sequence, -1
        if packet.flags & SYN and packet.flags & ACK:
            expected[way] = packet.sequence
        assert expected[way] == packet.sequence
        if packet.flags & ACK:
            assert expected[back] == packet.acknowledged
        expected[way] = (packet.sequence + len(packet.payload) + bool(packet.flags & (SYN | FIN))) % 2**32
        direction: Direction = ">" if packet.source[1] > 40_000 else "<"
        streams[links[frozenset(way)]][direction] += packet.payload
    assert log.streams == streams
    assert log.resets == sum(bool(packet.flags & RST) for packet in packets)
    assert sorted(packet.time for packet in packets) == [packet.time for packet in packets]


@pytest.mark.parametrize("opened", [V4, V6])
def test_an_orderly_link_has_a_handshake_data_and_both_ends(opened: Open) -> None:
    """Times to the nanosecond, addresses and ports as they were."""
    number = opened.connection
    packets = capture(opened, Data(5, number, ">", b"hi"), Eof(6, number, ">"), Close(9, number, "FIN", "client"))
    assert [SYN, SYN | ACK, ACK, ACK | PSH, ACK, FIN | ACK, ACK, FIN | ACK, ACK] == flags(packets)
    assert [START, START, START, START + 5, START + 5, START + 6, START + 6, START + 9, START + 9] == [
        packet.time for packet in packets
    ]
    host = "10.0.0.1" if opened is V4 else "::1"
    assert (host, 40_000 + (opened is V6)) == packets[0].source


@pytest.mark.parametrize(("by", "port"), [("client", 40_000), ("device", 5000)])
def test_a_reset_comes_from_who_did_it(by: str, port: int) -> None:
    """And nothing follows it."""
    packets = capture(V4, Close(1, 1, "RST", "client" if by == "client" else "device"))
    assert RST | ACK == packets[-1].flags
    assert port == packets[-1].source[1]


def test_a_link_that_fell_silent_ends_without_a_segment_but_with_a_word() -> None:
    """Whatever one drew there would be a lie."""
    packets = capture(V4, Data(1, 1, ">", b"hi"), Close(9, 1, "SILENT", "network"))
    assert not any(packet.flags & (FIN | RST) for packet in packets)
    assert any("SILENT, by network" in one for one in comments(packets[-1:]))


def test_the_file_says_that_it_is_made_up() -> None:
    """Nobody shall take it for what was on the wire."""
    said, _ = parsed(b"".join(blocks(Header(START, "dome:5000"), [V4], "a test")))
    assert "SYNTHESISED, not captured" in said[0]
    assert "dome:5000" in said[0]


@pytest.mark.parametrize("framing", ["", "crlf", "lf", "odd \u00e9\n\0", "x" * 9999])
def test_the_file_says_how_messages_are_told_apart(framing: str) -> None:
    """So that a transcript made out of it knows it again, with others' comments around it."""
    head = Header(START, 'messages: {"framing": "no", "encoding": "no"}', framing, "latin-1", producer="\nmessages: {}")
    made = b"".join(blocks(head, [V4], "a test"))
    assert (framing, "latin-1") == messages_said(made)
    assert 2 == len(parsed(made)[0])


@given(st.integers(0, 300), st.binary(max_size=40), st.integers(0, 400))
def test_a_damaged_file_says_nothing_or_what_it_said(place: int, junk: bytes, end: int) -> None:
    """A capture is anybody's: no error, no endless loop."""
    made = b"".join(blocks(Header(START, framing="crlf"), [V4], "a test"))
    framing, encoding = messages_said((made[:place] + junk + made[place + len(junk) :])[: max(end, place)])
    assert isinstance(framing + encoding, str)


@pytest.mark.parametrize("said", ["", "{", "[]", "1", "null", '{"framing": "lf"}', "[" * 20_000])
def test_a_comment_that_only_looks_like_ours_says_nothing(said: str) -> None:
    """Somebody else may begin one with the same word."""
    assert ("", "") == messages_said(section_header("another program", [f"messages: {said}"]))
    assert ("", "") == messages_said(said.encode())


def test_what_no_packet_can_say_is_a_comment() -> None:
    """On the packet after it, or on the last one."""
    before: list[Event] = [Mark(0, "begin"), Gap(0, 5, 6, "full"), Error(0, 1, "oops"), Clock(0, START)]
    packets = capture(*before, V4, Mark(3, "end\0\ud800" + "x" * 70_000))
    first, last = "\n".join(packets[0].comments), "\n".join(packets[-1].comments)
    for text in (
        "mark: begin",
        "gap: events missing here: 5, bytes: 6; full",
        "error: oops",
        "clock was set to 2023-11-14T22:13:20",
    ):
        assert text in first
    assert "mark: end?xxx" in last
    assert len(last) == 60_000


@pytest.mark.parametrize("before", [[], [V4]])
def test_what_is_said_of_one_packet_has_a_bound_and_what_is_left_out_is_counted(before: list[Event]) -> None:
    """A log of nothing but long marks does not fill the memory, nor a block that no program reads."""
    marks = [Mark(n, f"{n} {'x' * 50_000}") for n in range(100)]
    made = b"".join(blocks(Header(START), [*before, *marks], "a test"))
    assert 1_000_000 < len(made) < 1_200_000
    assert b"mark: 19 x" in made
    assert b"80 more remarks are left out here" in made
    assert b"mark: 99 x" not in made


def test_a_log_without_a_link_is_a_capture_without_packets() -> None:
    """And no error."""
    assert [] == capture(Mark(0, "nothing happened"))
    assert [] == capture()


@pytest.mark.parametrize(
    "opened",
    [
        Open(0, 1),
        Open(0, 1, "dome", "controller:5000"),
        Open(0, 1, "127.0.0.1:1", "[::1]:5000"),
        Open(0, 1, "127.0.0.1:0", "127.0.0.1:70000"),
        Open(0, 1, "a:b:c", "]:["),
    ],
)
def test_addresses_that_are_none_are_made_up_and_it_says_so(opened: Open) -> None:
    """A log by name, or by somebody else's program."""
    packets = capture(opened, Data(1, 1, "<", b"hi"))
    assert ("192.0.2.1", ("192.0.2.2", 5000)) == (packets[0].source[0], packets[0].destination)
    assert any("addresses are made up" in one for one in comments(packets))


def test_a_link_whose_beginning_is_missing_begins_with_its_first_data() -> None:
    """The ring had no room for it."""
    for events in ([Data(5, 7, "<", b"hi")], [Open(5, 7, "10.0.0.1:1", "10.0.0.2:2", True), Data(5, 7, "<", b"hi")]):
        packets = capture(*events)
        assert [SYN, SYN | ACK, ACK, ACK | PSH, ACK] == flags(packets)
        assert any("open before the transcript begins" in one for one in comments(packets))


def test_a_number_that_is_used_again_is_another_link() -> None:
    """Sequence numbers tell them apart, though the addresses are the same."""
    packets = capture(V4, Data(1, 1, ">", b"one"), V4, Data(2, 1, ">", b"two"))
    assert 2 == len({packet.sequence for packet in packets if packet.flags == SYN})


@pytest.mark.parametrize("start", [-(10**18), 2**70])
def test_a_time_that_a_capture_cannot_have_is_moved(start: int) -> None:
    """No date before 1970, none after 2262."""
    _, packets = parsed(b"".join(blocks(Header(start), [V4], "a test")))
    assert 3 == len(packets)
