"""``tcpip mock``: a server that stands in for a device."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tcpip_core import OneClientReadLoopServer
from tcpip_core.transcript import Close, Data, Direction, Event, Header, Open
from tests.support import IPV4
from tests.tools._command import TIMEOUT, events, next_event, pipe, run, running, talk
from tests.tools._devices import device
from tests.tools._transcripts import START, conversation, write


class Greeter(OneClientReadLoopServer):
    """A server class of a user."""

    async def read_and_dispatch(self) -> None:
        """Greet whoever says a name."""
        await self.write_str(f"hello {await self.read_str()}")


@contextlib.contextmanager
def mock(*args: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run it for machines; give the process and its port."""
    with running("mock", *args, "--json") as process:
        yield process, next_event(process)["port"]


def connect(port: int) -> socket.socket:
    """Be a client."""
    return socket.create_connection((IPV4, port), timeout=TIMEOUT)


def ask(client: socket.socket, data: bytes, size: int) -> bytes:
    """Ask, and take so many bytes of the answer, or what came before its end."""
    client.sendall(data)
    received = b""
    while len(received) < size and (chunk := client.recv(size - len(received))):
        received += chunk
    return received


@pytest.fixture
def night(tmp_path: Path) -> str:
    """Give a transcript."""
    return write(tmp_path / "night.tcplog", conversation())


def test_a_recorded_night_is_served_to_its_end(night: str) -> None:
    """The same questions, the same answers, the same reset."""
    with mock(night, "--once") as (process, port), connect(port) as client:
        assert b"ACME 9000\r\n" == ask(client, b"*IDN?\r\n", 11)
        assert b"OK\r\n\x1b[2J\xff\r\n" == ask(client, b"MOVE 5\r\nSTATUS\r\n", 11)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        said, complaints = process.communicate(timeout=TIMEOUT)
    assert (0, "") == (process.returncode, complaints)
    assert (1, 0, 23, 22) == tuple(events(said)[-1][key] for key in ("clients", "unknown", "received", "sent"))


def test_an_unknown_request_shows_the_nearest_one_and_what_to_do(night: str) -> None:
    """On stderr; and a test that is run against it learns of it by the status."""
    with running("mock", night, "--once") as process:
        port = int(pipe(process.stdout).readline().split(" listens on ")[1].partition(",")[0].rpartition(":")[2])
        with connect(port) as client:
            client.sendall(b"MOVE 7\r\n*IDM?\r\n")
            assert b"ACME 9000\r\n" == ask(client, b"*IDN?\r\n", 11)
        _, complaints = process.communicate(timeout=TIMEOUT)
    assert 1 == process.returncode
    assert "! client 1: 'MOVE 7' was not recorded, and is not answered; nearest is 'MOVE 5', 83% the same" in complaints
    assert "nearest is '*IDN?', 80% the same" in complaints
    assert 1 == complaints.count("to have it answered record it too (tcpip tap)")


def test_a_client_with_another_terminator_is_told_of(night: str) -> None:
    """It waits for an answer, and the mock for the end of its request."""
    with running("mock", night, "--once") as process:
        port = int(pipe(process.stdout).readline().split(" listens on ")[1].partition(",")[0].rpartition(":")[2])
        with connect(port) as client:
            client.sendall(b"*IDN?\n")
            assert "6 bytes came that look like --framing lf" in pipe(process.stderr).readline()
        process.communicate(timeout=TIMEOUT)


REQUESTS: Sequence[tuple[int, Direction, bytes]] = [(1, ">", b"HELLO\n"), (2, "<", b"hi"), (3, ">", b"WORLD\n")]


def test_the_rest_of_a_request_without_terminator_may_come_later(tmp_path: Path) -> None:
    """TCP may cut anywhere; whoever never says the rest is told of."""
    talk = [Data(at, 1, way, data) for at, way, data in REQUESTS]
    log = write(tmp_path / "a.tcplog", [Open(0, 1), *talk, Data(4, 1, "<", b"it turns")], Header(START, "x", "raw"))
    with mock(log, "--once") as (process, port):
        with connect(port) as client:
            client.sendall(b"WOR")
            assert ["connected", "pending"] == [next_event(process)["event"] for _ in range(2)]
            assert b"it turns" == ask(client, b"LD\n", 8)
        said, _ = process.communicate(timeout=TIMEOUT)
    assert (0, 0) == (process.returncode, events(said)[-1]["unknown"])


TICKS: Sequence[Event] = [
    Open(0, 1), *(Data(number * 200_000_000, 1, "<", b"x") for number in (1, 2, 3)), Close(10**9, 1, "FIN", "device")
]  # fmt: skip


