"""``tcpip demo``, run as people and programs run it: in a process of its own, over real TCP."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess

import pytest

from tcpip_tools.dome._dialogue import LEGEND
from tests.support import IPV4, Listener
from tests.tools._command import COMMAND, TIMEOUT, environment, events, next_event, run, running, talk

FAST = ("demo", "--speed", "100")
LINE = re.compile(r"\d\d:\d\d:\d\d\.\d{3}  [+]\d+\.\d{3}  ([-><*!=]) (.+)")


def test_the_dialogue_is_printed_line_by_line() -> None:
    """Time, span, direction, message; the loss with its reason; the summary last; nothing on stderr."""
    done = run(*FAST)
    assert (0, "") == (done.returncode, done.stderr)
    legend, shown = done.stdout.splitlines()[: len(LEGEND)], done.stdout.splitlines()[len(LEGEND) :]
    assert list(LEGEND) == legend
    found = [LINE.fullmatch(line) for line in shown]
    lines = [match.groups() for match in found if match]
    assert len(found) == len(lines)
    for line in [(">", "OPEN"), ("<", "OK"), (">", "MOVE 120.0"), ("<", "DATA 40"), (">", "CLOSE")]:
        assert line in lines
    assert any(mark == "!" and text.endswith("lost: the peer closed the connection") for mark, text in lines)
    assert any(text.startswith("ERROR 1 no command 'DANCE'") for _, text in lines)
    assert "=" == lines[-1][0]


def test_a_name_with_several_addresses_is_listened_on_once() -> None:
    """``localhost`` is IPv4 and IPv6 on most machines, and each would get a port of its own."""
    done = run(*FAST, "--json", "--host", "localhost")
    assert (0, "") == (done.returncode, done.stderr)
    assert events(done.stdout)[0]["port"] > 0


def test_a_pipe_gets_no_colours_and_some_percentages() -> None:
    """A log file wants plain lines."""
    done = run(*FAST, FORCE_COLOR="")
    assert "\x1b" not in done.stdout
    percentages = re.findall(r"(\d+)% of the way", done.stdout)
    assert 3 <= len(percentages) <= 12
    assert 2 == percentages.count("100")


def test_a_machine_gets_ordered_json_lines_and_a_summary() -> None:
    """The order of the story, times that never go back, the last line with the exit status."""
    done = run(*FAST, "--json")
    told = events(done.stdout)
    kinds = [event["event"] for event in told]
    assert {1} == {event["version"] for event in told}
    assert sorted(event["elapsed"] for event in told) == [event["elapsed"] for event in told]
    assert ["listening", "connected"] == kinds[:2]
    assert kinds.index("progress") < kinds.index("status") < kinds.index("lost") < kinds.index("closed")
    assert all(event["text"] for event in told if event["event"] == "note")
    summary = told[-1]
    assert ("summary", 0, 2, 1, 1) == tuple(summary[key] for key in ("event", "exit", "connections", "lost", "refused"))
    assert summary["heartbeats"] >= 2
    assert 0 == done.returncode


def test_a_terminal_gets_colours_and_a_progress_bar() -> None:
    """Seen through a pseudo-terminal."""
    controller, terminal = os.openpty()
    try:
        process = subprocess.Popen(
            [*COMMAND, *FAST], stdout=terminal, stderr=terminal, env=environment(TERM="xterm-256color")
        )
        os.close(terminal)
        shown = read_all(controller)
        assert 0 == process.wait(TIMEOUT)
    finally:
        os.close(controller)
    assert "\x1b[36mOPEN" in shown
    assert "turning" in shown
    assert "\u2501" in shown


def read_all(controller: int) -> str:
    """Read a pseudo-terminal until the program at its other end has gone."""
    shown = b""
    while True:
        try:
            chunk = os.read(controller, 65536)
        except OSError:  # Linux says EIO, others an end of file.
            return shown.decode()
        if not chunk:
            return shown.decode()
        shown += chunk


def test_a_mock_that_serves_can_be_talked_to_until_ctrl_c() -> None:
    """A raw socket, then the interrupt: status 0, the summary says what there was."""
    with running("demo", "--serve", "--json", "--seconds", str(TIMEOUT)) as process:
        listening = next_event(process)
        reply = b"OK\r\nDATA 40\r\n"
        assert talk(listening["port"], b"OPEN\r\nSTATUS\r\n", size=len(reply) + 40).startswith(reply)
        told = [listening]
        while told[-1]["event"] != "ended":
            told.append(next_event(process))
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=TIMEOUT)
    (summary,) = events(rest)
    assert [">", "<"] == [event["direction"] for event in told if event["event"] == "message"][:2]
    assert ("interrupted", 0, 1, 0) == tuple(summary[key] for key in ("outcome", "exit", "connections", "lost"))
    assert (0, "") == (process.returncode, complaints)


def test_a_mock_that_serves_ends_by_sigterm_with_its_summary() -> None:
    """A service manager, and ``kill``, end programs so; also one whose shell has it in the background."""
    with running("demo", "--serve", "--json", "--seconds", str(TIMEOUT)) as process:
        next_event(process)
        process.send_signal(signal.SIGTERM)
        rest, complaints = process.communicate(timeout=TIMEOUT)
    assert ("terminated", 0) == tuple(events(rest)[-1][key] for key in ("outcome", "exit"))
    assert (0, "") == (process.returncode, complaints)


def test_a_mock_that_serves_counts_a_reset_as_a_loss_and_says_why_a_message_was_too_long() -> None:
    """What went wrong is what one looks for in the dialogue."""
    with running("demo", "--serve", "--json", "--seconds", str(TIMEOUT)) as process:
        port = next_event(process)["port"]
        with socket.create_connection((IPV4, port), timeout=TIMEOUT) as peer:
            peer.sendall(b"x" * 200_000)
            told = [next_event(process)]
            while told[-1]["event"] != "lost":
                told.append(next_event(process))
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=TIMEOUT)
    assert "LIMIT" == told[-1]["reason"]
    assert any("the peer exceeded a limit" in event["text"] for event in told if event["event"] == "log")
    assert 1 == events(rest)[-1]["lost"]


def test_an_ipv6_address_is_written_in_brackets() -> None:
    """``::1:5000`` is another address."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 on this machine")
    done = run(*FAST, "--host", "::1")
    assert 0 == done.returncode
    assert re.search(r"connected to \[::1\]:\d+\n", done.stdout)


