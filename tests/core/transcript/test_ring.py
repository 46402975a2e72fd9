"""The ring in memory, written down when a link is lost."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import pytest

from tcpip_core import LinkObserver, LossReason
from tcpip_core.transcript import Close, Data, Gap, Mark, Open, RingRecorder, open_transcript

ADDRESSES = ("127.0.0.1:4000", "127.0.0.1:5000")
BOUND = 20.0


def link_of(recorder: RingRecorder) -> LinkObserver:
    return recorder.connected("client", *ADDRESSES)


def test_a_loss_is_written_down_and_a_close_of_ours_is_not(tmp_path: Path) -> None:
    """One file a loss, named by its moment."""
    with RingRecorder(tmp_path / "dome.tcplog", target="dome:5000") as recorder:
        first, second = link_of(recorder), link_of(recorder)
        first.received(b"x")
        first.ended(LossReason.CLOSED_HERE)
        assert recorder.close(BOUND)
        assert [] == os.listdir(tmp_path)
        second.ended(LossReason.RST)
    (path,) = tmp_path.iterdir()
    assert path.match("dome-????????T??????.??????Z.tcplog")
    with open_transcript(path) as reader:
        events = list(reader)
        assert "dome:5000" == reader.header.target
    assert [Open, Open, Data, Close, Close] == [type(event) for event in events]
    assert 0 == events[0].time
    assert "RST" == getattr(events[-1], "reason", "")


def test_what_had_to_make_room_is_told_and_memory_is_bounded(tmp_path: Path) -> None:
    """The latest is there, and the link that it belongs to, though its beginning is not."""
    tracemalloc.start()
    with RingRecorder(tmp_path / "dome.tcplog.gz", size=50_000) as recorder:
        gone, link = link_of(recorder), link_of(recorder)
        gone.ended(LossReason.CLOSED_HERE)
        for number in range(5000):
            link.received(b"%0100d" % number)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        link.ended(LossReason.FIN)
    assert peak < 200_000
    (path,) = tmp_path.iterdir()
    with open_transcript(path) as reader:
        gap, begun, *data, close = reader
    assert isinstance(gap, Gap)
    assert isinstance(begun, Open)
    assert isinstance(close, Close)
    payloads = [event.payload for event in data if isinstance(event, Data)]
    assert (2, True) == (begun.connection, begun.continued)
    assert [b"%0100d" % number for number in range(5000 - len(payloads), 5000)] == payloads
    assert (5003 - len(payloads), 500_000 - 100 * len(payloads)) == (gap.events, gap.bytes)
    assert len(payloads) > 90


def test_it_can_be_written_down_without_a_loss(tmp_path: Path) -> None:
    """An operator has seen something odd."""
    with RingRecorder(tmp_path / "dome.tcplog") as recorder:
        recorder.mark("odd")
        assert recorder.dump()
    (path,) = tmp_path.iterdir()
    with open_transcript(path) as reader:
        assert [Mark(0, "odd")] == list(reader)


def test_only_so_many_files_are_kept(tmp_path: Path) -> None:
    """A link that is lost every second must not fill the disk; other files are not ours."""
    (tmp_path / "dome-notes.tcplog").touch()
    with RingRecorder(tmp_path / "dome.tcplog", keep=2) as recorder:
        for number in range(4):
            recorder.mark(str(number))
            assert recorder.dump()
            assert recorder.close(BOUND)
    names = sorted(os.listdir(tmp_path))
    assert ["dome-notes.tcplog"] == names[2:]
    last: list[str] = []
    for name in names[:2]:
        with open_transcript(tmp_path / name) as reader:
            last.append(getattr(list(reader)[-1], "text", ""))
    assert ["2", "3"] == last


@pytest.mark.parametrize("name", ["dome[1].tcplog", "d*e.tcplog.gz", "?.tc[p]log", "a.[0-9]"])
def test_a_name_like_a_pattern_is_a_name(tmp_path: Path, name: str) -> None:
    """Its files are deleted when there are too many, and those of others are not."""
    moments = ["-20260131T235959.123456Z", "-20260131T235958.123456Z", "-20260131T235957.123456Z"]
    others = [f"dome1{moment}.tcplog{packed}" for moment in moments for packed in ("", ".gz")]
    others += [f"{stem}{moment}.{end}" for moment in moments for stem, end in (("dome", "tcplog.gz"), ("a", "5"))]
    others.append("?-20260131T235959.mine-Z.tc[p]log")
    for other in others:
        (tmp_path / other).touch()
    with RingRecorder(tmp_path / name, keep=2) as recorder:
        for number in range(5):
            recorder.mark(str(number))
            assert recorder.dump()
            assert recorder.close(BOUND)
    assert 2 == len(set(os.listdir(tmp_path)) - set(others))
    assert set(others) < set(os.listdir(tmp_path))


def test_a_disk_that_hangs_or_is_full_keeps_no_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The loss of the moment is lost, the log says so, and nothing half written stays."""
    answered = threading.Event()

    def write(_fd: int, _data: memoryview) -> int:
        assert answered.wait(BOUND)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    with caplog.at_level(logging.INFO), RingRecorder(tmp_path / "dome.tcplog") as recorder:
        link_of(recorder).ended(LossReason.RST)
        link_of(recorder).ended(LossReason.RST)
        assert not recorder.close(0.01)
        answered.set()
    assert "an earlier loss is being written down" in caplog.text
    assert "No space left on device" in caplog.text
    assert [] == os.listdir(tmp_path)


def test_a_program_that_ends_with_the_loss_has_it_written(tmp_path: Path) -> None:
    """Most give up then; the file is whole all the same."""
    code = (
        "import sys; from tcpip_core import LossReason; from tcpip_core.transcript import RingRecorder\n"
        "link = RingRecorder(sys.argv[1]).connected('client', '', '')\n"
        "for number in range(5000): link.received(b'x' * 100)\n"
        "link.ended(LossReason.RST); sys.exit(3)"
    )
    path = tmp_path / "dome.tcplog"
    done = subprocess.run([sys.executable, "-c", code, str(path)], timeout=BOUND, check=False)
    assert 3 == done.returncode
    (path,) = tmp_path.iterdir()
    with open_transcript(path) as reader:
        assert 5002 == len(list(reader))


@pytest.mark.parametrize("wrong", [{"size": 0}, {"keep": 0}, {"encoding": "nosuch"}])
def test_a_wrong_argument_is_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    """Before anything is begun."""
    with pytest.raises(ValueError):  # noqa: PT011  # each has its own words
        RingRecorder(tmp_path / "a.tcplog", **wrong)  # type: ignore[arg-type]
