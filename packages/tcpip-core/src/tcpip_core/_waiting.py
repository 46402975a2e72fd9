"""Waiting for one event, alone or with others, on bare futures; and when a wait that took too long is nobody's fault.

A process that stood still has not looked at its sockets: what it takes for the peer's silence may lie there unread.
So whoever wakes late to condemn a peer looks again, a moment later.
"""

import asyncio
import functools
from typing import TypeAlias

__all__ = ["SECOND_LOOK", "Waiters", "is_late", "resolve", "resolve_all", "uncancelled_future", "wait_in"]

Waiters: TypeAlias = "dict[asyncio.Future[None], None]"
"""Those who wait for the same. An empty dictionary takes a third of the room of an empty set, and keeps their order."""

_PUNCTUAL = 0.05
"""How late the end of a time-out may be noticed and still count, as a part of the time-out."""

_CLOCK_TICK = 0.01
"""How late it may be noticed however short it is: no loop is more exact than its clock and its turns (seconds)."""

SECOND_LOOK = 0.25
"""How long the second look takes, as a part of the time-out."""


def is_late(overdue: float, timeout: float) -> bool:
    """Return whether the end of a time-out was noticed so late that this process must have stood still.

    Parameters
    ----------
    overdue : float
        How long ago it was (seconds).
    timeout : float
        The time-out (seconds).
    """
    return overdue > max(timeout * _PUNCTUAL, _CLOCK_TICK)


def resolve(waiter: "asyncio.Future[None]") -> None:
    """Wake one waiter, unless it was cancelled or woken before, or is a task, which wakes by itself."""
    if not waiter.done() and not isinstance(waiter, asyncio.Task):
        waiter.set_result(None)


def resolve_all(waiters: Waiters) -> None:
    """Wake all that wait."""
    for waiter in waiters:
        resolve(waiter)


def uncancelled_future(holder: object, name: str) -> "asyncio.Future[None]":
    """Return a future for an attribute that users wait for; if one of them cancels it, a new one takes its place.

    Awaiting a future and being cancelled, as by a time-out, cancels the future, for everybody.
    """
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.add_done_callback(functools.partial(_replace, holder, name))
    return future


def _replace(holder: object, name: str, done: "asyncio.Future[None]") -> None:
    if done.cancelled() and getattr(holder, name, None) is done:
        setattr(holder, name, uncancelled_future(holder, name))


async def wait_in(waiters: Waiters) -> None:
    """Wait together with others; each has a future of its own, because cancelling a task cancels its future."""
    waiter = asyncio.get_running_loop().create_future()
    waiters[waiter] = None
    try:
        await waiter
    finally:
        waiters.pop(waiter, None)
