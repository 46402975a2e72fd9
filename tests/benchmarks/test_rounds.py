"""Contestants in turns, with a crew that costs what the test says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.benchmarks._meter import Figures
from tests.benchmarks._rounds import Effort, Row, measure
from tests.benchmarks._workers import Contestant, FailedError
from tests.benchmarks._workloads import SPEED

BASE, OURS, CONTROL = (Contestant(name, "streams", "asyncio") for name in ("base", "ours", "base again"))
W1, W2 = SPEED["W1"], SPEED["W2"]


class Scripted:
    """A crew whose work takes what a function says, for an item (seconds)."""

    processes, allocator = 1, "warm"

    def __init__(self, cost: Callable[[str, int], float]) -> None:
        self.cost = cost
        self.calls: list[tuple[str, int]] = []
        self.count = Counter[str]()

    def measure(self, contestant: Contestant, workload: str, n: int, /) -> Figures:
        """Say what it took."""
        self.calls.append((contestant.label, n))
        self.count[contestant.label] += 1
        seconds = self.cost(contestant.label, self.count[contestant.label]) * n
        return Figures(seconds, seconds)


class Listener:
    """Keeps what is said."""

    def __init__(self, told: list[str]) -> None:
        self.told = told

    def expect(self, steps: int, /) -> None:
        """Count on more measurements."""

    def step(self) -> None:
        """Note that one is done."""

    def tell(self, sentence: str, /) -> None:
        """Keep a sentence."""
        self.told.append(sentence)


def run(crew: Scripted, *, rounds: int = 4, attempts: int = 1, told: list[str] | None = None) -> dict[str, Row]:
    """Measure W1, and return the rows by name."""
    rows = measure(
        W1, [BASE, OURS, CONTROL], crew, Effort(rounds, 0.1, attempts), Listener([] if told is None else told)
    )
    return {row.peer: row for row in rows}


def steady(name: str, _: int) -> float:
    """Cost 20 µs, ours half of it."""
    return 10e-6 if name == "ours" else 20e-6


def test_contestants_take_turns() -> None:
    """What slows the machine for a while must slow all of them."""
    crew = Scripted(steady)
    run(crew, rounds=3)
    assert 3 * ["base", "ours", "base again"] == [name for name, _ in crew.calls][-9:]


def test_each_measurement_takes_the_time_that_was_asked_for() -> None:
    """Slow peers do less, so that a run has a bound."""
    crew = Scripted(steady)
    run(crew)
    assert {("base", 5000), ("ours", 10000), ("base again", 5000)} == set(crew.calls[-12:])


def test_items_come_in_whole_batches() -> None:
    """A workload that sends a thousand lines at once cannot do 1 234."""
    assert 2000 == W2.amount(1500.1)
    assert 1000 == W2.amount(0.3)


def test_the_row_tells_ratio_and_cost() -> None:
    """The table shows both."""
    row = run(Scripted(steady))["ours"]
    assert pytest.approx(2.0) == row.ratio.median
    assert pytest.approx(10.0) == row.cpu
    assert "" == row.unstable


def test_what_is_unstable_is_measured_again() -> None:
    """A machine that was busy at first may be quiet later."""
    crew = Scripted(lambda name, call: 30e-6 if name == "base again" and call < 8 else steady(name, call))
    assert "" == run(crew, attempts=3)["ours"].unstable


def test_what_is_stable_is_not_measured_again() -> None:
    """One peer with wide quartiles must not double the time of a run."""
    crew = Scripted(lambda name, call: 10e-6 * (1 + call % 2) if name == "other" else steady(name, call))
    contestants = [BASE, OURS, Contestant("other", "streams", "asyncio"), CONTROL]
    rows = measure(W1, contestants, crew, Effort(4, 0.1, 3), Listener([]))
    assert ["", "", "other", ""] == [row.unstable and row.peer for row in rows]
    assert crew.count["other"] == 3 * crew.count["ours"]


def test_what_stays_unstable_is_marked() -> None:
    """A ratio on a busy machine is worse than none."""
    crew = Scripted(lambda name, call: 30e-6 if name == "base again" else steady(name, call))
    rows = run(crew, attempts=2)
    assert all(row.unstable for row in rows.values())


def test_who_fails_is_left_out() -> None:
    """One broken peer must not end a run of a quarter of an hour."""

    def cost(name: str, call: int) -> float:
        if name == "ours":
            raise FailedError("ours died")
        return steady(name, call)

    told: list[str] = []
    assert {"base", "base again"} == set(run(Scripted(cost), told=told))
    assert ["W1 goes on without ours died"] == told


def test_who_fails_in_the_middle_is_left_out() -> None:
    """Its ratio would be one of fewer rounds."""

    def cost(name: str, call: int) -> float:
        if name == "ours" and call > 4:
            raise FailedError("ours died")
        return steady(name, call)

    assert {"base", "base again"} == set(run(Scripted(cost)))


def test_without_the_baseline_there_is_nothing() -> None:
    """There is nothing to compare with."""

    def cost(name: str, call: int) -> float:
        if name == "base":
            raise FailedError("base died")
        return steady(name, call)

    assert {} == run(Scripted(cost))
