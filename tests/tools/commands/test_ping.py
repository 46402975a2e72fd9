"""``tcpip ping``: reply times over one held link."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import IPV4, unused_port
from tests.tools._command import COMMAND, TIMEOUT, environment, events, next_event, run, running
from tests.tools._devices import device, lines

STATUS = lines(b"\r\n", STATUS=b"OK")
FAST = ("--interval", "1ms")


def ping(*args: str) -> tuple[int, list[dict[str, Any]]]:
    """Run it for machines."""
    done = run("ping", *args, "--json")
    return done.returncode, events(done.stdout)


def of_kind(kind: str, told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Pick events."""
    return [event for event in told if event["event"] == kind]


def test_one_link_is_held_and_each_answer_has_its_time() -> None:
    """A one-client device sees one connection."""
    with device(STATUS) as one:
        status, told = ping(one.target, "STATUS", "--count", "20", *FAST)
        assert (1, b"STATUS\r\n" * 20) == (one.connections, one.received)
    assert 0 == status
    assert list(range(1, 21)) == [event["number"] for event in of_kind("reply", told)]
    summary = told[-1]
    assert (20, 20, 0, []) == tuple(summary[key] for key in ("asked", "answered", "lost", "outages"))
    times = summary["times"]
    assert 0 < times["min"] <= times["p50"] <= times["p90"] <= times["p99"] <= times["max"]
    assert times["jitter"] >= 0


def test_people_get_percentiles_and_a_histogram() -> None:
    """On stdout; that it is connected is on stderr."""
    with device(STATUS) as one:
        done = run("ping", one.target, "STATUS", "--count", "5", *FAST)
    assert 0 == done.returncode
    for word in ("5 asked, 5 answered, 0 not", "p50", "jitter", "up to", "█"):
        assert word in done.stdout
    assert "connected to" in done.stderr


def forgetful(every: int) -> Callable[[bytes], bytes]:
    """Answer, but not each nth time."""
    count = 0

    def answer(_: bytes) -> bytes:
        nonlocal count
        count += 1
        return b"" if count % every == 0 else b"OK\r\n"

    return answer


def test_an_answer_that_does_not_come_is_an_outage() -> None:
    """From the question without an answer to the next answer."""
    with device(forgetful(3)) as one:
        status, told = ping(one.target, "STATUS", "--count", "4", "--timeout", "50ms", *FAST)
    assert 0 == status
    assert [3] == [event["number"] for event in of_kind("silent", told)]
    assert 1 == len(of_kind("outage", told))
    assert 1 == len(told[-1]["outages"])
    assert (4, 3, 1) == tuple(told[-1][key] for key in ("asked", "answered", "lost"))


def test_what_comes_unasked_is_no_answer() -> None:
    """Telemetry between question and reply would look like a fast reply."""
    with device(lines(b"\r\n", STATUS=b"telemetry 1\r\nOK")) as one:
        status, told = ping(one.target, "STATUS", "--count", "3", "--expect", "^OK", *FAST)
    assert (0, 3, 3) == (status, len(of_kind("reply", told)), len(of_kind("unasked", told)))


def test_a_device_that_never_answers_is_status_7() -> None:
    """The link is there, the device is not."""
    with device() as one:
        status, told = ping(one.target, "STATUS", "--count", "2", "--timeout", "50ms", *FAST)
    assert (7, 0, 2) == (status, told[-1]["answered"], told[-1]["lost"])


def test_an_answer_in_another_framing_is_said_once() -> None:
    """The device answers every question; what ends its lines is another thing."""
    with device(lambda _: b"ACME,1\n") as one:
        done = run("ping", one.target, "STATUS", "--count", "3", "--timeout", "50ms", *FAST)
    assert 7 == done.returncode
    assert 1 == done.stderr.count("7 bytes came that look like --framing lf")
    assert "not crlf: 'ACME,1\\n'" in done.stderr


@pytest.mark.parametrize(("end", "reason"), [("fin", "FIN"), ("rst", "RST")])
def test_a_machine_learns_why_the_link_was_lost(end: str, reason: str) -> None:
    """As `hold` tells it."""
    with device(lines(b"\r\n", STATUS=end)) as one:  # type: ignore[arg-type]  # one of the two words
        _, told = ping(one.target, "STATUS")
    assert [reason] == [event["reason"] for event in of_kind("lost", told)]
    assert f"the link is lost: {reason}: the peer" in of_kind("lost", told)[0]["text"]


@pytest.mark.parametrize(("end", "expected"), [("fin", 8), ("rst", 9)])
def test_a_link_that_is_lost_ends_it_with_the_reason(end: str, expected: int) -> None:
    """One link is what it measures."""
    with device(lines(b"\r\n", STATUS=end)) as one:  # type: ignore[arg-type]  # one of the two words
        done = run("ping", one.target, "STATUS")
    assert expected == done.returncode
    assert "the link is lost: " in done.stderr


def test_connections_are_measured_with_a_warning() -> None:
    """Each takes the place of a server of one client."""
    with device() as one:
        done = run("ping", one.target, "--connect", "--count", "3", *FAST)
        assert (3, b"") == (one.connections, one.received)
    assert 0 == done.returncode
    assert "takes the place" in done.stderr
    assert "3 asked, 3 answered" in done.stdout


def test_connections_that_are_refused_are_counted() -> None:
    """And the status is that of the last."""
    status, told = ping(f"{IPV4}:{unused_port()}", "--connect", "--count", "2", *FAST)
    assert (3, 2) == (status, told[-1]["lost"])


def test_an_interrupt_ends_it_with_the_figures() -> None:
    """Most people end it so."""
    with device(STATUS) as one, running("ping", one.target, "STATUS", "--json", *FAST) as process:
        while next_event(process)["event"] != "reply":
            pass
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=TIMEOUT)
    summary = events(rest)[-1]
    assert (130, "", "interrupted") == (process.returncode, complaints, summary["outcome"])
    assert summary["times"]["p50"] > 0


def test_a_terminal_shows_how_far_it_is() -> None:
    """Below the lines, and gone at the end."""
    controller, terminal = os.openpty()
    try:
        with device(STATUS) as one:
            process = subprocess.Popen(
                [*COMMAND, "ping", one.target, "STATUS", "--count", "3", *FAST],
                stdout=terminal,
                stderr=terminal,
                env=environment(TERM="xterm-256color"),
            )
            os.close(terminal)
            shown = b""
            while chunk := read(controller):
                shown += chunk
            assert 0 == process.wait(TIMEOUT)
    finally:
        os.close(controller)
    assert "3 asked, 3 answered, p50" in shown.decode()
    assert b"\x1b[32m" in shown


def read(controller: int) -> bytes:
    """Read from a pseudo-terminal; Linux says EIO at its end."""
    try:
        return os.read(controller, 65536)
    except OSError:
        return b""


@pytest.mark.parametrize("args", [[], ["STATUS", "--connect"], ["STATUS", "--expect", "("], ["STATUS", "--count", "0"]])
def test_what_cannot_be_asked_is_a_usage_error(args: list[str]) -> None:
    """A question, or connections."""
    done = run("ping", f"{IPV4}:{unused_port()}", *args)
    assert (2, "") == (done.returncode, done.stdout)
