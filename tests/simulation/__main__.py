"""Simulate: ``python -m tests.simulation --seeds 100000`` runs many seeds, ``--replay SEED`` shows one."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import time

from tests.arguments import count

from ._faults import draw
from ._seeds import explain, run_block, run_seed

BLOCK = 200
"""How many seeds are given to a process at a time."""


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=count, default=2_000, help="how many seeds (default: 2000)")
    parser.add_argument("--start", type=int, default=0, help="the first of them (default: 0)")
    parser.add_argument(
        "--jobs", type=count, default=os.cpu_count() or 1, help="how many processes (default: one a core)"
    )
    parser.add_argument("--replay", type=int, metavar="SEED", help="run one seed and print what happens")
    parser.add_argument("--faults", help="with --replay: which of its faults, such as 0,3,7 or none (default: all)")
    options = parser.parse_args(arguments)
    return replay(options.replay, options.faults) if options.replay is not None else many(options)


def replay(seed: int, which: str | None) -> int:
    """Run one seed and print its trace."""
    drawn = draw(random.Random(seed))
    if which is not None:
        drawn = [] if which == "none" else [drawn[int(number)] for number in which.split(",")]
    outcome = run_seed(seed, drawn)
    for event in outcome.events:
        print(event)
    print(f"{len(outcome.events)} events, digest {outcome.digest}")
    print(explain(outcome) if outcome.violations else f"seed {seed} holds all promises")
    return bool(outcome.violations)


def many(options: argparse.Namespace) -> int:
    """Run many seeds in several processes."""
    end = options.start + options.seeds
    blocks = [range(first, min(first + BLOCK, end)) for first in range(options.start, end, BLOCK)]
    began, done, failed = time.perf_counter(), 0, 0
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for count, findings in pool.imap(run_block, blocks):
            done += count
            failed += len(findings)
            for finding in findings:
                print(finding, flush=True)
            rate = done / (time.perf_counter() - began)
            print(f"\r{done}/{options.seeds} seeds, {failed} fail, {rate:.0f} seeds/s", end="", flush=True)
    seconds = time.perf_counter() - began
    print(
        f"\n{done} seeds on Python {sys.version.split()[0]} with {options.jobs} processes: {failed} fail, "
        f"{done / seconds:.0f} seeds/s ({done / seconds / options.jobs:.0f} a process)"
    )
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
