"""Reading transcripts: whole ones, torn ones, hostile ones."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings

from tcpip_core.transcript import (
    MAX_LINE,
    Data,
    Event,
    Header,
    Mark,
    TranscriptError,
    TranscriptReader,
    TranscriptWriter,
    open_transcript,
)
from tests.core.transcript._logs import HEADER_LINE, LOGS, SMALL_LOGS, bomb, lines, read, written

Log = tuple[Header, list[Event]]
FEWER = settings(max_examples=10)
"""Each example is read as often as it has bytes."""


@given(LOGS)
def test_a_log_comes_back_as_it_was_written(log: Log) -> None:
    """Plain and compressed: header, events, order, every byte of every payload."""
    for compress in (False, True):
        assert (*log, False) == read(written(*log, compress=compress))


@FEWER
@given(SMALL_LOGS)
def test_a_log_cut_at_any_byte_reads_up_to_the_cut(log: Log) -> None:
    """What a crash leaves is what one wants to read most."""
    header, events = log
    content = written(header, events)
    ends = [index for index, byte in enumerate(content) if byte == 10]
    for cut in range(ends[0], len(content) + 1):
        # An event is there as soon as all of its line but the end is.
        whole = sum(cut >= end for end in ends[1:])
        torn = cut not in ends and cut - 1 not in ends
        assert (header, events[:whole], torn) == read(content[:cut])
    for cut in range(ends[0]):
        with pytest.raises(TranscriptError, match="line 1: this is no transcript: it"):
            read(content[:cut])


@FEWER
@given(SMALL_LOGS)
def test_a_compressed_log_cut_at_any_byte_reads_up_to_the_cut(log: Log) -> None:
    """As far as it was handed on before the cut; nothing is made up."""
    header, events = log
    content = written(header, events, compress=True)
    for cut in range(len(content)):
        try:
            found, some, torn = read(content[:cut])
        except TranscriptError as e:
            assert "line 1: " in str(e)  # noqa: PT017  # it may raise, or not
        else:
            assert (header, events[: len(some)], True) == (found, some, torn)


def test_what_was_flushed_survives_the_cut_of_a_compressed_log() -> None:
    """Otherwise a compressed flight recorder would be empty after each crash."""
    file = io.BytesIO()
    writer = TranscriptWriter(file, Header(0), compress=True)
    writer.write(Mark(1, "flushed"))
    writer.flush()
    assert (Header(0), [Mark(1, "flushed")], True) == read(file.getvalue())


def flushed(count: int, *, gap: bytes = b"") -> bytes:
    """Return a compressed log as a recorder has it in its file while it is running."""
    packer = zlib.compressobj(wbits=31)
    batches = [lines(), *(b'{"t":%d,"event":"mark","text":"%s"}\n' % (one, gap) for one in range(count))]
    return b"".join(packer.compress(batch) + packer.flush(zlib.Z_SYNC_FLUSH) for batch in batches)


@pytest.mark.parametrize("zeros", [1, 3, 4, 5, 20, 4096, 200_000])
def test_zeros_behind_what_was_flushed_are_a_torn_end(zeros: int) -> None:
    """A power failure leaves them: the file had grown, and its last blocks were not on the disk yet."""
    _, events, is_torn = read(flushed(5) + bytes(zeros))
    assert ([Mark(number, "") for number in range(5)], True) == (events, is_torn)


@FEWER
@given(SMALL_LOGS)
def test_a_compressed_log_with_zeros_from_any_byte_on_reads_up_to_there(log: Log) -> None:
    """Nothing is made up of them: in the middle of a block they would unpack to something."""
    header, events = log
    content = written(header, events, compress=True)
    for cut in range(len(content)):
        for zeros in (1, 40, 100_000 if cut % 50 == 0 else 2):
            try:
                found, some, torn = read(content[:cut] + bytes(zeros))
            except TranscriptError as e:
                assert "line 1: " in str(e)  # noqa: PT017  # it may raise, or not
            else:
                assert (header, events[: len(some)]) == (found, some)
                assert torn or some == events


@pytest.mark.parametrize("zeros", [1, 1000, 100_000])
def test_zeros_behind_a_whole_file_are_nothing(zeros: int) -> None:
    """Its end is there, checksum included; so is another one behind them."""
    whole = gzip.compress(lines(b'{"t":1,"event":"mark","text":"a"}'))
    more = gzip.compress(b'{"t":2,"event":"mark","text":"b"}\n')
    assert ([Mark(1, "a")], False) == read(whole + bytes(zeros))[1:]
    assert ([Mark(1, "a"), Mark(2, "b")], False) == read(whole + bytes(zeros) + more)[1:]


@pytest.mark.parametrize("size", [0, 40_000])
def test_events_before_the_damage_of_a_compressed_log_are_given(size: int) -> None:
    """Whoever opens it wants all that can be had, however much is unpacked at once."""
    found: list[Event] = []
    content = flushed(5, gap=b"x" * size) + b"\xff" * 20 + flushed(1)
    with (
        pytest.raises(TranscriptError, match="line 6: the compressed file is damaged"),
        TranscriptReader(io.BytesIO(content)) as reader,
    ):
        found.extend(reader)
    assert [Mark(number, "x" * size) for number in range(5)] == found


def test_members_of_a_compressed_log_are_read_one_after_the_other() -> None:
    """``cat a.tcplog.gz b.gz``, with the zeros that a power failure leaves behind."""
    content = gzip.compress(lines(b'{"t":1,"event":"mark","text":"a"}')) + gzip.compress(
        b'{"t":2,"event":"mark","text":"b"}\n'
    )
    assert [Mark(1, "a"), Mark(2, "b")] == read(content + bytes(5000))[1]


def test_a_file_that_gives_one_byte_at_a_time_is_read() -> None:
    """A pipe may."""

    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 1, 1))

    content = lines(b'{"t":1,"event":"mark","text":"a"}')
    for whole in (content, gzip.compress(content)):
        assert [Mark(1, "a")] == list(TranscriptReader(Trickle(whole)))


def test_empty_lines_and_other_ends_of_lines_are_no_events() -> None:
    """An editor on another system has been there."""
    content = lines(b'{"t":1,"event":"mark","text":"a"}', b"", b"  ").replace(b"\n", b"\r\n")
    assert [Mark(1, "a")] == read(content)[1]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "line 1: this is no transcript: it is empty"),
        (b"\n\n", "no transcript: it is empty"),
        (b"hello\n", "line 1: it is no JSON"),
        (b"hello", "no transcript: it ends within its first line"),
        (b"[]\n", "no JSON object"),
        (b"{}\n", 'no "tcplog"'),
        (b'{"tcplog":"1"}\n', 'no "tcplog"'),
        (b'{"tcplog":0}\n', 'no "tcplog"'),
        (b'{"tcplog":2,"start":"?"}\n', "version 2, and this program reads up to 1: use a newer one"),
        (b'{"tcplog":1}\n', "'start' must be a text"),
        (b'{"tcplog":1,"start":"yesterday"}\n', "a time looks like"),
        (b'{"tcplog":1,"start":"2026-01-31T00:00:00Z","unit":"s"}\n', '"unit" is not "ns"'),
        (lines(b"\x00" * 50), "line 2: it is no JSON"),
        (lines(b'{"t":1'), "line 2: it is no JSON"),
        (lines(b'{"t":1,"event":"mark","text":"\xff"}'), "line 2: it is no JSON"),
        (lines(b'{"t":1,"event":"mark","text":5}'), "line 2: 'text' must be a text"),
        (lines(b'{"t":1,"event":"mark","text":"a"}', b"{}"), "line 3: 'event' must be a text"),
        (lines(b'{"t":' + b"9" * 100_000 + b',"event":"mark"}'), "line 2: "),
        (lines(b"[" * 1_000_000), "line 2: it is nested too deep"),
        (lines(b'{"t":1,"event":"mark","text":"a","x":' + b"[" * 500_000), "line 2: it is nested too deep"),
        (lines(b"x" * (MAX_LINE + 1)), "line 2: it is longer than"),
        (b"\x1f\x8bgarbage", "line 1: the compressed file is damaged"),
        (gzip.compress(lines())[:-6] + b"garbage", "the compressed file is damaged"),
        (gzip.compress(lines()) + b"garbage", "the compressed file is damaged"),
        (HEADER_LINE.decode().encode("utf-16"), "it ends within its first line"),
        (bytes(range(256)) * 100, "line 1: it is no JSON"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_transcript_is_refused_with_the_place(content: bytes, complaint: str) -> None:
    """Whoever opens the wrong file learns so."""
    with pytest.raises(TranscriptError) as caught:
        read(content)
    assert complaint in str(caught.value)
    assert len(str(caught.value)) < 400


def test_events_before_the_damage_are_given() -> None:
    """A bad line does not take the night with it."""
    found: list[Event] = []
    with (
        pytest.raises(TranscriptError, match="line 3"),
        TranscriptReader(io.BytesIO(lines(b'{"t":1,"event":"mark","text":"a"}', b"?"))) as reader,
    ):
        found.extend(reader)
    assert [Mark(1, "a")] == found


class Endless(io.RawIOBase):
    """A line without an end, as long as one reads."""

    def __init__(self) -> None:
        self.given = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        self.given += 65_536
        return b"x" * 65_536 if self.given > 65_536 else HEADER_LINE + b"\n"


def test_a_line_without_an_end_is_given_up_in_bounded_memory() -> None:
    """A gigabyte would do; we stop at the first few megabytes of it."""
    tracemalloc.start()
    try:
        file = Endless()
        with pytest.raises(TranscriptError, match="line 2: it is longer than"):
            list(TranscriptReader(file))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert file.given < 2 * MAX_LINE
    assert peak < 6 * MAX_LINE


@pytest.mark.parametrize(
    ("piece", "times", "complaint"),
    [
        (b"x" * 1_000_000, 100, "line 1: it is longer than"),
        (b"\x00" * 1_000_000, 100, "line 1: it is longer than"),
        (HEADER_LINE + b"\n" + b'{"t":1,"event":"mark","text":"' + b"a" * 5_000_000, 1, "line 2: it is longer than"),
    ],
)
def test_a_bomb_is_given_up_in_bounded_memory(piece: bytes, times: int, complaint: str) -> None:
    """A hundred kilobytes that unpack to a hundred megabytes."""
    packed = bomb(piece, times)
    tracemalloc.start()
    try:
        with pytest.raises(TranscriptError, match=complaint):
            read(packed)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * MAX_LINE


def test_a_bomb_of_many_lines_is_a_long_log_in_little_memory(tmp_path: Path) -> None:
    """It takes as long as a log of its size does; whoever reads on can stop at any event."""
    path = tmp_path / "long.tcplog.gz"
    line = b'{"t":1,"event":"data","conn":1,"dir":">","text":"' + b"a" * 50_000 + b'"}\n'
    path.write_bytes(gzip.compress(HEADER_LINE + b"\n") + bomb(line, 400))
    tracemalloc.start()
    try:
        with open_transcript(path) as reader:
            total = sum(len(event.payload) for event in reader if isinstance(event, Data))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 20_000_000 == total
    assert peak < 2_000_000


@pytest.mark.slow
def test_a_gigabyte_that_is_no_transcript_fails_within_a_bound_of_the_process(tmp_path: Path) -> None:
    """With the address space of the process limited, as a container does."""
    path = tmp_path / "huge.tcplog"
    with path.open("wb") as file:
        file.write(HEADER_LINE + b"\n")
        file.truncate(1_000_000_000)
    code = (
        "import sys, resource; from tcpip_core.transcript import open_transcript;"
        f"resource.setrlimit(resource.RLIMIT_AS, ({400 * 2**20}, {400 * 2**20}))\n"
        "try: list(open_transcript(sys.argv[1]))\n"
        "except ValueError as e: print(e)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=20, check=False
    )
    assert ("line 2: it is longer than 4194304 bytes\n", "") == (done.stdout, done.stderr)


def test_a_file_that_is_no_transcript_is_closed(tmp_path: Path) -> None:
    """Nobody has a reader that could be closed."""
    path = tmp_path / "x"
    path.write_bytes(b"hello\n")
    with pytest.raises(TranscriptError):
        open_transcript(path)  # -W error: a file left open would warn


@pytest.mark.parametrize("name", ["nosuch", "."])
def test_a_file_that_cannot_be_read_is_an_error_of_the_system(tmp_path: Path, name: str) -> None:
    """The caller knows its name and what to say."""
    with pytest.raises(OSError, match=r"No such file|directory"):
        open_transcript(tmp_path / name)
