"""``tcpip log``, run as people and scripts run it."""

from __future__ import annotations

import ast
import gzip
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tcpip_core.transcript import (
    Close,
    Data,
    Error,
    Event,
    Gap,
    Header,
    Mark,
    Open,
    create_transcript,
    open_transcript,
)
from tcpip_tools import _cli
from tests.tools._command import COMMAND, TIMEOUT, environment, events, pipe, run, running, talk
from tests.tools._terminal import terminal
from tests.tools._transcripts import START, conversation, write

STATUS = """
import ctypes
class Status(ctypes.LittleEndianStructure):
    _pack_ = 1
    _fields_ = [("azimuth", ctypes.c_uint16), ("state", ctypes.c_uint8 * 2)]
def explain(data):
    return f"{len(data)} bytes" if data != b"bad" else 1 / 0
number = 5
"""


Inside = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def night(tmp_path: Path) -> str:
    """Give the name of a transcript."""
    return write(tmp_path / "night.tcplog", conversation())


def log(*args: str, cwd: Path | None = None, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    """Run a verb of ``tcpip log``."""
    done = subprocess.run(
        [*COMMAND, "log", *args],
        input=stdin,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
        cwd=cwd,
        env=environment(TZ="UTC"),
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Inside:
    """Give `log` for a call within this process, which is faster, in the temporary directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])

    def call(*args: str) -> subprocess.CompletedProcess[str]:
        modules = set(sys.modules)
        status = _cli.run(["log", *args], "tcpip")
        for name in {"dome", "broken"} & (set(sys.modules) - modules):
            del sys.modules[name]
        return subprocess.CompletedProcess(args, status, *capfd.readouterr())

    return call


def shown(*args: str) -> list[str]:
    """Give the lines of ``show``, without the times."""
    done = log("show", *args)
    assert (0, "") == (done.returncode, done.stderr)
    return [line[28:] for line in done.stdout.splitlines()]


# show


def test_show_puts_pieces_together_and_escapes_what_a_terminal_would_obey(night: str) -> None:
    """Messages with direction and link, marks and the loss in between."""
    assert [
        "1 * opened: 127.0.0.1:4000 to 127.0.0.1:5000",
        "1 > *IDN?",
        "1 < ACME 9000",
        "- - mark: look here",
        "1 > MOVE 5",
        "1 > STATUS",
        "1 < OK",
        r"1 < \x1b[2J\xff",
        "1 ! closed: RST, by the device",
    ] == shown(night)


@pytest.mark.parametrize(
    ("times", "first"),
    [
        ("wall", "2023-11-14 22:13:20.133456"),
        ("utc", "2023-11-14 22:13:20.133456"),
        ("start", "      0.010000"),
        ("delta", "     +0.010000"),
    ],
)
def test_times_are_told_as_one_wants_them(night: str, times: str, first: str) -> None:
    """To the microsecond."""
    done = log("show", night, "--time", times)
    assert done.stdout.splitlines()[1].startswith(f"{first}  1 > *IDN?")


def test_pieces_are_shown_as_they_came_without_a_framing(night: str) -> None:
    """``--framing raw`` takes back what the transcript says."""
    lines = shown(night, "--framing", "raw")
    assert r"1 < ACME " in lines
    assert r"1 < 9000\r\n" in lines


def test_hex_shows_every_byte(night: str) -> None:
    """As ``xxd`` does, with what ends a message."""
    done = log("show", night, "--hex")
    assert "00000000  1b 5b 32 4a ff 0d 0a                             .[2J..." in done.stdout


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--grep", "^STATUS$|mark"], ["- - mark: look here", "1 > STATUS"]),
        (["--direction", "<", "--grep", "OK|STATUS"], ["1 < OK"]),
        (["--connection", "1", "--grep", "look|ACME"], ["1 < ACME 9000", "- - mark: look here"]),
    ],
)
def test_only_what_is_wanted_is_shown(night: str, options: list[str], expected: list[str]) -> None:
    """A night is long."""
    assert expected == shown(night, *options)


@pytest.mark.parametrize(
    ("options", "complaint", "lines"),
    [
        (["--grep", "nosuch"], "nothing in night.tcplog matches", 0),
        (["--direction", "<", "--grep", "STATUS"], "nothing in night.tcplog matches", 0),
        (["--connection", "9", "--direction", "<"], "there is no link 9 in night.tcplog", 1),
    ],
)
@pytest.mark.usefixtures("night")
def test_nothing_to_show_is_status_1(inside: Inside, options: list[str], complaint: str, lines: int) -> None:
    """Like ``grep``; a mark belongs to all links, and is shown."""
    done = inside("show", "night.tcplog", *options)
    assert (1, f"tcpip: {complaint}\n") == (done.returncode, done.stderr)
    assert lines == len(done.stdout.splitlines())
    *told, summary = events(inside("show", "night.tcplog", "--json", *options).stdout)
    assert (lines, "failed", 1, lines) == (len(told), summary["outcome"], summary["exit"], summary["shown"])


def test_an_empty_transcript_is_shown_as_it_is(tmp_path: Path, inside: Inside) -> None:
    """Nothing was asked for that is not there."""
    done = inside("show", write(tmp_path / "a.tcplog", []))
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_a_structure_is_shown_by_its_fields(tmp_path: Path) -> None:
    """Nested ones too; what has another size is left as it is. The module is found in the working directory."""
    (tmp_path / "dome.py").write_text(STATUS, encoding="utf-8")
    name = write(
        tmp_path / "a.tcplog", [Data(1, 1, ">", b"GO\n"), Data(2, 1, "<", b"\x05\x00\x01"), Data(3, 1, "<", b"\x02")],
        Header(START),
    )  # fmt: skip
    done = log("show", name, "--struct", "dome:Status", cwd=tmp_path)
    assert (0, "") == (done.returncode, done.stderr)
    assert ["1 > GO\\n", "1 < {azimuth=5 state=[1 2]}"] == [line[28:] for line in done.stdout.splitlines()]


def test_a_decode_function_that_raises_is_told_and_the_rest_is_shown(tmp_path: Path) -> None:
    """It is the user's code: its error is not ours."""
    (tmp_path / "dome.py").write_text(STATUS, encoding="utf-8")
    name = write(tmp_path / "a.tcplog", [Data(1, 1, ">", b"one\r\nbad\r\nthree\r\n")])
    done = log("show", name, "--decode", "dome:explain", cwd=tmp_path)
    assert 1 == done.returncode
    said = [line[28:] for line in done.stdout.splitlines()]
    assert ["1 > 3 bytes", "1 > bad  (the decode function raised ZeroDivisionError: division by zero)"] == said[:2]
    assert "1 > 5 bytes" == said[2]
    assert "the decode function raised: 1, first: ZeroDivisionError" in done.stderr
    assert 1 == len(done.stderr.splitlines())


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--struct", "dome"], "no package.module:name"),
        (["--struct", "nosuch:Status"], "cannot import nosuch:Status"),
        (["--struct", "dome:explain"], "no ctypes.Structure"),
        (["--decode", "dome:number"], "is no function"),
        (["--decode", "dome:nosuch"], "cannot import dome:nosuch"),
        (["--decode", "broken:f"], "cannot import broken:f: ZeroDivisionError"),
        (["--framing", "nosuch"], "unknown framing 'nosuch'"),
        (["--framing", "fixed:99999999999"], "max_frame"),
        (["--encoding", "nosuch"], "no encoding"),
        (["--grep", "("], "no regular expression"),
        (["--struct", "a:b", "--decode", "a:b"], "give one of them"),
        (["--direction", "x"], "'x' is not one of"),
    ],
)
def test_a_wrong_option_is_a_sentence(
    tmp_path: Path, night: str, inside: Inside, options: list[str], complaint: str
) -> None:
    """Status 2, nothing on stdout."""
    (tmp_path / "dome.py").write_text(STATUS, encoding="utf-8")
    (tmp_path / "broken.py").write_text("1 / 0", encoding="utf-8")
    done = inside("show", night, *options)
    assert (2, "") == (done.returncode, done.stdout)
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_json_has_a_line_for_each_event_and_a_summary(night: str) -> None:
    """The recorded times, text where it gives the bytes back, hex elsewhere."""
    told = events(log("show", night, "--json").stdout)
    kinds = [event["event"] for event in told]
    assert ["open", "message", "message", "mark", *["message"] * 4, "close", "summary"] == kinds
    assert ("*IDN?", ">", 1, 10_000_000) == tuple(told[1][key] for key in ("text", "direction", "connection", "t"))
    assert "2023-11-14T22:13:20.133456789Z" == told[1]["time"]
    assert "1b5b324aff" == told[7]["hex"]
    assert ("RST", "device") == (told[8]["reason"], told[8]["by"])
    assert (9, 0) == (told[9]["shown"], told[9]["exit"])


