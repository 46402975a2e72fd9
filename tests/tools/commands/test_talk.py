"""``tcpip talk``, through a pipe and at a terminal."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support import IPV4, unused_port
from tests.tools._command import COMMAND, TIMEOUT, environment, events, running
from tests.tools._devices import Device, device, echo, lines
from tests.tools._terminal import Terminal, terminal

DOME = lines(b"\r\n", STATUS=b"OK", OPEN=b"OPENED", DROP="fin")
STAMP = r"\d\d:\d\d:\d\d\.\d{3}  "


def piped(text: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Run it with lines from a pipe."""
    return subprocess.run(
        [*COMMAND, "talk", *args],
        input=text,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        env=environment(),
    )


def told(text: str, *args: str) -> tuple[int, list[dict[str, Any]]]:
    """Run it with lines from a pipe, for machines."""
    done = piped(text, *args, "--json")
    return done.returncode, events(done.stdout)


# --- a pipe -----------------------------------------------------------------------------------------------------------


def test_lines_of_a_pipe_are_sent_and_the_replies_told_with_their_times() -> None:
    """It waits for the reply to the last one."""
    with device(DOME) as one:
        done = piped("STATUS\nOPEN\n", one.target)
        one.wait_gone()
        assert (b"STATUS\r\nOPEN\r\n", 0) == (one.received, one.resets)
    assert 0 == done.returncode
    shown = done.stdout.splitlines()
    assert re.fullmatch(STAMP + r"\* connected to .*", shown[0])
    assert {"> STATUS", "> OPEN"} == {line[14:] for line in shown if "  > " in line}
    assert ["< OK", "< OPENED"] == [line[14:].partition("  (")[0] for line in shown if "  < " in line]
    assert re.search(r"< OK  \([\d.]+ .?s\)", done.stdout)
    assert "sent 2, received 2, lost 0" in done.stderr


def test_a_machine_gets_each_message_with_its_bytes() -> None:
    """Text where that is exact."""
    with device(echo) as one:
        status, found = told("\\x02A\n", one.target)
    assert 0 == status
    assert [("sent", "\x02A"), ("received", "\x02A")] == [(e["event"], e["text"]) for e in found if "text" in e]


def test_orders_work_in_a_pipe_too() -> None:
    """Framing, bytes, marks; two colons begin a message with one."""
    with device(echo) as one:
        done = piped(":framing lf\n:bytes 02 0a\n:mark here\n:hex\n::x\n:quit\nnever\n", one.target)
        one.wait_gone()
        assert b"\x02\n:x\n" == one.received
    assert 0 == done.returncode
    assert "- here" in done.stdout
    assert "    00000000  3a 78 0a " in done.stdout


def test_digits_are_those_of_the_wire_with_what_ends_a_message() -> None:
    """It is what one looks for with them."""
    with device(DOME) as one:
        done = piped("STATUS\n", one.target, "--hex", "--time", "off")
    assert "    00000000  53 54 41 54 55 53 0d 0a  " in done.stdout
    assert "    00000000  4f 4b 0d 0a  " in done.stdout


def test_a_wrong_line_of_a_pipe_is_a_failure_for_machines() -> None:
    """Not done, with the status of a failure."""
    with device(DOME) as one:
        status, found = told(":bytes zz\n", one.target)
    assert (2, 2, "failed") == (status, found[-1]["exit"], found[-1]["outcome"])


def test_the_conversation_is_saved_into_a_new_file_only(tmp_path: Path) -> None:
    """Whole, or not at all."""
    path = tmp_path / "dome.txt"
    with device(DOME) as one:
        assert 0 == piped(f":mark before\n:save {path}\n", one.target).returncode
        assert "- before" in path.read_text(encoding="utf-8")
        done = piped(f":save {path}\n", one.target)
        assert 2 == done.returncode
        assert "exists; give another name" in done.stderr
        done = piped(f":save {tmp_path}/no/such\n", one.target)
    assert "cannot be written" in done.stderr
    assert [path] == list(tmp_path.iterdir())


def test_a_pipe_that_is_no_text_ends_it_with_a_sentence() -> None:
    """A file of an old system, for instance; what it has before is sent."""
    with device(DOME) as one:
        done = subprocess.run(
            [*COMMAND, "talk", one.target],
            input=b"STATUS\nGr\xfcn\nlast\n",
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
            env=environment(PYTHONIOENCODING="utf-8:strict"),
        )
    assert 2 == done.returncode
    assert b"what stdin has is no text in utf-8" in done.stderr


