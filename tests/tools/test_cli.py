"""The command itself, run as people run it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from tcpip_tools import __version__, _cli
from tcpip_tools._exit_codes import ExitCode, Failure
from tests.tools._command import COMMAND, TIMEOUT, environment, run


def test_version_is_that_of_the_distribution() -> None:
    """The first question of every report of a fault."""
    done = run("--version")
    assert (0, f"python -m tcpip_tools {__version__}\n") == (done.returncode, done.stdout)


@pytest.mark.parametrize("args", [[], *([verb] for verb in _cli.VERBS)])
def test_help_has_examples(args: list[str]) -> None:
    """One learns a command from what others typed."""
    done = run(*args, "--help")
    assert 0 == done.returncode
    assert re.search(rf"Examples:\n    .*tcpip {args[0] if args else 'probe'}", done.stdout)
    assert "" == done.stderr


def test_help_says_what_each_status_means() -> None:
    """It is looked for there."""
    done = run("--help")
    assert "130 interrupted" in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_lines_for_a_shell_call_the_command(shell: str) -> None:
    """They are put into a start-up file, so nothing else may be in them."""
    done = run("completion", shell)
    assert (0, "") == (done.returncode, done.stderr)
    assert f"_TCPIP_COMPLETE={shell}_complete" in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_the_options_of_a_verb(shell: str) -> None:
    """What the help promises for each shell."""
    code = "from tcpip_tools._cli import main; main()"
    env = {"_TCPIP_COMPLETE": f"{shell}_complete", "COMP_WORDS": "tcpip demo --sp", "COMP_CWORD": "2"}
    env["COMP_CWORD"] = "--sp" if shell == "fish" else "2"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        env=environment(**env),
    )
    assert "--speed" in done.stdout


@pytest.mark.parametrize("args", [["nosuchverb"], ["--nosuchoption"], ["demo", "argument"], ["demo", "--nosuchoption"]])
def test_what_is_unknown_is_a_usage_error(args: list[str]) -> None:
    """Status 2, on stderr, with the way to the help."""
    done = run(*args)
    assert (2, "") == (done.returncode, done.stdout)
    assert "--help' for help" in done.stderr


def test_help_imports_no_terminal_library_and_starts_no_loop() -> None:
    """Start-up stays fast only if what is heavy stays in its verb."""
    heavy = {"rich", "prompt_toolkit", "psutil", "tcpip_testing", "tcpip_tools.dome"}
    verbs = [[verb, "--help"] for verb in _cli.VERBS]
    code = (
        f"import sys; from tcpip_tools._cli import run; [run(verb) for verb in {[['--help'], *verbs]}];"
        f"sys.exit(str(sorted(set(sys.modules) & {heavy})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert "[]\n" == done.stderr


def failing(error: BaseException) -> Callable[..., click.Command]:
    """Make a stand-in for the look-up of verbs, which finds one that ends with an error."""

    def callback() -> None:
        raise error

    def get_command(*_: object) -> click.Command:
        return click.Command("demo", callback=callback)

    return get_command


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (Failure(ExitCode.REFUSED, "nobody listens"), 3, "tcpip: nobody listens\n"),
        (ValueError("oops"), 1, "tcpip: this is a bug in the command: ValueError: oops; --debug shows where\n"),
        (click.ClickException("wrong"), 1, "Error: wrong\n"),
        (KeyboardInterrupt(), 130, "\n"),
    ],
)
def test_each_way_to_fail_is_a_sentence_and_a_status(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    status: int,
    sentence: str,
) -> None:
    """Nothing of it is on stdout, and there is no traceback."""
    monkeypatch.setattr(_cli.LazyGroup, "get_command", failing(error))
    assert status == _cli.run(["demo"])
    out, err = capsys.readouterr()
    assert ("", sentence) == (out, err)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no device that is always full")
@pytest.mark.parametrize(
    "args", [["--help"], ["completion", "bash"], ["send", "127.0.0.1:1", "x", "--json"], ["demo", "--speed", "100"]]
)
def test_a_full_disk_is_a_sentence(args: list[str]) -> None:
    """It is no bug of the command."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, *args], stdout=full, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT, check=False,
            env=environment(),
        )  # fmt: skip
    assert (1, "python -m tcpip_tools: cannot write: No space left on device") == (
        done.returncode, done.stderr.splitlines()[-1]
    )  # fmt: skip


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Who mends it needs to see where."""
    monkeypatch.setattr(_cli.LazyGroup, "get_command", failing(Failure(ExitCode.REFUSED, "nobody listens")))
    assert 3 == _cli.run(["--debug", "demo"])
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_leaves_hears_no_complaint() -> None:
    """``tcpip demo | head -1`` prints one line, and that is all."""
    script = f"set -o pipefail; {' '.join(COMMAND)} demo --speed 100 | head -1"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=TIMEOUT, check=False, env=environment()
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert 1 == len(done.stdout.splitlines())
