"""The programs in docs/examples run, end, and print what the pages say that they print."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.repo._tree import ROOT, named

EXAMPLES = sorted((ROOT / "docs/examples").glob("*.py"))
NOT_CLEAN = ("Exception ignored", "never retrieved", "never awaited", "destroyed but it is pending")


def run(program: Path) -> subprocess.CompletedProcess[str]:
    """Run a program as a reader would, but strictly."""
    command = [sys.executable, "-X", "dev", "-W", "error", str(program)]
    return subprocess.run(command, capture_output=True, text=True, timeout=25, check=False, stdin=subprocess.DEVNULL)


def faults(program: Path) -> list[str]:
    """Say what is wrong with a program's run: its status, what it left behind, what it printed."""
    done = run(program)
    found = [] if done.returncode == 0 else [f"it ends with status {done.returncode}: {done.stderr}"]
    found += [f"{sign}: {done.stderr}" for sign in NOT_CLEAN if sign in done.stderr]
    expected = program.with_suffix(".out")
    if expected.exists() and done.stdout != expected.read_text(encoding="utf-8"):
        found.append(f"it prints something else than {expected.name}: {done.stdout}")
    return found


@pytest.mark.parametrize("program", EXAMPLES, ids=named)
def test_an_example_runs_as_it_is_printed(program: Path) -> None:
    """What a reader copies works, on this Python, without a warning."""
    assert [] == faults(program)


def test_each_printed_output_has_its_program() -> None:
    """An output whose program was renamed would be compared with nothing."""
    outputs = {path.with_suffix(".py") for path in (ROOT / "docs/examples").glob("*.out")}
    assert set() == outputs - set(EXAMPLES)


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("raise SystemExit(3)", "status 3"),
        ("print('other')", "something else"),
        ("import asyncio\nasyncio.sleep(0)\nprint('said')", "never awaited"),
    ],
)
def test_a_bad_example_is_noticed(tmp_path: Path, source: str, fault: str) -> None:
    """The check can fail."""
    program = tmp_path / "example.py"
    program.write_text(source, encoding="utf-8")
    program.with_suffix(".out").write_text("said\n", encoding="utf-8")
    assert any(fault in one for one in faults(program))
