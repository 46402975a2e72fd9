"""The commands of the page of daily questions, run as they stand there, print what stands below them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repo._tree import ROOT
from tests.support import unused_port
from tests.tools._command import COMMAND, TIMEOUT, environment, next_event, run, running
from tests.tools._devices import device, lines

PAGE = ROOT / "docs/how-to/daily-questions.md"
BLOCKS = re.findall(r"^```console\n\$ (.+)\n((?:.*\n)*?)```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="some of it asks Linux")


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a directory with ``tcpip`` in it."""
    place = tmp_path_factory.mktemp("bin")
    script = place / "tcpip"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return place


@pytest.fixture
def port() -> Iterator[int]:
    """Give the port of the mock that the page leaves running."""
    seconds = ("--seconds", str(TIMEOUT))
    with running("demo", "--serve", "--json", "--heartbeat-timeout", "1", *seconds) as process:
        yield next_event(process)["port"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a directory with two nights in it, which are not the same."""
    place = tmp_path_factory.mktemp("nights")
    with device(lines(b"\r\n", OPEN=b"OK")) as one:
        for name, message in {"night": "OPEN", "other": "SHUT"}.items():
            assert 0 == run("send", one.target, message, "--log", str(place / f"{name}.tcplog")).returncode
    return place


def told(command: str, port: int, shell: Path, place: Path) -> str:
    """Run a command of the page; give what it prints, and its status in brackets if it is not 0."""
    free = unused_port()
    done = subprocess.run(
        ["bash", "-c", re.sub(r"\b5001\b", str(free), re.sub(r"\b5000\b", str(port), command))],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        check=False,
        cwd=place,
        env=environment(PATH=f"{shell}{os.pathsep}{os.environ['PATH']}", NO_COLOR="1"),
    )
    status = f"[{done.returncode}]\n" if done.returncode else ""
    return done.stdout.replace(str(port), "5000").replace(str(free), "5001") + status


def matches(expected: str, shown: str) -> bool:
    """Compare; three dots stand for anything."""
    return re.fullmatch(".*".join(map(re.escape, expected.split("..."))), shown, re.DOTALL) is not None


@pytest.mark.parametrize(("command", "expected"), BLOCKS, ids=[command for command, _ in BLOCKS])
def test_a_question_is_answered_as_the_page_says(
    command: str, expected: str, port: int, shell: Path, place: Path
) -> None:
    """What a reader copies works."""
    shown = told(command, port, shell, place)
    assert matches(expected, shown), shown


def test_the_page_has_its_questions_and_a_wrong_answer_is_noticed() -> None:
    """The check can fail."""
    assert len(BLOCKS) >= 10
    assert matches("a ... c\n", "a b c\n")
    assert not matches("a ... c\n", "a b d\n")
