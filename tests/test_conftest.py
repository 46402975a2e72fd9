"""The suite's own checks: each kind of thing that a test leaves behind makes that test fail."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BROKEN = """
import asyncio, socket, threading

KEPT = []

async def test_clean():
    await asyncio.sleep(0)

async def test_task():
    KEPT.append(asyncio.ensure_future(asyncio.sleep(3600)))

async def test_timer():
    asyncio.get_running_loop().call_later(3600, print)

async def test_socket():
    KEPT.append(socket.socket())

async def test_unseen_error():
    async def fail():
        raise ZeroDivisionError
    asyncio.ensure_future(fail())
    await asyncio.sleep(0)

async def test_error_of_a_callback_of_the_loop():
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)

def test_thread():
    stop = threading.Event()
    KEPT.append(stop)
    threading.Thread(target=stop.wait, daemon=True).start()

def test_synchronous_socket():
    KEPT.append(socket.socket())
"""
INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Run tests that leave something behind, in a process of their own, with this suite's conftest."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "conftest.py").write_text("from tests.conftest import *\nfrom tests.conftest import _nothing_survives\n")
    (folder / "test_broken.py").write_text(BROKEN)
    (folder / "pytest.ini").write_text(INI)
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "-c", "pytest.ini", "."]
    ran = subprocess.run(
        command,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "loops", "words"),
    [
        ("test_task", ["asyncio", "uvloop"], "task <Task pending"),
        ("test_timer", ["asyncio"], "timer <TimerHandle"),
        ("test_socket", ["asyncio", "uvloop"], "socket "),
        ("test_unseen_error", ["asyncio", "uvloop"], "never retrieved: ZeroDivisionError"),
        ("test_error_of_a_callback_of_the_loop", ["asyncio", "uvloop"], "ZeroDivisionError"),
        ("test_thread", [], "thread Thread"),
        ("test_synchronous_socket", [], "socket "),
    ],
)
def test_what_a_test_leaves_behind_fails_it(report: str, name: str, loops: list[str], words: str) -> None:
    """A check that nothing can fail would be believed for nothing."""
    has_uvloop = importlib.util.find_spec("uvloop") is not None
    for case in [f"{name}[{loop}]" for loop in loops if has_uvloop] or [name]:
        assert re.search(rf"^ERROR test_broken.py::{re.escape(case)}", report, re.MULTILINE), report
        _, _, said = report.partition(f"ERROR at teardown of {case} ")
        assert words in said.partition("ERROR at teardown")[0]


@pytest.mark.slow
def test_clean_test_passes(report: str) -> None:
    """The checks do not fail what leaves nothing behind."""
    assert re.search(r"^PASSED test_broken.py::test_clean", report, re.MULTILINE), report
    assert not re.search(r"^(ERROR|FAILED) test_broken.py::test_clean", report, re.MULTILINE), report