def test_stdin_is_read_compressed_or_not(night: str) -> None:
    """``ssh observatory cat night.tcplog.gz | tcpip log show -``."""
    content = Path(night).read_bytes()
    plain, packed = (log("show", "-", stdin=data) for data in (content, gzip.compress(content)))
    assert (0, "") == (plain.returncode, plain.stderr)
    assert plain.stdout == packed.stdout == log("show", night).stdout


def test_a_reader_that_leaves_hears_no_complaint(tmp_path: Path) -> None:
    """``| head -1``, for text and for bytes."""
    name = write(tmp_path / "a.tcplog", [Data(i, 1, ">", b"x" * 1000 + b"\r\n") for i in range(2000)])
    for verb in (
        f"show {name}",
        f"show --json {name}",
        f"convert {name} - --to pcapng",
        f"redact {name} - --pattern y",
    ):
        script = f"set -o pipefail; {' '.join(COMMAND)} log {verb} | head -c 10"
        done = subprocess.run(["bash", "-c", script], capture_output=True, timeout=TIMEOUT, check=False)
        assert 0 == done.returncode, verb
        assert b"" == done.stderr.replace(b"places covered: 0\n", b""), verb


def test_a_stdout_that_is_closed_is_a_sentence(night: str) -> None:
    """``>&-`` is a mistake of a script."""
    for verb in (["show", night], ["stats", night], ["convert", night, "-", "--to", "text"]):
        command = ["bash", "-c", 'exec "$@" >&-', "bash", *COMMAND, "log", *verb]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        assert 2 == done.returncode
        assert "stdout is closed" in done.stderr


