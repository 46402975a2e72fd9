"""Run seeds: one, with its faults shrunk where it fails, or many."""

from __future__ import annotations

import gc
import logging
import random
import sys
from dataclasses import dataclass, field
from typing import Any

from tcpip_testing.sim import Event, Simulation, sim_run

from ._faults import Fault, draw
from ._world import LOG, Cast, World

__all__ = ["Outcome", "explain", "run_block", "run_seed", "run_seeds", "shrink"]


@dataclass
class Outcome:
    """What came of one run."""

    seed: int
    faults: list[Fault]
    violations: list[str] = field(default_factory=list[str])
    events: list[Event] = field(default_factory=list[Event])
    digest: str = ""


class Complaints(logging.Handler):
    """Keeps what the library says of itself that must never be true."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "did not end" in record.msg or record.msg.endswith("failed: %s"):
            self.found.append(f"logged: {record.getMessage()}")


def run_seed(seed: int, faults: list[Fault] | None = None, cast: Cast | None = None) -> Outcome:
    """Run one seed, with its own faults or those given."""
    outcome = Outcome(seed, draw(random.Random(seed)) if faults is None else faults)
    complaints = Complaints()
    LOG.propagate, LOG.handlers = False, [complaints]
    LOG.setLevel(logging.ERROR)

    async def main(sim: Simulation) -> None:
        world = World(sim, seed, outcome.faults, cast or Cast())
        sim.loop.set_exception_handler(lambda _, context: outcome.violations.append(_describe(context)))
        try:
            await world.run()
        finally:
            outcome.violations += world.violations
            for subject in world.subjects:
                if not subject.done_task.done():
                    outcome.violations += subject.witness.violations
            outcome.events = sim.events
            outcome.digest = sim.digest()

    unraisable = sys.unraisablehook
    sys.unraisablehook = lambda args: outcome.violations.append(f"unraisable: {args.exc_value!r} in {args.object!r}")
    try:
        sim_run(main, seed=seed)
    except Exception as e:  # noqa: BLE001  Whatever ends a run is a finding.
        outcome.violations.append(f"{type(e).__name__}: {e}")
    finally:
        gc.collect(1)
        sys.unraisablehook = unraisable
        LOG.handlers = []
    outcome.violations += complaints.found
    return outcome


def _describe(context: dict[str, Any]) -> str:
    return f"in the loop's exception handler: {context.get('message')}: {context.get('exception')!r}"


def shrink(outcome: Outcome, cast: Cast | None = None) -> Outcome:
    """Drop faults from a failing run for as long as it fails."""
    index = 0
    while index < len(outcome.faults):
        fewer = outcome.faults[:index] + outcome.faults[index + 1 :]
        again = run_seed(outcome.seed, fewer, cast)
        if again.violations:
            outcome = again
        else:
            index += 1
    return outcome


def explain(outcome: Outcome) -> str:
    """Say what failed, with the faults that it takes, and how to see it again."""
    drawn = draw(random.Random(outcome.seed))
    kept = ",".join(str(drawn.index(one)) for one in outcome.faults) or "none"
    lines = [f"seed {outcome.seed} fails:", *(f"  {one}" for one in outcome.violations)]
    lines += ["with the faults", *(f"  {one}" for one in outcome.faults)]
    lines += [f"to see it: python -m tests.simulation --replay {outcome.seed} --faults {kept}"]
    return "\n".join(lines)


def run_seeds(seeds: range, cast: Cast | None = None) -> list[Outcome]:
    """Run seeds; return those that fail."""
    failed: list[Outcome] = []
    was_enabled = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for seed in seeds:
            outcome = run_seed(seed, cast=cast)
            if outcome.violations:
                failed.append(outcome)
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()
    return failed


def run_block(seeds: range) -> tuple[int, list[str]]:
    """Run seeds in a process of a pool; return how many, and what is to be said of those that fail."""
    return len(seeds), [explain(shrink(one)) for one in run_seeds(seeds)]
