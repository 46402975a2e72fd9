"""``tcpip who``: who holds a port of this host."""

from __future__ import annotations

import os
import signal
import socket
import sys

import pytest

from tests.support import IPV4, TIMEOUT, unused_port
from tests.tools._command import events, next_event, run, running
from tests.tools._devices import FullQueue, device, holding

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it asks Linux")


def test_it_names_listener_and_holder_without_connecting() -> None:
    """Program, user, age, queues, of both ends."""
    with device() as one, holding(one) as holder:
        holder.sendall(b"")
        done = run("who", str(one.port), "--json")
        assert 1 == one.connections
    listener, held, summary = events(done.stdout)
    assert (0, "") == (done.returncode, done.stderr)
    assert ("listener", one.target, 0, 128) == tuple(listener[key] for key in ("event", "local", "queue", "backlog"))
    assert [os.getpid()] == [owner["pid"] for owner in listener["owners"]]
    assert ("holder", "ESTABLISHED") == (held["event"], held["state"])
    assert [os.getpid()] == [owner["pid"] for owner in held["peers"]]
    assert held["peers"][0]["age"] > 0
    assert (1, 1, 0) == tuple(summary[key] for key in ("listeners", "holders", "waiting"))


def test_people_read_who_it_is() -> None:
    """The command line of the program that holds the place is what one looks for."""
    with device() as one, holding(one):
        done = run("who", one.target)
    assert f"(pid {os.getpid()}, " in done.stdout
    assert "LISTEN" in done.stdout
    assert "ESTABLISHED" in done.stdout
    assert "unread 0 bytes, unsent 0 bytes" in done.stdout


def test_data_that_nobody_reads_are_counted() -> None:
    """The program hangs, or is busy."""
    with socket.create_server((IPV4, 0)) as listener:
        with socket.create_connection(listener.getsockname()) as client, listener.accept()[0]:
            client.sendall(b"x" * 1000)
            told = events(run("who", str(listener.getsockname()[1]), "--json").stdout)
    assert [1000] == [event["unread"] for event in told if event["event"] == "holder"]


def test_a_connection_that_no_program_has_accepted_is_told_apart() -> None:
    """And so is a queue that is full."""
    with FullQueue() as one:
        done = run("who", str(one.port))
    assert "NOT ACCEPTED" in done.stdout
    assert "its queue is full, with 1 in it" in done.stdout


def test_who_has_left_while_it_waited_is_told_from_who_waits() -> None:
    """Its farewell is no byte that it sent."""
    with socket.create_server((IPV4, 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection((IPV4, port)) as client:
            client.sendall(b"four")
        told = [event for event in events(run("who", str(port), "--json").stdout) if event["event"] == "waiting"]
        assert [("CLOSE_WAIT", 4)] == [(event["state"], event["unread"]) for event in told]
        assert "NOT ACCEPTED, AND LEFT" in run("who", str(port)).stdout


def test_a_port_that_nobody_has_is_status_3() -> None:
    """As a connection to it would be refused."""
    done = run("who", str(unused_port()))
    assert 3 == done.returncode
    assert "nobody listens on port" in done.stdout


def test_it_watches_who_comes_and_goes_until_interrupted() -> None:
    """With the time for which each was seen."""
    with device() as one, running("who", str(one.port), "--watch", "--interval", "20ms", "--json") as process:
        assert "listener" == next_event(process)["event"]
        with holding(one) as holder:
            name = f"{IPV4}:{holder.getsockname()[1]}"
            # It may be seen in the moment before the program takes it.
            while (event := next_event(process))["event"] != "holder":
                assert event["event"] in {"waiting", "gone"}
            assert name == event["remote"]
        while (event := next_event(process))["remote"] != name:
            pass
        assert "gone" == event["event"]
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=TIMEOUT)
    assert (130, "") == (process.returncode, complaints)
    assert ("summary", "interrupted") == tuple(events(rest)[-1][key] for key in ("event", "outcome"))


@pytest.mark.parametrize(
    ("port", "words"),
    [
        ("0", "a number from 1 to 65535"),
        ("http", "a number from 1 to 65535"),
        ("192.0.2.1:5000", "is another host"),
        ("nosuch.invalid:5000", "is no name or address"),
    ],
)
def test_what_is_no_port_of_this_host_is_a_usage_error(port: str, words: str) -> None:
    """Only its own kernel knows."""
    done = run("who", port)
    assert (2, "") == (done.returncode, done.stdout)
    assert words in " ".join(done.stderr.split())
