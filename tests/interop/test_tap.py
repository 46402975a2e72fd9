"""Sessions with servers of other people, recorded by ``tcpip tap``, then served by ``tcpip mock``."""

from __future__ import annotations

import contextlib
import logging
import random
import re
import smtplib
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tcpip_core import DEFAULT_LOCALHOST
from tests.interop._processes import Daemon
from tests.interop._programs import EXIM, MEMCACHED, POSTGRES, PSQL, REDIS, Program, path
from tests.interop._servers import run_exim, run_memcached, run_postgres, run_redis
from tests.interop.test_probe import Relay
from tests.support import TIMEOUT
from tests.tools._command import events, next_event, running
from tests.tools.tap._tapped import bytes_of, events_of

ROUNDS = 200


def speak_redis(port: int) -> None:
    """Set, get and count, with values of any bytes."""
    rng = random.Random(1)
    with socket.create_connection((DEFAULT_LOCALHOST, port), timeout=TIMEOUT) as client, client.makefile("rb") as file:
        for number in range(ROUNDS):
            value = rng.randbytes(number * 7)
            client.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%b\r\n" % (len(value), value))
            assert b"+OK\r\n" == file.readline()
            client.sendall(b"GET k\r\n")
            assert b"$%d\r\n%b\r\n" % (len(value), value) == file.readline() + file.read(len(value) + 2)
            client.sendall(b"INCR counter\r\n" * 3)
            assert [b":%d\r\n" % (3 * number + add) for add in (1, 2, 3)] == [file.readline() for _ in range(3)]


def speak_memcached(port: int) -> None:
    """Set and get."""
    rng = random.Random(2)
    with socket.create_connection((DEFAULT_LOCALHOST, port), timeout=TIMEOUT) as client, client.makefile("rb") as file:
        for number in range(ROUNDS):
            value = rng.randbytes(number * 7)
            client.sendall(b"set k 0 0 %d\r\n%b\r\n" % (len(value), value))
            assert b"STORED\r\n" == file.readline()
            client.sendall(b"get k\r\n")
            assert b"VALUE k 0 %d\r\n" % len(value) == file.readline()
            assert value + b"\r\nEND\r\n" == file.read(len(value) + 7)


def speak_smtp(port: int) -> None:
    """Hand in mails by Python's own client."""
    with smtplib.SMTP(DEFAULT_LOCALHOST, port, "localhost", timeout=TIMEOUT) as client:
        for number in range(10):
            refused = client.sendmail(
                "dome@localhost", ["a@localhost", "b@localhost"], f"Subject: {number}\n\n.hello\n"
            )
            assert {} == refused
        assert 250 == client.noop()[0]


def case(program: Program, server: Callable[[], AbstractContextManager[Daemon]], script: Callable[[int], None]) -> Any:
    """Make a parameter that needs a program."""
    return pytest.param(server, script, marks=pytest.mark.interop(program), id=program.name)


