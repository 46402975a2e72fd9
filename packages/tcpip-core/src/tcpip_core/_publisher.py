"""The user's connect callback: told each change once, in order, never two at a time, within a bound.

Rules of this file
------------------
* Changes alternate, so a count of those not told yet is all there is to keep; no peer can fill a queue.
* Only the publisher's own task calls the user; everybody else waits for it.
"""

import asyncio
import functools
import inspect
import logging
import warnings
from collections.abc import Callable
from typing import Protocol

from ._calls import Call, is_within
from ._tasks import GRACE, OwnedTasks
from ._waiting import resolve

__all__ = ["Publisher", "Told", "is_asynchronous", "warn_of_synchronous"]

_MOST_UNTOLD = 100
"""Most changes that wait to be told while a call is under way."""


def is_asynchronous(function: object) -> bool:
    """Return whether calling something gives an awaitable, as far as can be seen without a call.

    That is: a coroutine function or method, a partial of one, or an object whose ``__call__`` is one.
    """
    while isinstance(function, functools.partial):
        function = function.func
    call = getattr(type(function), "__call__", None)  # noqa: B004  Not whether it can be called, but how.
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call):
        return True
    # unittest.mock.AsyncMock is a plain object with the code flags of a coroutine function.
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    return isinstance(flags, int) and bool(flags & inspect.CO_COROUTINE)


class Told(Protocol):
    """The object whose user is told."""

    @property
    def callback(self) -> Callable[[], object] | None:
        """The user's callback, its argument bound; may return an awaitable."""
        ...

    def is_heard(self) -> bool:
        """Return whether anybody listens: there is a callback, or a ``call_connect_callback`` of a subclass."""
        ...

    def is_connected(self) -> bool:
        """Return whether there is a connection now."""
        ...

    async def tell(self) -> None:
        """Make a change known: by the object's ``call_connect_callback``, which ends in `Publisher.tell`."""
        ...


