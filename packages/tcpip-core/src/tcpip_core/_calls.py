"""Calls of user code: whoever is inside of one, even in a task that it started, must not wait for its end."""

import asyncio
from collections.abc import Iterator
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any

__all__ = ["Call", "is_within", "tasks_within"]


class Call:
    """One call of user code, as a context manager around it.

    Parameters
    ----------
    owner : object
        Who makes the call, and would wait for its end.
    task : asyncio.Task, optional
        The task that it runs in.
    """

    __slots__ = ("outer", "owner", "task", "token")

    def __init__(self, owner: object, task: "asyncio.Task[Any] | None" = None) -> None:
        self.owner: object = owner
        self.task = task

    def __enter__(self) -> None:
        # A call that has returned lives on in the contexts of tasks that it started; it must not keep others alive.
        self.outer = next(_running_calls(), None)
        self.token: Token[Call | None] = _innermost.set(self)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.owner = self.task = None
        _innermost.reset(self.token)


_innermost: ContextVar[Call | None] = ContextVar("tcpip_core_call", default=None)


def _running_calls() -> Iterator[Call]:
    call = _innermost.get()
    while call is not None:
        if call.owner is not None:
            yield call
        call = call.outer


def is_within(owner: object) -> bool:
    """Return whether the running code belongs to a call that `owner` makes and that has not returned."""
    return any(call.owner is owner for call in _running_calls())


def tasks_within(owner: object) -> "set[asyncio.Task[Any]]":
    """Return the tasks in which `owner` makes the calls that the running code belongs to."""
    return {call.task for call in _running_calls() if call.owner is owner and call.task is not None}