def test_follow_goes_on_as_the_file_grows_and_into_the_next_one(tmp_path: Path) -> None:
    """Like ``tail -F``, until Ctrl-C."""
    path = tmp_path / "night.tcplog"
    with create_transcript(path, Header(START)) as writer:
        writer.write(Mark(1, "first"))
        writer.flush()
        with running("log", "show", "-f", "--json", str(path)) as process:
            assert process.stdout is not None
            assert "first" in process.stdout.readline()
            writer.write(Mark(2, "second"))
            writer.flush()
            assert "second" in process.stdout.readline()
            path.rename(tmp_path / "night.1.tcplog")
            with create_transcript(tmp_path / "new", Header(START)) as other:
                other.write(Mark(3, "third"))
            (tmp_path / "new").rename(path)
            assert "third" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            rest, complaints = process.communicate(timeout=TIMEOUT)
    assert (3, 130) == tuple(events(rest)[-1][key] for key in ("shown", "exit"))
    assert (130, "") == (process.returncode, complaints)


@pytest.mark.parametrize(
    ("number", "outcome"), [(signal.SIGTERM, "terminated"), (signal.SIGHUP, "the terminal is gone")]
)
@pytest.mark.parametrize("way", ["-f", "-"])
def test_what_is_ended_from_outside_has_its_summary(tmp_path: Path, way: str, number: int, outcome: str) -> None:
    """As the other verbs that go on until somebody ends them."""
    path = tmp_path / "night.tcplog"
    with create_transcript(path, Header(START)) as writer:
        writer.write(Mark(1, "first"))
    file = [str(path), "-f"] if way == "-f" else ["-"]
    with running("log", "show", "--json", *file, stdin=subprocess.PIPE) as process:
        if way == "-":
            pipe(process.stdin).write(path.read_text(encoding="utf-8"))
            pipe(process.stdin).flush()
        assert "first" in pipe(process.stdout).readline()
        process.send_signal(number)
        rest, complaints = process.communicate(timeout=TIMEOUT)
    assert (130, "") == (process.returncode, complaints)
    assert [(1, outcome, 130)] == [(one["shown"], one["outcome"], one["exit"]) for one in events(rest)]


