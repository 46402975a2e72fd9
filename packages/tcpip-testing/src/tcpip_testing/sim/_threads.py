"""Functions that a program runs in threads: their work takes no virtual time.

Rules of this file
------------------
* While a function is at work the clock stands still.
* Its end is told when nothing else is due, the oldest first, so that one thread at a time gives the same run again.
* The loop waits for it for a bounded real time.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar

from ._stuck import SimDeadlock, describe

__all__ = ["Threads"]

T = TypeVar("T")


class Threads:
    """The functions that are at work in threads.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        Whose.
    patience : float
        How long the loop waits for a thread when nothing else is due (seconds of real time).
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, patience: float) -> None:
        self._loop = loop
        self._patience = patience
        self._default: Executor | None = None
        self._out: dict[Future[Any], asyncio.Future[Any]] = {}
        self._spoke = threading.Event()

    def use(self, executor: Executor) -> None:
        """Let functions run there, where no other executor is given."""
        self._default = executor

    def start(self, executor: Executor | None, call: Callable[[], T]) -> "asyncio.Future[T]":
        """Begin to run a function."""
        if executor is None:
            if self._default is None:
                self._default = ThreadPoolExecutor(thread_name_prefix="asyncio")
            executor = self._default
        result: asyncio.Future[T] = self._loop.create_future()
        work = executor.submit(call)
        self._out[work] = result
        work.add_done_callback(lambda _: self.spoke())
        result.add_done_callback(lambda done: done.cancelled() and work.cancel())
        return result

    @property
    def are_busy(self) -> bool:
        """Whether a function is at work, or its end was not told yet."""
        return bool(self._out)

    def spoke(self) -> None:
        """Wake the loop; from any thread."""
        self._spoke.set()

    def wait(self, is_ready: Callable[[], bool]) -> None:
        """Wait until one function is done, or something else is ready, as long as any is at work.

        Raises
        ------
        SimDeadlock
            If nothing is heard of any for too long: a function may wait for the clock, which waits for it.
        """
        while self._out:
            self._spoke.clear()
            done = next((work for work in self._out if work.done()), None)
            if done is not None:
                _tell(done, self._out.pop(done))
            if done is not None or is_ready():
                return
            if not self._spoke.wait(self._patience):
                raise SimDeadlock(
                    f"a function in a thread is at work for {self._patience} s, and virtual time waits for it; does it "
                    f"wait for virtual time?\n{describe(asyncio.all_tasks(self._loop))}"
                )

    def shut_down(self, timeout: float | None) -> bool:
        """Wait for all threads; return whether they ended in time (seconds of real time)."""
        executor, self._default = self._default, None
        if executor is None:
            return True
        helper = threading.Thread(target=executor.shutdown, name="executor shutdown", daemon=True)
        helper.start()
        helper.join(self._patience if timeout is None else timeout)
        return not helper.is_alive()

    def abandon(self) -> None:
        """Wait for nothing more."""
        self._out.clear()
        if self._default is not None:
            self._default.shutdown(wait=False)
            self._default = None


def _tell(work: "Future[Any]", result: "asyncio.Future[Any]") -> None:
    """Hand over what a function returned or raised, unless nobody wants it any more."""
    if result.done():
        return
    if work.cancelled():
        result.cancel()
    elif (error := work.exception()) is None:
        result.set_result(work.result())
    elif isinstance(error, StopIteration):
        # A coroutine cannot raise it.
        wrapped = RuntimeError("a function in a thread raised StopIteration")
        wrapped.__cause__ = error
        result.set_exception(wrapped)
    else:
        result.set_exception(error)
