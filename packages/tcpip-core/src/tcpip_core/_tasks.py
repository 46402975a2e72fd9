"""Tasks that have an owner: whoever starts one here can name it, and ends it when its own time is over."""

import asyncio
import functools
import logging
from collections.abc import Callable, Coroutine, Iterator

__all__ = ["GRACE", "OwnedTasks", "done_future"]

GRACE = 0.2
"""How long a task may take to end after it was cancelled (seconds)."""


def done_future() -> "asyncio.Future[None]":
    """Return a future that is done: a task that has nothing to do."""
    future = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


class OwnedTasks:
    """The tasks of one client or server.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        Where they run.
    log : callable
        Returns the logger, read when needed because users replace it.
    """

    __slots__ = ("_log", "_loop", "_tasks")

    def __init__(self, loop: asyncio.AbstractEventLoop, log: Callable[[], logging.Logger]) -> None:
        self._loop = loop
        self._log = log
        # In the order in which they began: a set's order changes from run to run.
        self._tasks: dict[asyncio.Task[None], None] = {}

    def __iter__(self) -> Iterator[asyncio.Task[None]]:
        return iter(tuple(self._tasks))

    def __contains__(self, task: object) -> bool:
        return task in self._tasks

    def spawn(
        self, coro: Coroutine[object, object, None], name: str, *, failure_level: int = logging.ERROR
    ) -> asyncio.Task[None]:
        """Run a coroutine as a task of ours, from the next turn of the loop on; log its failure, if any.

        `asyncio.Task` itself, not ``create_task``: an eager task factory would run a subclass's ``start`` inside
        its half-done constructor.
        """
        task = asyncio.Task(coro, loop=self._loop, name=name)
        self._tasks[task] = None
        task.add_done_callback(functools.partial(self._ended, failure_level))
        return task

    def _ended(self, failure_level: int, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        if not self._tasks:
            self._tasks.clear()  # gives its memory back
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log().log(failure_level, "%s failed: %s", task.get_name(), error)
