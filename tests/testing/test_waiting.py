"""Waits of tests: for a condition, and for what a connect callback is told."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tcpip_core import Client, OneClientServer
from tcpip_testing import ConnectEvents, wait_until
from tests.support import soon


async def test_wait_until_returns_what_the_condition_returned() -> None:
    """The value that was waited for need not be asked for again."""
    found: list[str] = []
    asyncio.get_running_loop().call_soon(found.append, "it")
    assert ["it"] == await wait_until(lambda: found)


async def test_wait_until_looks_once_even_without_time() -> None:
    """What holds already needs no waiting."""
    assert await wait_until(lambda: True, timeout=0)


async def test_wait_until_says_which_condition_did_not_hold() -> None:
    """Of ten waits in a test, the reader must not have to guess which it was."""

    def never() -> int:
        return 0

    with pytest.raises(TimeoutError, match=r"never at .*test_waiting\.py:\d+ did not hold within 0\.01 s.* 0$"):
        await wait_until(never, timeout=0.01)


async def test_wait_until_refuses_a_coroutine_function() -> None:
    """A coroutine is always true, so such a wait would end at once and prove nothing."""

    async def never() -> bool:
        return False

    with pytest.raises(TypeError, match="coroutine function"):
        await wait_until(never)  # type: ignore[unused-coroutine]  # which is what the error is about


async def test_events_are_taken_in_order(host: str, log: logging.Logger) -> None:
    """Each change is told once, and waiting for it works before and after it happened."""
    events = ConnectEvents()
    async with OneClientServer(host, 0, log, events) as server:
        for _ in range(2):
            async with Client(host, server.port, log):
                event = await events.wait_for(connected=True)
                assert (True, server) == (event.connected, event.who)
            assert not (await events.next()).connected
    assert [True, False, True, False] == [event.connected for event in events.log]
    times = [event.time for event in events.log]
    assert sorted(times) == times


async def test_wait_for_passes_over_what_it_does_not_want(host: str, log: logging.Logger) -> None:
    """Who waits for the end need not take the beginning first."""
    events = ConnectEvents()
    async with OneClientServer(host, 0, log, events) as server:
        async with Client(host, server.port, log, events) as client:
            await events.wait_for(connected=True, who=server)
        await events.wait_for(connected=False, who=client)
        await events.wait_for(connected=False, who=server)


async def test_a_wait_in_vain_says_what_was_told() -> None:
    """The log of what happened instead is the first thing to look at."""
    events = ConnectEvents()
    with pytest.raises(TimeoutError, match=r"was not told connected=True within 0\.01 s.*\[\]"):
        await events.wait_for(connected=True, timeout=0.01)
    with pytest.raises(TimeoutError, match="was told nothing"):
        await events.next(timeout=0.01)


async def test_a_cancelled_wait_takes_nothing(host: str, log: logging.Logger) -> None:
    """An event belongs to the call that returns it."""
    events = ConnectEvents()
    async with OneClientServer(host, 0, log, events) as server:
        waiting = asyncio.create_task(events.next())
        await asyncio.sleep(0)
        waiting.cancel()
        await soon(asyncio.wait({waiting}))
        async with Client(host, server.port, log):
            assert (await events.next()).connected
