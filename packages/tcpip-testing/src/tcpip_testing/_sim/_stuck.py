"""Runs that cannot go on: what is said about them, and what each task waits for."""

import asyncio
import types
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any

__all__ = ["SimDeadlock", "SimLivelock", "describe"]


class SimDeadlock(RuntimeError):  # noqa: N818  A deadlock is what it is.
    """Nothing can happen any more: no callback is ready, no timer runs, nothing is on its way."""


class SimLivelock(RuntimeError):  # noqa: N818
    """Callbacks call each other for ever, and the clock stands still."""


def describe(tasks: Iterable["asyncio.Task[Any]"]) -> str:
    """Say what each task waits for, one a line, in the order of their names."""
    lines = sorted(f"  {task.get_name()}: {' > '.join(_places(task)) or 'not started'}" for task in tasks)
    return "\n".join(lines) or "  (there is no task)"


def _places(task: "asyncio.Task[Any]") -> Iterator[str]:
    """Name the functions that a task is in, outermost first, and where the innermost one waits."""
    waiting: Any = task.get_coro()
    last = ""
    while waiting is not None:
        frame: types.FrameType | None = getattr(waiting, "cr_frame", None) or getattr(waiting, "gi_frame", None)
        if frame is None:
            break
        code = frame.f_code
        last = f" ({PurePath(code.co_filename).name}:{frame.f_lineno})"
        yield code.co_name
        waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "gi_yieldfrom", None)
    if last:
        yield f"waits{last}"
