"""What a reader waits for: like a future, but it resumes its task within the event that the task waits for.

The one place where code of users runs inside of a transport's event.
"""

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context
from types import NoneType
from typing import Any, NoReturn, cast

__all__ = ["Waiter"]

_NO_CONTEXT = Context()


def _end_loop(error: BaseException) -> NoReturn:
    raise error


class Waiter:
    """What one task at a time waits for, by ``await``; it can be used again and again.

    The task treats it like a future. Unlike a future it can resume the task within the very event that the task waits
    for, which saves a turn of the loop: the one place where code of users runs inside of a transport's event. That
    happens only where no task is running, in the task's own context, and never for a cancellation.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        Where the task runs.

    Attributes
    ----------
    is_busy : bool
        Whether a task waits, or was woken and did not run since.
    """

    __slots__ = ("__await__", "_asyncio_future_blocking", "_context", "_loop", "_wake_up", "is_busy", "result")

    __await__: Callable[..., Generator[Any, None, None]]

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # What marks a future for a task that is given one. The task takes the mark away.
        self._asyncio_future_blocking = True
        # Where the task looks if there is no method get_loop.
        self._loop = loop
        self._wake_up: Callable[[Waiter], object] | None = None
        self._context = _NO_CONTEXT
        self.is_busy = False
        # Called without arguments it returns None, as the result of a wait that has ended well.
        self.result: Callable[[], None] = NoneType
        # An iterator that gives the task this object and ends, without a frame of Python.
        self.__await__ = cast("Any", (self,).__iter__)

    @property
    def is_waited_for(self) -> bool:
        """Whether a task waits, and was neither woken nor cancelled yet."""
        return self._wake_up is not None

    def wake(self) -> None:
        """Resume the task that waits, if one does, before this returns; if a task is running, in the next turn."""
        wake_up = self._wake_up
        if wake_up is not None:
            self._wake_up = None
            self.is_busy = False
            try:
                self._context.run(wake_up, self)
            except RuntimeError:
                # A task is running, or what runs has its context; asyncio refused before it did anything.
                self.is_busy = True
                self._loop.call_soon(self._run, wake_up, context=self._context)
            except (KeyboardInterrupt, SystemExit) as e:
                # It ends the loop, not the link: within this event uvloop would take it for the transport's failure.
                self._loop.call_soon(_end_loop, e)

    def wake_soon(self) -> None:
        """Resume the task that waits, if one does, in the next turn of the loop."""
        wake_up, self._wake_up = self._wake_up, None
        if wake_up is not None:
            self._loop.call_soon(self._run, wake_up, context=self._context)

    def _run(self, wake_up: "Callable[[Waiter], object]") -> None:
        self.is_busy = False
        wake_up(self)

    # What a task asks of a future, ``result`` too, which it calls when it is resumed

    def add_done_callback(self, callback: "Callable[[Waiter], object]", *, context: Context) -> None:
        """Note what resumes the task that has begun to wait."""
        self._wake_up, self._context = callback, context
        self.is_busy = self._asyncio_future_blocking = True

    def cancel(self, msg: Any = None) -> bool:
        """Resume the task in the next turn, with a cancellation; return False if it was resumed before."""
        if self._wake_up is None:
            return False

        def result() -> None:
            self.result = NoneType
            raise asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg)

        self.result = result
        self.wake_soon()
        return True