def test_a_link_that_floods_without_an_end_is_closed_with_a_word() -> None:
    """At once, not when the next line is typed."""
    with device(greeting=b"z" * 3_000_000) as one, running("talk", one.target, stdin=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert any("the link is closed: no end of a message" in line for line in process.stdout)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (":save ~nobodyhere/x", "~nobodyhere/x cannot be written"),
        (":nosuch", ":nosuch is no order; there are :framing"),
        (":framing", ":framing needs more"),
        (":framing crfl", "unknown framing 'crfl'"),
        (":time later", ":time needs one of absolute"),
        (":repeat 1s", ":repeat needs more"),
        (":repeat often STATUS", "is no span of time"),
        (":bytes 0", "'0' is no bytes: each is two digits"),
        (":framing hex:zz", "'zz' is no bytes: each is two digits"),
        (r"\q", "is no escape"),
    ],
)
def test_a_wrong_line_of_a_pipe_ends_it_with_a_sentence(line: str, words: str) -> None:
    """What follows may rely on it."""
    with device(DOME) as one:
        done = piped(f"{line}\nSTATUS\n", one.target)
        one.wait_gone()
        assert b"" == one.received
    assert 2 == done.returncode
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reply_in_another_framing_is_said_before_the_time_is_up() -> None:
    """``:framing`` shows it then, so nothing is lost."""
    with device(lambda _: b"ACME,1\n") as one:
        done = piped("STATUS\n", one.target, "--timeout", "1500ms")
    assert 7 == done.returncode
    assert "look like --framing lf" in done.stderr
    assert "'ACME,1\\n'; :framing chooses another one" in done.stderr


def test_a_link_that_is_lost_has_its_status() -> None:
    """The reason is in the line."""
    with device(DOME) as one:
        status, found = told("DROP\n", one.target)
    assert (8, "FIN") == (status, next(event["reason"] for event in found if event["event"] == "lost"))


def test_it_connects_again_when_told_to() -> None:
    """The first link is closed."""
    with device(DOME) as one:
        status, _ = told(":reconnect\nSTATUS\n", one.target)
        assert (0, 2) == (status, one.connections)


def test_a_link_that_cannot_be_made_is_a_sentence() -> None:
    """No line is read."""
    done = piped("STATUS\n", f"{IPV4}:{unused_port()}")
    assert (3, 1) == (done.returncode, done.stderr.count("nothing listens there"))


# --- a terminal -------------------------------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path) -> dict[str, str]:
    """Give a directory of one's own for the history."""
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def prompt_is_last(shown: list[str]) -> bool:
    """Tell whether the prompt stands above the toolbar, below all else."""
    return len(shown) > 1 and shown[-2].startswith(">")


def ready(screen: Terminal, one: Device) -> None:
    """Wait until it is connected and lines can be typed."""
    screen.wait_for(lambda shown: any("connected to" in line for line in shown) and prompt_is_last(shown))
    assert one.has_client.wait(TIMEOUT)


def test_a_line_is_sent_and_what_comes_unasked_stands_above_the_prompt(config: dict[str, str]) -> None:
    """Also while a line is being typed, which stays whole."""
    with device(DOME) as one, terminal("talk", one.target, **config) as screen:
        ready(screen, one)
        screen.type("STATUS\r")
        screen.wait_for("< OK")
        screen.type("OPE")
        screen.wait_for(lambda shown: any(line.startswith("> OPE") for line in shown))
        one.tell(b"telemetry 42\r\n")
        shown = screen.wait_for(lambda shown: any("< telemetry 42" in line for line in shown) and prompt_is_last(shown))
        assert shown[-2].startswith("> OPE")
        screen.type("N\r")
        shown = screen.wait_for("< OPENED")
        marks = [line[14:].partition("  (")[0] for line in shown if re.match(STAMP, line)]
        assert ["> STATUS", "< OK", "< telemetry 42", "> OPEN", "< OPENED"] == marks[-5:]
        screen.type("\x04")
        assert 0 == screen.wait_end()
        assert b"STATUS\r\nOPEN\r\n" == one.received


def test_the_history_of_a_target_lasts_and_completes(config: dict[str, str]) -> None:
    """Up finds the last line, Tab completes from earlier ones; another target has its own."""
    with device(DOME) as one:
        with terminal("talk", one.target, **config) as screen:
            ready(screen, one)
            screen.type("STATUS\r")
            screen.wait_for("< OK")
            screen.type("\x04")
            assert 0 == screen.wait_end()
        with terminal("talk", one.target, **config) as screen:
            ready(screen, one)
            screen.type("\x1b[A")
            screen.wait_for(lambda _: "> STATUS" == screen.before_cursor())
            screen.type("\x15STA")
            screen.wait_for(lambda _: "> STA" == screen.before_cursor())
            screen.type("\t")
            screen.wait_for(lambda _: "> STATUS" == screen.before_cursor())
            screen.type("\r")
            screen.wait_for("< OK")
    files = list((Path(config["XDG_CONFIG_HOME"]) / "tcpip" / "history").iterdir())
    assert [f"127.0.0.1_{one.port}"] == [path.name for path in files]
    assert 0o600 == files[0].stat().st_mode & 0o777