def test_a_hangup_that_is_ignored_stays_so(tmp_path: Path) -> None:
    """``nohup tcpip log show -f``."""
    path = tmp_path / "night.tcplog"
    with create_transcript(path, Header(START)) as writer:
        writer.write(Mark(1, "first"))
        writer.flush()
        command = ["bash", "-c", 'trap "" HUP; exec "$@"', "bash", *COMMAND, "log", "show", "-f", str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
            try:
                assert "first" in pipe(process.stdout).readline()
                process.send_signal(signal.SIGHUP)
                writer.write(Mark(2, "second"))
                writer.flush()
                assert "second" in pipe(process.stdout).readline()
            finally:
                process.kill()


# However it ends


@pytest.mark.parametrize("verb", ["show", "stats", "diff"])
@pytest.mark.parametrize("name", ["nosuch.tcplog", "damaged.tcplog"])
def test_the_last_event_is_the_summary_also_after_a_failure(
    tmp_path: Path, inside: Inside, night: str, verb: str, name: str
) -> None:
    """With the status that the command exits with."""
    (tmp_path / "damaged.tcplog").write_bytes(Path(night).read_bytes() + b"garbage\n{}\n")
    files = [night, name] if verb == "diff" else [name]
    done = inside(verb, *files, "--json")
    summary = events(done.stdout)[-1]
    assert 2 == done.returncode
    assert ("summary", 2, "failed") == (summary["event"], summary["exit"], summary["outcome"])
    assert name in done.stderr


def test_the_summary_has_the_status_of_a_decode_function_that_raised(
    tmp_path: Path, inside: Inside, night: str
) -> None:
    """It is 1."""
    (tmp_path / "dome.py").write_text(STATUS, encoding="utf-8")
    name = write(tmp_path / "a.tcplog", [Data(1, 1, ">", b"one\r\nbad\r\n")])
    assert 1 == events(inside("show", name, "--json", "--decode", "dome:explain").stdout)[-1]["exit"]


# What is no transcript, or torn

DAMAGED = {
    "garbage": (b"\x00\xff" * 1000, "line 1: this is no transcript: it ends within its first line"),
    "text": (b"hello\n", "line 1: it is no JSON"),
    "empty": (b"", "line 1: this is no transcript: it is empty"),
    "newer": (b'{"tcplog":9,"start":"2026-01-01T00:00:00Z"}\n', "use a newer one"),
    "middle": (b'{"tcplog":1,"start":"2026-01-01T00:00:00Z"}\n\x00\n{"t":1}\n', "line 2: it is no JSON"),
    "packed": (b"\x1f\x8bgarbage", "the compressed file is damaged"),
    "deep": (
        b'{"tcplog":1,"start":"2026-01-01T00:00:00Z"}\n' + b"[" * 100_000 + b"\n",
        "line 2: it is nested too deep",
    ),
}


@pytest.mark.parametrize("kind", DAMAGED)
@pytest.mark.parametrize("verb", ["show", "stats", "diff", "convert", "redact"])
def test_what_is_no_transcript_is_a_sentence_with_the_place(
    tmp_path: Path, inside: Inside, verb: str, kind: str
) -> None:
    """Status 2, no traceback, and nothing is written half."""
    content, complaint = DAMAGED[kind]
    (tmp_path / "a.tcplog").write_bytes(content)
    out = str(tmp_path / "out.csv")
    more = {"diff": ["a.tcplog"], "convert": [out], "redact": [out, "--addresses"]}.get(verb, [])
    done = inside(verb, "a.tcplog", *more)
    assert 2 == done.returncode
    assert f"a.tcplog, {complaint}" in done.stderr or complaint in done.stderr
    assert 1 == len(done.stderr.splitlines())
    assert ["a.tcplog"] == os.listdir(tmp_path)


@pytest.mark.parametrize("name", ["nosuch.tcplog", "."])
def test_a_file_that_cannot_be_read_is_a_sentence(inside: Inside, name: str) -> None:
    """With its name."""
    for verb in (["show", name], ["show", "-f", name], ["convert", name, "x.txt"]):
        done = inside(*verb)
        assert (2, "") == (done.returncode, done.stdout)
        assert f"cannot read {name}: " in done.stderr


def test_a_torn_end_is_told_and_everything_before_it_is_shown(night: str) -> None:
    """It is what a crash leaves, and just what one looks for."""
    content = Path(night).read_bytes()
    Path(night).write_bytes(content[:-20])
    done = log("show", night)
    assert 0 == done.returncode
    assert 8 == len(done.stdout.splitlines())
    assert "the last line is not whole" in done.stderr


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_times_at_the_end_of_the_calendar_are_no_error(tmp_path: Path, inside: Inside, start: str) -> None:
    """A hostile header, or a clock without a battery."""
    path = tmp_path / "a.tcplog"
    head = json.dumps({"tcplog": 1, "start": start})
    path.write_text(f'{head}\n{{"t":9000000000000000000,"event":"mark","text":"late"}}\n', encoding="utf-8")
    for verb in (["show"], ["show", "--json"], ["stats"]):
        done = inside(*verb, str(path))
        assert (0, "") == (done.returncode, done.stderr)
    assert 0 == inside("convert", str(path), str(tmp_path / "a.csv")).returncode


@pytest.mark.parametrize(
    "framing", ["fixed:99999999999", "struct:99999999s", "nosuch", "struct:os:abort", "hex:", "x" * 9999]
)
def test_a_framing_that_cannot_be_used_is_none_in_a_transcript(tmp_path: Path, inside: Inside, framing: str) -> None:
    """Pieces are shown as they came, and nothing is imported for a name that anybody may have written."""
    name = write(tmp_path / "a.tcplog", [Data(1, 1, ">", b"hi\n")], Header(START, framing=framing))
    done = inside("show", name)
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.endswith("1 > hi\\n\n")


def test_a_gap_is_told_so_that_it_is_right_for_one(tmp_path: Path, inside: Inside) -> None:
    """One event is not 1 events."""
    name = write(tmp_path / "a.tcplog", [Data(1, 1, ">", b"hi\r\n"), Gap(2, 1, 2, "full")])
    assert "- ! gap: events missing: 1, bytes: 2; full\n" in inside("show", name).stdout
    assert "gaps: 1, events missing: 1\n" in inside("stats", name).stdout
    assert "# gap: events missing here: 1, bytes: 2\n" in inside("convert", name, "-", "--to", "dialogue").stdout


# stats


def test_stats_has_figures_and_a_picture(night: str) -> None:
    """Reply times by command, what was not answered, the loss, and curves."""
    done = log("stats", night)
    assert (0, "") == (done.returncode, done.stderr)
    assert "losses: 1 x RST" in done.stdout
    assert "MOVE" in done.stdout
    assert "up to    5 ms       1 " in done.stdout
    assert "\u2588" in done.stdout


def test_stats_for_machines(night: str) -> None:
    """From the end of the question to the end of the answer."""
    stats, summary = events(log("stats", night, "--json").stdout)
    assert ("stats", "summary", 0) == (stats["event"], summary["event"], summary["exit"])
    assert (1, 0, 0.004) == tuple(stats["commands"]["*IDN?"][key] for key in ("count", "unanswered", "p50"))
    assert (1, 1) == tuple(stats["commands"]["MOVE"][key] for key in ("count", "unanswered"))
    assert {"RST": 1} == stats["losses"]
    assert {">": 3, "<": 3} == stats["links"]["1"]["messages"]
    assert 0.01 == stats["longest_silence"]


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_stats_can_be_drawn(tmp_path: Path, night: str, suffix: str) -> None:
    """Where matplotlib is installed."""
    pytest.importorskip("matplotlib", reason="of the extra plot, and not installed here")
    done = subprocess.run(
        [sys.executable, "-m", "tcpip_tools", "log", "stats", night, "--plot", str(tmp_path / f"a{suffix}")],
        capture_output=True, timeout=TIMEOUT, check=False, env=environment(MPLCONFIGDIR=str(tmp_path)),
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr
    assert (tmp_path / f"a{suffix}").read_bytes()[:5] in {b"\x89PNG\r", b"<?xml"}


def test_stats_without_matplotlib_say_how_to_get_it(tmp_path: Path, night: str) -> None:
    """Not a traceback of an import."""
    (tmp_path / "matplotlib.py").write_text("raise ImportError", encoding="utf-8")
    command = [*COMMAND, "log", "stats", night, "--plot", "a.svg"]
    env = environment(PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False, cwd=tmp_path, env=env)
    assert 2 == done.returncode
    assert "tcpip-tools[plot]" in done.stderr
    assert not (tmp_path / "a.svg").exists()
    assert 2 == log("stats", night, "--plot", "a.pdf").returncode


# diff


def test_two_nights_that_differ_in_times_only_are_the_same(tmp_path: Path, night: str) -> None:
    """Pieces, times, addresses, marks do not count."""
    other = [
        Open(5, 1, "10.0.0.1:1", "10.0.0.2:2"),
        Data(10, 1, ">", b"*IDN"),
        Data(11, 1, ">", b"?\r\n"),
        Data(14, 1, "<", b"ACME 9000\r\n"),
        *conversation()[5:],
    ]
    done = log("diff", night, write(tmp_path / "b.tcplog", other))
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_what_differs_is_shown_with_status_1(tmp_path: Path, night: str) -> None:
    """As a unified diff, with the numbers of the messages."""
    other = conversation(reset=False)
    other[3] = Data(other[3].time, 1, "<", b"8000\r\n")
    name = write(tmp_path / "b.tcplog", other)
    done = log("diff", night, name)
    assert (1, "") == (done.returncode, done.stderr)
    lines = done.stdout.splitlines()
    assert [f"--- {night}", f"+++ {name}", "@@ -1,8 +1,8 @@"] == lines[:3]
    assert "-1 < ACME 9000" in lines
    assert "+1 < ACME 8000" in lines
    assert "-1 * closed: RST, by the device" in lines
    files, place, *told, summary = events(log("diff", night, name, "--json").stdout)
    assert ("files", night, name) == tuple(files[key] for key in ("event", "before", "after"))
    assert {"first": 1, "lines": 8} == place["before"] == place["after"]
    kinds = Counter(event["event"] for event in told)
    assert {"same": 6, "removed": 2, "added": 2} == kinds
    assert ["1 < ACME 9000", "1 * closed: RST, by the device"] == [
        event["text"] for event in told if event["event"] == "removed"
    ]
    counts = ("removed", "added", "differences", "exit")
    assert (2, 2, 4, 1) == tuple(summary[key] for key in counts)
    assert 0 == log("diff", night, name, "--ignore", "[0-9]+", "--skip", "closed").returncode


def test_a_difference_in_a_long_night_has_the_right_line(tmp_path: Path) -> None:
    """What is the same at both ends is not compared, but counted."""
    night = [Data(i, 1, ">", b"%d\r\n" % (i % 7)) for i in range(20_000)]
    other = [*night[:15_000], Data(15_000, 1, ">", b"odd\r\n"), *night[15_001:]]
    done = log("diff", write(tmp_path / "a.tcplog", night), write(tmp_path / "b.tcplog", other))
    assert "@@ -14998,7 +14998,7 @@" in done.stdout
    assert 2 + 1 + 8 == len(done.stdout.splitlines())


@pytest.mark.parametrize("size", [0, 1, 2])
def test_the_place_of_a_difference_is_as_diff_writes_it(tmp_path: Path, size: int) -> None:
    """Of a side without a line it is the line before, of one with a single line that one."""
    one = [Data(i, 1, ">", b"%d\r\n" % i) for i in range(size)]
    done = log("diff", write(tmp_path / "a.tcplog", one), write(tmp_path / "b.tcplog", [Data(1, 1, ">", b"odd\r\n")]))
    assert ["@@ -0,0 +1 @@", "@@ -1 +1 @@", "@@ -1,2 +1 @@"][size] == done.stdout.splitlines()[2]


def test_framings_that_differ_are_told_with_the_option_that_mends_it(tmp_path: Path, night: str) -> None:
    """Else each line differs, and nobody sees why."""
    other = write(tmp_path / "b.tcplog", conversation(), Header(START))
    done = log("diff", night, other)
    assert 1 == done.returncode
    assert (
        f"messages are told apart in {night} by crlf, in {other} by no framing: to compare them alike add "
        "--framing crlf\n"
    ) == done.stderr
    done = log("diff", night, other, "--framing", "crlf")
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("option", ["--ignore", "--skip"])
def test_a_pattern_that_is_none_is_a_usage_error(night: str, inside: Inside, option: str) -> None:
    """Status 2, as for every wrong argument."""
    done = inside("diff", night, night, option, "(")
    assert 2 == done.returncode
    assert "no regular expression" in done.stderr


# convert


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("a.pcapng", b"\x0a\x0d\x0d\x0a"),
        ("a.txt", b"2023-11-14 22:13:20.123456  1 * opened"),
        ("a.csv", b"t,wall,event,"),
        ("a.tcplog", b'{"tcplog":1'),
        ("a.tcplog.gz", b"\x1f\x8b"),
        ("a.py", b"# The device of a transcript"),
        ("test_a.py", b"# A recorded conversation"),
    ],
)
def test_the_name_says_what_is_written(tmp_path: Path, night: str, inside: Inside, name: str, beginning: bytes) -> None:
    """And ``--to`` says it of stdout."""
    done = inside("convert", night, name)
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)
    assert (tmp_path / name).read_bytes().startswith(beginning)
    assert sorted(["night.tcplog", name]) == sorted(os.listdir(tmp_path))


