"""Measure contestants in turns: A B C, A B C, …; each round gives a ratio to the baseline of the same round."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.benchmarks._meter import Figures
from tests.benchmarks._statistics import Ratio, ratio, why_unstable
from tests.benchmarks._workers import Contestant, FailedError
from tests.benchmarks._workloads import Workload

__all__ = ["Crew", "Effort", "Row", "measure"]


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
    """How often a workload is measured until all of it is stable."""


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
    control: Contestant,
    crew: Crew,
    effort: Effort,
    step: Callable[[], None],
    tell: Callable[[str], None],
) -> list[Row]:
    """Measure one workload until all is stable, or as often as allowed, and return the steadiest attempt.

    The first contestant is the baseline, and `control` its double; `step` is called after each measurement. Who
    cannot do it is left out, and `tell` is given a sentence.
    """
    best: list[Row] = []
    for attempt in range(effort.attempts):
        rows = _attempt(workload, [*contestants, control], crew, effort, step, tell)
        if not attempt or _unsteady(rows) < _unsteady(best):
            best = rows
        if not _unsteady(best):
            break
    return best


def _unsteady(rows: Sequence[Row]) -> int:
    return sum(bool(row.unstable) for row in rows)


def _attempt(
    workload: Workload,
    contestants: Sequence[Contestant],
    crew: Crew,
    effort: Effort,
    step: Callable[[], None],
    tell: Callable[[str], None],
) -> list[Row]:
    amounts: dict[Contestant, int] = {}
    found: dict[Contestant, list[Figures]] = {}
    for one in contestants:
        try:
            amounts[one], found[one] = calibrate(crew, one, workload, effort.seconds), []
        except FailedError as e:
            tell(f"{workload.name} goes on without {e}")
    for _ in range(effort.rounds):
        for one in list(found):
            try:
                found[one].append(crew.measure(one, workload.name, amounts[one]))
            except FailedError as e:
                tell(f"{workload.name} goes on without {e}")
                del found[one]
            step()
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
