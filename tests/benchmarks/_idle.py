"""What links cost over which nothing is said: wake-ups, CPU, memory; and what they add to a message on another link.

Everything is asked of the operating system, in the same way for every peer and loop; Linux only. A wake-up is a
voluntary context switch: the process had gone to sleep in `select`, `epoll_wait` or the like, and went on. The memory
is that of the whole process (resident pages), over many pairs, because much of it is not on Python's own heap.
"""

from __future__ import annotations

import gc
import os
import re
import resource
import statistics
import time
from functools import partial
from pathlib import Path

from tests.benchmarks._meter import Meter
from tests.benchmarks._orders import Idle, IdleFigures
from tests.benchmarks.peers._peer import AsyncPeer

__all__ = ["measure"]

SETTLE = 0.1
"""Time for what connecting has set off (seconds)."""
WARM_UP_PAIRS = 20
REPEATS = 3
"""How often a message's cost is measured each time that so many idle links are held; the median of all counts."""

_PAGE = os.sysconf("SC_PAGE_SIZE")


def measure(peer: AsyncPeer, order: Idle) -> IdleFigures:
    """Hold idle pairs and measure."""
    allow_descriptors()
    memory = peer.run(partial(memory_of, peer, order.memory_pairs))
    wakeups, cpu = peer.run(partial(activity_of, peer, order.pairs, order.seconds))
    costs: dict[int, list[float]] = {links: [] for links in order.beside}
    # There and back, so that what drifts meanwhile, drifts for all.
    for links in [*order.beside, *reversed(order.beside)]:
        costs[links] += peer.run(partial(costs_beside, peer, links, order.round_trips))
    return IdleFigures(wakeups, cpu, memory, {links: statistics.median(found) for links, found in costs.items()})


def allow_descriptors() -> None:
    """Allow as many descriptors as the system lets us."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def memory_of(peer: AsyncPeer, pairs: int) -> float:
    """Return what a pair takes (KiB)."""
    async with peer.idle_pairs(WARM_UP_PAIRS):
        await peer.sleep(SETTLE)
        gc.collect()
        before = resident()
        async with peer.idle_pairs(pairs):
            await peer.sleep(SETTLE)
            gc.collect()
            return (resident() - before) / pairs / 1024


async def activity_of(peer: AsyncPeer, pairs: int, seconds: float) -> tuple[float, float]:
    """Return the wake-ups each second and the CPU time (ms each second) of idle pairs."""
    async with peer.idle_pairs(pairs):
        await peer.sleep(SETTLE)
        before = switches()
        began = time.process_time()
        await peer.sleep(seconds)
        cpu = time.process_time() - began
        # The end of this sleep was a wake-up too.
        wakeups = max(0, switches() - before - 1)
    return wakeups / seconds, cpu / seconds * 1e3


async def costs_beside(peer: AsyncPeer, links: int, round_trips: int) -> list[float]:
    """Measure the CPU time of a round trip beside idle links, several times (microseconds)."""
    costs: list[float] = []
    async with peer.idle_pairs(links):
        await peer.sleep(SETTLE)
        for _ in range(REPEATS):
            gc.collect()
            meter = Meter()
            async with peer.serving("W1", round_trips) as port:
                await peer.client("W1", round_trips, port, meter)
            assert meter.figures is not None
            costs.append(meter.figures.cpu / round_trips * 1e6)
    return costs


def resident() -> int:
    """Return the resident memory (bytes)."""
    return int(Path("/proc/self/statm").read_bytes().split()[1]) * _PAGE


def switches() -> int:
    """Return how often this process has gone to sleep."""
    found = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None, "/proc/self/status shows no context switches"
    return int(found[1])