@pytest.mark.parametrize(("timing", "least", "most"), [("real", 1.0, TIMEOUT), ("0.2", 0.2, 0.9), ("none", 0.0, 0.9)])
def test_the_device_takes_the_time_that_it_took_or_a_part_of_it(
    timing: str, least: float, most: float, tmp_path: Path
) -> None:
    """Real unless one is in a hurry."""
    log = write(tmp_path / "a.tcplog", TICKS)
    with mock(log, "--timing", timing) as (_, port), connect(port) as client:
        began = time.monotonic()
        assert b"xxx" == ask(client, b"", 4)
        assert least <= time.monotonic() - began < most


def test_a_client_that_has_left_gives_up_its_place_while_the_device_would_wait(tmp_path: Path) -> None:
    """The device took an hour; whoever comes meanwhile is served, and who only ended its half gets the rest at once."""
    hour = 3_600_000_000_000
    said: Sequence[Event] = [Data(1, 1, ">", b"MOVE\r\n"), Data(2, 1, "<", b"OK\r\n"), Data(hour, 1, "<", b"DONE\r\n")]
    log, copy = write(tmp_path / "slow.tcplog", [Open(0, 1), *said]), tmp_path / "copy.tcplog"
    with mock(log, "--log", str(copy)) as (process, port):
        with connect(port) as client:
            assert b"OK\r\n" == ask(client, b"MOVE\r\n", 4)
        assert "connected" == next_event(process)["event"]
        assert "ended" == next_event(process)["event"]
        with connect(port) as client:
            assert b"OK\r\n" == ask(client, b"MOVE\r\n", 4)
            client.shutdown(socket.SHUT_WR)
            assert b"DONE\r\n" == client.recv(100)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=TIMEOUT)
    ends = [json.loads(line)["event"] for line in copy.read_text().splitlines()[1:]]
    assert (2, 2) == (ends.count("open"), ends.count("close"))
    assert ends.count("eof") == 2


def test_a_request_that_the_device_did_not_stay_for_is_not_called_torn(tmp_path: Path) -> None:
    """It has its end; the device had ended the link."""
    said: Sequence[Event] = [Data(1, 1, ">", b"MOVE\r\n"), Data(2, 1, "<", b"OK\r\n"), Close(3, 1, "FIN", "device")]
    log = write(tmp_path / "short.tcplog", [Open(0, 1), *said])
    with mock(log, "--once") as (process, port), connect(port) as client:
        assert b"OK\r\n" == ask(client, b"MOVE\r\nSTATUS\r\n", 5)
        told, complaints = process.communicate(timeout=TIMEOUT)
    assert (0, "") == (process.returncode, complaints)
    assert "pending" not in [event["event"] for event in events(told)]


def test_each_client_gets_the_next_link_and_after_the_last_the_first(tmp_path: Path) -> None:
    """As the transcript has them."""
    log = write(
        tmp_path / "a.tcplog", [Open(0, 7), Data(1, 7, "<", b"one"), Open(2, 9), Data(3, 9, "<", b"two")]
    )  # fmt: skip
    with mock(log) as (_, port):
        assert [b"one", b"two", b"one"] == [talk(port, b"", size=3) for _ in range(3)]


def test_policy_reject_closes_the_second_at_once() -> None:
    """And the first never notices."""
    with mock("echo") as (_, port), connect(port) as first:
        assert b"a" == ask(first, b"a", 1)
        with connect(port) as second:
            assert b"" == ask(second, b"b", 1)
        assert b"c" == ask(first, b"c", 1)


def test_each_line_about_a_client_has_its_time() -> None:
    """As those of `tap`; one client is one, not some."""
    with running("mock", "echo", "--once") as process:
        port = int(pipe(process.stdout).readline().split(" listens on ")[1].partition(",")[0].rpartition(":")[2])
        assert b"a" == talk(port, b"a", size=1)
        said, _ = process.communicate(timeout=TIMEOUT)
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}  "
    came, gone, summary = said.splitlines()
    assert re.fullmatch(stamp + r"\* client 1 came: 127.0.0.1:\d+", came)
    assert re.fullmatch(stamp + r"\* client 1 is gone: the peer closed the connection; 1 byte came, 1 said", gone)
    assert summary.endswith("1 client, 0 refused; 1 byte came, 1 said; not recorded: 0 requests")


