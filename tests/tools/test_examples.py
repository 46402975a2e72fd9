"""The programs of the tutorial do what it says."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.repo._tree import ROOT
from tests.tools._command import TIMEOUT, environment, next_event, running

EXAMPLES = ROOT / "docs/examples/first_mock_device"


def python(*args: str) -> subprocess.CompletedProcess[str]:
    """Run Python where it finds the examples as modules."""
    path = os.pathsep.join(filter(None, (str(EXAMPLES), os.environ.get("PYTHONPATH"))))
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", *args],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        env=environment(PYTHONPATH=path),
    )


def test_the_program_talks_to_the_mock_that_is_served() -> None:
    """The second step: a mock in one terminal, one's own program in the other."""
    with running("demo", "--serve", "--json", "--speed", "100", "--seconds", str(TIMEOUT)) as process:
        done = python("-m", "ask_the_dome", str(next_event(process)["port"]))
    assert (0, "") == (done.returncode, done.stderr)
    lines = done.stdout.splitlines()
    assert ["> OPEN", "< OK", "> TELEMETRY ON", "< OK", "> MOVE 5"] == lines[:5]
    assert any(line.startswith("< ERROR 1 no command 'DANCE'") for line in lines)
    assert ["> DROP", "link lost: the peer closed the connection"] == lines[-2:]


def test_the_thermometer_is_read() -> None:
    """The third step: one's own mock."""
    done = python("-m", "thermometer")
    assert (0, "it is 21.5 degrees\n", "") == (done.returncode, done.stdout, done.stderr)


def test_the_test_of_the_tutorial_passes() -> None:
    """The last step: the test of one's own program."""
    done = python("-m", "unittest", "-v", "thermometer")
    assert 0 == done.returncode, done.stderr
    assert "Ran 3 tests" in done.stderr


def test_the_test_of_the_tutorial_can_fail() -> None:
    """A test that passes whatever the program does teaches nothing."""
    code = (
        "import sys, unittest, thermometer\n"
        "async def read_temperature(client): return 0.0\n"
        "thermometer.read_temperature = read_temperature\n"
        "unittest.main(thermometer)"
    )
    done = python("-c", code)
    assert "failures=3" in done.stderr
