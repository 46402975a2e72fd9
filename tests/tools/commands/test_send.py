"""``tcpip send``: raw replies for scripts, and a status for each way not to get one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from typing import Literal

import pytest

from tests.support import IPV4, unused_port
from tests.tools._command import COMMAND, TIMEOUT, environment, events, run, running
from tests.tools._devices import FullQueue, device, echo, lines

IDN = {"*IDN?": b"ACME,1,7"}


def raw(*args: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command and keep its output as bytes."""
    return subprocess.run([*COMMAND, *args], capture_output=True, timeout=TIMEOUT, check=False, env=environment())


def test_the_reply_is_on_stdout_byte_for_byte_and_nothing_else() -> None:
    """A script compares it, or pipes it on."""
    reply = b"\x00\xff\xfe\x1b[2J"
    with device(lines(b"\r\n", STATUS=reply)) as one:
        done = raw("send", one.target, "STATUS")
        one.wait_gone()
        assert (b"STATUS\r\n", 0) == (one.received, one.resets)
    assert (0, reply + b"\r\n", b"") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(("messages", "is_busy"), [(["CRASH"], True), (["STATUS", "CRASH"], False)])
def test_a_device_that_has_answered_is_not_called_busy(messages: list[str], is_busy: bool) -> None:
    """It had a place for this client; one that closes at once may have had none."""
    with device(lines(b"\r\n", STATUS=b"OK", CRASH="fin")) as one:
        done = run("send", one.target, *messages)
    assert 8 == done.returncode
    assert "no whole reply to 'CRASH'" in done.stderr
    assert is_busy == ("busy with another client" in done.stderr)


def test_several_messages_have_their_replies_in_turn() -> None:
    """Each waits for the one before it."""
    with device(lines(b"\n", A=b"1\n2", B=b"3\n4")) as one:
        done = raw("send", one.target, "A", "B", "--lines", "2", "--framing", "lf")
    assert (0, b"1\n2\n3\n4\n") == (done.returncode, done.stdout)


@pytest.mark.parametrize(
    ("framing", "sent", "reply"),
    [("len:u16be", b"\x00\x02hi", b"\x00\x02hi"), ("cr", b"hi\r", b"hi\r"), ("raw", b"hi", b"hi")],
)
def test_a_framing_holds_for_both_ways(framing: str, sent: bytes, reply: bytes) -> None:
    """And the reply is printed with what frames it."""
    with device(echo) as one:
        done = raw("send", one.target, "hi", "--framing", framing)
        assert sent == one.received
    assert (0, reply) == (done.returncode, done.stdout)


def test_no_reply_is_waited_for_where_none_is_wanted() -> None:
    """``--lines 0``."""
    with device() as one:
        done = raw("send", one.target, "GO", "--lines", "0")
        one.wait_gone()
        assert (0, b"", b"GO\r\n") == (done.returncode, done.stdout, one.received)


@pytest.mark.parametrize(("expect", "status"), [("^ACME", 0), ("^EMCA", 1)])
def test_an_expectation_that_is_not_met_is_status_1(expect: str, status: int) -> None:
    """The reply is printed all the same."""
    with device(lines(b"\n", **IDN)) as one:
        options = ("--framing", "lf", "--expect", expect, "--lines", "1")
        done = run("send", one.target, "*IDN?", *options)
    assert (status, "ACME,1,7\n") == (done.returncode, done.stdout)
    assert (f"no reply matches {expect!r}" in done.stderr) == bool(status)


def test_without_lines_an_expectation_is_waited_for() -> None:
    """Past a greeting, and past telemetry."""
    with device(lines(b"\r\n", STATUS=b"busy\r\nbusy\r\nOK"), greeting=b"220 hello\r\n") as one:
        done = run("send", one.target, "STATUS", "--expect", "^OK")
    assert (0, "220 hello\nbusy\nbusy\nOK\n") == (done.returncode, done.stdout.replace("\r", ""))


def test_replies_that_never_match_are_status_1_when_the_time_is_up() -> None:
    """Something came, so the device is there."""
    with device(lines(b"\r\n", STATUS=b"busy")) as one:
        done = run("send", one.target, "STATUS", "--expect", "^OK", "--timeout", "200ms")
    assert 1 == done.returncode
    assert "none of 1 replies within 0.2 s matches '^OK'" in done.stderr


def test_no_reply_is_status_7_and_a_reply_in_another_framing_says_so() -> None:
    """The most repeated problem with instruments is a wrong terminator."""
    with device(lambda _: b"ACME,1\n") as one:
        done = run("send", one.target, "*IDN?", "--timeout", "200ms")
    assert (7, "") == (done.returncode, done.stdout)
    assert "7 bytes came that look like --framing lf" in done.stderr
    with device() as one:
        done = run("send", one.target, "*IDN?", "--timeout", "200ms")
    assert 7 == done.returncode
    assert "nothing came at all" in done.stderr


def test_too_few_replies_are_status_7() -> None:
    """Those that came were printed."""
    with device(lines(b"\r\n", A=b"1")) as one:
        done = run("send", one.target, "A", "--lines", "2", "--timeout", "200ms")
    assert 7 == done.returncode
    assert "1 of 2 replies came within 0.2 s" in done.stderr


