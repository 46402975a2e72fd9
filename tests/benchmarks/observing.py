"""Measure what a recorder takes in, and what observing costs a link. Run it with::

    python -m tests.benchmarks.observing --rounds 7

W1 is a line of 64 bytes and its reply, W2 a stream of such lines in batches. Observed links and others take turns; the
figures are medians, times are of the processor: of the whole process, and of the thread of the event loop alone.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import logging
import os
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tcpip_core import DEFAULT_LOCALHOST, Client, LossReason, OneClientReadLoopServer
from tcpip_core.transcript import Data, Gap, Recorder, open_transcript

LINE = "x" * 62
TURNS, LINES, BATCH = 4000, 100_000, 500


@dataclass(frozen=True)
class Cost:
    """Processor time of one round, for each message (microseconds)."""

    process: float
    loop: float


class Echo(OneClientReadLoopServer):
    """Answers each line with itself."""

    async def read_and_dispatch(self) -> None:
        """Answer one line."""
        await self.write_str(await self.read_str())


class Sink(OneClientReadLoopServer):
    """Answers every batch of lines with one."""

    count = 0

    async def read_and_dispatch(self) -> None:
        """Take one line."""
        await self.read_str()
        self.count += 1
        if self.count % BATCH == 0:
            await self.write_str("ok")


async def ask(client: Client) -> int:
    """W1: one question after the other."""
    for _ in range(TURNS):
        await client.write_str(LINE)
        await client.read_str()
    return TURNS


async def stream(client: Client) -> int:
    """W2: batches of lines."""
    batch = f"{LINE}\r\n".encode() * BATCH
    for _ in range(LINES // BATCH):
        await client.write(batch)
        await client.read_str()
    return LINES


WORKLOADS: dict[str, tuple[type[OneClientReadLoopServer], Callable[[Client], Awaitable[int]]]] = {
    "W1": (Echo, ask),
    "W2": (Sink, stream),
}


async def measure(workload: str, path: Path | None) -> Cost:
    """Run a workload once; where there is a path, its client is recorded there."""
    log = logging.getLogger("bench")
    make, talk = WORKLOADS[workload]
    recorder = None if path is None else Recorder(path, max_file_size=2**28, keep=0)
    async with make(port=0, log=log) as server:
        async with Client(DEFAULT_LOCALHOST, server.port, log, observer=recorder) as client:
            await talk(client)  # to warm up
            begin = time.process_time(), time.thread_time()
            count = await talk(client)
            loop = time.thread_time() - begin[1]
            if recorder is not None:
                assert recorder.flush(60)
            process = time.process_time() - begin[0]
    if recorder is not None:
        recorder.close()
    return Cost(process / count * 1e6, loop / count * 1e6)


@contextmanager
def place() -> Iterator[Path]:
    """Give a file in a directory of its own."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory) / "bench.tcplog"


def print_cost(rounds: int, loops: dict[str, Callable[[], asyncio.AbstractEventLoop]]) -> None:
    """Print what observing costs."""
    print(f"{'':<12}{'not observed':>16}{'recorded':>16}{'ratio':>8}   (us of the loop's thread a message; process)")
    for name, factory in loops.items():
        for workload in WORKLOADS:
            plain: list[Cost] = []
            recorded: list[Cost] = []
            for _ in range(rounds):
                with asyncio.Runner(loop_factory=factory) as runner, place() as path:
                    plain.append(runner.run(measure(workload, None)))
                    recorded.append(runner.run(measure(workload, path)))
            a, b = (statistics.median(cost.loop for cost in costs) for costs in (plain, recorded))
            c, d = (statistics.median(cost.process for cost in costs) for costs in (plain, recorded))
            print(f"{name + ' ' + workload:<12}{a:>8.2f}{c:>8.2f}{b:>8.2f}{d:>8.2f}{b / a:>8.2f}")


def print_rate(events: int, suffix: str) -> None:
    """Print how many events a second a recorder takes in, and writes, without a link."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"bench{suffix}"
        recorder = Recorder(path)
        link = recorder.connected("client", "127.0.0.1:1", "127.0.0.1:2")
        data = f"{LINE}\r\n".encode()
        begin, processor = time.perf_counter(), time.process_time()
        for _ in range(events):
            link.received(data)
        put = time.perf_counter() - begin
        recorder.flush(60)
        written, processor = time.perf_counter() - begin, time.process_time() - processor
        link.ended(LossReason.CLOSED_HERE)
        recorder.close(60)
        with open_transcript(path) as reader:
            found = [event for event in reader if isinstance(event, Data | Gap)]
        missing = sum(event.events for event in found if isinstance(event, Gap))
        size = os.path.getsize(path) / events
    print(f"{suffix:<10}{events / put:>12.0f} events/s taken, {events / written:.0f} events/s written, ", end="")
    print(f"{processor / events * 1e6:.2f} us of processor each, {size:.0f} bytes each, {missing} missing")


def print_memory() -> None:
    """Print how much memory 64 MiB of payload need at most."""
    with place() as path:
        tracemalloc.start()
        with Recorder(path, max_backlog=4 * 2**20) as recorder:
            link = recorder.connected("client", "127.0.0.1:1", "127.0.0.1:2")
            for _ in range(1024):
                link.received(os.urandom(2**16))
                recorder.flush(60)
        print(f"memory over 64 MiB of payload: {tracemalloc.get_traced_memory()[1] / 2**20:.1f} MiB at most")
        tracemalloc.stop()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What a recorder takes in, and what observing costs.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--events", type=int, default=300_000)
    arguments = parser.parse_args()
    for suffix in (".tcplog", ".tcplog.gz"):
        print_rate(arguments.events, suffix)
    print_memory()
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    if importlib.util.find_spec("uvloop"):
        loops["uvloop"] = importlib.import_module("uvloop").new_event_loop
    print_cost(arguments.rounds, loops)


if __name__ == "__main__":
    main()