@contextlib.contextmanager
def verb(*args: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a verb that listens; give it and its port."""
    with running(*args, "--json") as process:
        yield process, next_event(process)["port"]


@pytest.mark.parametrize(
    ("server", "script"),
    [
        case(REDIS, run_redis, speak_redis),
        case(MEMCACHED, run_memcached, speak_memcached),
        case(EXIM, run_exim, speak_smtp),
    ],
)
@pytest.mark.parametrize("framing", ["crlf", "raw"])
def test_what_was_recorded_is_byte_exact_and_serves_the_same_script(
    server: Callable[[], AbstractContextManager[Daemon]], script: Callable[[int], None], framing: str, tmp_path: Path
) -> None:
    """A relay behind the tap knows what really went over."""
    log = str(tmp_path / "session.tcplog")
    with server() as daemon:
        relay = Relay(daemon.port)
        target = f"{DEFAULT_LOCALHOST}:{relay.port}"
        try:
            with verb("tap", "0", target, "--once", "--view", "none", "--log", log, "--framing", framing) as (
                tap,
                port,
            ):
                script(port)
                said, complaints = tap.communicate(timeout=TIMEOUT)
        finally:
            relay.close()
    assert (0, "") == (tap.returncode, complaints)
    assert (len(relay.up), len(relay.down)) == tuple(events(said)[-1][key] for key in ("sent", "received"))
    recorded = events_of(Path(log))
    assert relay.up == bytes_of(recorded, ">")
    assert relay.down == bytes_of(recorded, "<")
    with verb("mock", log, "--once", "--timing", "none") as (mock, port):
        script(port)
        said, complaints = mock.communicate(timeout=TIMEOUT)
    assert (0, "") == (mock.returncode, complaints)
    summary = events(said)[-1]
    assert (0, len(relay.up), len(relay.down)) == tuple(summary[key] for key in ("unknown", "received", "sent"))


def test_a_script_that_says_something_else_is_noticed(log: logging.Logger, tmp_path: Path) -> None:
    """The check can fail."""
    from tests.tools._transcripts import conversation, write

    with verb("mock", write(tmp_path / "a.tcplog", conversation()), "--once") as (mock, port):
        with pytest.raises(AssertionError), socket.create_connection((DEFAULT_LOCALHOST, port), timeout=1) as client:
            client.sendall(b"GET k\r\n*IDN?\r\n")
            assert b"$" == client.recv(1)
        mock.communicate(timeout=TIMEOUT)
    assert 1 == mock.returncode


def commands_of(port: int) -> dict[str, int]:
    """Ask Redis how often it was told each command; then it begins anew."""
    with socket.create_connection((DEFAULT_LOCALHOST, port), timeout=TIMEOUT) as client, client.makefile("rb") as file:
        client.sendall(b"INFO commandstats\r\n")
        said = file.read(int(file.readline()[1:]) + 2).decode()
        client.sendall(b"CONFIG RESETSTAT\r\n")
        assert b"+OK\r\n" == file.readline()
    return {name: int(calls) for name, calls in re.findall(r"cmdstat_(\S+):calls=(\d+)", said) if name != "info"}


def benchmark(port: int) -> list[str]:
    """Run ``redis-benchmark`` with one client; give the names of its rows."""
    command = ["redis-benchmark", "-h", DEFAULT_LOCALHOST, "-p", str(port), "-c", "1", "-n", "1000", "--csv"]
    done = subprocess.run(
        [*command, "-t", "set,get,incr,lpush,lpop,mset"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)
    return [line.partition(",")[0] for line in done.stdout.splitlines()]


@pytest.mark.interop(REDIS)
def test_redis_benchmark_finds_the_same_through_a_tap(tmp_path: Path) -> None:
    """It connects anew for each of its tests, the moment it has closed the one before."""
    with run_redis() as daemon:
        target = f"{DEFAULT_LOCALHOST}:{daemon.port}"
        commands_of(daemon.port)
        rows, expected = benchmark(daemon.port), commands_of(daemon.port)
        log = str(tmp_path / "a.tcplog")
        with verb("tap", "0", target, "--view", "none", "--log", log) as (tap, port):
            assert rows == benchmark(port)
            tap.terminate()
            said, complaints = tap.communicate(timeout=TIMEOUT)
        assert expected == commands_of(daemon.port)
    summary = events(said)[-1]
    assert ("", 0) == (complaints, summary["refused"])
    assert summary["links"] > 5


SCRIPT = r"""
\pset pager off
create table measured (number int primary key, name text, value double precision);
insert into measured select n, 'run ' || n, sqrt(n) from generate_series(1, 5000) n;
\copy measured to stdout csv
select count(*), sum(value), max(name) from measured;
begin; delete from measured where number % 2 = 0; rollback;
select nothing from nowhere;
select repeat('x', 300000);
drop table measured;
"""
"""Many rows, a copy, a message that is larger than every buffer, and an error in the middle."""


def query(port: int) -> tuple[int, str, str]:
    """Let ``psql`` run the script; give its status and what it said, without the port."""
    command = [path(PSQL), "-X", "-h", DEFAULT_LOCALHOST, "-p", str(port), "-U", "postgres", "postgres"]
    done = subprocess.run(command, input=SCRIPT, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.interop(POSTGRES)
def test_psql_finds_the_same_through_a_tap(tmp_path: Path) -> None:
    """It asks for encryption first, is refused, and goes on: what it prints is the same to the byte."""
    with run_postgres() as daemon:
        expected = query(daemon.port)
        assert (0, True) == (expected[0], 'relation "nowhere" does not exist' in expected[2])
        log = tmp_path / "a.tcplog"
        with verb("tap", "0", f"{DEFAULT_LOCALHOST}:{daemon.port}", "--view", "none", "--log", str(log)) as (tap, port):
            assert expected == query(port)
            tap.terminate()
            said, complaints = tap.communicate(timeout=TIMEOUT)
        recorded = bytes_of(events_of(log), "<")
    assert ("", 0) == (complaints, events(said)[-1]["refused"])
    assert b"run 5000" in recorded
    assert b"x" * 300_000 in recorded