def test_csv_has_a_row_for_each_message(tmp_path: Path, night: str) -> None:
    """For a spreadsheet: one line a message, hex where text would lie."""
    done = log("convert", night, "-", "--to", "csv")
    rows = done.stdout.splitlines()
    assert "10000000,2023-11-14T22:13:20.133456789Z,message,1,>,5,*IDN?,," in rows
    assert any(row.endswith(",message,1,<,5,,1b5b324aff,") for row in rows)
    assert 10 == len(rows)


def test_a_recorded_device_plays_its_part_again(tmp_path: Path, night: str) -> None:
    """The test that is written passes as it is, and fails where the client says something else."""
    assert 0 == log("convert", night, "test_night.py", cwd=tmp_path).returncode
    test = tmp_path / "test_night.py"
    assert "look here" in test.read_text(encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", str(test)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False, cwd=tmp_path)
    assert 0 == done.returncode, done.stdout
    assert "1 passed" in done.stdout
    source = test.read_text(encoding="utf-8")
    before, client, after = source.partition("CLIENT = ")
    test.write_text(before + client + after.replace("'MOVE 5'", "'MOVE 6'", 1), encoding="utf-8")
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False, cwd=tmp_path)
    assert 1 == done.returncode
    assert "MOVE 6" in done.stdout


