"""Calls of user code: whoever is inside of one, even in a task that it started, must not wait for its end."""

from contextvars import ContextVar, Token
from types import TracebackType

__all__ = ["Call", "is_within"]


class Call:
    """One call of user code, as a context manager around it.

    Parameters
    ----------
    owner : object
        Who makes the call, and would wait for its end.
    """

    __slots__ = ("is_running", "outer", "owner", "token")

    def __init__(self, owner: object) -> None:
        self.owner = owner

    def __enter__(self) -> None:
        self.is_running = True
        self.outer = _innermost.get()
        self.token: Token[Call | None] = _innermost.set(self)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.is_running = False
        _innermost.reset(self.token)


_innermost: ContextVar[Call | None] = ContextVar("tcpip_core_call", default=None)


def is_within(owner: object) -> bool:
    """Return whether the running code belongs to a call that `owner` makes and that has not returned."""
    call = _innermost.get()
    while call is not None:
        if call.owner is owner and call.is_running:
            return True
        call = call.outer
    return False
