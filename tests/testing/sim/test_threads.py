"""Functions in threads: they take no virtual time, and cannot hang a run."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Iterator

import pytest

from tcpip_testing.sim import SimDeadlock, Simulation, sim_run


def test_the_clock_stands_still_while_a_thread_works() -> None:
    """However long it takes, no timer is due earlier; and it is no deadlock."""

    async def main(sim: Simulation) -> float:
        released = threading.Event()
        timer = sim.loop.call_later(1, lambda: None)
        helper = threading.Timer(0.05, released.set)
        helper.start()
        assert await asyncio.to_thread(released.wait, 10)
        helper.join()
        timer.cancel()
        return sim.time

    assert sim_run(main) == 0


def test_the_end_of_a_thread_is_told_when_nothing_else_is_due() -> None:
    """So the order does not depend on how fast the thread was."""

    async def main(sim: Simulation) -> list[str]:
        order: list[str] = []

        async def turns() -> None:
            for _ in range(50):
                await asyncio.sleep(0)
            order.append("turns")

        task = sim.loop.create_task(turns())
        await asyncio.to_thread(lambda: None)
        order.append("thread")
        await task
        return order

    assert sim_run(main) == ["turns", "thread"]


def test_a_thread_may_use_the_loop() -> None:
    """What it asks for happens while it waits."""

    async def main(sim: Simulation) -> str:
        async def answer() -> str:
            await asyncio.sleep(0)
            return "answer"

        def ask() -> str:
            return asyncio.run_coroutine_threadsafe(answer(), sim.loop).result(10)

        return await asyncio.to_thread(ask)

    assert sim_run(main) == "answer"


def test_a_thread_that_waits_for_virtual_time_is_a_deadlock() -> None:
    """The clock waits for it, and it for the clock: the loop gives up first."""
    started: list[concurrent.futures.Future[None]] = []

    async def main(sim: Simulation) -> None:
        def ask() -> None:
            started.append(asyncio.run_coroutine_threadsafe(asyncio.sleep(1), sim.loop))
            started[0].result(10)

        await asyncio.to_thread(ask)

    with pytest.raises(SimDeadlock, match=r"a function in a thread is at work for 0\.2 s, and virtual time waits"):
        sim_run(main, thread_timeout=0.2)


def test_what_a_thread_raises_is_raised() -> None:
    """StopIteration too, which no coroutine can."""

    def fail() -> None:
        raise ValueError("no")

    async def main() -> None:
        with pytest.raises(ValueError, match="no"):
            await asyncio.to_thread(fail)
        nothing: Iterator[int] = iter([])
        with pytest.raises(RuntimeError, match="StopIteration"):
            await asyncio.to_thread(next, nothing)

    sim_run(main)


def test_an_executor_of_ones_own_is_used() -> None:
    """As on any loop."""

    async def main(sim: Simulation) -> None:
        with concurrent.futures.ThreadPoolExecutor(1, "own") as executor:
            names = [await sim.loop.run_in_executor(executor, lambda: threading.current_thread().name)]
            sim.loop.set_default_executor(executor)
            names += [await asyncio.to_thread(lambda: threading.current_thread().name)]
        assert names == ["own_0", "own_0"]

    sim_run(main)


def test_a_cancelled_wait_leaves_the_thread_to_its_end() -> None:
    """The clock waits for it all the same."""

    async def main(sim: Simulation) -> None:
        released = threading.Event()
        task = sim.loop.create_task(asyncio.to_thread(released.wait, 10))
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        sim.loop.call_soon(released.set)
        await sim.advance(1)
        assert task.cancelled()

    sim_run(main)
