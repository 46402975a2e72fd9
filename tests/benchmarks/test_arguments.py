"""What one may ask of the benchmarks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks._arguments import COLD, FULL, QUICK, Part, parse
from tests.benchmarks._workloads import SPEED
from tests.benchmarks.peers import PEERS

ALL = tuple(SPEED)


def test_everything_is_measured_where_nothing_is_asked_for() -> None:
    """The table that is published has no gaps by default."""
    request = parse([])
    assert (*SPEED, "W7", "W8") == request.workloads
    assert tuple(PEERS) == request.peers
    assert ("asyncio", "uvloop") == request.loops
    assert FULL == request.effort
    assert (Part(1, "warm", ALL), Part(1, "cold", COLD), Part(2, "warm", ALL)) == request.parts


def test_quick_is_one_process_and_warm() -> None:
    """A rough answer must come in less than a minute."""
    request = parse(["--quick"])
    assert QUICK == request.effort
    assert (Part(1, "warm", ALL),) == request.parts


def test_quick_can_be_widened() -> None:
    """What is asked for by name is done, also in the short form."""
    request = parse(["--quick", "--processes", "both", "--allocator", "cold", "--rounds", "3"])
    assert 3 == request.effort.rounds
    assert (Part(1, "cold", ALL), Part(2, "cold", ALL)) == request.parts


def test_nothing_is_timed_for_links_that_are_idle() -> None:
    """W7 and W8 have forms of their own."""
    assert () == parse(["--workloads", "W7,W8"]).parts


def test_names_come_in_our_order() -> None:
    """The tables of two runs can be laid side by side."""
    assert ("W1", "W3") == parse(["--workloads", "W3, W1,W3"]).workloads


def test_the_baseline_is_always_there() -> None:
    """Every figure is a ratio to it."""
    assert ("streams", "trio") == parse(["--peers", "trio"]).peers


def test_output_is_a_directory() -> None:
    """It is made when the run begins, so that nothing is measured in vain."""
    assert Path("some/where") == parse(["--output", "some/where"]).output


@pytest.mark.parametrize(
    "wrong",
    [
        "--workloads W99",
        "--workloads ,",
        "--peers pigeons",
        "--loops curio",
        "--processes 3",
        "--allocator lukewarm",
        "--rounds 0",
        "--rounds -1",
        "--rounds many",
        "--rounds 1.5",
        "--rounds 1000000",
        "--seconds 0",
        "--seconds nan",
        "--seconds inf",
        "--attempts 0",
        "--compare HEAD --peers trio",
        "--faster",
        "W1",
    ],
)
def test_nonsense_is_refused_in_one_sentence(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Who mistypes learns at once what is allowed."""
    with pytest.raises(SystemExit) as caught:
        parse(wrong.split())
    assert 2 == caught.value.code
    told = capsys.readouterr().err
    assert told.startswith("bench: ")
    assert 1 == len(told.splitlines())
