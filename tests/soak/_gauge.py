"""What a process holds: objects by type, descriptors, tasks, timers, memory; and how long its loop was kept busy."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Busy", "Holding", "descriptors", "growth", "hold", "left_behind", "memory", "new_loop", "timers"]

_PAGE = os.sysconf("SC_PAGE_SIZE")


def new_loop(name: str) -> asyncio.AbstractEventLoop:
    """Make an event loop of that kind."""
    if name == "uvloop":
        import uvloop

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


def memory() -> int:
    """Return the resident memory (bytes) without what glibc keeps for later; Linux only."""
    with contextlib.suppress(AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_bytes().split()[1]) * _PAGE


def descriptors() -> int:
    """Return how many descriptors are open; Linux only."""
    return len(os.listdir("/proc/self/fd")) - 1


def timers() -> tuple[str, ...]:
    """Describe the timers that are armed, of whichever loop."""
    handles: Iterator[Any] = (one for one in gc.get_objects() if type(one).__name__ == "TimerHandle")
    # uvloop's handle of a timer that has fired lives on for a while, and shows no callback.
    shown = (repr(one) for one in handles if not one.cancelled())
    return tuple(one for one in shown if not one.startswith(("<TimerHandle>", "<TimerHandle created")))


class Tally(Counter[str]):
    """How many objects there are of each type."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What a process holds at a moment (memory in bytes)."""

    objects: Tally
    descriptors: int
    tasks: int
    timers: tuple[str, ...]
    memory: int


async def hold() -> Holding:
    """Let what has ended go, and count what is left; what an earlier count has found does not count."""
    loop = asyncio.get_running_loop()
    # asyncio keeps cancelled timers until their time has come, or until there are many: let there be many.
    for _ in range(3):
        for _ in range(200):
            loop.call_later(3600, _nothing).cancel()
        await asyncio.sleep(0.01)
        gc.collect()
    found = Tally()
    for one in gc.get_objects():
        if type(one).__module__ != __name__:
            found[_type_name(one)] += 1
    return Holding(found, descriptors(), len(asyncio.all_tasks()), timers(), memory())


def _nothing() -> None: ...


def _type_name(one: object) -> str:
    kind = type(one)
    return f"{kind.__module__}.{kind.__qualname__}"


def growth(before: Holding, after: Holding) -> dict[str, int]:
    """Return by how many each type of object has grown, those alone that have."""
    grown = {kind: after.objects[kind] - before.objects[kind] for kind in after.objects}
    return {kind: more for kind, more in sorted(grown.items(), key=lambda pair: -pair[1]) if more > 0}


def left_behind(before: Holding, after: Holding) -> Iterator[str]:
    """Say what the system still gives us that it did not give us before."""
    for what in ("descriptors", "tasks"):
        left = getattr(after, what) - getattr(before, what)
        if left > 0:
            yield f"{left} {what} left"
    if len(after.timers) > len(before.timers):
        yield f"timers left: {', '.join(after.timers)}; there were: {', '.join(before.timers)}"


class Busy:
    """The longest time that the loop had no turn for a timer, not counting what other processes took.

    A machine that runs something else meanwhile delays a timer too; but then this thread has not worked.
    """

    def __init__(self, every: float = 0.005) -> None:
        self.longest = 0.0
        self._every = every
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._arm()

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._worked = time.thread_time()
        self._due = self._loop.time() + self._every
        self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        late = self._loop.time() - self._due
        worked = time.thread_time() - self._worked
        self.longest = max(self.longest, min(late, worked))
        self._arm()
