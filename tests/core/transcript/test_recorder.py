"""The flight recorder: what it writes, and that nothing which goes wrong with a disk reaches a link."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from unittest import mock

import pytest

from tcpip_core import LinkObserver, LossReason, Observer
from tcpip_core.transcript import (
    Clock,
    Close,
    Data,
    Eof,
    Error,
    Event,
    Gap,
    Mark,
    Open,
    Recorder,
    open_transcript,
)
from tcpip_core.transcript import _scribe as scribe

ADDRESSES = ("127.0.0.1:4000", "127.0.0.1:5000")
SIDES: tuple[Literal["client"], Literal["device"]] = ("client", "device")
BOUND = 20.0
"""Of every wait here (seconds); none comes near it."""


def events_of(path: Path) -> list[Event]:
    with open_transcript(path) as reader:
        return list(reader)


def payloads(events: list[Event]) -> bytes:
    return b"".join(event.payload for event in events if isinstance(event, Data))


def link_of(recorder: Observer) -> LinkObserver:
    link = recorder.connected("client", *ADDRESSES)
    assert link is not None
    return link


@contextlib.contextmanager
def waiting_disk(recorder: Recorder, monkeypatch: pytest.MonkeyPatch, failing: int = 0) -> Iterator[None]:
    """Write a mark, and let everything else be queued until this is left; then so many attempts to write fail."""
    recorder.mark("begin")
    assert recorder.flush(BOUND)
    begun, answered, real, attempts = threading.Event(), threading.Event(), os.write, itertools.count()

    def write(fd: int, data: memoryview) -> int:
        begun.set()
        assert answered.wait(BOUND)
        if 0 < next(attempts) <= failing:
            raise OSError(5, "Input/output error")
        return real(fd, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        recorder.mark("is being written")
        assert begun.wait(BOUND)
        try:
            yield
        finally:
            answered.set()
        assert recorder.flush(BOUND)


def test_a_client_and_a_server_record_the_same_from_their_sides(tmp_path: Path) -> None:
    """``>`` is from the client to the device, whoever records it."""
    for side in SIDES:
        path = tmp_path / f"{side}.tcplog"
        is_client = side == "client"
        with Recorder(path, target="dome:5000", framing="crlf") as recorder:
            link = recorder.connected(side, *(ADDRESSES if is_client else ADDRESSES[::-1]))
            if is_client:
                link.sent(b"?\r\n")
                link.received(b"5\r\n")
            else:
                link.received(b"?\r\n")
                link.sent(b"5\r\n")
            link.eof_received()
            link.eof_sent()
            link.ended(LossReason.FIN)
        with open_transcript(path) as reader:
            events = list(reader)
            assert ("dome:5000", "crlf") == (reader.header.target, reader.header.framing)
        times = [event.time for event in events]
        assert sorted(times) == times
        assert [
            Open(times[0], 1, *ADDRESSES),
            Data(times[1], 1, ">", b"?\r\n"),
            Data(times[2], 1, "<", b"5\r\n"),
            Eof(times[3], 1, "<" if is_client else ">"),
            Eof(times[4], 1, ">" if is_client else "<"),
            Close(times[5], 1, "FIN", "device" if is_client else "client"),
        ] == events


@pytest.mark.parametrize("reason", list(LossReason))
def test_every_reason_has_somebody_who_closed(tmp_path: Path, reason: LossReason) -> None:
    """The first question after a loss is whose fault it was."""
    with Recorder(tmp_path / "a.tcplog") as recorder:
        link_of(recorder).ended(reason)
    close = events_of(tmp_path / "a.tcplog")[-1]
    assert isinstance(close, Close)
    own = {"CLOSED_HERE", "HEARTBEAT", "REPLACED", "LIMIT", "BAD_MESSAGE", "WRITE_TIMEOUT", "WRITE_CANCELLED"}
    expected = {"FIN": "device", "RST": "device", "SILENT": "network", "UNREACHABLE": "network"}
    assert (reason.name, "client" if reason.name in own else expected.get(reason.name, "unknown")) == (
        close.reason,
        close.by,
    )


def test_the_times_are_those_of_the_clock_on_the_wall(tmp_path: Path) -> None:
    """Header plus time is when it happened, for whoever compares with another log."""
    with Recorder(tmp_path / "a.tcplog") as recorder:
        before = time.time_ns()
        recorder.mark("now")
        after = time.time_ns()
    with open_transcript(tmp_path / "a.tcplog") as reader:
        (mark,) = reader
        assert before - 10**6 <= reader.header.start + mark.time <= after + 10**6


def test_a_failed_attempt_and_a_mark_are_recorded(tmp_path: Path) -> None:
    """A night without a connection has something to tell too."""
    with Recorder(tmp_path / "a.tcplog") as recorder:
        recorder.failed(ConnectionRefusedError(111, "cannot connect to dome:5000"))
        recorder.failed(OSError())
        recorder.mark("reset the controller")
        with pytest.raises(ValueError, match="10000"):
            recorder.mark("x" * 10_001)
    refused, nameless, mark = events_of(tmp_path / "a.tcplog")
    assert isinstance(refused, Error)
    assert isinstance(nameless, Error)
    assert isinstance(mark, Mark)
    assert ("cannot connect to dome:5000", "OSError") == (refused.text, nameless.text)


def test_the_file_is_there_while_it_is_recorded(tmp_path: Path) -> None:
    """``flush`` waits for what happened so far; a look costs nothing."""
    for name in ("a.tcplog", "a.tcplog.gz"):
        with Recorder(tmp_path / name) as recorder:
            link = link_of(recorder)
            for number in range(100):
                link.received(b"%d;" % number)
            assert recorder.flush(BOUND)
            assert b"".join(b"%d;" % number for number in range(100)) == payloads(events_of(tmp_path / name))


def test_a_program_that_is_killed_leaves_what_happened_before(tmp_path: Path) -> None:
    """``kill -9``: nothing of ours runs any more."""
    path = tmp_path / "a.tcplog.gz"
    code = (
        "import os, sys; from tcpip_core.transcript import Recorder\n"
        "recorder = Recorder(sys.argv[1]); recorder.mark('before'); recorder.flush(); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], timeout=BOUND, check=False)
    assert -9 == done.returncode
    assert ["before"] == [event.text for event in events_of(path) if isinstance(event, Mark)]


def test_a_program_that_forgets_to_close_leaves_everything(tmp_path: Path) -> None:
    """Most programs end by an exception sooner or later."""
    path = tmp_path / "a.tcplog"
    code = (
        "import sys; from tcpip_core.transcript import Recorder\n"
        "recorder = Recorder(sys.argv[1]); recorder.mark('before'); sys.exit(3)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], timeout=BOUND, check=False)
    assert 3 == done.returncode
    assert ["before"] == [event.text for event in events_of(path) if isinstance(event, Mark)]


def test_an_older_file_of_the_name_is_kept(tmp_path: Path) -> None:
    """A program that is started again must not destroy the log of why it had ended."""
    for number in range(5):
        with Recorder(tmp_path / "a.b.tcplog.gz", keep=2) as recorder:
            recorder.mark(str(number))
    names = ["a.b.tcplog.gz", "a.b.1.tcplog.gz", "a.b.2.tcplog.gz"]
    assert sorted(names) == sorted(os.listdir(tmp_path))
    assert [4, 3, 2] == [
        int(event.text) for name in names for event in events_of(tmp_path / name) if isinstance(event, Mark)
    ]


@pytest.mark.parametrize(("keep", "left"), [(0, [7]), (1, [7, 6]), (None, [7, 6, 5, 4, 3, 2, 1, 0])])
def test_as_many_older_files_are_kept_as_one_wants(tmp_path: Path, keep: int | None, left: list[int]) -> None:
    """None of them, or all."""
    for number in range(8):
        with Recorder(tmp_path / "a.tcplog", keep=keep) as recorder:
            recorder.mark(str(number))
    names = ["a.tcplog", *(f"a.{number}.tcplog" for number in range(1, len(left)))]
    assert sorted(names) == sorted(os.listdir(tmp_path))
    assert left == [
        int(event.text) for name in names for event in events_of(tmp_path / name) if isinstance(event, Mark)
    ]


@pytest.mark.parametrize("name", ["a.tcplog", "a.tcplog.gz"])
def test_a_full_file_makes_way_for_one_that_stands_alone(tmp_path: Path, name: str) -> None:
    """No byte is lost between the two, and each says which links are open."""
    chunks = [os.urandom(1000) for _ in range(100)]
    with Recorder(tmp_path / name, max_file_size=20_000, keep=100) as recorder:
        link = link_of(recorder)
        closed = link_of(recorder)
        closed.ended(LossReason.FIN)
        for number, chunk in enumerate(chunks):
            link.received(chunk)
            if number % 10 == 0:
                assert recorder.flush(BOUND)
    older = sorted(tmp_path.glob("a.*.tcplog*"), key=lambda path: -int(path.name.split(".")[1]))
    assert len(older) >= 3
    logs = [events_of(path) for path in [*older, tmp_path / name]]
    assert b"".join(chunks) == b"".join(map(payloads, logs))
    for path, log in zip(older[1:], logs[1:-1], strict=False):
        assert Open(0, 1, *ADDRESSES, continued=True) == log[0]
        assert 1 == sum(isinstance(event, Open) for event in log)
        assert path.stat().st_size < 60_000
    starts: list[int] = []
    for path in [*older, tmp_path / name]:
        with open_transcript(path) as reader:
            starts.append(reader.header.start)
    assert sorted(set(starts)) == starts


@pytest.mark.parametrize("name", ["a.tcplog", "a.tcplog.gz"])
def test_a_file_gets_longer_than_it_may_by_one_event_at_most(tmp_path: Path, name: str) -> None:
    """Also where large pieces come faster than they are written: who sets a limit has a small disk."""
    chunks = [os.urandom(65_536) for _ in range(60)]
    with Recorder(tmp_path / name, max_file_size=100_000, keep=100) as recorder:
        link = link_of(recorder)
        for chunk in chunks:
            link.received(chunk)
    older = sorted(tmp_path.glob("a.*.tcplog*"), key=lambda path: -int(path.name.split(".")[1]))
    paths = [*older, tmp_path / name]
    assert b"".join(chunks) == b"".join(payloads(events_of(path)) for path in paths)
    longest = 100_000 + 2 * 65_536 + 200
    assert [] == [path.name for path in paths if path.stat().st_size > longest]


def test_a_clock_that_was_set_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a step of the wall's clock, times are read from the new one."""
    with Recorder(tmp_path / "a.tcplog") as recorder:
        recorder.mark("before")
        assert recorder.flush(BOUND)
        real = time.time_ns
        monkeypatch.setattr(time, "time_ns", lambda: real() + 3_600_000_000_000)
        recorder.mark("after")
        assert recorder.flush(BOUND)
        monkeypatch.undo()
    with open_transcript(tmp_path / "a.tcplog") as reader:
        events = list(reader)
    clocks = [event for event in events if isinstance(event, Clock)]
    assert 1 <= len(clocks) <= 2
    assert abs(clocks[0].wall - reader.header.start - clocks[0].time - 3_600_000_000_000) < 10**9


