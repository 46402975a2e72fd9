"""``tcpip hold``: how long a link stays, and why it drops."""

from __future__ import annotations

import signal
from typing import Literal

import pytest

from tests.support import IPV4, unused_port
from tests.tools._command import TIMEOUT, events, next_event, run, running
from tests.tools._devices import FullQueue, device


@pytest.mark.parametrize(("end", "status", "reason"), [("fin", 8, "FIN"), ("rst", 9, "RST")])
def test_a_drop_is_a_line_with_its_reason_and_a_status(end: Literal["fin", "rst"], status: int, reason: str) -> None:
    """What network people ask first."""
    with device() as one, running("hold", one.target) as process:
        assert process.stdout is not None
        assert "the link is held" in process.stdout.readline()
        one.drop(end)
        said, complaints = process.communicate(timeout=TIMEOUT)
        assert b"" == one.received
    lost, summary = said.splitlines()
    assert (status, "") == (process.returncode, complaints)
    assert f": {reason}: the peer" in lost
    assert ": 1 link, held for" in summary
    assert f"drops: 1 x {reason}; 0 bytes" in summary


def test_a_link_that_stays_is_status_0() -> None:
    """For as long as one wanted to know."""
    with device(greeting=b"unasked") as one:
        done = run("hold", one.target, "--for", "100ms", "--json")
        one.wait_gone()
        assert (1, 0) == (one.connections, one.resets)
    summary = events(done.stdout)[-1]
    assert (0, {}, 7) == (done.returncode, summary["drops"], summary["bytes"])
    assert 0 < summary["held"] < TIMEOUT


def test_it_connects_again_and_counts_the_drops() -> None:
    """All night long; an outage is told once, not every second."""
    with running("hold", f"{IPV4}:{(port := unused_port())}", "--reconnect", "--json") as process:
        event = next_event(process)
        assert ("unreachable", 3, "REFUSED") == (event["event"], event["exit"], event["reason"])
        assert "nothing listens there" in event["text"]
        for end in ("fin", "rst"):
            with device(port=port) as one:
                assert "connected" == next_event(process)["event"]
                one.drop("rst" if end == "rst" else "fin")
                event = next_event(process)
                assert ("lost", end.upper()) == (event["event"], event["reason"])
            if end == "fin":
                assert "unreachable" == next_event(process)["event"]
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=TIMEOUT)
    summary = events(rest)[-1]
    assert (130, "") == (process.returncode, complaints)
    assert (2, {"FIN": 1, "RST": 1}) == (summary["links"], summary["drops"])


def test_a_link_that_never_was_is_no_success() -> None:
    """Whatever the time for which it was to be held."""
    done = run("hold", f"{IPV4}:{unused_port()}", "--for", "100ms", "--reconnect", "--json")
    assert (3, 0) == (done.returncode, events(done.stdout)[-1]["links"])
    with FullQueue() as one:
        assert 4 == run("hold", f"{IPV4}:{one.port}", "--for", "100ms").returncode


def test_a_link_that_cannot_be_made_is_a_sentence() -> None:
    """Unless it is to try again."""
    done = run("hold", f"{IPV4}:{unused_port()}")
    assert 3 == done.returncode
    assert "nothing listens there" in done.stderr
