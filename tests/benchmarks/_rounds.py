"""Measure contestants in turns: A B C, A B C, …; each round gives a ratio to the baseline of the same round."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.benchmarks._meter import Figures
from tests.benchmarks._statistics import Ratio, ratio, why_unstable
from tests.benchmarks._workers import Contestant, FailedError
from tests.benchmarks._workloads import Workload

__all__ = ["Audience", "Crew", "Effort", "Row", "measure"]


class Audience(Protocol):
    """Who follows what is done."""

    def expect(self, steps: int, /) -> None:
        """Count on more measurements."""
        ...

    def step(self) -> None:
        """Note that one is done."""
        ...

    def tell(self, sentence: str, /) -> None:
        """Hear what is left out, and why."""
        ...


class Crew(Protocol):
    """Who does the work."""

    processes: int
    allocator: str

    def measure(self, contestant: Contestant, workload: str, n: int, /) -> Figures:
        """Let a contestant do a workload, n times."""
        ...


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rounds: int
    seconds: float
    """CPU time that one measurement should take."""
    attempts: int
    """How often is measured who is not stable."""


@dataclass(frozen=True)
class Row:
    """What one contestant has reached in one workload; costs are medians over the rounds (microseconds an item)."""

    workload: str
    loop: str
    processes: int
    allocator: str
    peer: str
    baseline: str
    rounds: int
    items: int
    """How many made a round."""
    cpu: float
    best_cpu: float
    wall: float
    ratio: Ratio
    wall_ratio: Ratio
    unstable: str
    """Why it is not to be relied on; empty if it is."""


def measure(
    workload: Workload,
    contestants: Sequence[Contestant],
    crew: Crew,
    effort: Effort,
    audience: Audience,
) -> list[Row]:
    """Measure one workload, and again, as often as allowed, who was not stable.

    The first contestant is the baseline, and the last one its double, the control. Who cannot do it is left out.
    """
    baseline, *others, control = contestants
    found: dict[str, Row] = {}
    for _ in range(effort.attempts):
        whole = [baseline, *others, control]
        audience.expect(effort.rounds * len(whole))
        for row in _attempt(workload, whole, crew, effort, audience):
            if row.peer not in found or found[row.peer].unstable:
                found[row.peer] = row
        others = [one for one in others if one.label in found and found[one.label].unstable]
        if not others:
            break
    return [found[one.label] for one in contestants if one.label in found]


def _attempt(
    workload: Workload,
    contestants: Sequence[Contestant],
    crew: Crew,
    effort: Effort,
    audience: Audience,
) -> list[Row]:
    amounts: dict[Contestant, int] = {}
    found: dict[Contestant, list[Figures]] = {}
    for one in contestants:
        try:
            amounts[one], found[one] = calibrate(crew, one, workload, effort.seconds), []
        except FailedError as e:
            audience.tell(f"{workload.name} goes on without {e}")
    for _ in range(effort.rounds):
        for one in list(found):
            try:
                found[one].append(crew.measure(one, workload.name, amounts[one]))
            except FailedError as e:
                audience.tell(f"{workload.name} goes on without {e}")
                del found[one]
            audience.step()
    return _rows(workload, contestants, crew, amounts, found)


def calibrate(crew: Crew, one: Contestant, workload: Workload, seconds: float) -> int:
    """Find how many items take that long."""
    items = workload.amount(workload.first)
    while True:
        cpu = max(crew.measure(one, workload.name, items).cpu, 1e-6)
        if cpu >= seconds / 4:
            return workload.amount(items * seconds / cpu)
        items = workload.amount(items * min(10.0, seconds / cpu))


def _rows(
    workload: Workload,
    contestants: Sequence[Contestant],
    crew: Crew,
    amounts: dict[Contestant, int],
    found: dict[Contestant, list[Figures]],
) -> list[Row]:
    cpu = {one: [figures.cpu / amounts[one] * 1e6 for figures in rounds] for one, rounds in found.items()}
    wall = {one: [figures.wall / amounts[one] * 1e6 for figures in rounds] for one, rounds in found.items()}
    baseline, control = contestants[0], contestants[-1]
    if baseline not in found or control not in found:
        return []
    reference = ratio(cpu[baseline], cpu[control])
    rows: list[Row] = []
    for one, costs in cpu.items():
        compared = ratio(cpu[baseline], costs)
        row = Row(
            workload=workload.name,
            loop=one.loop,
            processes=crew.processes,
            allocator=crew.allocator,
            peer=one.label,
            baseline=baseline.label,
            rounds=len(costs),
            items=amounts[one],
            cpu=statistics.median(costs),
            best_cpu=min(costs),
            wall=statistics.median(wall[one]),
            ratio=compared,
            wall_ratio=ratio(wall[baseline], wall[one]),
            unstable=why_unstable(compared, reference),
        )
        rows.append(row)
    return rows
