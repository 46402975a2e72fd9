"""Run a coroutine in a simulation of its own."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ._link import LinkSettings
from ._loop import SimLoop
from ._network import Network
from ._trace import Event

__all__ = ["Simulation", "sim_run"]

T = TypeVar("T")


class Simulation:
    """What a coroutine that runs in a simulation can do with it.

    Parameters
    ----------
    loop : SimLoop
        Its loop.
    """

    def __init__(self, loop: SimLoop) -> None:
        self.loop = loop
        self.random = loop.random
        self.network: Network = loop.network

    @property
    def time(self) -> float:
        """The virtual time (seconds since the start)."""
        return self.loop.time()

    @property
    def events(self) -> list[Event]:
        """What happened on the network so far."""
        return self.network.log.events

    async def advance(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    async def settle(self) -> None:
        """Let everything happen that is due now."""
        now = self.time
        while self.loop.is_busy and self.time == now:  # noqa: ASYNC110  There is no event to wait for.
            await asyncio.sleep(0)


def sim_run(
    main: Callable[[Simulation], Coroutine[Any, Any, T]],
    *,
    seed: int = 0,
    settings: LinkSettings | None = None,
) -> T:
    """Run a coroutine function in a simulation, and return what it returns.

    Parameters
    ----------
    main : callable
        Called with the `Simulation`.
    seed : int
        What all that is random follows from. The same seed gives the same run.
    settings : LinkSettings or None
        What links between hosts are like.

    Returns
    -------
    object
        What `main` returned.

    Raises
    ------
    SimDeadlock
        If nothing can happen any more, and `main` has not ended.
    Exception
        What `main` raised; the seed is added as a note.
    """
    loop = SimLoop(seed, settings)
    try:
        result: T = loop.run_until_complete(main(Simulation(loop)))
    except Exception as e:
        e.add_note(f"in a simulation with seed={seed}, at {loop.time()!r} s")
        raise
    else:
        return result
    finally:
        _end(loop)


def _end(loop: SimLoop) -> None:
    """Cancel what is left, oldest first, and close the loop."""
    try:
        left = sorted(asyncio.all_tasks(loop), key=lambda task: task.get_name())
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