def test_a_clock_that_was_set_stands_in_the_order_of_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is noticed while many events are written: those that follow in the file happened before it was."""
    real = time.time_ns
    with Recorder(tmp_path / "a.tcplog") as recorder, waiting_disk(recorder, monkeypatch):
        for _ in range(600):
            recorder.mark("")
        monkeypatch.setattr(time, "time_ns", lambda: real() + 3_600_000_000_000)
    events = events_of(tmp_path / "a.tcplog")
    times = [event.time for event in events]
    assert sorted(times) == times
    assert 1 == sum(isinstance(event, Clock) for event in events)


# Trouble with the disk


@contextlib.contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch, room: int = 0) -> Iterator[None]:
    """Let the system refuse to write, after as much as still fits; the file system itself is the real one."""
    real, left = os.write, room

    def write(fd: int, data: memoryview) -> int:
        nonlocal left
        if left <= 0:
            raise OSError(28, "No space left on device")
        written = real(fd, data[:left])
        left -= written
        return written

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        yield


@pytest.mark.parametrize("name", ["a.tcplog", "a.tcplog.gz"])
@pytest.mark.parametrize("room", [0, 1, 700])
def test_a_full_disk_is_a_gap_and_a_line_in_the_log(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    room: int,
) -> None:
    """The link notices nothing; once there is room the log says how much is missing, and what follows is whole."""
    monkeypatch.setattr(scribe, "_NEXT_TRY", 0)
    with Recorder(tmp_path / name) as recorder, caplog.at_level(logging.INFO):
        link = link_of(recorder)
        link.received(b"before")
        assert recorder.flush(BOUND)
        with full_disk(monkeypatch, room):
            for _ in range(3):
                link.received(os.urandom(1000))
                assert recorder.flush(BOUND)
        link.received(b"after")
        assert recorder.flush(BOUND)
        events = events_of(tmp_path / name)
    assert [Open, Data, Gap, Data] == [type(event) for event in events]
    assert b"beforeafter" == payloads(events)
    gap = events[2]
    assert isinstance(gap, Gap)
    assert (3, 3000) == (gap.events, gap.bytes)
    assert "No space left" in gap.reason
    told = [record.getMessage() for record in caplog.records]
    assert 1 == sum("cannot write" in one for one in told)
    assert 1 == sum("can be written again" in one for one in told)


def test_a_path_that_cannot_be_written_costs_the_log_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A typing error in a configuration must not stop an observatory."""
    path = tmp_path / "nosuch" / "a.tcplog"
    with Recorder(path) as recorder:
        link = link_of(recorder)
        link.received(b"x")
        link.ended(LossReason.FIN)
        assert recorder.flush(BOUND)
    told = [record.getMessage() for record in caplog.records]
    assert 1 == sum("cannot write" in one and "nosuch" in one for one in told)
    assert any("is missing" in one and "3 events, 1 bytes" in one for one in told)


