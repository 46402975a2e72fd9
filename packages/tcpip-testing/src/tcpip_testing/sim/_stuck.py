"""Runs that cannot go on: what is said about them, and what each task waits for."""

import asyncio
import types
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any

__all__ = ["SimDeadlock", "SimLivelock", "describe"]


class SimDeadlock(RuntimeError):  # noqa: N818  A deadlock is what it is.
    """Nothing can happen any more, and the run has not ended.

    No callback is ready, no timer runs, nothing is on its way. The text says what each task waits for, and where.
    """


class SimLivelock(SimDeadlock):
    """Things happen for ever, and the run does not end.

    Either callbacks call each other while the clock stands still, or the run took more turns of the loop than it may.
    """


def describe(tasks: Iterable["asyncio.Task[Any]"]) -> str:
    """Say what each task waits for, one a line, in the order of their names."""
    lines = sorted(f"  {task.get_name()}: {' > '.join(_places(task)) or 'not started'}" for task in tasks)
    return "\n".join(lines) or "  (there is no task)"


def _places(task: "asyncio.Task[Any]") -> Iterator[str]:
    """Name the functions that a task is in, outermost first, and the lines where they wait."""
    waiting: Any = task.get_coro()
    while waiting is not None:
        frame: types.FrameType | None = getattr(waiting, "cr_frame", None) or getattr(waiting, "gi_frame", None)
        if frame is None:
            break
        code = frame.f_code
        yield f"{code.co_name} ({PurePath(code.co_filename).name}:{frame.f_lineno})"
        waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "gi_yieldfrom", None)
