"""An event loop whose clock is not that of the world: it jumps to the next thing that happens.

It implements `asyncio.AbstractEventLoop`, the interface that asyncio documents for loops of one's own, rather than
derive from `asyncio.SelectorEventLoop`: that keeps its timers in a heap where equal times come in any order, computes
its waits with rounding errors, and needs a pair of real sockets. Here equal times are first in, first out, the clock
takes the very values that were asked for, and nothing depends on what differs between Python's releases.
"""

import asyncio
import heapq
import itertools
import math
import random
import sys
import warnings
import weakref
from asyncio import events
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple, Unpack, cast

from ._doors import NetworkLoop
from ._errors import ReportingLoop
from ._handles import SimFuture, SimHandle, SimTask, SimTimer
from ._network import Network
from ._real import Guard
from ._settings import LinkSettings
from ._stuck import SimDeadlock, SimLivelock, describe
from ._threads import Threads

__all__ = ["SimLoop", "check_alone"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_MOST_TURNS_AT_ONCE = 100_000
"""How many turns the loop may take without any progress of the clock."""


def check_alone() -> None:
    """Demand that no event loop runs in this thread.

    Raises
    ------
    RuntimeError
        If one does.
    """
    if events._get_running_loop() is not None:  # pyright: ignore[reportPrivateUsage]  For loops.
        raise RuntimeError("an event loop is running already, and a simulation has one of its own: it cannot be inside")


class SimLoop(ReportingLoop, NetworkLoop):
    """An event loop with virtual time and a virtual network.

    Parameters
    ----------
    seed : int
        What all that is random follows from.
    settings : LinkSettings or None
        What links between hosts are like, until changed.
    max_turns : int
        How many turns one run may take.
    thread_timeout : float
        How long the loop waits for a function in a thread (seconds of real time).
    real_sockets : bool
        Whether the program may use sockets of the operating system.

    Attributes
    ----------
    seed : int
        As given.
    random : random.Random
        The one source of randomness; programs under test may use it too.
    network : Network
        The hosts and the links between them.
    """

    def __init__(
        self,
        seed: int = 0,
        settings: LinkSettings | None = None,
        *,
        max_turns: int = 1_000_000,
        thread_timeout: float = 30.0,
        real_sockets: bool = False,
    ) -> None:
        self.seed: int = seed
        self.random: random.Random = random.Random(seed)
        self._now = 0.0
        self._ready: deque[SimHandle | SimTimer] = deque()
        self._timers: list[tuple[float, int, SimTimer]] = []
        self._cancelled_timers = 0
        self._numbers = itertools.count(1)
        self._most_turns = max_turns
        self._turns = self._turns_at_once = 0
        self._running = self._stopping = self._closed = self._is_stuck = False
        self._task_factory: Any = None
        self._threads = Threads(self, thread_timeout)
        self._guard = Guard(refuses=not real_sockets)
        # In the order in which they began: a set would have that of their addresses.
        self._generators: weakref.WeakKeyDictionary[AsyncGenerator[Any, Any], None] = weakref.WeakKeyDictionary()
        self._settling = 0
        self._world = Context()
        self.network: Network = Network(self, self.random, settings or LinkSettings())

    # Time

    def time(self) -> float:
        """Return the virtual time (seconds since the loop was made)."""
        return self._now

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("Event loop is closed")

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> SimHandle:
        """Call something in the next turn."""
        if self._closed:
            self._check_open()
        handle = SimHandle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> SimHandle:
        """Call something in the next turn, from any thread."""
        handle = self.call_soon(callback, *args, context=context)
        self._threads.spoke()
        return handle

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> SimTimer:
        """Call something at a time (seconds on this clock); an infinite one never comes."""
        if self._closed:
            self._check_open()
        return self._schedule(SimTimer(when, callback, args, self, context))

    def call_later(
        self, delay: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> SimTimer:
        """Call something after a time (seconds)."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def world_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> SimTimer:
        """Call something at a time that is no timer of the program, but of the world around it."""
        return self._schedule(SimTimer(when, callback, args, self, context or self._world, False))

    def _schedule(self, timer: SimTimer) -> SimTimer:
        if math.isnan(timer.due):
            raise ValueError("a timer must be due at some time, not at nan")
        heapq.heappush(self._timers, (timer.due, next(self._numbers), timer))
        return timer

    def timer_was_cancelled(self) -> None:
        """Sweep timers out, once most of them are cancelled."""
        self._cancelled_timers += 1
        if self._cancelled_timers > 100 and 2 * self._cancelled_timers > len(self._timers):
            self._timers[:] = [one for one in self._timers if not one[2].is_cancelled]
            heapq.heapify(self._timers)
            self._cancelled_timers = 0

    def timers(self) -> list[SimTimer]:
        """Return the timers that the program has set and neither cancelled nor met, soonest first."""
        return [timer for _, _, timer in sorted(self._timers) if timer.is_program and not timer.is_cancelled]

    # Running

    def run_forever(self) -> None:
        """Run until `stop` is called.

        Raises
        ------
        SimDeadlock
            If nothing can happen any more; says what each task waits for.
        SimLivelock
            If things happen for ever.
        """
        self._check_open()
        check_alone()
        if self._running:
            raise RuntimeError("this event loop is running already, in another thread")
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=self._keep_generator, finalizer=self._finalize_generator)
        events._set_running_loop(self)  # pyright: ignore[reportPrivateUsage]  It is there for loops like this one.
        self._running = True
        self._turns = self._turns_at_once = 0
        try:
            with self._guard:
                self._take_turns()
        finally:
            self._running = self._stopping = False
            events._set_running_loop(None)  # pyright: ignore[reportPrivateUsage]
            sys.set_asyncgen_hooks(*hooks)

    def _take_turns(self) -> None:
        ready, timers = self._ready, self._timers
        next_ready, next_timer = ready.popleft, heapq.heappop
        while True:
            if not ready and not self._stopping:
                self._jump()
            now = self._now
            while timers and timers[0][0] <= now:
                timer = next_timer(timers)[2]
                if timer.is_cancelled:
                    self._cancelled_timers -= 1
                else:
                    ready.append(timer)
            self._turns_at_once += 1
            if self._turns_at_once > _MOST_TURNS_AT_ONCE:
                self._give_up(f"{_MOST_TURNS_AT_ONCE} turns of the loop at {now!r} s, and the clock stands still")
            for _ in range(len(ready)):
                handle = next_ready()
                if not handle.is_cancelled:
                    handle.run()
            if self._stopping:
                return

    def _jump(self) -> None:
        """Set the clock to what happens next."""
        if self._threads.are_busy:
            self._threads.wait(lambda: bool(self._ready))
            if self._ready:
                return
        timers = self._timers
        while timers and timers[0][2].is_cancelled:
            heapq.heappop(timers)
            self._cancelled_timers -= 1
        if not timers or timers[0][0] == math.inf:
            raise SimDeadlock(f"nothing can happen any more, at {self._now!r} s:\n{self._describe()}")
        if timers[0][0] > self._now:
            self._now = timers[0][0]
            self._turns += self._turns_at_once
            self._turns_at_once = 0
            if self._turns > self._most_turns:
                self._give_up(f"after {self._turns} turns of the loop, at {self._now!r} s, there is no end")

    def _give_up(self, reason: str) -> None:
        self._turns = self._turns_at_once = 0
        raise SimLivelock(f"{reason}:\n{self._describe()}")

    def _describe(self) -> str:
        return describe(asyncio.all_tasks(self)) + self.network.describe()

    def run_until_complete(self, future: Any) -> Any:
        """Run until a coroutine or future is done; return what it gives."""
        self._check_open()
        check_alone()
        is_new = not asyncio.isfuture(future)
        task: asyncio.Future[Any] = asyncio.ensure_future(future, loop=self)
        task.add_done_callback(self._stop_after)
        try:
            self.run_forever()
            if not task.done():
                raise RuntimeError("Event loop stopped before Future completed.")
            return task.result()
        except BaseException as e:
            if is_new and task.done() and not task.cancelled():
                task.exception()  # It is being raised already.
            if isinstance(e, SimDeadlock):
                self.abandon()
            if isinstance(e, Exception):
                e.add_note(
                    f"in a simulation with seed={self.seed}, at {self._now!r} s; the same seed runs the same again"
                )
            raise
        finally:
            task.remove_done_callback(self._stop_after)

    def _stop_after(self, task: "asyncio.Future[Any]") -> None:
        self.stop()

    def stop(self) -> None:
        """End `run_forever` after this turn."""
        self._stopping = True

    async def settle(self) -> None:
        """Let everything happen that is due now; several tasks that do so do not wait for each other."""
        now = self._now
        self._settling += 1
        try:
            # Each of the others that settle is ready in every turn.
            while self._now == now and (  # noqa: ASYNC110  There is no event to wait for.
                len(self._ready) >= self._settling or self._is_timer_due()
            ):
                await asyncio.sleep(0)
        finally:
            self._settling -= 1

    def _is_timer_due(self) -> bool:
        return bool(self._timers) and self._timers[0][0] <= self._now

    def is_running(self) -> bool:
        """Return whether it runs."""
        return self._running

    def is_closed(self) -> bool:
        """Return whether it was closed."""
        return self._closed

    def abandon(self) -> None:
        """Let `close` warn of nothing that is open: the program had no chance to close it."""
        self._is_stuck = True

    def close(self) -> None:
        """Drop everything that has not happened."""
        if self._running:
            raise RuntimeError("Cannot close a running event loop")
        self._closed = True
        self._ready.clear()
        self._timers.clear()
        self.network.forget(quietly=self._is_stuck)
        self._threads.abandon()

    # Futures and tasks

    def create_future(self) -> "asyncio.Future[Any]":
        """Make a future."""
        return SimFuture(self, next(self._numbers))

    def create_task(self, coro: Generator[Any, None, T] | Coroutine[Any, Any, T], **kwargs: Any) -> "asyncio.Task[T]":
        """Run a coroutine as a task."""
        if self._closed:
            coro.close()
            self._check_open()
        if self._task_factory is None:
            return SimTask(cast("Coroutine[Any, Any, T]", coro), loop=self, number=next(self._numbers), **kwargs)
        # As asyncio did before 3.13.3: factories of those days take no name.
        name, context = kwargs.pop("name", None), kwargs.pop("context", None)
        if context is not None:
            kwargs["context"] = context
        task: asyncio.Task[T] = self._task_factory(self, coro, **kwargs)
        if name is not None:
            task.set_name(name)
        return task

    def set_task_factory(self, factory: Any) -> None:
        """Let something else make tasks; the order of a set of them may differ between runs then."""
        if factory is not None and not callable(factory):
            raise TypeError(f"a task factory must be a callable or None, not {factory!r}")
        self._task_factory = factory

    def get_task_factory(self) -> Any:
        """Return what `set_task_factory` was given."""
        return self._task_factory

    # Asynchronous generators, threads

    def _keep_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._generators[generator] = None

    def _finalize_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._generators.pop(generator, None)
        if not self._closed:
            self.call_soon(self.create_task, generator.aclose())

    async def shutdown_asyncgens(self) -> None:
        """Close what is left of asynchronous generators."""
        left = list(self._generators)
        self._generators.clear()
        for generator in left:
            try:
                await generator.aclose()
            except Exception as e:  # noqa: BLE001  A generator may raise anything.
                self.call_exception_handler(
                    {"message": "an error occurred during closing of asynchronous generator", "exception": e}
                )

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> "asyncio.Future[T]":
        """Run a function in a thread. The clock stands still meanwhile."""
        self._check_open()

        def call() -> T:
            with self._guard:
                return func(*args)

        return self._threads.start(executor, call)

    def set_default_executor(self, executor: Any) -> None:
        """Let `run_in_executor` use something else."""
        if not isinstance(executor, ThreadPoolExecutor):
            raise TypeError(f"the default executor must be a ThreadPoolExecutor, not {executor!r}")
        self._threads.use(executor)

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for the threads of `run_in_executor`."""
        if not self._threads.shut_down(timeout):
            warnings.warn("the threads of the simulated loop did not end in time", RuntimeWarning, stacklevel=2)