def test_policy_queue_lets_the_second_wait() -> None:
    """Until the first has left."""
    with mock("echo", "--policy", "queue") as (_, port), connect(port) as first, connect(port) as second:
        second.sendall(b"b")
        assert b"a" == ask(first, b"a", 1)
        second.settimeout(0.1)
        with pytest.raises(TimeoutError):
            second.recv(1)
        second.settimeout(TIMEOUT)
        first.close()
        assert b"b" == second.recv(1)


def test_many_may_wait_in_the_queue() -> None:
    """To one who does not fit in it the port looks filtered."""
    with mock("echo", "--policy", "queue") as (_, port), contextlib.ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(connect(port))


def test_policy_kick_gives_the_second_the_place() -> None:
    """The first one is closed."""
    with mock("echo", "--policy", "kick") as (_, port), connect(port) as first:
        assert b"a" == ask(first, b"a", 1)
        with connect(port) as second:
            assert b"b" == ask(second, b"b", 1)
            assert b"" == first.recv(1)


def test_policy_multi_serves_all() -> None:
    """Each for itself."""
    with mock("echo", "--policy", "multi") as (_, port), connect(port) as first, connect(port) as second:
        for client, letter in ((second, b"b"), (first, b"a"), (second, b"c")):
            assert letter == ask(client, letter, 1)


def test_the_second_is_refused_also_if_one_client_is_all_that_is_wanted() -> None:
    """It does not hang until the first has left."""
    with mock("echo", "--once") as (process, port):
        with connect(port) as first:
            assert b"a" == ask(first, b"a", 1)
            with connect(port) as second:
                assert b"" == ask(second, b"b", 1)
            assert b"c" == ask(first, b"c", 1)
        said, _ = process.communicate(timeout=TIMEOUT)
    assert (0, 1, 1) == (process.returncode, events(said)[-1]["clients"], events(said)[-1]["refused"])


@pytest.mark.parametrize("policy", ["kick", "multi"])
def test_the_end_comes_when_no_client_is_left(policy: str) -> None:
    """One that is kicked has given its place to the next one, and has not left."""
    with mock("echo", "--once", "--policy", policy) as (process, port):
        with connect(port) as first, connect(port) as second:
            assert b"b" == ask(second, b"b", 1)
            if policy == "kick":
                assert b"" == first.recv(1)
            first.close()
            assert b"c" == ask(second, b"c", 1)
        said, _ = process.communicate(timeout=TIMEOUT)
    assert (0, 2) == (process.returncode, events(said)[-1]["clients"])