@pytest.mark.parametrize("name", ["a.tcplog", "a.tcplog.gz"])
def test_a_full_disk_costs_no_older_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Each attempt to begin a file would make way for it: the logs of the nights before would go, one a second."""
    monkeypatch.setattr(scribe, "_NEXT_TRY", 0)
    path = tmp_path / name
    with Recorder(path) as recorder:
        recorder.mark("the night before")
    with full_disk(monkeypatch), Recorder(path, keep=2) as recorder:
        for _ in range(5):
            recorder.mark("lost")
            assert recorder.flush(BOUND)
    (older,) = tmp_path.iterdir()
    assert ["the night before"] == [event.text for event in events_of(older) if isinstance(event, Mark)]


def test_a_pipe_or_a_device_is_not_made_way_with(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """To rename ``/dev/stdout`` would harm every program of the host."""
    path = tmp_path / "pipe.tcplog"
    os.mkfifo(path)
    with Recorder(path) as recorder:
        link_of(recorder).received(b"hello")
    assert path.is_fifo()
    assert [path] == list(tmp_path.iterdir())
    assert "is no regular file" in caplog.text


def test_a_directory_that_comes_late_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is mounted after the program has started."""
    monkeypatch.setattr(scribe, "_NEXT_TRY", 0)
    path = tmp_path / "late" / "a.tcplog"
    with Recorder(path) as recorder:
        recorder.mark("lost")
        assert recorder.flush(BOUND)
        path.parent.mkdir()
        recorder.mark("kept")
    gap, mark = events_of(path)
    assert isinstance(gap, Gap)
    assert isinstance(mark, Mark)
    assert (1, "kept") == (gap.events, mark.text)


