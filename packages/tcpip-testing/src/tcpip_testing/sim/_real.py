"""Keep a simulated program off the real network, where time passes by itself.

The loop's own methods are refused elsewhere; this is for code that goes past the loop: a blocking client, a socket that
is bound to find a free port. Python tells of each such step by an audit event.
"""

import socket
import sys
import threading
from types import TracebackType
from typing import Any

__all__ = ["REFUSED", "Guard"]

REFUSED = (
    "a real socket inside a simulation would wait for the real world while the clock jumps: use asyncio's streams or "
    "protocols on the simulated network, or ask for real_sockets=True"
)

_STEPS = {"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"}


class _Here(threading.local):
    """Whether this thread runs a simulated program, how deep."""

    depth = 0


_here = _Here()
_install = threading.Lock()
_installed: list[bool] = []


class Guard:
    """A context in which this thread cannot use the real network.

    Parameters
    ----------
    refuses : bool
        Whether that is so; otherwise it does nothing.
    """

    def __init__(self, *, refuses: bool) -> None:
        self._refuses = refuses

    def __enter__(self) -> None:
        if self._refuses:
            _listen()
            _here.depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._refuses:
            _here.depth -= 1


def _listen() -> None:
    """Hear of audit events from now on: there is no way to stop that, so it is begun once, where it is needed."""
    with _install:
        if not _installed:
            _installed.append(True)
            sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _STEPS and _here.depth and arguments[0].family in (socket.AF_INET, socket.AF_INET6):
        raise NotImplementedError(REFUSED)