def test_after_a_drop_it_stays_and_connects_again(config: dict[str, str]) -> None:
    """The reason is told, a line that cannot be sent is said, the toolbar shows how things stand."""
    with device(DOME) as one, terminal("talk", one.target, **config) as screen:
        ready(screen, one)
        one.drop("rst")
        screen.wait_for("the link is lost: RST")
        screen.wait_for("not connected, :reconnect")
        screen.type("STATUS\r")
        screen.wait_for("not sent: there is no link")
        screen.type(":reconnect\r")
        screen.wait_for(lambda shown: 2 == sum("* connected to" in line for line in shown))
        screen.type("STATUS\r")
        screen.wait_for("< OK")
        assert 2 == one.connections


def test_a_message_is_repeated_until_told_off(config: dict[str, str]) -> None:
    """Each with its answer, while one may type."""
    with device(DOME) as one, terminal("talk", one.target, **config) as screen:
        ready(screen, one)
        screen.type(":repeat 20ms STATUS\r")
        screen.wait_for(lambda shown: sum("< OK" in line for line in shown) >= 3)
        screen.type(":repeat off\r")
        screen.type(":mark done\r")
        screen.wait_for("- done")
        screen.type("OPEN\r")
        screen.wait_for("< OPENED")


def test_a_reply_in_another_framing_appears_once_that_is_chosen(config: dict[str, str]) -> None:
    """Nothing that came is lost."""
    with device(lines(b"\r\n", STATUS=b"ACME,1\nready")) as one, terminal("talk", one.target, **config) as screen:
        ready(screen, one)
        screen.type(":framing cr\r")
        screen.wait_for("- framing cr")
        screen.type(":bytes 53 54 41 54 55 53 0d 0a\r")
        screen.wait_for("< ACME,1")
        screen.type(":framing lf\r")
        screen.wait_for("- framing lf")


def test_a_flood_is_counted_and_lines_can_still_be_typed(config: dict[str, str]) -> None:
    """Nobody reads two thousand lines a second."""
    with device(lines(b"\r\n", GO=b"\r\n".join(b"%d" % i for i in range(20_000)))) as one:
        with terminal("talk", one.target, **config) as screen:
            ready(screen, one)
            screen.type("GO\r")
            screen.wait_for("< 199")
            screen.type(":mark still here\r")
            screen.wait_for("- still here")


@pytest.mark.parametrize("keys", ["\x03", "half a line\x03"])
def test_ctrl_c_ends_it_with_status_130_and_a_summary(config: dict[str, str], keys: str) -> None:
    """Without a traceback."""
    with device(DOME) as one, terminal("talk", one.target, **config) as screen:
        ready(screen, one)
        screen.type(keys)
        assert 130 == screen.wait_end()
        shown = "\n".join(screen.lines())
    assert "interrupted after" in shown
    assert "Traceback" not in shown


def test_a_history_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    """A home directory may be read-only."""
    (tmp_path / "file").touch()
    with device(DOME) as one, terminal("talk", one.target, XDG_CONFIG_HOME=str(tmp_path / "file")) as screen:
        ready(screen, one)
        screen.type("STATUS\r")
        screen.wait_for("< OK")


@pytest.mark.parametrize(("keys", "status", "outcome"), [("\x04", 0, "done"), ("\x03", 130, "interrupted")])
@pytest.mark.parametrize("name", ["dumb", "unknown"])
def test_a_terminal_without_a_cursor_gets_lines_and_no_escapes(name: str, keys: str, status: int, outcome: str) -> None:
    """Editors and serial consoles have such ones; Enter alone sends nothing, and a wrong line ends nothing."""
    with device(DOME) as one, terminal("talk", one.target, TERM=name) as screen:
        screen.wait_for("connected to")
        screen.type("\n:nosuch\n")
        screen.wait_for(":nosuch is no order")
        screen.type("STATUS\n")
        screen.wait_for("< OK")
        screen.type("OPEN\n")
        screen.wait_for("< OPENED")
        screen.type(keys)
        assert status == screen.wait_end()
        assert b"STATUS\r\nOPEN\r\n" == one.received
    assert f"{outcome} after" in screen.written.decode()
    assert "sent 2, received 2" in screen.written.decode()
    assert b"\x1b" not in screen.written


def test_a_terminal_that_is_closed_ends_it() -> None:
    """A window is closed with the conversation in it."""
    with socket.create_server((IPV4, 0)) as listener:
        with terminal("talk", f"{IPV4}:{listener.getsockname()[1]}") as screen, listener.accept()[0] as peer:
            screen.wait_for("connected to")
            screen.hang_up()
            assert screen.process.wait(TIMEOUT)
            peer.settimeout(TIMEOUT)
            assert b"" == peer.recv(1)
