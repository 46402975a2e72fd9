"""The commands of the page about recordings, run as they stand there, print what stands below them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.repo._tree import ROOT
from tests.tools._command import COMMAND, TIMEOUT, environment

PAGE = ROOT / "docs/how-to/record-a-link.md"
BLOCKS = re.findall(r"^```console\n\$ (.+)\n((?:.*\n)*?)```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a directory with the transcripts of the page, and ``tcpip``."""
    place = tmp_path_factory.mktemp("page")
    for name in ("night.tcplog", "good.tcplog"):
        shutil.copy(ROOT / "docs/examples" / name, place)
    script = place / "tcpip"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return place


def told(command: str, place: Path) -> str:
    """Run a command; give what it prints."""
    path = f"{place}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        check=False,
        cwd=place,
        env=environment(PATH=path, NO_COLOR="1", TZ="UTC"),
    )
    return done.stdout


def matches(expected: str, shown: str) -> bool:
    """Compare; a line of three dots stands for any lines."""
    parts = re.split(r"^\.\.\.\n", expected, flags=re.MULTILINE)
    return re.fullmatch("(?:.*\n)*".join(map(re.escape, parts)), shown) is not None


@pytest.mark.parametrize(("command", "expected"), BLOCKS, ids=[command for command, _ in BLOCKS])
def test_a_command_prints_what_the_page_says(command: str, expected: str, place: Path) -> None:
    """What a reader copies works; the page is read from its top, and so are its commands."""
    if command.startswith("tcpip log show clean"):
        told("tcpip log redact night.tcplog clean.tcplog --pattern '(?<=LOGIN ).*?(?=\\r)' --addresses", place)
    shown = told(command, place)
    assert matches(expected, shown), shown


def test_the_page_has_its_commands_and_a_wrong_answer_is_noticed() -> None:
    """The check can fail."""
    assert len(BLOCKS) >= 8
    assert matches("a\n...\nc\n", "a\nb\nb\nc\n")
    assert not matches("a\n...\nc\n", "a\nb\nd\n")
