"""Run pytest on a test file as a user does, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["run_pytest"]


def run_pytest(place: Path, source: str, *options: str, status: int = 1, is_strict: bool = True) -> str:
    """Run tests with the plugin, demand how it ends, and return what is printed."""
    test = place / "test_users.py"
    test.write_text(source, encoding="utf-8")
    settings = place / "pytest.ini"
    settings.write_text("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    strictly = ["-X", "dev", "-W", "error"] if is_strict else []
    command = [sys.executable, *strictly, "-m", "pytest", "-p", "tcpip_testing.plugin", "-ra"]
    command += ["-p", "no:cacheprovider", "-p", "no:hypothesispytest", *options, str(test)]
    # Where CI is set, pytest prints each failure in full twice.
    without = {"CI", *(() if is_strict else ("PYTHONWARNINGS",))}
    env = {name: value for name, value in os.environ.items() if name not in without}
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, timeout=28, check=False)
    assert status == done.returncode, done.stdout + done.stderr
    return done.stdout
