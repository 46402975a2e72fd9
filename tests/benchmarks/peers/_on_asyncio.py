"""What the peers that run on asyncio share: which loop, and how to sleep."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tests.benchmarks.peers._peer import AsyncPeer

__all__ = ["AsyncioPeer", "new_loop"]

T = TypeVar("T")


def new_loop(name: str) -> asyncio.AbstractEventLoop:
    """Make an event loop of that kind."""
    if name == "uvloop":
        import uvloop

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


class AsyncioPeer(AsyncPeer):
    """A library on asyncio, with its own loop or with uvloop."""

    def __init__(self, loop: str) -> None:
        self._loop = loop

    def run(self, main: Callable[[], Awaitable[T]]) -> T:
        async def whole() -> T:
            return await main()

        with asyncio.Runner(loop_factory=lambda: new_loop(self._loop)) as runner:
            return runner.run(whole())

    def event(self) -> asyncio.Event:
        return asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
