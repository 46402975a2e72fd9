"""The whole program, on as little as it can measure."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import psutil
import pytest

from tests.benchmarks import __main__ as bench
from tests.benchmarks import _rounds
from tests.benchmarks._progress import Watcher
from tests.benchmarks._statistics import Ratio
from tests.benchmarks._workers import ROOT
from tests.benchmarks.peers import PEERS, PeerInfo

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmarks ask the kernel of Linux")

LITTLE = "--peers streams,ours --loops asyncio --processes 1 --allocator warm --rounds 2 --seconds 0.001 --attempts 1"


def run(arguments: str) -> int:
    """Run the program."""
    return bench.main([*LITTLE.split(), *arguments.split()])


def nothing_is_unstable(_: Ratio, __: Ratio) -> str:
    """Trust everything: so little cannot be measured well."""
    return ""


def everything_is_unstable(_: Ratio, __: Ratio) -> str:
    """Trust nothing."""
    return "busy"


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all ratios count."""
    monkeypatch.setattr(_rounds, "why_unstable", nothing_is_unstable)


@pytest.mark.usefixtures("trusting")
def test_result_tables_and_charts_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The documentation shows what a run has written."""
    assert 0 == run(f"--workloads W1 --output {tmp_path / 'new'}")
    result = json.loads((tmp_path / "new/result.json").read_text())
    assert ["streams", "ours", "streams again"] == [row["peer"] for row in result["speed"]]
    assert result["speed"][1]["ratio"]["median"] > 0
    assert {"processor", "cores", "kernel", "python"} <= set(result["machine"])
    assert {"tcpip-core"} <= set(result["versions"])
    assert "| W1 | line, request and reply | " in (tmp_path / "new/tables.md").read_text()
    assert "| W1 | line, request and reply | " in capsys.readouterr().out
    ET.fromstring((tmp_path / "new/speed-asyncio-1-warm.svg").read_text())


def test_what_is_unstable_has_no_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can quote by mistake what the machine did not allow to measure."""
    monkeypatch.setattr(_rounds, "why_unstable", everything_is_unstable)
    assert 0 == run(f"--workloads W1 --output {tmp_path}")
    assert "unstable" in capsys.readouterr().out
    rows = json.loads((tmp_path / "result.json").read_text())["speed"]
    assert {(None, "busy")} == {(row["ratio"], row["unstable"]) for row in rows}
    assert "<circle" not in (tmp_path / "speed-asyncio-1-warm.svg").read_text().split("</style>")[1].split("M0 ")[1]


@pytest.mark.usefixtures("trusting")
def test_the_run_goes_on_without_a_peer_that_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence tells how to get it."""
    monkeypatch.setitem(PEERS, "trio", PeerInfo("trio", "trio", "trio_streams", "no_such_package"))
    assert 0 == bench.main([*LITTLE.replace("ours", "trio").split(), "--workloads", "W1"])
    captured = capsys.readouterr()
    sentence = "trio is left out: no_such_package is not installed (python -m pip install no_such_package)"
    assert sentence == captured.err.strip()
    assert "streams again" in captured.out


@pytest.mark.usefixtures("trusting")
def test_our_code_is_compared_with_a_revision(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here with the same tree under another name."""

    def same_tree(_: str) -> AbstractContextManager[tuple[str, Path]]:
        return nullcontext(("0ldc0de", ROOT))

    monkeypatch.setattr(bench, "revision", same_tree)
    few = LITTLE.replace("--peers streams,ours ", "").split()
    assert 0 == bench.main([*few, "--workloads", "W1", "--compare", "HEAD"])
    assert "times as fast as 0ldc0de" in capsys.readouterr().out


def test_ctrl_c_ends_it_cleanly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No worker stays behind, no traceback is shown, and no half result replaces a whole one."""

    def interrupt(_: Watcher) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Watcher, "step", interrupt)
    assert 130 == run(f"--workloads W1 --output {tmp_path}")
    assert "interrupted" in capsys.readouterr().err
    assert [] == psutil.Process().children()
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("--compare no-such-revision", "'no-such-revision' is not a revision"),
        ("--output /dev/null/there", "Not a directory"),
    ],
)
def test_what_cannot_be_begun_is_said(arguments: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In one sentence, before anything is measured."""
    assert 2 == bench.main(arguments.split())
    told = capsys.readouterr().err
    assert why in told
    assert 1 == len(told.splitlines())