def test_a_recorded_device_is_a_program_that_listens_where_it_is_told(tmp_path: Path, night: str) -> None:
    """A fixed port is mostly taken, or another program's."""
    assert 0 == log("convert", night, "dome.py", cwd=tmp_path).returncode
    command = [sys.executable, "-X", "dev", "-W", "error", "dome.py", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment()) as process:
        try:
            where, _, port = pipe(process.stdout).readline().rstrip().rpartition(":")
            assert ("listening on 127.0.0.1", True) == (where, port != "5000")
            assert b"ACME 9000\r\n" == talk(int(port), b"*IDN?\r\n", size=11)
        finally:
            process.kill()
    command[-1] = "--help"
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=True, cwd=tmp_path)
    assert "[default: 5000]" in done.stdout


def test_a_script_cannot_be_made_to_run_what_a_peer_says(tmp_path: Path) -> None:
    """Payloads, marks and names are literals or comments in it, whatever they contain."""
    nasty = '\')\nimport os; os._exit(7)\r\n"""\u2028#'
    said: list[Event] = [
        Open(0, 1, nasty, nasty),
        Mark(1, nasty),
        Data(2, 1, ">", nasty.encode()),
        Data(3, 1, "<", nasty.encode()),
    ]
    write(tmp_path / "a\nraise SystemExit(7)#.tcplog", said, Header(START, nasty, "lf"))
    done = log("convert", "a\nraise SystemExit(7)#.tcplog", "b.py", cwd=tmp_path)
    assert (0, "") == (done.returncode, done.stderr)
    imported = subprocess.run(
        [sys.executable, "-c", "import b"], capture_output=True, timeout=TIMEOUT, check=False, cwd=tmp_path
    )
    assert (0, b"") == (imported.returncode, imported.stderr)


@pytest.mark.parametrize("name", ["night coding=utf-7 .tcplog", "decoding=v2.tcplog"])
@pytest.mark.parametrize("script", ["b.py", "test_b.py"])
def test_the_name_of_a_log_is_not_taken_for_the_encoding_of_the_script(
    tmp_path: Path, inside: Inside, name: str, script: str
) -> None:
    """Python looks for one in comments; in UTF-7 a harmless literal is code."""
    nasty = b"+ACc-, __import__(+ACc-os+ACc-).mkdir(+ACc-ran+ACc-), +ACc-\n"
    said: list[Event] = [Open(0, 1), Data(1, 1, ">", nasty), Data(2, 1, "<", nasty)]
    write(tmp_path / name, said, Header(START, "", "lf"))
    assert 0 == inside("convert", name, script).returncode
    imported = subprocess.run(
        [sys.executable, "-c", f"import {script[:-3]}"], capture_output=True, timeout=TIMEOUT, check=False, cwd=tmp_path
    )
    assert (0, b"") == (imported.returncode, imported.stderr)
    assert not (tmp_path / "ran").exists()
    literals = [
        node.value for node in ast.walk(ast.parse((tmp_path / script).read_bytes())) if isinstance(node, ast.Constant)
    ]
    assert nasty.decode()[:-1] in literals


def test_a_name_that_says_nothing_wants_an_option(night: str) -> None:
    """Rather than a guess."""
    done = log("convert", night, "-")
    assert 2 == done.returncode
    assert "add --to" in done.stderr


