"""Work in parcels over all cores, with progress; stops at a time limit, at the first finding, or at Ctrl-C."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from typing import TypeVar

__all__ = ["Progress", "in_parallel"]

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")


def in_parallel(
    work: Callable[[JobT], ResultT], jobs: Iterable[JobT], *, minutes: float | None = None, processes: int | None = None
) -> Generator[ResultT, None, None]:
    """Give the results as they come; no job begins once the minutes are over.

    Workers are new processes, not forks, so that each begins alike whatever the parent has done.
    """
    end = None if minutes is None else time.monotonic() + 60 * minutes
    count = processes or os.cpu_count() or 1
    waiting = iter(jobs)
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            running: set[Future[ResultT]] = {pool.submit(work, job) for job in islice(waiting, 2 * count)}
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                if end is None or time.monotonic() < end:
                    running |= {pool.submit(work, job) for job in islice(waiting, len(done))}
                for one in done:
                    yield one.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class Progress:
    """How far the work is: a line that changes on a terminal, elsewhere a new one every ten seconds."""

    def __init__(self, total: int, what: str) -> None:
        self.done = 0
        self._total, self._what = total, what
        self._began = self._shown = time.monotonic()
        self._is_terminal = sys.stderr.isatty()

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return time.monotonic() - self._began

    @property
    def rate(self) -> float:
        """How much was done each second."""
        return self.done / max(self.seconds, 1e-9)

    def step(self, count: int) -> None:
        """Count what was done."""
        self.done += count
        now = time.monotonic()
        if now - self._shown >= (0.2 if self._is_terminal else 10):
            self._shown = now
            left = max(0, self._total - self.done) / max(self.rate, 1e-9)
            text = f"{self.done:,} of {self._total:,} {self._what}, {self.rate:,.0f}/s, {left:.0f} s to go"
            sys.stderr.write(f"\r{text:<78}" if self._is_terminal else f"{text}\n")
            sys.stderr.flush()

    def end(self) -> None:
        """Clear the line."""
        if self._is_terminal:
            sys.stderr.write("\r" + " " * 78 + "\r")
