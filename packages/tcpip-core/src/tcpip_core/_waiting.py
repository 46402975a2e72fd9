"""Waiting for one event, alone or with others, on bare futures."""

import asyncio

__all__ = ["resolve", "resolve_all", "wait_in"]


def resolve(waiter: "asyncio.Future[None]") -> None:
    """Wake one waiter, unless it was cancelled or woken before."""
    if not waiter.done():
        waiter.set_result(None)


def resolve_all(waiters: "set[asyncio.Future[None]]") -> None:
    """Wake all that wait in a set."""
    for waiter in waiters:
        resolve(waiter)


async def wait_in(waiters: "set[asyncio.Future[None]]") -> None:
    """Wait together with others; each has a future of its own, because cancelling a task cancels its future."""
    waiter = asyncio.get_running_loop().create_future()
    waiters.add(waiter)
    try:
        await waiter
    finally:
        waiters.discard(waiter)