def test_an_address_of_another_host_is_a_sentence_about_the_option() -> None:
    """The library's advice is about its own argument, ``host=None``, which nobody can type here."""
    done = run("demo", "--serve", "--host", "192.0.2.1")
    assert (2, "") == (done.returncode, done.stdout)
    assert "give one of its own, or --host 0.0.0.0" in done.stderr
    assert "None" not in done.stderr


@pytest.mark.parametrize("mode", [[], ["--json"]])
def test_without_a_stdout_the_command_says_so(mode: list[str]) -> None:
    """``>&-`` in a script is a mistake in the script, not a bug in the command."""
    command = ["bash", "-c", 'exec "$@" >&-', "bash", *COMMAND, *FAST, *mode]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False, env=environment())
    assert 2 == done.returncode
    assert "stdout is closed" in done.stderr
    assert 1 == len(done.stderr.splitlines())


def test_a_mock_that_serves_tells_of_a_client_that_it_turned_away() -> None:
    """Who sees their second program fail looks here first."""
    with running("demo", "--serve", "--json", "--seconds", str(TIMEOUT)) as process:
        address = (IPV4, next_event(process)["port"])
        with socket.create_connection(address, timeout=TIMEOUT):
            assert "connected" == next_event(process)["event"]
            with socket.create_connection(address, timeout=TIMEOUT) as second:
                log = next_event(process)
                assert b"" == second.recv(1)
    assert ("log", "ERROR") == (log["event"], log["level"])
    assert "one client is served at a time" in log["text"]


def test_a_mock_that_serves_says_how_to_talk_to_it() -> None:
    """With nc and with our client; after its seconds it ends by itself."""
    done = run("demo", "--serve", "--seconds", "0.01")
    assert (0, "") == (done.returncode, done.stderr)
    assert "nc -C 127.0.0.1" in done.stdout
    assert "tcpip_core.Client(" in done.stdout


def test_an_interrupted_conversation_says_so() -> None:
    """Status 130, with the summary, without a traceback."""
    with running("demo", "--json", "--timeout", str(TIMEOUT)) as process:
        while next_event(process)["event"] != "progress":
            pass
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=TIMEOUT)
    assert ("interrupted", 130) == tuple(events(rest)[-1][key] for key in ("outcome", "exit"))
    assert (130, "") == (process.returncode, complaints)


@pytest.mark.parametrize("mode", [[], ["--serve"]])
def test_a_port_in_use_is_a_sentence_and_a_usage_error(mode: list[str]) -> None:
    """No traceback, nothing on stdout."""
    taken = Listener(IPV4)
    try:
        done = run("demo", *mode, "--port", str(taken.port))
    finally:
        taken.close()
    assert (2, "") == (done.returncode, done.stdout)
    assert f"cannot listen on 127.0.0.1:{taken.port}: another program" in done.stderr
    assert 1 == len(done.stderr.splitlines())


def test_a_failure_in_json_has_a_summary_too() -> None:
    """A machine reads the status from the last line, whatever happened."""
    done = run("demo", "--json", "--host", "nosuch.invalid")
    assert 5 == done.returncode
    assert ("failed", 5) == tuple(events(done.stdout)[-1][key] for key in ("outcome", "exit"))
    assert done.stderr.startswith("python -m tcpip_tools: cannot listen on nosuch.invalid")


def test_a_conversation_that_takes_too_long_is_given_up() -> None:
    """Every wait has a bound, this one is the user's."""
    done = run("demo", "--timeout", "0.05")
    assert 1 == done.returncode
    assert "did not end within 0.05 s" in done.stderr


@pytest.mark.parametrize(
    ("args", "allowed"),
    [
        (["--port", "65536"], "0<=x<=65535"),
        (["--speed", "0"], "0.25<=x<=1000"),
        (["--speed", "fast"], "not a valid float"),
        (["--timeout", "0"], "x>0"),
        (["--timeout", "nan"], "not a finite number"),
        (["--serve", "--seconds", "inf"], "not a finite number"),
        (["--heartbeat-timeout", "-1"], "x>=0"),
        (["--host", ""], "127.0.0.1"),
        (["--seconds", "3"], "--serve"),
        (["--serve", "--timeout", "3"], "--seconds"),
    ],
)
def test_a_value_that_is_not_allowed_is_a_usage_error_that_says_what_is(args: list[str], allowed: str) -> None:
    """Status 2, and nothing was started."""
    done = run("demo", *args)
    assert (2, "") == (done.returncode, done.stdout)
    assert allowed in done.stderr


def test_debug_shows_the_library_s_log() -> None:
    """On stderr, so that a pipe still gets the data alone."""
    done = run(*FAST, "--json", "--debug")
    assert 0 == done.returncode
    assert "connection to" in done.stderr
    assert events(done.stdout)
