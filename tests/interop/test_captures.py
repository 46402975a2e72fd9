"""Captures made out of transcripts, read by Wireshark's own engine and by two readers of other people."""

from __future__ import annotations

import importlib
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tcpip_core.transcript import Close, Data, Direction, Event, Header, Open, open_transcript
from tcpip_tools.logs._capture import read_capture
from tcpip_tools.logs._messages import Message, messages_in
from tcpip_tools.pcapng import blocks
from tests.interop._programs import CAPTURE_READERS, TSHARK, path
from tests.tools._command import run
from tests.tools._transcripts import START, RandomLog, conversation, write

Streams = list[dict[Direction, bytes]]

BATCHES, EACH = 20, 12
"""240 random transcripts, some at a time, because each wants a new process."""

INTENDED = "Connection reset (RST)"


def capture(log: RandomLog, place: Path) -> Path:
    """Write a capture."""
    found = place / "capture.pcapng"
    found.write_bytes(b"".join(blocks(Header(START, "dome:5555"), log.events, "a test")))
    return found


def tshark(capture: Path, *options: str) -> str:
    """Run tshark on a capture, with all checksums checked and no protocol above TCP."""
    checks = [part for one in ("ip", "tcp") for part in ("-o", f"{one}.check_checksum:TRUE")]
    command = [path(TSHARK), "-n", "-q", "-r", str(capture), *checks, "-d", "tcp.port==5555,data"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60, check=False)
    assert 0 == done.returncode, done.stderr
    return done.stdout


def followed(said: str) -> Streams:
    """Read what ``-z follow,tcp,raw`` prints: what one node sent, and, behind a tab, the other."""
    streams: dict[str, dict[Direction, bytes]] = {}
    for part in said.split("Follow: tcp,raw\n")[1:]:
        number, first, _, *lines = part.partition("=====")[0].splitlines()
        nodes: list[Direction] = ["<", ">"] if first.endswith(":5555") else [">", "<"]
        stream: dict[Direction, bytes] = {">": b"", "<": b""}
        for line in lines:
            stream[nodes[line.startswith("\t")]] += bytes.fromhex(line.strip())
        streams[number] = stream
    # The one that was asked for first comes last.
    return list(reversed(streams.values()))


def complaints(said: str) -> list[str]:
    """Read what ``-z expert`` prints below warnings and errors; each as often as it was found."""
    found: list[str] = []
    for section in re.findall(r"(?:Warns|Errors) \(\d+\)\n.*?\n\n", said + "\n\n", re.DOTALL):
        rows = re.findall(r"^\s+(\d+)\s+\S+\s+\S+\s+(.*)$", section, re.MULTILINE)
        found += [text.strip() for count, text in rows for _ in range(int(count))]
    return found


@pytest.mark.interop(TSHARK)
@pytest.mark.parametrize("batch", range(BATCHES))
def test_wireshark_follows_each_stream_and_warns_of_nothing_but_resets(batch: int, tmp_path: Path) -> None:
    """The same bytes both ways, checksums right, and no expert warning but for the RST that there was."""
    for seed in range(batch * EACH, (batch + 1) * EACH):
        log = RandomLog(seed)
        follow = [part for number in range(len(log.streams)) for part in ("-z", f"follow,tcp,raw,{number}")]
        said = tshark(capture(log, tmp_path), "-z", "expert", *follow)
        assert log.streams == followed(said), f"seed {seed}"
        assert [INTENDED] * log.resets == complaints(said), f"seed {seed}"


@pytest.mark.interop(TSHARK)
def test_a_byte_that_was_changed_and_one_that_is_missing_are_noticed(tmp_path: Path) -> None:
    """The check can fail."""
    opened = Open(0, 1, "127.0.0.1:40001", "127.0.0.1:5555")
    data = [Data(time, 1, ">", b"here %d" % time) for time in (1, 2, 3)]
    whole = b"".join(blocks(Header(START), [opened, *data], "a test"))
    place = tmp_path / "capture.pcapng"
    place.write_bytes(whole)
    assert [] == complaints(tshark(place, "-z", "expert"))
    place.write_bytes(whole.replace(b"here 2", b"hare 2"))
    assert any("checksum" in one for one in complaints(tshark(place, "-z", "expert")))
    holed = list(blocks(Header(START), [opened, *data], "a test"))
    place.write_bytes(b"".join(one for one in holed if b"here 2" not in one))
    assert any("not captured" in one for one in complaints(tshark(place, "-z", "expert")))


