"""How fast the simulation is: ``python -m tests.benchmarks.simulation``.

Each figure is one core's: a count divided by the CPU time of this process. The best of some rounds is printed, with the
median, because another program on the machine can only make a round slower.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import statistics
import sys
import time
from collections.abc import Callable

from tcpip_core import Client
from tcpip_testing import TestOneClientReadLoopServer
from tcpip_testing.sim import Simulation, sim_run
from tests.simulation._seeds import run_seeds

LOG = logging.getLogger("tcpip_benchmark")
TASKS, SLEEPS = 100, 1_000
LINES = 5_000
SEEDS = 200


def timers() -> int:
    """Let many tasks sleep; count the timers that were set and met. Each also wakes its task by a second callback."""

    async def sleep(number: int) -> None:
        for _ in range(SLEEPS):
            await asyncio.sleep(1 + number / TASKS)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(TASKS):
                group.create_task(sleep(number))

    sim_run(main)
    return TASKS * SLEEPS


def callbacks() -> int:
    """Let callbacks set each other off; count them."""
    count = TASKS * SLEEPS

    async def main(sim: Simulation) -> None:
        done = asyncio.Event()
        left = count

        def call() -> None:
            nonlocal left
            left -= 1
            if left:
                sim.loop.call_later(0.001, call)
            else:
                done.set()

        call()
        await done.wait()

    sim_run(main)
    return count


def segments() -> int:
    """Let asyncio's streams echo lines; count the events of the network: what arrived."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for line in reader:
            writer.write(line)
        writer.close()

    async def main(sim: Simulation) -> int:
        server = await asyncio.start_server(echo, "127.0.0.1", 5000)
        reader, writer = await asyncio.open_connection("127.0.0.1", 5000)
        for _ in range(LINES):
            writer.write(b"x" * 63 + b"\n")
            await reader.readline()
        writer.close()
        server.close()
        await sim.advance(1)
        return len(sim.events)

    return sim_run(main)


def heartbeats() -> int:
    """Let a client and a server of ours exchange heartbeats for an hour; count the hours."""

    async def main(sim: Simulation) -> None:
        async with TestOneClientReadLoopServer(port=0, log=LOG, run_heartbeat_monitor_task=True) as server:
            async with Client("127.0.0.1", server.port, LOG, run_heartbeat_send_task=True) as client:
                await sim.advance(3600)
                assert server.connected
                assert client.connected

    sim_run(main)
    return 1


def seeds() -> int:
    """Run the reliability model; count the seeds."""
    failed = run_seeds(range(SEEDS))
    assert not failed
    return SEEDS


FIGURES: dict[str, tuple[Callable[[], int], str]] = {
    "timers": (timers, "timers of sleeping tasks a second"),
    "callbacks": (callbacks, "scheduled callbacks a second"),
    "segments": (segments, "network events a second, echo over asyncio's streams"),
    "heartbeats": (heartbeats, "virtual hours of heartbeats a second"),
    "seeds": (seeds, "seeds of the reliability model a second"),
}


def measure(work: Callable[[], int], rounds: int) -> list[float]:
    """Do something some times; return how much of it was done a second of CPU time, each time."""
    rates: list[float] = []
    for _ in range(rounds):
        gc.collect()
        began = time.process_time()
        count = work()
        rates.append(count / (time.process_time() - began))
    return rates


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.simulation", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (default: 5)")
    parser.add_argument("--only", choices=FIGURES, help="measure one of them")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be 1 or more")
    print(f"simulation, Python {sys.version.split()[0]}, one core, best (median) of {options.rounds} rounds:")
    for name, (work, what) in FIGURES.items():
        if options.only in (None, name):
            work()
            rates = measure(work, options.rounds)
            print(f"  {max(rates):10,.1f} ({statistics.median(rates):10,.1f}) {what}")


if __name__ == "__main__":
    main()
