"""From a request to a result: who takes part, in which order, and what is said of those who cannot."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from tests.benchmarks import _machine
from tests.benchmarks._arguments import Request
from tests.benchmarks._compare import describe
from tests.benchmarks._orders import Idle, IdleFigures, LossRow
from tests.benchmarks._orders import Losses as MeasureLosses
from tests.benchmarks._progress import Watcher
from tests.benchmarks._result import IdleRow, Losses, Result, control_of
from tests.benchmarks._rounds import measure
from tests.benchmarks._workers import ROOT, Contestant, Crew, FailedError, Worker
from tests.benchmarks._workloads import IDLE, LOSSES, SPEED
from tests.benchmarks.peers import PEERS

__all__ = ["Run"]

OURS = "ours"
FULL_IDLE = Idle(pairs=100, seconds=5, memory_pairs=1000, beside=(1, 100, 1000), round_trips=2000)
QUICK_IDLE = Idle(pairs=100, seconds=0.5, memory_pairs=100, beside=(1, 100), round_trips=300)
LOSS_ROUNDS, QUICK_LOSS_ROUNDS = 1000, 100
ENDS = ("FIN", "RST")


class Run:
    """One run of the benchmarks.

    Parameters
    ----------
    request : Request
        What is asked for.
    watcher : Watcher
        Who is told.
    revision : tuple of str and Path, optional
        Name and sources of the revision that the working tree is compared with.
    """

    def __init__(self, request: Request, watcher: Watcher, revision: tuple[str, Path] | None = None) -> None:
        self._request, self._watcher, self._revision = request, watcher, revision
        settings: dict[str, object] = dataclasses.asdict(request)
        del settings["output"]
        made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        self.result = Result(made, _machine.describe(), settings, {"tcpip-core": describe()})

    def measure(self) -> None:
        """Measure all that is asked for, into `result`."""
        cast = {loop: list(self._present(self._cast(loop))) for loop in self._request.loops}
        self._speed({loop: contestants for loop, contestants in cast.items() if contestants})
        if IDLE in self._request.workloads:
            self._idle([one for contestants in cast.values() for one in contestants if PEERS[one.peer].does(IDLE)])
        if LOSSES in self._request.workloads:
            self._losses([one for contestants in cast.values() for one in contestants if PEERS[one.peer].does(LOSSES)])

    # Who takes part

    def _cast(self, loop: str) -> Iterator[Contestant]:
        """List who takes part on a loop, the baseline first."""
        if importlib.util.find_spec(loop) is None:
            self._watcher.tell(f"{loop} is not installed and is left out (python -m pip install {loop})")
            return
        if self._revision is not None:
            name, tree = self._revision
            yield Contestant(name, OURS, loop, tree)
            yield Contestant("working tree", OURS, loop, ROOT)
            return
        for name in self._request.peers:
            info = PEERS[name]
            if info.is_missing:
                self._watcher.tell(
                    f"{info.title} is left out: {info.package} is not installed (python -m pip install {info.package})"
                )
            elif loop in info.loops:
                yield Contestant(name, name, loop)

    def _present(self, contestants: Iterator[Contestant]) -> Iterator[Contestant]:
        """Leave out who cannot even begin; of the baseline's loop everybody, if it is the baseline."""
        for number, one in enumerate(contestants):
            try:
                with Worker(one, "warm") as worker:
                    self.result.versions.update(worker.versions)
            except FailedError as e:
                self._watcher.tell(f"the run goes on without {e}")
                if not number:
                    return
            else:
                yield one

    # What is measured

    def _speed(self, cast: dict[str, list[Contestant]]) -> None:
        for part in self._request.parts:
            for loop, contestants in cast.items():
                with Crew(part.processes, part.allocator) as crew:
                    for workload in part.workloads:
                        self._watcher.label(f"{workload} {loop} {part.processes} {part.allocator}")
                        self._measure(workload, contestants, crew)

    def _measure(self, workload: str, contestants: list[Contestant], crew: Crew) -> None:
        able = [one for one in contestants if PEERS[one.peer].does(workload)]
        able.append(dataclasses.replace(able[0], label=control_of(able[0].label)))
        self.result.speed += measure(SPEED[workload], able, crew, self._request.effort, self._watcher)

    def _idle(self, contestants: list[Contestant]) -> None:
        order = QUICK_IDLE if self._request.quick else FULL_IDLE
        self._watcher.expect(len(contestants))
        for one in contestants:
            self._watcher.label(f"{IDLE} {one.loop} {one.label}")
            try:
                with Worker(one, "warm") as worker:
                    self.result.idle.append(IdleRow(one.label, one.loop, worker.ask(order, IdleFigures)))
            except FailedError as e:
                self._watcher.tell(f"{IDLE} goes on without {e}")
            self._watcher.step()

    def _losses(self, contestants: list[Contestant]) -> None:
        rounds = QUICK_LOSS_ROUNDS if self._request.quick else LOSS_ROUNDS
        for one in contestants:
            sides = ("client", "server") if one.peer == OURS else ("client",)
            self._watcher.expect(len(sides) * len(ENDS))
            try:
                with Worker(one, "warm") as worker:
                    for side, end in product(sides, ENDS):
                        self._watcher.label(f"{LOSSES} {one.loop} {one.label} {side} {end}")
                        row = worker.ask(MeasureLosses(one.loop, side, end, rounds), LossRow)
                        self.result.losses.append(Losses(one.label, row))
                        self._watcher.step()
            except FailedError as e:
                self._watcher.tell(f"{LOSSES} goes on without {e}")
