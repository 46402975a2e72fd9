"""``tcpip tap``: a relay that shows and records."""

from __future__ import annotations

import ctypes
import re
import signal
import socket
import ssl
from pathlib import Path

import pytest
import trustme

from tcpip_core.transcript import Close
from tests.support import IPV4, unused_port
from tests.tools._command import TIMEOUT, events, next_event, pipe, run, running, talk
from tests.tools._devices import device, lines
from tests.tools.tap._tapped import bytes_of, events_of


class Answer(ctypes.LittleEndianStructure):
    """An answer as a structure."""

    _pack_ = 1
    _fields_ = [("first", ctypes.c_uint8), ("second", ctypes.c_uint8), ("rest", ctypes.c_uint16)]


STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}"
DOME = lines(b"\r\n", STATUS=b"OK", MOVE=b"ERROR 7", DROP="rst")


def test_one_link_is_shown_and_recorded(tmp_path: Path) -> None:
    """What people see is what `tcpip log show` shows later."""
    log = str(tmp_path / "night.tcplog")
    with device(DOME) as one, running("tap", "0", one.target, "--log", log, "--once") as process:
        first = pipe(process.stdout).readline()
        assert first.endswith(f" is passed on to {one.target}, one client at a time; end it with Ctrl-C\n")
        port = int(first.split()[1].rpartition(":")[2])
        assert b"OK\r\n" == talk(port, b"STATUS\r\n", size=4)
        said, complaints = process.communicate(timeout=TIMEOUT)
    assert (0, "") == (process.returncode, complaints)
    *shown, summary = said.splitlines()
    assert [one.partition("  ")[2] for one in shown[1:3]] == ["1 > STATUS", "1 < OK"]
    assert " * opened: " in shown[0]
    assert shown[-1].endswith("  1 * closed by the client")
    assert "1 link, 8 bytes to the device, 4 to the client; ends: 1 x closed; 0 refused" in summary
    recorded = events_of(Path(log))
    assert (b"STATUS\r\n", b"OK\r\n") == (bytes_of(recorded, ">"), bytes_of(recorded, "<"))
    later = run("log", "show", log).stdout.splitlines()
    assert [one.partition("  ")[2] for one in shown] == [one.partition("  ")[2] for one in later]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--view", "hex"], "00000000  53 54 41 54 55 53 0d 0a  "),
        (["--view", "hex"], "00000000  4f 4b 0d 0a  "),
        (["--struct", "tests.tools.commands.test_tap:Answer"], "{first=79 second=75 rest=2573}"),
    ],
)
def test_messages_are_shown_as_one_wants(options: list[str], expected: str) -> None:
    """As digits, or as the fields of a structure."""
    with device(DOME) as one, running("tap", "0", one.target, "--once", *options) as process:
        port = int(pipe(process.stdout).readline().split()[1].rpartition(":")[2])
        talk(port, b"STATUS\r\n", size=4)
        said, complaints = process.communicate(timeout=TIMEOUT)
    assert (0, "") == (process.returncode, complaints)
    assert expected in said


def test_without_a_view_only_links_are_told_of() -> None:
    """For a night in which only the record counts."""
    with device(DOME) as one, running("tap", "0", one.target, "--once", "--view", "none", "--json") as process:
        talk(next_event(process)["port"], b"STATUS\r\n", size=4)
        said, complaints = process.communicate(timeout=TIMEOUT)
    told = events(said)
    assert (0, "") == (process.returncode, complaints)
    assert ["open", "eof", "eof", "close", "summary"] == [event["event"] for event in told]
    assert (1, 8, 4, {"CLOSED_HERE": 1}, 0) == tuple(
        told[-1][key] for key in ("links", "sent", "received", "ends", "refused")
    )


def test_a_reset_is_the_status_of_the_one_link() -> None:
    """A script learns how it ended."""
    with device(DOME) as one, running("tap", "0", one.target, "--once", "--json") as process:
        with socket.create_connection((IPV4, next_event(process)["port"]), timeout=TIMEOUT) as client:
            client.sendall(b"DROP\r\n")
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        said, _ = process.communicate(timeout=TIMEOUT)
    assert (9, {"RST": 1}) == (process.returncode, events(said)[-1]["ends"])