def test_an_output_that_cannot_be_written_is_a_sentence_and_the_old_one_stays(tmp_path: Path, night: str) -> None:
    """A directory that is not there; and a log that is damaged in its middle leaves what was there before."""
    done = log("convert", night, str(tmp_path / "nosuch" / "a.csv"))
    assert 2 == done.returncode
    assert "cannot write" in done.stderr
    old = tmp_path / "a.csv"
    old.write_bytes(b"precious")
    Path(night).write_bytes(Path(night).read_bytes() + b"garbage\n")
    assert 2 == log("convert", night, str(old)).returncode
    assert b"precious" == old.read_bytes()
    assert ["a.csv", "night.tcplog"] == sorted(os.listdir(tmp_path))


def test_what_was_told_of_messages_is_in_the_new_transcript(tmp_path: Path, inside: Inside) -> None:
    """Else it has to be told again, each time."""
    write(tmp_path / "a.tcplog", conversation(), Header(START))
    done = inside("convert", "a.tcplog", "b.tcplog", "--framing", "crlf", "--encoding", "latin-1")
    assert (0, "") == (done.returncode, done.stderr)
    with open_transcript(tmp_path / "b.tcplog") as reader:
        assert ("crlf", "latin-1") == (reader.header.framing, reader.header.encoding)
        assert conversation() == list(reader)


def test_a_capture_without_tshark_says_what_is_missing(tmp_path: Path, night: str) -> None:
    """Which program, and where it comes from."""
    assert 0 == log("convert", night, "a.pcapng", cwd=tmp_path).returncode
    command = [*COMMAND, "log", "convert", "a.pcapng", "b.tcplog"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=TIMEOUT, check=False, cwd=tmp_path, env=environment(PATH="")
    )
    assert 2 == done.returncode
    assert "tshark" in done.stderr
    assert "Wireshark" in done.stderr


# redact


def test_a_secret_is_covered_wherever_it_was_cut(tmp_path: Path) -> None:
    """Across pieces, in both directions, in marks and in the header; sizes stay as they were."""
    name = write(
        tmp_path / "a.tcplog",
        [
            Open(0, 1, "10.0.0.7:1", "secret-host:5"),
            Data(1, 1, ">", b"PASS hun"),
            Data(2, 2, ">", b"other"),
            Data(3, 1, ">", b"ter2\r\nPASS x\r\n"),
            Data(4, 1, "<", b"hunter2 is weak\r\n"),
            Mark(5, "it is hunter2, from 10.0.0.7"),
        ],
        Header(START, "secret-host:5", "crlf"),
    )
    done = log(
        "redact", name, "b.tcplog", "--pattern", "hunter2", "--pattern", "(?<=PASS )[^\r]*", "--addresses", cwd=tmp_path
    )
    assert 0 == done.returncode, done.stderr
    content = (tmp_path / "b.tcplog").read_bytes()
    for secret in (b"hunter", b"ter2", b"hun", b"10.0.0.7", b"secret"):
        assert secret not in content
    with open_transcript(tmp_path / "b.tcplog") as reader:
        payloads = [event.payload for event in reader if isinstance(event, Data)]
    assert [b"PASS xxx", b"other", b"xxxx\r\nPASS x\r\n", b"xxxxxxx is weak\r\n"] == payloads
    assert "places covered: " in done.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "cp1252"])
def test_a_pattern_is_for_text_and_covers_it_in_every_encoding(tmp_path: Path, inside: Inside, encoding: str) -> None:
    """Letters are letters, in either case; in a payload as in a mark."""
    before, secret, after = "user=", "Müllerová" if encoding != "cp1252" else "Müller", " GRÜSSE!\r\n"
    said = (before + secret + after).encode(encoding)
    middle = len((before + "M").encode(encoding))
    pieces: list[Event] = [Data(1, 1, ">", said[:middle]), Data(2, 1, ">", said[middle:]), Mark(3, before + secret)]
    name = write(tmp_path / "a.tcplog", pieces, Header(START, encoding=encoding))
    done = inside("redact", name, "b.tcplog", "--pattern", r"user=\w+", "--pattern", "(?i)grüsse")
    assert (0, "places covered: 3\n") == (done.returncode, done.stderr)
    with open_transcript(tmp_path / "b.tcplog") as reader:
        _, first, second, mark = reader
    assert isinstance(first, Data)
    assert isinstance(second, Data)
    plain = "utf-16-le" if encoding == "utf-16" else encoding
    order = said[: len(said) - len((before + secret + after).encode(plain))]
    covered = ["x" * len(part.encode(plain)) for part in (before + secret, "GRÜSSE")]
    expected = order + covered[0].encode() + " ".encode(plain) + covered[1].encode() + "!\r\n".encode(plain)
    assert expected == first.payload + second.payload
    assert middle == len(first.payload)
    assert Mark(3, "x" * len(before + secret)) == mark


def test_bytes_that_are_no_text_can_be_covered_too(tmp_path: Path, inside: Inside) -> None:
    """By their numbers, and as letters of an encoding that the header does not say."""
    payload = b"key=\xc3\xbc\xff\xfe! user=M\xfcller!"
    name = write(tmp_path / "a.tcplog", [Data(1, 1, ">", payload)])
    assert 0 == inside("redact", name, name, "--pattern", r"\xbc\xff\xfe", "--pattern", r"user=\w+").returncode
    with open_transcript(name) as reader:
        _, data = reader
    assert Data(1, 1, ">", b"key=\xc3xxx! xxxxxxxxxxx!") == data