def test_a_disk_that_hangs_keeps_neither_the_link_nor_the_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A network drive whose server is away: memory stays bounded, and what had no room is told."""
    answered, real = threading.Event(), os.write

    def write(fd: int, data: memoryview) -> int:
        assert answered.wait(BOUND)
        return real(fd, data)

    path = tmp_path / "a.tcplog"
    recorder = Recorder(path, max_backlog=100_000)
    assert recorder.flush(BOUND)
    monkeypatch.setattr(os, "write", write)
    link = link_of(recorder)
    tracemalloc.start()
    for _ in range(100):
        link.received(bytes(10_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300_000
    assert not recorder.flush(0.01)
    assert not recorder.close(0.01)
    assert "its last events may be lost" in caplog.text
    answered.set()
    assert recorder.close(BOUND)
    events = events_of(path)
    gap = events[-1]
    assert isinstance(gap, Gap)
    assert (101, 1_000_000) == (len(events) - 1 + gap.events, len(payloads(events)) + gap.bytes)
    assert gap.events > 80
    assert "could not keep up" in gap.reason


def story_of(events: list[Event]) -> list[tuple[str, int, int]]:
    """Return the kind of each event, its time since the first one, and its bytes."""
    sizes = [len(one.payload) if isinstance(one, Data) else one.bytes if isinstance(one, Gap) else 0 for one in events]
    return [(type(one).__name__, one.time - events[0].time, size) for one, size in zip(events, sizes, strict=True)]


def test_what_had_no_room_is_missing_where_it_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Smaller pieces that come later still have room: without a gap before them a stream would join over the hole."""
    with Recorder(tmp_path / "a.tcplog", max_backlog=10_000) as recorder:
        with waiting_disk(recorder, monkeypatch):
            begun = time.monotonic_ns()
            recorder.record(Open(begun, 1))
            for moment, size in enumerate([4000, 10, 4000, 10, 4000, 5000, 10], 1):
                recorder.record(Data(begun + moment, 1, "<", bytes(size)))
            recorder.record(Close(begun + 8, 1, "FIN", "device"))
            recorder.record(Data(begun + 9, 2, "<", bytes(20_000)))
    assert [
        ("Open", 0, 0),
        ("Data", 1, 4000),
        ("Data", 2, 10),
        ("Data", 3, 4000),
        ("Data", 4, 10),
        ("Gap", 5, 9000),
        ("Data", 7, 10),
        ("Close", 8, 0),
        ("Gap", 9, 20_000),
    ] == story_of(events_of(tmp_path / "a.tcplog")[2:])