class Publisher:
    """Tells one callback whether its object is connected.

    Parameters
    ----------
    told : Told
        The object, which users know.
    timeout : float or None
        Bound of one call (seconds).
    tasks : OwnedTasks
        Where the publisher's task belongs.
    log : callable
        Returns the logger.
    """

    __slots__ = (
        "_calling",
        "_clock",
        "_finished",
        "_is_over",
        "_log",
        "_loop",
        "_outdated",
        "_step",
        "_task",
        "_tasks",
        "_telling",
        "_timeout",
        "_told",
        "_untold",
        "_who",
    )

    def __init__(self, told: Told, timeout: float | None, tasks: OwnedTasks, log: Callable[[], logging.Logger]) -> None:
        self._who = told
        self._timeout = timeout
        self._tasks = tasks
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._is_over = False
        # Changes that are told, or being told; how many of those are over; and what comes after them.
        self._told = 0
        self._finished = 0
        self._untold = 0
        self._step: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        # Marks the calls of `tell`, which users override, apart from those of their callback.
        self._telling = object()
        self._calling = False
        self._outdated: bool | None = None
        self._clock: asyncio.Timeout | None = None

    @property
    def outdated(self) -> bool | None:
        """What is being told, where it is not true any more and the caller is the callback; else None.

        A callback that is told of a loss must see "not connected", even if the next client is there already; and one
        that is told of a client which has left again must see "connected", or the two calls would look the same.
        """
        return self._outdated if self._outdated is not None and self._is_inside() else None

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The task that calls the user, while there is something to tell."""
        return self._task

    def _is_inside(self) -> bool:
        if self._task is None:
            return False
        return asyncio.current_task() is self._task or is_within(self) or is_within(self._telling)

    def note(self) -> None:
        """Note one change, from not connected to connected or back. It is told once somebody calls `kick`."""
        self._untold += 1
        if self._untold > _MOST_UNTOLD:
            # One connection that came and went: leaving it out keeps the order of the others.
            self._untold -= 2

    def kick(self) -> None:
        """Start telling, if there is something to tell and it was not stopped. Returns at once."""
        if self._task is not None or not self._untold or self._is_over:
            return
        if not self._who.is_heard():
            self._told, self._untold = self._told + self._untold, 0
            self._finish()
        else:
            self._task = self._tasks.spawn(self._run(), "connect callback")

    def hurry(self) -> None:
        """Cancel a call that is under way, as if its time were up, so that what comes after it can still be told."""
        if self._clock is not None and not self._clock.expired():
            self._clock.reschedule(self._loop.time())

    def stop(self) -> None:
        """Tell no more, and cancel a call that is under way."""
        self._is_over = True
        if self._task is not None:
            self._task.cancel()

    async def settled(self, unless: "asyncio.Future[None] | None" = None) -> None:
        """Return once all that was noted is told; at once if called by the callback, which cannot wait for itself.

        What is noted meanwhile is not waited for, or clients that come and go could hold up who waits; nor is a call
        that goes on after it was cancelled.

        Parameters
        ----------
        unless : asyncio.Future or None
            Stop waiting once this is done.
        """
        bound = None if self._timeout is None else self._timeout + GRACE
        others = set[asyncio.Future[None]]() if unless is None else {unless}
        last = self._told + self._untold
        while self._finished < last:
            self.kick()
            task, finished = self._task, self._finished
            if task is None or self._is_inside() or (unless is not None and unless.done()):
                return
            if self._step is None:
                self._step = self._loop.create_future()
            awaited = {task, self._step, *others}
            done, _ = await asyncio.wait(awaited, timeout=bound, return_when=asyncio.FIRST_COMPLETED)
            if not done and self._finished == finished:
                return

    async def _run(self) -> None:
        try:
            while self._untold:
                told = self._told
                try:
                    with Call(self._telling):
                        await self._who.tell()
                except Exception:  # noqa: BLE001  User code may raise anything.
                    self._log().exception("call_connect_callback failed")
                if self._told == told:
                    # A subclass replaced call_connect_callback, and knows now.
                    self._advance()
                self._finish()
        except asyncio.CancelledError:
            if not self._is_over:
                # A callback that cancelled its own task may have left something to tell.
                self._loop.call_soon(self.kick)
            raise
        finally:
            self._task = None
            self._finish()

    async def tell(self) -> None:
        """Make a change known: within the publisher's task tell one, elsewhere wait until all is told."""
        if self._is_inside() and not self._calling:
            await self._deliver()
        else:
            await self.settled()

    def _advance(self) -> bool:
        """Note the next change as told; return what it says."""
        self._untold -= 1
        self._told += 1
        return self._told % 2 == 1

    def _finish(self) -> None:
        """Let those who wait look whether what they wait for was told."""
        self._finished = self._told
        if self._step is not None:
            resolve(self._step)
            self._step = None

    async def _deliver(self) -> None:
        if not self._untold:
            return
        connected = self._advance()
        callback = self._who.callback
        if callback is None:
            return
        if connected != self._who.is_connected():
            self._outdated = connected
        self._calling = True
        clock = self._clock = asyncio.timeout(self._timeout)
        try:
            async with clock:
                with Call(self):
                    result = callback()
                    if inspect.isawaitable(result):
                        await result
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            self._log().error("the connect callback raised CancelledError by itself (connected=%s)", connected)
        except Exception as e:  # noqa: BLE001  User code may raise anything.
            if isinstance(e, TimeoutError) and clock.expired():
                self._log().error("the connect callback took too long and was cancelled (connected=%s)", connected)
            else:
                self._log().exception("the connect callback failed (connected=%s)", connected)
        finally:
            self._calling = False
            self._outdated = None
            self._clock = None


def warn_of_synchronous(who: object, callback: object) -> None:
    """Warn, where the user makes an object, that its callback should be a coroutine function."""
    level, frame = 2, inspect.currentframe()
    frame = None if frame is None else frame.f_back
    while frame is not None and frame.f_code.co_name == "__init__" and frame.f_locals.get("self") is who:
        level, frame = level + 1, frame.f_back
    warnings.warn(
        f"a connect_callback that is not a coroutine function is deprecated: write async def for {callback!r}",
        DeprecationWarning,
        stacklevel=level,
    )
