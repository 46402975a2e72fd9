"""``--log``: what a verb does, as a transcript."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tcpip_core.transcript import Close, Data, Eof, Error, Event, Header, Mark, Open, open_transcript
from tests.support import IPV4, unused_port
from tests.tools._command import COMMAND, TIMEOUT, environment, run
from tests.tools._devices import device, lines


def read(path: Path) -> tuple[Header, list[Event]]:
    """Read a transcript."""
    with open_transcript(path) as found:
        return found.header, list(found)


@pytest.mark.parametrize(
    ("verb", "sent"),
    [
        (["send", "STATUS"], b"STATUS\r\n"),
        (["ping", "STATUS", "--count", "1"], b"STATUS\r\n"),
        (["probe", "--send", "STATUS"], b"STATUS\r\n"),
        (["probe"], b""),
        (["hold", "--for", "100ms"], b""),
    ],
)
def test_each_verb_with_a_link_records_it(tmp_path: Path, verb: list[str], sent: bytes) -> None:
    """Both ways, with the reason of the end."""
    path = tmp_path / "dome.tcplog.gz"
    name, *rest = verb
    with device(lines(b"\r\n", STATUS=b"OK"), greeting=b"hello\r\n") as one:
        done = run(name, one.target, *rest, "--log", str(path))
        assert 0 == done.returncode, done.stderr
    header, events = read(path)
    assert (one.target, "crlf", "utf-8") == (header.target, header.framing, header.encoding)
    assert isinstance(events[0], Open)
    assert sent == b"".join(event.payload for event in events if isinstance(event, Data) and event.direction == ">")
    back = b"".join(event.payload for event in events if isinstance(event, Data) and event.direction == "<")
    assert back.startswith(b"hello\r\n")
    assert isinstance(events[-1], Close)
    # Who says first that it is done; a probe waits then for the device to close too.
    first = next(event for event in events if isinstance(event, Eof | Close))
    assert (first.direction == ">") if isinstance(first, Eof) else (first.by == "client")


def test_what_is_talked_is_recorded_with_its_marks_and_each_link(tmp_path: Path) -> None:
    """A new link has another number."""
    path = tmp_path / "dome.tcplog"
    with device(lines(b"\r\n", STATUS=b"OK")) as one:
        subprocess.run(
            [*COMMAND, "talk", one.target, "--log", str(path)],
            input="STATUS\n:mark here\n:reconnect\nSTATUS\n",
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=True,
            env=environment(),
        )
    _, events = read(path)
    assert 2 == sum(isinstance(event, Open) for event in events)
    assert ["here"] == [event.text for event in events if isinstance(event, Mark)]


def test_a_connection_that_failed_is_recorded(tmp_path: Path) -> None:
    """A night of attempts is worth a record too."""
    path = tmp_path / "dome.tcplog"
    assert 3 == run("send", f"{IPV4}:{unused_port()}", "STATUS", "--log", str(path)).returncode
    _, events = read(path)
    assert [Error] == [type(event) for event in events]


@pytest.mark.parametrize(
    ("name", "words"), [("night.txt", "must end with .tcplog"), ("no/such/night.tcplog", "nothing can be written into")]
)
def test_a_file_that_cannot_be_one_is_a_usage_error(tmp_path: Path, name: str, words: str) -> None:
    """Before anything is connected to."""
    done = run("send", f"{IPV4}:{unused_port()}", "STATUS", "--log", str(tmp_path / name))
    assert (2, "") == (done.returncode, done.stdout)
    assert words in " ".join(done.stderr.split())


def test_no_recording_is_ever_deleted(tmp_path: Path) -> None:
    """Nobody has said how many nights there are to be."""
    for number in range(1, 7):
        (tmp_path / f"night.{number}.tcplog").write_text(f"mine {number}")
    (tmp_path / "night.tcplog").write_text("mine 0")
    run("send", f"{IPV4}:{unused_port()}", "STATUS", "--log", str(tmp_path / "night.tcplog"))
    found = [(tmp_path / f"night.{number}.tcplog").read_text(encoding="utf-8") for number in range(1, 8)]
    assert [f"mine {number}" for number in range(7)] == found


@pytest.mark.skipif(sys.platform == "win32", reason="it has no bound for the size of files")
def test_how_much_of_a_recording_is_missing_is_said_at_the_end(tmp_path: Path) -> None:
    """The link goes on, and so does the command; but nobody goes home believing that there is a log."""
    with device(lines(b"\r\n", STATUS=b"OK")) as one:
        shell = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *COMMAND]
        done = subprocess.run(
            [*shell, "send", one.target, "STATUS", "--log", str(tmp_path / "a.tcplog")],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
            env=environment(),
        )
    assert (0, "OK\n") == (done.returncode, done.stdout)
    assert "tcpip: the last of what happened is missing in" in done.stderr


def test_connections_that_are_only_measured_have_no_record() -> None:
    """There is nothing in them."""
    assert 2 == run("ping", f"{IPV4}:{unused_port()}", "--connect", "--log", "x.tcplog").returncode
