"""The workers as the measuring program sees them: started, ordered, stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tests.benchmarks._meter import Figures
from tests.benchmarks._orders import Both, Drive, Failure, Listening, Order, Ready, Reply, Serve, Served

__all__ = ["ROOT", "Contestant", "Crew", "FailedError", "Worker"]

ROOT = Path(__file__).parents[2]
BOUND = 120.0
"""Longest that one order may take (seconds)."""

ReplyT = TypeVar("ReplyT", bound=Reply)


class FailedError(Exception):
    """A worker could not do what it was told."""


@dataclass(frozen=True)
class Contestant:
    """A peer as it takes part: under which name, on which loop, with which sources of ours."""

    label: str
    peer: str
    loop: str
    tree: Path = field(default=ROOT)


class Worker:
    """A process that holds a peer.

    Parameters
    ----------
    contestant : Contestant
        Which.
    allocator : {"warm", "cold"}
        Whether it frees a large block before anything else.
    """

    def __init__(self, contestant: Contestant, allocator: str) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            descriptor = str(theirs.fileno())
            command = [sys.executable, "-m", "tests.benchmarks.worker"]
            self._process = subprocess.Popen(
                [*command, contestant.peer, contestant.loop, allocator, descriptor, str(contestant.tree)],
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                env=environment(contestant.tree),
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for the one who measures
            )
        self._pipe = Connection(ours.detach())
        self.label = contestant.label
        try:
            ready = self.reply(Ready)
        except BaseException:
            self.stop()
            raise
        self.pid, self.versions = ready.pid, ready.versions

    def order(self, order: Order) -> None:
        """Tell the worker what to do."""
        self._pipe.send(order)

    def reply(self, kind: type[ReplyT]) -> ReplyT:
        """Wait for the reply."""
        if not self._pipe.poll(BOUND):
            raise FailedError(f"{self.label} said nothing for {BOUND:.0f} s")
        try:
            reply: Reply = self._pipe.recv()
        except (EOFError, ConnectionError):
            raise FailedError(f"{self.label} died") from None
        if isinstance(reply, Failure):
            raise FailedError(f"{self.label}: {reply.why}")
        if not isinstance(reply, kind):
            raise FailedError(f"{self.label} said {reply!r}")
        return reply

    def ask(self, order: Order, kind: type[ReplyT]) -> ReplyT:
        """Tell the worker what to do, and wait for the reply."""
        self.order(order)
        return self.reply(kind)

    def stop(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def environment(tree: Path) -> dict[str, str]:
    """Give the environment in which a worker imports our packages from a source tree."""
    places = [*map(str, sorted(tree.glob("packages/*/src"))), str(ROOT)]
    # The same order of sets and dicts for all; no switch of the allocator or of development from outside.
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "MALLOC_"))}
    return {**kept, "PYTHONPATH": os.pathsep.join(places), "PYTHONHASHSEED": "0"}


class Crew:
    """The workers of some contestants.

    Warm, a worker lives as long as the crew. Cold, each measurement gets a new one: what a program has that has
    just begun, until its first connection ends: that frees a large block by itself.

    The two processes of a contestant have a core each, where there are two.
    """

    def __init__(self, processes: int, allocator: str) -> None:
        self.processes, self.allocator = processes, allocator
        self._cores = sorted(os.sched_getaffinity(0))
        self.workers: dict[Contestant, list[Worker]] = {}
        self.versions: dict[str, str] = {}

    def measure(self, contestant: Contestant, workload: str, n: int) -> Figures:
        """Let a contestant do a workload."""
        keep = False
        try:
            figures = self._ask(self._of(contestant), workload, n)
            keep = self.allocator == "warm"
        finally:
            if not keep:
                self.dismiss(contestant)
        return figures

    def _ask(self, workers: list[Worker], workload: str, n: int) -> Figures:
        if self.processes == 1:
            return workers[0].ask(Both(workload, n), Figures)
        client, server = workers
        port = server.ask(Serve(workload, n), Listening).port
        figures = client.ask(Drive(workload, n, port, server.pid), Figures)
        server.reply(Served)
        return figures

    def _of(self, contestant: Contestant) -> list[Worker]:
        workers = self.workers.setdefault(contestant, [])
        while len(workers) < self.processes:
            worker = Worker(contestant, self.allocator)
            workers.append(worker)
            self.versions.update(worker.versions)
            if self.processes == 2 and len(self._cores) > 1:
                # Else the scheduler puts them on one core or on two, as it likes, at very different costs.
                os.sched_setaffinity(worker.pid, {self._cores[len(workers) - 1]})
        return workers

    def dismiss(self, contestant: Contestant) -> None:
        """Stop the workers of a contestant."""
        for worker in self.workers.pop(contestant, ()):
            worker.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for contestant in list(self.workers):
            self.dismiss(contestant)
