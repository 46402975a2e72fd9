"""Measure how long a loss takes to reach the callback while nobody reads.

The peer is a plain socket that sends FIN (``shutdown``) or RST (``close`` with linger 0); the clock runs from
just before that call until the connect callback is entered. Each round is a new connection. Run it with::

    python -m tests.benchmarks.loss_latency --rounds 1000
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib.util
import json
import logging
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict

import tcpip_core
from tests.benchmarks._losses import WARM_UP, summary
from tests.benchmarks._orders import LossRow
from tests.benchmarks.peers._on_asyncio import new_loop
from tests.support import IPV4, TIMEOUT, Listener, Peer

SIDES = ("client", "server")
ENDS = ("FIN", "RST")


class Clock:
    """A connect callback that stops a clock when it is told of a loss."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._up: asyncio.Future[None] = self._loop.create_future()
        self._down: asyncio.Future[float] = self._loop.create_future()

    async def callback(self, who: tcpip_core.BaseClientOrServer) -> None:
        """Note when the call came, before anything else."""
        now = time.perf_counter()
        if who.connected:
            self._up.set_result(None)
        else:
            self._down.set_result(now)

    async def measure(self, peer: Peer, end: str) -> float:
        """Let the peer go and return how long it took to be told (seconds)."""
        async with asyncio.timeout(TIMEOUT):
            await self._up
            await asyncio.sleep(0)
            began = time.perf_counter()
            if end == "FIN":
                peer.write_eof()
            else:
                peer.reset()
            told = await self._down
        peer.close()
        self._up, self._down = self._loop.create_future(), self._loop.create_future()
        return told - began


async def measure_client(end: str, rounds: int, step: Callable[[], None]) -> list[float]:
    """Lose that many clients, one after the other (seconds)."""
    log = logging.getLogger("loss_latency")
    listener = Listener(IPV4)
    found: list[float] = []
    try:
        for _ in range(rounds):
            clock = Clock()
            client = tcpip_core.Client(IPV4, listener.port, log, clock.callback)
            peer = await listener.accept()
            await client.start_task
            found.append(await clock.measure(peer, end))
            await client.close()
            step()
    finally:
        listener.close()
    return found


async def measure_server(end: str, rounds: int, step: Callable[[], None]) -> list[float]:
    """Let that many clients of one server go, one after the other (seconds)."""
    clock = Clock()
    log = logging.getLogger("loss_latency")
    found: list[float] = []
    async with tcpip_core.OneClientServer(IPV4, 0, log, clock.callback) as server:
        for _ in range(rounds):
            found.append(await clock.measure(Peer(IPV4, server.port), end))
            step()
    return found


def run(loop: str, side: str, end: str, rounds: int, step: Callable[[], None]) -> LossRow:
    """Measure one line of the table."""
    measure = measure_client if side == "client" else measure_server
    with asyncio.Runner(loop_factory=lambda: new_loop(loop)) as runner:
        gc.collect()
        seconds = runner.run(measure(end, WARM_UP + rounds, step))[WARM_UP:]
    return summary(loop, side, end, seconds)


class Progress:
    """How far the work is, on one line of a terminal; nothing elsewhere."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._shown = total, 0, -1
        self.label = ""

    def step(self) -> None:
        """Count one loss."""
        self._done += 1
        percent = 100 * self._done // self._total
        if sys.stderr.isatty() and percent != self._shown:
            self._shown = percent
            bar = "#" * (percent // 4)
            sys.stderr.write(f"\r{self.label:<20} [{bar:<25}] {percent:3} %")
            sys.stderr.flush()

    def end(self) -> None:
        """Clear the line."""
        if sys.stderr.isatty():
            sys.stderr.write("\r" + " " * 60 + "\r")


def table(rows: list[LossRow]) -> Iterator[str]:
    """Lay the rows out for people."""
    yield f"{'loop':<9}{'side':<9}{'end':<6}{'rounds':>7}{'p50':>10}{'p90':>10}{'p99':>10}{'worst':>10}  (microseconds)"
    for row in rows:
        figures = "".join(f"{one:>10.1f}" for one in (row.p50, row.p90, row.p99, row.worst))
        yield f"{row.loop:<9}{row.side:<9}{row.end:<6}{row.rounds:>7}{figures}"


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read and check the arguments; a wrong one ends the program with a sentence and status 2."""
    parser = argparse.ArgumentParser(prog="loss_latency", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", default="1000", metavar="N", help="losses per line of the table (default 1000)")
    parser.add_argument("--loop", choices=("asyncio", "uvloop", "both"), default="both", help="default: both")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    given = parser.parse_args(arguments)
    try:
        rounds = int(given.rounds)
    except ValueError:
        parser.error(f"--rounds must be a whole number, such as 1000, not {given.rounds!r}")
    if rounds < 1:
        parser.error(f"--rounds must be 1 or more, not {rounds}")
    given.rounds = rounds
    installed = importlib.util.find_spec("uvloop") is not None
    if given.loop == "uvloop" and not installed:
        parser.error("--loop uvloop needs uvloop, which is not installed: python -m pip install uvloop")
    if given.loop == "both":
        given.loops = ["asyncio", "uvloop"] if installed else ["asyncio"]
        if not installed:
            sys.stderr.write("uvloop is not installed and is left out\n")
    else:
        given.loops = [given.loop]
    return given


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and return the exit status."""
    given = parse(arguments)
    cases = [(loop, side, end) for loop in given.loops for side in SIDES for end in ENDS]
    progress = Progress(len(cases) * (WARM_UP + given.rounds))
    rows: list[LossRow] = []
    try:
        for loop, side, end in cases:
            progress.label = f"{loop} {side} {end}"
            rows.append(run(loop, side, end, given.rounds, progress.step))
    except KeyboardInterrupt:
        progress.end()
        sys.stderr.write("interrupted: what was measured so far follows\n")
    progress.end()
    if given.json:
        versions = {"python": platform.python_version(), "tcpip_core": tcpip_core.__version__}
        print(json.dumps({"unit": "microseconds", **versions, "rows": [asdict(row) for row in rows]}))
    else:
        print("\n".join(table(rows)))
    return 0 if len(rows) == len(cases) else 130


if __name__ == "__main__":
    sys.exit(main())
