"""The loop with virtual time: it jumps, it is in order, it says when it is stuck."""

from __future__ import annotations

import asyncio
import contextvars
import re
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tcpip_testing.sim import SimDeadlock, SimLivelock, Simulation, sim_loop_factory, sim_run


def test_time_passes_only_where_it_is_waited_for() -> None:
    """A day takes no time, and the clock takes the very value that was asked for."""

    async def main(sim: Simulation) -> float:
        await asyncio.sleep(0)
        assert sim.time == 0
        await sim.advance(86_400.1)
        return sim.time

    assert sim_run(main) == 86_400.1


def test_timers_of_one_moment_run_in_the_order_in_which_they_were_set() -> None:
    """A plain heap gives them in any order."""

    async def main(sim: Simulation) -> list[int]:
        order: list[int] = []
        for number in range(50):
            sim.loop.call_at(1.0, order.append, number)
        await sim.advance(1.0)
        return order

    assert sim_run(main) == list(range(50))


def test_a_cancelled_timer_does_not_run_and_moves_no_clock() -> None:
    """As on any loop."""

    async def main(sim: Simulation) -> float:
        ran: list[int] = []
        for number in range(500):
            sim.loop.call_later(10 + number, ran.append, number).cancel()
        sim.loop.call_later(5, ran.append, -1)
        await sim.advance(6)
        assert ran == [-1]
        assert sim.timers() == []
        return sim.time

    assert sim_run(main) == 6


def test_a_deadlock_says_what_each_task_waits_for() -> None:
    """Where a real run would hang, this one ends and names the place."""

    async def main(sim: Simulation) -> None:
        async def consumer() -> None:
            await asyncio.Queue[int]().get()

        task = sim.loop.create_task(consumer(), name="consumer")
        await asyncio.wait({task})

    with pytest.raises(
        SimDeadlock,
        match=r"nothing can happen any more, at 0\.0 s:\n  consumer: consumer \(test_loop.py:\d+\) > get \(",
    ) as e:
        sim_run(main, seed=5)
    assert re.search(r"main \(test_loop.py:\d+\) > wait \(", str(e.value))
    assert e.value.__notes__ == ["in a simulation with seed=5, at 0.0 s; the same seed runs the same again"]


def test_a_livelock_ends() -> None:
    """Callbacks that call each other for ever would stop the clock, and the test."""

    async def main(sim: Simulation) -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(SimLivelock, match="the clock stands still"):
        sim_run(main)


def test_a_thread_takes_no_virtual_time() -> None:
    """While a thread works nothing else is due, and the clock waits for it."""

    async def main(sim: Simulation) -> float:
        sim.loop.call_later(1, lambda: None)
        thread = await asyncio.to_thread(threading.current_thread)
        assert thread is not threading.current_thread()
        return sim.time

    assert sim_run(main) == 0


def test_what_is_left_at_the_end_is_cancelled_in_order() -> None:
    """Tasks of a test that ends early get their chance to clean up."""
    ended: list[str] = []

    async def wait(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async def main(sim: Simulation) -> None:
        tasks = [sim.loop.create_task(wait(name), name=name) for name in ("a", "b", "c")]
        await asyncio.wait(tasks, timeout=0)

    sim_run(main)
    assert ended == ["a", "b", "c"]


def test_errors_that_nobody_catches_reach_the_handler() -> None:
    """As on any loop."""
    seen: list[dict[str, Any]] = []

    async def main(sim: Simulation) -> None:
        sim.loop.set_exception_handler(lambda _, context: seen.append(context))
        sim.loop.call_soon(lambda: 1 / 0)
        await sim.settle()

    sim_run(main)
    assert [type(one["exception"]) for one in seen] == [ZeroDivisionError]


def test_asyncios_own_tools_run_on_it() -> None:
    """Task groups, time-outs, queues, generators, context variables and runners know nothing of the simulation."""
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable")

    async def numbers() -> AsyncIterator[int]:
        for number in range(3):
            await asyncio.sleep(1)
            yield number

    async def main() -> float:
        variable.set(7)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(asyncio.sleep(2, variable.get()))
        assert task.result() == 7
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.Event().wait()
        assert [number async for number in numbers()] == [0, 1, 2]
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=sim_loop_factory()) as runner:
        assert runner.run(main()) == 6


def test_a_set_of_tasks_has_the_same_order_in_every_run() -> None:
    """Code that cancels all tasks of a set does it in the same order each time."""

    async def main(sim: Simulation) -> list[str]:
        tasks = {sim.loop.create_task(asyncio.sleep(0), name=str(number)) for number in range(9)}
        return [task.get_name() for task in tasks]

    assert sim_run(main) == sim_run(main)


@pytest.mark.parametrize("name", ["sock_connect", "add_reader", "create_datagram_endpoint", "subprocess_exec"])
def test_what_is_real_is_refused(name: str) -> None:
    """A real socket would wait for the real world while the clock jumps."""

    async def main(sim: Simulation) -> None:
        with pytest.raises(NotImplementedError, match=f"loop.{name} is not simulated"):
            getattr(sim.loop, name)()

    sim_run(main)


