"""Run a coroutine in a simulation of its own, or in many."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias, TypeVar, Unpack, cast, overload

from ._loop import SimLoop, check_alone
from ._options import SimOptions, make_loop
from ._simulation import Simulation

__all__ = ["SimMain", "sim_run"]

T = TypeVar("T")

SimMain: TypeAlias = Callable[[Simulation], Coroutine[Any, Any, T]] | Callable[[], Coroutine[Any, Any, T]]
"""A coroutine function that is called with the `Simulation`, or without anything."""


@overload
def sim_run(
    main: SimMain[T] | Coroutine[Any, Any, T], *, seed: int = 0, seeds: None = None, **options: Unpack[SimOptions]
) -> T: ...


@overload
def sim_run(main: SimMain[T], *, seed: int = 0, seeds: int, **options: Unpack[SimOptions]) -> list[T]: ...


def sim_run(
    main: SimMain[T] | Coroutine[Any, Any, T],
    *,
    seed: int = 0,
    seeds: int | None = None,
    **options: Unpack[SimOptions],
) -> T | list[T]:
    """Run a coroutine in a simulation.

    Time is virtual: it jumps to the next thing that happens. All connections are made on a virtual network. When the
    coroutine has ended, tasks that are left are cancelled, oldest first.

    Parameters
    ----------
    main : coroutine function or coroutine
        What runs. A function with a required parameter is called with the `Simulation`; elsewhere
        `Simulation.current` returns it.
    seed : int
        What all that is random follows from. The same seed gives the same run, on every Python.
    seeds : int or None
        How many simulations to run one after the other, with the seeds from `seed` on. It needs a function: a coroutine
        runs once.
    **options
        What links are like: `latency`, `bandwidth`, `split`, `merge`, `segment_size`, `window`, `send_buffer`,
        `initial_window`, as for `LinkSettings`. Further: `max_turns`, how many turns of the loop a run may take
        (1 000 000); `thread_timeout`, how long it waits for a function in a thread (30 seconds of real time);
        `real_sockets`, whether the program may use the real network (False).

    Returns
    -------
    object
        What `main` returned; with `seeds` a list of that.

    Raises
    ------
    TypeError
        If there is no such argument, or `main` is none of the above; nothing has run.
    ValueError
        If an argument is out of its range; nothing has run.
    RuntimeError
        If an event loop is running in this thread; nothing has run.
    SimDeadlock
        If nothing can happen any more, and `main` has not ended; `SimLivelock` if there is no end.
    Exception
        What `main` raised. A note with the seed is added.
    """
    try:
        check_alone()
        make_loop(seed, options).close()
        start: Callable[[Simulation], Coroutine[Any, Any, T]] = _starter(main, seeds)
    except BaseException:
        if asyncio.iscoroutine(main):
            main.close()
        raise
    if seeds is None:
        return _run_once(start, make_loop(seed, options))
    return [_run_once(start, make_loop(number, options)) for number in range(seed, seed + seeds)]


def _starter(main: Any, seeds: Any) -> Callable[[Simulation], Coroutine[Any, Any, Any]]:
    """Return what makes a coroutine of `main`."""
    if seeds is not None and (not isinstance(seeds, int) or seeds < 1):
        raise ValueError(f"seeds must be 1 or more, and whole, not {seeds!r}")
    if asyncio.iscoroutine(main):
        if seeds is not None:
            raise TypeError("a coroutine runs once: with seeds, give the function that makes it")
        return lambda _: main
    if not callable(main):
        raise TypeError(f"main must be a coroutine function or a coroutine, not {main!r}")
    parameters = inspect.signature(main).parameters.values()
    kinds = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    required = [one for one in parameters if one.default is one.empty and one.kind in kinds]
    call = cast("Callable[..., Coroutine[Any, Any, Any]]", main)
    return call if required else lambda _: call()


def _run_once(start: Callable[[Simulation], Coroutine[Any, Any, T]], loop: SimLoop) -> T:
    try:
        result: T = loop.run_until_complete(start(Simulation(loop)))
    finally:
        _end(loop)
    return result


def _end(loop: SimLoop) -> None:
    """Cancel what is left, oldest first, and close the loop."""
    try:
        left = sorted(asyncio.all_tasks(loop), key=hash)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(_all_done(left))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


async def _all_done(tasks: "list[asyncio.Task[Any]]") -> None:
    """Wait for cancelled tasks, and report those that failed otherwise."""
    await asyncio.wait(tasks)
    loop = asyncio.get_running_loop()
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            message = "unhandled exception at the end of a simulation"
            loop.call_exception_handler({"message": message, "exception": error, "task": task})
