"""The command lines of the long runs: nonsense is refused before anything runs, and never passes for a good run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults import reversions
from tests.fuzz import framing, server
from tests.simulation import __main__ as simulation
from tests.soak import leaks, soak

NONSENSE: list[tuple[Callable[[list[str]], int], str, str]] = [
    *((simulation.main, "--seeds", value) for value in ("0", "-5", "1e3", "many")),
    (simulation.main, "--jobs", "0"),
    *((main, "--minutes", value) for main in (framing.main, server.main) for value in ("0", "-1", "nan", "inf", "x")),
    *((main, figure, "0") for main in (framing.main, server.main) for figure in ("--frames", "--messages")),
    *((leaks.main, "--connects", value) for value in ("0", "-2", "x")),
    *((leaks.main, "--minutes", value) for value in ("-1", "nan")),
    *((soak.main, "--minutes", value) for value in ("0", "-1", "nan", "inf")),
]


@pytest.mark.parametrize(("main", "name", "value"), NONSENSE)
def test_nonsense_is_refused_in_a_sentence(
    main: Callable[[list[str]], int], name: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names the argument, what is wanted, and what was given; no run begins."""
    with pytest.raises(SystemExit) as caught:
        main([name, value])
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    last = said.err.splitlines()[-1]
    assert f"error: argument {name}: expected a " in last
    assert last.endswith(f"not {value!r}")


@pytest.mark.parametrize("main", [framing.main, server.main])
@pytest.mark.parametrize("name", ["--frames", "--messages"])
def test_both_fuzzers_know_the_arguments_of_both(
    main: Callable[[list[str]], int], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One command line goes to each of them in turn: what is meant for the other one must not fail it."""
    assert main([name, "2", "--seed", "7", "--replay", "7"]) == 0
    assert "unrecognized" not in capsys.readouterr().err


def run_instead(result: str) -> Callable[[reversions.Reversion], str]:
    """Make what gives a result of a reversion, and tries nothing out."""
    return lambda reversion: result


@pytest.mark.parametrize(("arguments", "code", "said"), [(["--help"], 0, "usage"), (["no such"], 2, "no reversion")])
def test_reversions_run_only_if_they_are_meant(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks for help, or for one that is not there, does not wait for all of them."""
    monkeypatch.setattr(reversions, "try_out", run_instead("it ran"))
    with pytest.raises(SystemExit) as caught:
        reversions.main(arguments)
    assert caught.value.code == code
    told = capsys.readouterr()
    assert "it ran" not in told.out
    assert said in told.out + told.err


def test_reversions_can_be_chosen(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Those alone whose names hold the text are tried, and the exit status is about them."""
    monkeypatch.setattr(reversions, "try_out", run_instead("caught"))
    assert reversions.main(["clock"]) == 0
    assert "2 of 2 reversions are caught" in capsys.readouterr().out