def test_what_could_not_be_written_is_missing_where_it_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk recovers in the middle of what was taken at once: the rest of it comes behind the gap."""
    monkeypatch.setattr(scribe, "_NEXT_TRY", 0)
    with Recorder(tmp_path / "a.tcplog") as recorder, waiting_disk(recorder, monkeypatch, failing=1):
        for _ in range(600):
            recorder.mark("")
    events = events_of(tmp_path / "a.tcplog")
    times = [event.time for event in events]
    assert sorted(times) == times
    assert [2] == [number for number, event in enumerate(events) if isinstance(event, Gap)]
    gap = events[2]
    assert isinstance(gap, Gap)
    assert 602 == len(events) - 1 + gap.events


def continued_in(path: Path) -> list[int]:
    """Return the links that were open before a file was begun."""
    return [event.connection for event in events_of(path) if isinstance(event, Open) and event.continued]


def test_a_link_whose_end_had_no_room_is_not_open_in_the_next_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is one that came and went meanwhile; one that came then, and stayed, is."""
    path = tmp_path / "a.tcplog"
    with Recorder(path, max_backlog=3000, max_file_size=2000) as recorder:
        known = link_of(recorder)
        with waiting_disk(recorder, monkeypatch):
            for _ in range(40):
                known.eof_sent()
            known.ended(LossReason.FIN)
            link_of(recorder).ended(LossReason.FIN)
            link_of(recorder)
        recorder.mark("x" * 3000)
        assert recorder.flush(BOUND)
        recorder.mark("in the next file")
    assert [3] == continued_in(path)


def test_a_link_whose_end_could_not_be_written_is_not_open_in_the_next_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full when it ended; one that began then is open in it."""
    monkeypatch.setattr(scribe, "_NEXT_TRY", 0)
    path = tmp_path / "a.tcplog"
    with Recorder(path, max_file_size=2000) as recorder:
        known = link_of(recorder)
        assert recorder.flush(BOUND)
        with full_disk(monkeypatch):
            known.ended(LossReason.FIN)
            link_of(recorder)
            assert recorder.flush(BOUND)
        recorder.mark("x" * 3000)
        assert recorder.flush(BOUND)
        recorder.mark("in the next file")
    assert [2] == continued_in(path)


def test_a_mistake_in_the_writing_is_logged_and_the_links_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is queued for a thread that is gone."""

    def write(fd: int, data: bytes) -> int:
        raise ZeroDivisionError

    with Recorder(tmp_path / "a.tcplog") as recorder:
        link = link_of(recorder)
        assert recorder.flush(BOUND)
        monkeypatch.setattr(os, "write", write)
        link.received(b"x")
        recorder._thread.join(BOUND)
        link.received(b"y")
    assert "records no more" in caplog.text