@pytest.mark.parametrize(("options", "status"), [([], 0), (["--once"], 130)])
def test_an_interrupt_ends_it_with_the_summary(options: list[str], status: int) -> None:
    """It is how one ends it; the link that is there is recorded to its end."""
    with device(DOME) as one, running("tap", "0", one.target, "--json", *options) as process:
        with socket.create_connection((IPV4, next_event(process)["port"]), timeout=TIMEOUT) as client:
            client.sendall(b"STATUS\r\n")
            assert b"OK\r\n" == client.recv(4)
            process.send_signal(signal.SIGINT)
            assert b"" == client.recv(1)
        said, complaints = process.communicate(timeout=TIMEOUT)
    told = events(said)
    assert (status, "") == (process.returncode, complaints)
    assert ("close", "summary", "interrupted", status) == (
        *(event["event"] for event in told[-2:]), told[-1]["outcome"], told[-1]["exit"]
    )  # fmt: skip


def test_a_client_that_is_refused_and_an_end_by_ctrl_c_are_told_with_their_times() -> None:
    """In words: who closed the link is what one wants to know."""
    with device(DOME) as one, running("tap", "0", one.target) as process:
        port = int(pipe(process.stdout).readline().split()[1].rpartition(":")[2])
        with socket.create_connection((IPV4, port), timeout=TIMEOUT) as first:
            first.sendall(b"STATUS\r\n")
            assert b"OK\r\n" == first.recv(4)
            assert b"" == talk(port, b"", size=1)
            refused = pipe(process.stderr).readline()
            process.send_signal(signal.SIGINT)
            assert b"" == first.recv(1)
        said, _ = process.communicate(timeout=TIMEOUT)
    assert re.fullmatch(STAMP + r"  - ! 127.0.0.1:\d+ was refused: one client is served at a time\n", refused)
    closed = said.splitlines()[-2]
    assert re.fullmatch(STAMP + r"  1 \* closed by the command in between", closed)


def test_a_reader_that_leaves_ends_it_without_a_word() -> None:
    """``tcpip tap 5001 dome:5000 | head -2``: nobody is there to tell."""
    with device(DOME) as one, running("tap", "0", one.target, "--json") as process:
        port = next_event(process)["port"]
        pipe(process.stdout).close()
        with socket.create_connection((IPV4, port), timeout=TIMEOUT) as client:
            assert b"" == client.recv(1)
        complaints = pipe(process.stderr).read()
        assert (0, "") == (process.wait(TIMEOUT), complaints)
        process.stdout = None


@pytest.mark.parametrize(
    ("listen", "status", "sentence"),
    [
        ("dome", 2, "the port must be a number"),
        ("127.0.0.1:70000", 2, "the port must be a number from 0 to 65535"),
        ("::1:0", 2, "'::1:0' has several colons"),
        ("000000999999", 2, "the port must be a number from 0 to 65535"),
        ("192.0.2.1:0", 2, "this host does not have that address"),
    ],
)
def test_what_cannot_be_listened_on_is_a_usage_error(listen: str, status: int, sentence: str) -> None:
    """In a sentence."""
    with device() as one:
        done = run("tap", listen, one.target)
    assert status == done.returncode
    assert sentence in done.stderr


def test_a_port_that_is_taken_names_the_verb_that_tells_by_whom() -> None:
    """The next question is who has it."""
    with device() as one, device() as other:
        done = run("tap", str(other.port), one.target, "--json")
    assert (2, "failed") == (done.returncode, events(done.stdout)[-1]["outcome"])
    assert f"the port is taken; choose another port, or look who has it: tcpip who {other.port}" in done.stderr


def test_a_target_that_is_away_is_the_status_of_that() -> None:
    """As for every verb that goes there."""
    done = run("tap", "0", f"{IPV4}:{unused_port()}")
    assert 3 == done.returncode
    assert "nothing listens there" in done.stderr


def test_a_target_that_speaks_tls_is_spoken_to_by_tls(tmp_path: Path) -> None:
    """Clients speak plainly, and what is recorded is plain."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(IPV4).configure_cert(context)  # pyright: ignore[reportUnknownMemberType]  # OpenSSL's
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    log = tmp_path / "a.tcplog"
    options = ("--cafile", str(tmp_path / "ca.pem"), "--log", str(log), "--once", "--json")
    with device(DOME, context=context) as one, running("tap", "0", one.target, *options) as process:
        assert b"OK\r\n" == talk(next_event(process)["port"], b"STATUS\r\n", size=4)
        said, complaints = process.communicate(timeout=TIMEOUT)
        one.wait_gone()
    assert (0, "", {"CLOSED_HERE": 1}) == (process.returncode, complaints, events(said)[-1]["ends"])
    recorded = events_of(log)
    assert (b"STATUS\r\n", b"OK\r\n") == (bytes_of(recorded, ">"), bytes_of(recorded, "<"))
    assert isinstance(recorded[-1], Close)  # The end of TLS that the device says behind it is no event of a link.
