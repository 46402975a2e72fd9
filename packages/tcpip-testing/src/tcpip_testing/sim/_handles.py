"""What the loop hands out: handles, and futures and tasks whose place in a set is the same in every run.

A set of ordinary tasks is iterated in the order of their addresses, so code that cancels "all of these" does it in
another order in each process. Here the hash of a future is its number.

Handles keep a state of their own rather than asyncio's: a run makes hundreds of thousands of them.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any, Protocol, TypeVar

__all__ = ["HandleLoop", "SimFuture", "SimHandle", "SimTask", "SimTimer"]

T = TypeVar("T")


class HandleLoop(Protocol):
    """What handles ask of their loop."""

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Tell of an error that nobody caught."""
        ...

    def timer_was_cancelled(self) -> None:
        """Note that a timer will not run."""
        ...


class _Call:
    """A callback with its arguments and context."""

    __slots__ = ()

    call: Callable[..., object]
    arguments: tuple[Any, ...]
    home: HandleLoop
    context: Context
    is_cancelled: bool

    def __repr__(self) -> str:
        state = " cancelled" if self.is_cancelled else ""
        return f"<{type(self).__name__}{state} {getattr(self.call, '__qualname__', self.call)}>"

    def cancelled(self) -> bool:
        """Return whether it was cancelled."""
        return self.is_cancelled

    def get_context(self) -> Context:
        """Return what it runs in."""
        return self.context

    def run(self) -> None:
        """Call it; what it raises is told to the loop."""
        try:
            self.context.run(self.call, *self.arguments)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as e:  # noqa: BLE001  A callback may raise anything.
            message = f"Exception in callback {self!r}"
            self.home.call_exception_handler({"message": message, "exception": e, "handle": self})


class SimHandle(_Call, asyncio.Handle):
    """A callback that is due now.

    Parameters
    ----------
    call : callable
        What is called.
    arguments : tuple
        With what.
    home : HandleLoop
        The loop.
    context : contextvars.Context or None
        What it runs in; None copies the caller's.
    """

    __slots__ = ("arguments", "call", "context", "home", "is_cancelled")

    def __init__(
        self, call: Callable[..., object], arguments: tuple[Any, ...], home: HandleLoop, context: Context | None = None
    ) -> None:
        self.call: Callable[..., object] = call
        self.arguments: tuple[Any, ...] = arguments
        self.home: HandleLoop = home
        self.context: Context = copy_context() if context is None else context
        self.is_cancelled: bool = False

    def cancel(self) -> None:
        """Do not call it."""
        self.is_cancelled = True
        self.call, self.arguments = _nothing, ()


class SimTimer(_Call, asyncio.TimerHandle):
    """A callback that is due later.

    Parameters
    ----------
    due : float
        When (seconds on the loop's clock).
    call : callable
        What is called.
    arguments : tuple
        With what.
    home : HandleLoop
        The loop.
    context : contextvars.Context or None
        What it runs in; None copies the caller's.
    is_program : bool
        Whether the program has set it; otherwise it belongs to the simulated world, such as a segment on its way.
    """

    __slots__ = ("arguments", "call", "context", "due", "home", "is_cancelled", "is_program")

    def __init__(
        self,
        due: float,
        call: Callable[..., object],
        arguments: tuple[Any, ...],
        home: HandleLoop,
        context: Context | None = None,
        is_program: bool = True,
    ) -> None:
        self.due: float = due
        self.call: Callable[..., object] = call
        self.arguments: tuple[Any, ...] = arguments
        self.home: HandleLoop = home
        self.context: Context = copy_context() if context is None else context
        self.is_cancelled: bool = False
        self.is_program: bool = is_program

    def __hash__(self) -> int:
        return hash(self.due)

    def __eq__(self, other: object) -> bool:
        return self is other

    def when(self) -> float:
        """Return when it is due (seconds on the loop's clock)."""
        return self.due

    def cancel(self) -> None:
        """Do not call it."""
        if not self.is_cancelled:
            self.is_cancelled = True
            self.call, self.arguments = _nothing, ()
            self.home.timer_was_cancelled()


def _nothing() -> None:
    """Be what a cancelled handle holds: what it held may be gone sooner."""


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
