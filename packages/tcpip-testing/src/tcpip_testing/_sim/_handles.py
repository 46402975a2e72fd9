"""What the loop hands out: handles, and futures and tasks whose place in a set is the same in every run.

A set of ordinary tasks is iterated in the order of their addresses, so code that cancels "all of these" does it in
another order in each process. Here the hash of a future is its number.
"""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

__all__ = ["KernelTimer", "SimFuture", "SimHandle", "SimTask", "SimTimer"]

T = TypeVar("T")


class SimHandle(asyncio.Handle):
    """A callback that is due now."""

    run = asyncio.Handle._run


class SimTimer(asyncio.TimerHandle):
    """A callback that is due later; ``kernel`` tells a timer of the simulated kernel from one of the program."""

    kernel = False

    run = asyncio.Handle._run


class KernelTimer(SimTimer):
    """A timer of the simulated kernel, such as a segment on its way."""

    kernel = True


class SimFuture(asyncio.Future[T]):
    """A future with a number.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        Where it belongs.
    number : int
        Its hash.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, number: int) -> None:
        self._number = number
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self._number


class SimTask(asyncio.Task[T]):
    """A task with a number.

    Parameters
    ----------
    coro : coroutine
        What it runs.
    loop : asyncio.AbstractEventLoop
        Where it belongs.
    number : int
        Its hash.
    name : str or None
        Its name; None names it for its number.
    context : contextvars.Context or None
        What it runs in.
    **kwargs
        What later Pythons add.
    """

    def __init__(
        self,
        coro: Coroutine[Any, Any, T],
        *,
        loop: asyncio.AbstractEventLoop,
        number: int,
        name: str | None = None,
        context: Context | None = None,
        **kwargs: Any,
    ) -> None:
        self._number = number
        super().__init__(coro, loop=loop, name=name or f"task-{number}", context=context, **kwargs)

    def __hash__(self) -> int:
        return self._number