@pytest.mark.parametrize("source", ["a.tcplog", "-"])
def test_hosts_are_taken_out_of_texts_wherever_those_are(tmp_path: Path, source: str) -> None:
    """Before the link was opened too; the target's; in either case; also from stdin, which is read once."""
    events: list[Event] = [
        Mark(0, "before: 10.1.2.3 and Dome.Example"),
        Error(0, 0, "no route to fe80::1"),
        Open(1, 1, "10.1.2.3:4000", "[fe80::1%eth0]:5000"),
        Close(2, 1, "10.1.2.3 left", "client"),
    ]
    name = write(tmp_path / "a.tcplog", events, Header(START, "dome.example:5000"))
    done = log("redact", source, "b.tcplog", "--addresses", cwd=tmp_path, stdin=Path(name).read_bytes())
    assert (0, "places covered: 2\n") == (done.returncode, done.stderr)
    with open_transcript(tmp_path / "b.tcplog") as reader:
        assert "redacted" == reader.header.target
        _, *rest = reader
    assert [
        Mark(0, "before: host-1 and host-3"),
        Error(0, 0, "no route to host-2"),
        Open(1, 1, "host-1:4000", "host-2:5000"),
        Close(2, 1, "host-1 left", "client"),
    ] == rest
    assert ["a.tcplog", "b.tcplog"] == sorted(os.listdir(tmp_path))


@pytest.mark.parametrize("address", [":77", "[]:77", ""])
def test_an_address_without_a_host_is_none(tmp_path: Path, inside: Inside, address: str) -> None:
    """And is not found between all characters of a text."""
    events: list[Event] = [Open(0, 1, address), Mark(1, "x" * 10_000)]
    name = write(tmp_path / "a.tcplog", events)
    assert 0 == inside("redact", name, name, "--addresses").returncode
    with open_transcript(name) as reader:
        assert events == list(reader)[1:]


def test_a_text_that_gets_too_long_is_a_sentence(tmp_path: Path, inside: Inside) -> None:
    """Where a host of one letter is taken out; or where another program wrote it."""
    write(tmp_path / "a.tcplog", [Open(0, 1, "e:1"), Mark(1, "e" * 60_000)])
    foreign = '{"tcplog":1,"start":"2026-01-01T00:00:00Z"}\n{"t":0,"event":"mark","text":"' + "e" * 70_000 + '"}\n'
    (tmp_path / "b.tcplog").write_text(foreign, encoding="ascii")
    for name in ("a.tcplog", "b.tcplog"):
        done = inside("redact", name, "c.tcplog", "--addresses")
        assert 2 == done.returncode
        assert f"{name} cannot be written again" in done.stderr
        assert 1 == len(done.stderr.splitlines())
    assert ["a.tcplog", "b.tcplog"] == sorted(os.listdir(tmp_path))


def test_what_is_not_secret_stays_to_the_byte(tmp_path: Path, night: str) -> None:
    """Pieces, times, ends."""
    assert 0 == log("redact", night, "b.tcplog", "--pattern", "nosuch", cwd=tmp_path).returncode
    with open_transcript(tmp_path / "b.tcplog") as reader:
        note, *rest = reader
    assert Mark(0, "redacted, places covered: 0") == note
    assert conversation() == rest


def test_a_log_is_cleaned_in_place_and_a_pattern_is_needed(tmp_path: Path, night: str) -> None:
    """The input may be the output: it is replaced when all is written."""
    assert 2 == log("redact", night, night).returncode
    assert 2 == log("redact", night, night, "--pattern", "(").returncode
    assert 0 == log("redact", night, night, "--pattern", "ACME").returncode
    assert b"ACME" not in Path(night).read_bytes()
    assert ["night.tcplog"] == os.listdir(tmp_path)


# All


@pytest.mark.parametrize("verb", ["show", "stats", "diff", "convert", "redact"])
def test_help_has_examples_and_what_each_status_means(verb: str) -> None:
    """One learns a command from what others typed."""
    done = run("log", verb, "--help")
    assert (0, "") == (done.returncode, done.stderr)
    assert f"Examples:\n    tcpip log {verb}" in done.stdout
    assert "Exit status:" in done.stdout


def test_an_unknown_verb_is_a_usage_error() -> None:
    """With the way to the help."""
    done = run("log", "nosuch")
    assert 2 == done.returncode
    assert "No such command 'nosuch'" in done.stderr


@pytest.mark.parametrize("to", ["csv", "pcapng"])
def test_a_format_that_holds_bytes_as_they_are_is_not_for_a_terminal(night: str, to: str) -> None:
    """A hostile device could drive it."""
    with terminal("log", "convert", night, "-", "--to", to) as screen:
        screen.wait_for(f"{to} is nothing for a terminal")
        assert 2 == screen.wait_end()


def test_the_summary_of_a_failure_says_why(tmp_path: Path) -> None:
    """A script has no other place to look."""
    told = events(run("log", "show", str(tmp_path / "nosuch.tcplog"), "--json").stdout)
    assert "cannot be read" in told[-1]["error"] or "No such file" in told[-1]["error"]