def test_links_are_told_apart_whatever_thread_they_live_in(tmp_path: Path) -> None:
    """One recorder for all clients of a program, each with an event loop of its own."""

    def talk() -> None:
        link = link_of(recorder)
        for number in range(200):
            link.received(b"%d;" % number)
        link.ended(LossReason.FIN)

    with Recorder(tmp_path / "a.tcplog") as recorder:
        threads = [threading.Thread(target=talk) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    events = events_of(tmp_path / "a.tcplog")
    expected = b"".join(b"%d;" % number for number in range(200))
    for number in range(1, 5):
        assert expected == payloads([one for one in events if isinstance(one, Data) and one.connection == number])


def test_what_happens_after_the_close_is_not_recorded_and_harms_nothing(tmp_path: Path) -> None:
    """The recorder was closed before the links."""
    recorder = Recorder(tmp_path / "a.tcplog")
    link = link_of(recorder)
    assert recorder.close(BOUND)
    assert recorder.close(BOUND)
    link.received(b"x")
    link.ended(LossReason.FIN)
    assert recorder.flush(BOUND)
    assert [Open] == [type(event) for event in events_of(tmp_path / "a.tcplog")]


@pytest.mark.parametrize(
    "wrong", [{"encoding": "nosuch"}, {"max_file_size": 0}, {"keep": -1}, {"max_backlog": 0}, {"target": "x" * 70_000}]
)
def test_a_wrong_argument_is_refused_before_anything_is_begun(tmp_path: Path, wrong: dict[str, object]) -> None:
    """No thread, no file."""
    with pytest.raises(ValueError):  # noqa: PT011  # each has its own words
        Recorder(tmp_path / "a.tcplog", **wrong)  # type: ignore[arg-type]
    assert [] == os.listdir(tmp_path)


async def test_async_with_closes_without_keeping_the_loop(tmp_path: Path) -> None:
    """The wait for a slow disk is in another thread."""
    async with Recorder(tmp_path / "a.tcplog") as recorder:
        recorder.mark("inside")
    assert [Mark] == [type(event) for event in events_of(tmp_path / "a.tcplog")]


@pytest.mark.slow
def test_memory_stays_flat_over_64_mebibytes(tmp_path: Path) -> None:
    """What is written is forgotten."""
    with Recorder(tmp_path / "a.tcplog", max_backlog=4 * 1024 * 1024) as recorder:
        link = link_of(recorder)
        tracemalloc.start()
        try:
            for number in range(1024):
                link.received(os.urandom(64 * 1024))
                if number % 16 == 0:
                    assert recorder.flush(BOUND)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    with open_transcript(tmp_path / "a.tcplog") as reader:
        assert 64 * 1024 * 1024 == sum(len(event.payload) for event in reader if isinstance(event, Data))
    assert peak < 16 * 1024 * 1024


def test_every_event_that_is_put_is_written_or_counted(tmp_path: Path) -> None:
    """Whatever the disk does in between: the sum is right."""
    path, attempts, real = tmp_path / "a.tcplog", itertools.count(), os.write

    def write(fd: int, data: memoryview) -> int:
        if next(attempts) % 7 == 6:
            raise OSError(5, "Input/output error")
        return real(fd, data[: max(len(data) // 2, 100)])

    with Recorder(path, max_backlog=20_000) as recorder:
        with mock.patch.object(scribe, "_NEXT_TRY", 0), mock.patch.object(os, "write", write):
            link = link_of(recorder)
            for number in range(500):
                link.received(b"%d;" % number)
                if number % 50 == 0:
                    assert recorder.flush(BOUND)
            assert recorder.flush(BOUND)
        recorder.mark("the disk is well again")
    events = events_of(path)
    known = sum(not isinstance(event, Gap) for event in events)
    missing = sum(event.events for event in events if isinstance(event, Gap))
    assert 502 == known + missing
    assert missing


def test_events_that_a_program_made_are_recorded_as_they_are(tmp_path: Path) -> None:
    """A relay is neither a client nor a server, and knows who closed."""
    with Recorder(tmp_path / "a.tcplog") as recorder:
        begun = time.monotonic_ns()
        recorder.record(Open(begun, 3, *ADDRESSES))
        recorder.record(Data(begun + 1, 3, ">", b"hello"))
        recorder.record(Close(begun + 3, 3, "RST", "client"))
    opened, *rest = events_of(tmp_path / "a.tcplog")
    assert isinstance(opened, Open)
    assert (3, *ADDRESSES) == (opened.connection, opened.client, opened.device)
    assert [(opened.time + 1, b"hello")] == [(one.time, one.payload) for one in rest if isinstance(one, Data)]
    assert [Close(opened.time + 3, 3, "RST", "client")] == [one for one in rest if isinstance(one, Close)]