@pytest.mark.interop(TSHARK)
@pytest.mark.parametrize("seed", range(20))
def test_a_capture_becomes_the_transcript_that_it_was_made_of(seed: int, tmp_path: Path) -> None:
    """There and back: links, bytes each way, who reset."""
    log = RandomLog(seed)
    _, events = read_capture(str(capture(log, tmp_path)))
    back = list(events)
    streams: Streams = [{">": b"", "<": b""} for event in back if isinstance(event, Open)]
    for item in messages_in(back, {">": None, "<": None}):
        if isinstance(item, Message):
            streams[item.connection - 1][item.direction] += item.payload
    assert log.streams == streams
    assert resets(log.events) == resets(back)


def resets(events: list[Event]) -> list[tuple[int, str]]:
    """List which links were reset, and by whom."""
    return [(one.connection, one.by) for one in events if isinstance(one, Close) and one.reason == "RST"]


@pytest.mark.interop(CAPTURE_READERS)
@pytest.mark.parametrize("reader", ["dpkt", "scapy"])
def test_two_other_readers_find_the_same_bytes(reader: str, tmp_path: Path) -> None:
    """Neither knows Wireshark, nor us."""
    read = {"dpkt": with_dpkt, "scapy": with_scapy}[reader]
    for seed in range(20):
        log = RandomLog(seed)
        assert log.streams == read(capture(log, tmp_path)), f"seed {seed}"


def with_dpkt(capture: Path) -> Streams:
    """Read a capture with dpkt."""
    dpkt: Any = importlib.import_module("dpkt")
    streams = Joined()
    with capture.open("rb") as file:
        for _, data in dpkt.pcapng.Reader(file):
            packet = dpkt.ip.IP(data) if data[0] >> 4 == 4 else dpkt.ip6.IP6(data)
            tcp = packet.data
            streams.add((packet.src, tcp.sport), (packet.dst, tcp.dport), tcp.flags, bytes(tcp.data))
    return streams.found


def with_scapy(capture: Path) -> Streams:
    """Read a capture with scapy."""
    scapy: Any = importlib.import_module("scapy.all")
    streams = Joined()
    for packet in scapy.rdpcap(str(capture)):
        ip = packet.getlayer("IP") or packet.getlayer("IPv6")
        tcp = packet.getlayer("TCP")
        streams.add((ip.src, tcp.sport), (ip.dst, tcp.dport), int(tcp.flags), bytes(tcp.payload))
    return streams.found


class Joined:
    """Joins payloads to streams; a SYN without ACK begins one, and comes from the client."""

    def __init__(self) -> None:
        self.found: Streams = []
        self._numbers: dict[object, tuple[int, Direction]] = {}

    def add(self, source: object, destination: object, flags: int, payload: bytes) -> None:
        """Add a segment."""
        if flags & 18 == 2:
            self._numbers[source, destination] = (len(self.found), ">")
            self._numbers[destination, source] = (len(self.found), "<")
            self.found.append({">": b"", "<": b""})
        number, direction = self._numbers[source, destination]
        self.found[number][direction] += payload


@pytest.mark.interop(TSHARK)
def test_a_transcript_that_became_a_capture_and_one_again_says_the_same(tmp_path: Path) -> None:
    """With its framing and encoding, so that the two can be compared message by message."""
    ends = "closed|sends no more"  # A capture has a FIN for what a transcript says in other words.
    night = write(tmp_path / "night.tcplog", conversation(reset=False), Header(START, framing="crlf", encoding="ascii"))
    capture, back = str(tmp_path / "night.pcapng"), str(tmp_path / "back.tcplog")
    for verb in (["convert", night, capture], ["convert", capture, back], ["diff", night, back, "--skip", ends]):
        done = run("log", *verb)
        assert (0, "", "") == (done.returncode, done.stdout, done.stderr), verb
    with open_transcript(Path(back)) as reader:
        assert ("crlf", "ascii") == (reader.header.framing, reader.header.encoding)