def test_a_loop_runs_once_at_a_time() -> None:
    """Misuse is an error, as on any loop."""

    async def main(sim: Simulation) -> None:
        with pytest.raises(RuntimeError, match="running"):
            sim.loop.run_forever()
        with pytest.raises(RuntimeError, match="running"):
            sim.loop.close()

    sim_run(main)
    loop = sim_loop_factory()()
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_soon(print)
    with pytest.raises(RuntimeError, match="closed"):
        loop.run_forever()


def test_a_loop_runs_in_one_thread_at_a_time() -> None:
    """Two threads would take each other's turns."""

    async def main(sim: Simulation) -> str:
        errors: list[BaseException] = []

        def run() -> None:
            try:
                sim.loop.run_forever()
            except RuntimeError as e:
                errors.append(e)

        await asyncio.to_thread(run)
        return str(errors)

    assert "in another thread" in sim_run(main)


def test_no_time_is_refused_and_an_infinite_one_never_comes() -> None:
    """A heap with a NaN is out of order, and a clock at infinity stays there."""

    async def nan(sim: Simulation) -> None:
        sim.loop.call_later(float("nan"), print)

    async def never() -> None:
        await asyncio.sleep(float("inf"))

    async def in_time(sim: Simulation) -> float:
        async with asyncio.timeout(float("inf")):
            await asyncio.sleep(1)
        return sim.time

    with pytest.raises(ValueError, match="nan"):
        sim_run(nan)
    with pytest.raises(SimDeadlock, match=r"at 0\.0 s(.|\n)*never"):
        sim_run(never)
    assert sim_run(in_time) == 1


def test_task_factories_of_any_age_get_what_they_take() -> None:
    """Before Python 3.13.3 asyncio set the name itself, so there are factories without that parameter."""

    async def main(sim: Simulation) -> list[str]:
        made: list[str] = []

        def factory(loop: asyncio.AbstractEventLoop, coro: Any) -> asyncio.Task[Any]:
            made.append(coro.__qualname__)
            return asyncio.Task(coro, loop=loop)

        sim.loop.set_task_factory(factory)
        task = asyncio.create_task(asyncio.sleep(1), name="named")
        await task
        return [*made, task.get_name()]

    assert sim_run(main) == ["sleep", "named"]


@pytest.mark.parametrize("name", ["set_task_factory", "set_exception_handler", "set_default_executor"])
def test_what_cannot_be_called_is_refused(name: str) -> None:
    """As on any loop: it would fail where it is used, which is far from where it was given."""

    async def main(sim: Simulation) -> None:
        with pytest.raises(TypeError, match="not 3"):
            getattr(sim.loop, name)(3)

    sim_run(main)


@pytest.mark.skipif(not hasattr(asyncio, "eager_task_factory"), reason="Python 3.12 has it first")
def test_eager_tasks_run_on_it() -> None:
    """They run before the call that makes them returns."""

    async def main(sim: Simulation) -> list[str]:
        sim.loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined,unused-ignore]
        order: list[str] = []

        async def work(name: str) -> None:
            order.append(name)
            await asyncio.sleep(1)
            order.append(f"{name} ends")

        async with asyncio.TaskGroup() as group:
            group.create_task(work("a"))
            order.append("made")
        return order

    assert sim_run(main) == ["a", "made", "a ends"]


def test_generators_that_are_left_are_closed_in_the_order_in_which_they_began() -> None:
    """In a set they have the order of their addresses, which is another one in each run."""
    closed: list[int] = []
    kept: list[AsyncIterator[int]] = []

    async def numbers(name: int) -> AsyncIterator[int]:
        try:
            yield name
        finally:
            closed.append(name)

    async def main() -> None:
        kept.extend(numbers(name) for name in range(50))
        for one in kept:
            await anext(one)

    sim_run(main)
    assert closed == list(range(50))


def test_an_error_in_the_exception_handler_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """As on asyncio's own loops it is logged, and the run goes on."""

    async def main(sim: Simulation) -> float:
        def fail(*_: object) -> None:
            raise LookupError("the handler")

        sim.loop.set_exception_handler(fail)
        sim.loop.call_soon(int, "the callback")
        await sim.advance(1)
        return sim.time

    assert sim_run(main) == 1
    assert "the exception handler failed" in caplog.text
    assert "LookupError: the handler" in caplog.text
    assert "'the callback'" in caplog.text


def test_an_error_that_nobody_catches_is_logged_with_what_it_is_about(caplog: pytest.LogCaptureFixture) -> None:
    """A task that was destroyed has a name, which is what one wants to know."""

    async def main(sim: Simulation) -> None:
        task = asyncio.create_task(asyncio.sleep(0), name="the one")
        sim.loop.call_exception_handler({"message": "it is lost", "task": task})
        await task

    sim_run(main)
    assert re.search(r"it is lost\ntask: <SimTask pending name='the one'", caplog.text)