def test_all_that_are_kicked_are_counted_and_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that are kicked in the moment in which they come."""
    monkeypatch.setenv("PYTHONDEVMODE", "1")
    with mock("echo", "--once", "--policy", "kick") as (process, port):
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(connect(port)) for _ in range(20)]
            assert b"a" == ask(clients[-1], b"a", 1)
        said, complaints = process.communicate(timeout=TIMEOUT)
    told = events(said)
    assert "" == complaints
    assert 20 == told[-1]["clients"]
    assert [20, 20] == [sum(one["event"] == kind for one in told) for kind in ("connected", "ended")]


def test_a_sink_says_nothing_and_counts() -> None:
    """However much comes."""
    with mock("sink", "--once") as (process, port):
        with connect(port) as client:
            client.sendall(b"x" * 1_000_000)
        said, _ = process.communicate(timeout=TIMEOUT)
    assert (1_000_000, 0) == (events(said)[-1]["received"], events(said)[-1]["sent"])


def test_telemetry_comes_unasked_at_its_rate() -> None:
    """Numbered, so that one sees what is missing."""
    with (
        mock("telemetry:200Hz", "--framing", "lf") as (_, port),
        connect(port) as client,
        client.makefile("rb") as file,
    ):
        numbers = [json.loads(file.readline())["number"] for _ in range(20)]
    assert list(range(20)) == numbers


@pytest.mark.parametrize("policy", ["reject", "kick"])
def test_a_class_of_the_user_is_served(policy: str, tmp_path: Path) -> None:
    """And recorded."""
    log = str(tmp_path / "a.tcplog")
    options = ("--policy", policy, "--log", log)
    with mock(f"{__name__}:Greeter", *options) as (process, port), connect(port) as client:
        assert b"hello dome\r\n" == ask(client, b"dome\r\n", 12)
        with connect(port) as second:
            if policy == "kick":
                assert b"hello b\r\n" == ask(second, b"b\r\n", 9)
            else:
                assert b"" == second.recv(1)
        process.send_signal(signal.SIGINT)
        assert 0 == process.wait(TIMEOUT)
    assert "> dome\n" in run("log", "show", log).stdout


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("nosuchthing", "is no transcript that is there, nor echo, sink, telemetry:10Hz or package.module:ServerClass"),
        ("night.tcplog", "cannot read night.tcplog: No such file"),
        ("nosuchmodule:Class", "cannot import nosuchmodule:Class"),
        ("json:JSONDecoder", "is no class of servers: it must inherit from tcpip_core.OneClientServer"),
        ("tcpip_core:OneClientReadLoopServer", "cannot be made from port, host, log, connect_callback: TypeError"),
        ("telemetry:0Hz", "telemetry is from 0.001 to 10000 Hz"),
    ],
)
def test_what_cannot_be_served_is_a_sentence(what: str, sentence: str) -> None:
    """Status 2."""
    done = run("mock", what)
    assert (2, False) == (done.returncode, "Traceback" in done.stderr)
    assert sentence in done.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["echo", "--timing", "fast"], "'fast' is not real, none, or a factor"),
        (["echo", "--timing", "nan"], "'nan' is not real, none, or a factor"),
        (["telemetry:1Hz", "--framing", "fixed:4"], "telemetry is text of any length: in framing fixed:4"),
        (["echo", "--framing", "morse"], "unknown framing 'morse'"),
        (["echo", "--host", "192.0.2.1"], "this host does not have that address"),
        ([f"{__name__}:Greeter", "--policy", "multi"], "a class has room for one client"),
        ([f"{__name__}:Greeter", "--once"], "--once does not go with a class"),
    ],
)
def test_a_wrong_option_is_a_usage_error(options: list[str], sentence: str) -> None:
    """With what is allowed."""
    done = run("mock", *options)
    assert 2 == done.returncode
    assert sentence in done.stderr


def test_a_port_that_is_taken_is_a_usage_error() -> None:
    """By any program; whichever kind of mock it is."""
    with device() as one:
        for what in ("echo", f"{__name__}:Greeter"):
            done = run("mock", what, "--port", str(one.port))
            assert 2 == done.returncode
            assert f"cannot listen on {IPV4}:{one.port}: " in done.stderr


HEADER = json.dumps({"tcplog": 1, "start": "2026-01-01T00:00:00Z", "unit": "ns"}) + "\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage\n",
        HEADER.encode() + b'{"x',
        b"\x1f\x8b\x08garbage",
        gzip.compress(b"x" * 100_000_000),
        b"{}\n" * 9,
    ],
    ids=["empty", "garbage", "torn", "bad gzip", "bomb", "no header"],
)
def test_a_hostile_transcript_is_a_sentence(data: bytes, tmp_path: Path) -> None:
    """In bounded memory and time."""
    path = tmp_path / "a.tcplog"
    path.write_bytes(data)
    done = run("mock", str(path), "--json")
    assert (2, False) == (done.returncode, "Traceback" in done.stderr), done.stderr
    assert ("summary", "failed") == (events(done.stdout)[-1]["event"], events(done.stdout)[-1]["outcome"])


def test_a_torn_transcript_is_served_up_to_the_tear(tmp_path: Path) -> None:
    """With a warning; it is what a crash leaves behind."""
    path = Path(write(tmp_path / "a.tcplog", conversation(), Header(START, "dome:5000", "crlf")))
    path.write_bytes(path.read_bytes()[:-20])
    with running("mock", str(path)) as process:
        assert "the last line is not whole" in pipe(process.stderr).readline()
        port = int(pipe(process.stdout).readline().split(" listens on ")[1].partition(",")[0].rpartition(":")[2])
        assert b"ACME 9000\r\n" == talk(port, b"*IDN?\r\n", size=11)


@pytest.mark.parametrize(("options", "status"), [([], 0), (["--once"], 130)])
def test_an_interrupt_ends_it_with_the_summary(options: list[str], status: int, night: str) -> None:
    """It is how one ends it, and its clients see an orderly end."""
    with mock(night, *options) as (process, port), connect(port) as client:
        assert b"ACME 9000\r\n" == ask(client, b"*IDN?\r\n", 11)
        process.send_signal(signal.SIGINT)
        assert b"" == client.recv(1)
        said, complaints = process.communicate(timeout=TIMEOUT)
    assert (status, "") == (process.returncode, complaints)
    assert ("summary", "interrupted", status) == tuple(events(said)[-1][key] for key in ("event", "outcome", "exit"))


def test_a_reader_that_leaves_ends_it_without_a_word() -> None:
    """``tcpip mock echo | head -1``."""
    with mock("echo") as (process, port):
        pipe(process.stdout).close()
        with contextlib.suppress(OSError), connect(port) as client:
            client.recv(1)
        assert (0, "") == (process.wait(TIMEOUT), pipe(process.stderr).read())
        process.stdout = None