@pytest.mark.parametrize(("end", "status"), [("fin", 8), ("rst", 9)])
def test_a_link_that_ends_before_the_reply_says_how(end: Literal["fin", "rst"], status: int) -> None:
    """And what to look at next."""
    with device(lines(b"\r\n", DROP=end)) as one:
        done = run("send", one.target, "DROP")
    assert (status, "") == (done.returncode, done.stdout)
    assert "see tcpip probe" in done.stderr
    assert 1 == len(done.stderr.splitlines())


def test_a_link_that_cannot_be_made_says_why() -> None:
    """Refused, no answer in time, no such name."""
    with FullQueue() as full:
        targets = {f"{IPV4}:{unused_port()}": 3, f"{IPV4}:{full.port}": 4, "nosuch.invalid:5000": 5}
        for target, status in targets.items():
            done = run("send", target, "STATUS", "--timeout", "300ms")
            assert (status, "") == (done.returncode, done.stdout)
            assert done.stderr.startswith(f"python -m tcpip_tools: cannot connect to {target}: ")


def test_a_machine_gets_events_and_a_summary_also_of_a_failure() -> None:
    """Times, bytes, status."""
    with device(lines(b"\r\n", STATUS=b"OK")) as one:
        told = events(run("send", one.target, "STATUS", "--json").stdout)
    assert ["connected", "sent", "reply", "summary"] == [event["event"] for event in told]
    assert ("OK", 2) == (told[2]["text"], told[2]["size"])
    assert 0 <= told[2]["seconds"] < TIMEOUT
    assert (0, 1, 1) == tuple(told[3][key] for key in ("exit", "sent", "received"))
    told = events(run("send", f"{IPV4}:{unused_port()}", "STATUS", "--json").stdout)
    assert ("summary", "failed", 3) == tuple(told[-1][key] for key in ("event", "outcome", "exit"))
    assert "nothing listens there" in told[-1]["error"]


def test_a_peer_that_floods_without_an_end_is_given_up_in_bounded_memory() -> None:
    """One message is one MiB at most."""
    with device(lambda _: b"x" * 1_200_000) as one:
        done = run("send", one.target, "STATUS")
    assert 1 == done.returncode
    assert "no end of a message within 1048576 bytes" in done.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["A", "--expect", "("], "is no regular expression"),
        ([r"\q"], "is no escape"),
        (["Süd", "--encoding", "ascii"], "cannot be written in ascii"),
        (["A", "--expect", "x", "--lines", "0"], "--lines 0 waits for none"),
        ([], "Missing argument"),
    ],
)
def test_a_wrong_argument_is_a_usage_error(args: list[str], words: str) -> None:
    """Nothing is connected to."""
    done = run("send", f"{IPV4}:{unused_port()}", *args)
    assert (2, "") == (done.returncode, done.stdout)
    assert words in " ".join(done.stderr.split())


def test_a_message_that_the_framing_cannot_carry_is_a_usage_error() -> None:
    """It would arrive as two."""
    with device(echo) as one:
        done = run("send", one.target, r"A\r\nB")
        one.wait_gone()
        assert b"" == one.received
    assert 2 == done.returncode
    assert "it would arrive as several" in done.stderr


def test_an_interrupt_is_status_130_with_a_summary() -> None:
    """Without a traceback."""
    with device() as one, running("send", one.target, "STATUS", "--timeout", "20s", "--json") as process:
        assert one.has_client.wait(TIMEOUT)
        assert process.stdout is not None
        while '"sent"' not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=TIMEOUT)
    assert (130, "") == (process.returncode, complaints)
    assert ("summary", "interrupted", 130) == tuple(events(rest)[-1][key] for key in ("event", "outcome", "exit"))


def test_a_terminal_gets_text_that_cannot_harm_it() -> None:
    """Escape sequences of a peer would clear it, or worse."""
    controller, terminal = os.openpty()
    try:
        with device(lines(b"\r\n", STATUS=b"\x1b[2J\x07\xff")) as one:
            process = subprocess.Popen([*COMMAND, "send", one.target, "STATUS"], stdout=terminal, env=environment())
            assert 0 == process.wait(TIMEOUT)
        os.close(terminal)
        said = os.read(controller, 1000)
    finally:
        os.close(controller)
    assert b"\\x1b[2J\\x07\\xff\r\n" == said


def test_a_reader_that_leaves_is_no_error() -> None:
    """``| head -1`` of many replies."""
    with device(lines(b"\n", A=b"\n".join(b"%d" % i for i in range(50_000)))) as one:
        script = f"set -o pipefail; {' '.join(COMMAND)} send {one.target} A --framing lf --lines 50000 | head -1"
        done = subprocess.run(
            ["bash", "-c", script], capture_output=True, text=True, timeout=TIMEOUT, check=False, env=environment()
        )
    assert (0, "0\n", "") == (done.returncode, done.stdout, done.stderr)


def test_debug_shows_the_traceback_and_nothing_else_does() -> None:
    """A sentence is for users, a traceback for who mends it."""
    args = ("send", f"{IPV4}:{unused_port()}", "STATUS")
    assert "Traceback" not in run(*args).stderr
    assert "Traceback" in run(*args, "--debug").stderr


def test_a_port_of_this_host_s_own_does_not_connect_to_itself() -> None:
    """A client may be lent the very port that it connects to; the kernel then connects it to itself."""
    with socket.socket() as lent:
        lent.bind((IPV4, 0))
        done = run("send", f"{IPV4}:{lent.getsockname()[1]}", "STATUS")
    assert 3 == done.returncode
