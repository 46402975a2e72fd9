"""Each await of an operation: the moments at which something may happen to it.

An operation is driven by hand, from one await to the next. At one of them something strikes: a cancellation, an RST,
a close. It strikes either while the operation waits, or at the moment when what it waited for has come and it was not
resumed yet, which is where most code that cannot be cancelled is caught.
"""

import asyncio
import types
from collections.abc import Awaitable, Callable, Generator, Iterator
from typing import Any, TypeVar, cast

__all__ = ["Moment", "every_await"]

T = TypeVar("T")

_MOST = 200
"""How many awaits are tried: an operation that has more is one that goes round in circles."""


class Moment:
    """One await of an operation.

    Parameters
    ----------
    number : int
        Which, counted from 0.
    wakes : bool
        Whether it is the moment when the wait is over; otherwise that when it begins.
    """

    def __init__(self, number: int, *, wakes: bool) -> None:
        self._number = number
        self._wakes = wakes
        self.was_reached: bool = False

    def __str__(self) -> str:
        return f"at its await number {self._number + 1}, {'as it was about to go on' if self._wakes else 'waiting'}"

    async def of(self, operation: Awaitable[T], strike: Callable[[], object]) -> T:
        """Await an operation, and strike at this moment of it.

        Parameters
        ----------
        operation : awaitable
            What is awaited.
        strike : callable
            Called in a turn of the loop of its own; not at all if the operation has fewer awaits.

        Returns
        -------
        object
            What the operation returned.
        """

        async def whole() -> T:
            return await operation

        loop = asyncio.get_running_loop()

        def strikes(_: object) -> None:
            strike()

        def begins(number: int, waits_for: object) -> None:
            if number == self._number:
                self.was_reached = True
                if not self._wakes:
                    loop.call_soon(strike)
                elif isinstance(waits_for, asyncio.Future):  # What only looks like one may take one callback.
                    cast("asyncio.Future[object]", waits_for).add_done_callback(strikes)

        result: T = await _driven(whole(), begins)
        return result

    async def cancels(self, operation: Awaitable[T]) -> "T | None":
        """Await an operation, and cancel it at this moment.

        Parameters
        ----------
        operation : awaitable
            What is awaited.

        Returns
        -------
        object
            What the operation returned, or None if it was cancelled.
        """

        def cancel() -> None:
            task.cancel()

        task = asyncio.get_running_loop().create_task(self.of(operation, cancel))
        await asyncio.wait({task})
        return None if task.cancelled() else task.result()


@types.coroutine
def _driven(coroutine: Any, begins: Callable[[int, object], None]) -> Generator[Any, Any, Any]:
    """Drive a coroutine, and tell of each of its awaits before it waits."""
    number = 0
    step, value = coroutine.send, None
    while True:
        try:
            waits_for = step(value)
        except StopIteration as e:
            return e.value
        begins(number, waits_for)
        number += 1
        try:
            step, value = coroutine.send, (yield waits_for)
        except BaseException as e:  # noqa: BLE001  It is for the operation to deal with.
            step, value = coroutine.throw, e


def every_await() -> Iterator[Moment]:
    """Give one moment after the other, until one was given that was not reached.

    Yields
    ------
    Moment
        The next one; use it for an operation of its own.

    Raises
    ------
    AssertionError
        If there is no end.
    """
    for number in range(_MOST):
        waiting, waking = Moment(number, wakes=False), Moment(number, wakes=True)
        yield waiting
        yield waking
        if not waiting.was_reached:
            return
    raise AssertionError(f"the operation has more than {_MOST} awaits")
