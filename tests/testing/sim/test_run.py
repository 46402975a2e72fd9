"""The ways into a simulation, and our own classes in it, in as few lines as a user would write."""

from __future__ import annotations

import asyncio
import gc
import logging
import unittest
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from tcpip_core import Client, LossReason
from tcpip_testing import TestOneClientReadLoopServer
from tcpip_testing.sim import SimDeadlock, SimLivelock, SimOptions, SimTestCase, Simulation, sim_loop_factory, sim_run

LOG = logging.getLogger("tcpip_tests")


async def conversation() -> list[bytes]:
    """Talk over streams; it knows nothing of a simulation."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for line in reader:
            writer.write(line)
        writer.close()

    answers: list[bytes] = []
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for number in range(3):
            writer.write(b"%d\n" % number)
            answers.append(await reader.readline())
        writer.close()
        await writer.wait_closed()
    return answers


def in_a_runner() -> list[bytes]:
    """Run it by `asyncio.Runner`."""
    with asyncio.Runner(loop_factory=sim_loop_factory(latency="1ms..20ms", split=0.5)) as runner:
        return runner.run(conversation())


@pytest.mark.parametrize(
    "run",
    [
        lambda: asyncio.run(conversation()),
        lambda: sim_run(conversation),
        lambda: sim_run(conversation()),
        lambda: sim_run(lambda sim: conversation()),
        lambda: sim_run(conversation, latency="1ms..20ms", split=0.5, seeds=5)[-1],
        in_a_runner,
    ],
)
def test_the_same_body_runs_on_real_sockets_and_in_each_kind_of_simulation(run: Callable[[], list[bytes]]) -> None:
    """What is tested in virtual time is the program, unchanged."""
    assert run() == [b"0\n", b"1\n", b"2\n"]


def test_many_seeds_are_run_one_after_the_other() -> None:
    """Each is another run; what each returns comes back in order."""

    async def main(sim: Simulation) -> tuple[int, float]:
        return sim.seed, sim.random.random()

    results = sim_run(main, seed=7, seeds=5)
    assert [seed for seed, _ in results] == [7, 8, 9, 10, 11]
    assert len({number for _, number in results}) == 5
    assert results == sim_run(main, seed=7, seeds=5)


def test_a_failing_seed_is_named_and_fails_again() -> None:
    """The note says with which seed to replay it."""

    async def main(sim: Simulation) -> None:
        await asyncio.sleep(sim.seed)
        assert sim.random.random() < 0.9

    with pytest.raises(AssertionError) as e:
        sim_run(main, seeds=1000)
    (note,) = e.value.__notes__
    seed = int(note.partition("seed=")[2].partition(",")[0])
    assert note == f"in a simulation with seed={seed}, at {float(seed)} s; the same seed runs the same again"
    with pytest.raises(AssertionError):
        sim_run(main, seed=seed)


@pytest.mark.parametrize("wrong", [5, "main", asyncio])
def test_what_is_no_coroutine_function_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="main must be a coroutine function or a coroutine"):
        sim_run(wrong)


def test_wrong_arguments_run_nothing() -> None:
    """A coroutine can run once only; a number of seeds is a number."""
    once: Any = conversation()
    with pytest.raises(TypeError, match="a coroutine runs once"):
        sim_run(once, seeds=2)
    with pytest.raises(ValueError, match="seeds must be 1 or more"):
        sim_run(conversation, seeds=0)
    wrong: Any = "3"
    with pytest.raises(TypeError, match="seed must be a whole number"):
        sim_run(conversation, seed=wrong)


@pytest.mark.parametrize("seeds", [0, -3, 1.5, "2"])
def test_seeds_are_counted(seeds: Any) -> None:
    """A number of runs is whole, and one at least."""

    async def main() -> None:
        pytest.fail("it ran")

    with pytest.raises(ValueError, match="seeds must be 1 or more, and whole"):
        sim_run(main, seeds=seeds)


def test_a_simulation_inside_of_another_is_refused_and_leaves_nothing() -> None:
    """What would never run is not even begun: no coroutine, no task."""

    async def inner() -> None:
        pytest.fail("it ran")

    async def outer() -> None:
        for main in (inner, inner()):
            with pytest.raises(RuntimeError, match="running already"):
                sim_run(main)

    sim_run(outer)
    asyncio.run(outer())
    gc.collect()


def test_a_coroutine_that_cannot_run_is_closed() -> None:
    """Otherwise Python would warn that nobody awaited it, instead of what is wrong."""

    async def main() -> None:
        pytest.fail("it ran")

    with pytest.raises(ValueError, match="latency"):
        sim_run(main(), latency=-1)
    gc.collect()


def test_a_run_without_end_ends() -> None:
    """Heartbeats go on for ever, so a test that waits for something else would, too."""

    async def main(sim: Simulation) -> None:
        async def beat() -> None:
            while True:
                await asyncio.sleep(1)

        task = sim.loop.create_task(beat(), name="heart")
        await asyncio.wait({task})

    with pytest.raises(SimLivelock, match=r"(?s)turns of the loop, at \d+\.0 s, there is no end:\n  heart: beat ") as e:
        sim_run(main, max_turns=10_000)
    assert isinstance(e.value, SimDeadlock)


def test_a_deadlock_names_what_is_cut_and_who_is_not_accepted() -> None:
    """That is mostly why nothing happens."""

    async def main(sim: Simulation) -> None:
        async def never(*_: object) -> None:
            pytest.fail("it was accepted")

        server = await asyncio.start_server(never, "127.0.0.1", 5000)
        sim.stop_accepting(server)
        reader, writer = await asyncio.open_connection("127.0.0.1", 5000)
        await sim.advance(1)
        sim.cut(writer)
        await reader.read()

    with pytest.raises(SimDeadlock) as e:
        sim_run(main)
    assert "\n  cut or stalled: 1:localhost\n" in str(e.value)
    assert "\n  1 connections to localhost:5000 are not accepted" in str(e.value)


class CaseOfOurs(SimTestCase):
    """What a user writes."""

    sim_seed = 5
    sim_options: ClassVar[SimOptions] = {"latency": "1s"}

    async def asyncSetUp(self) -> None:
        await asyncio.sleep(3)

    async def test_time_is_that_of_set_up_and_test(self) -> None:
        sim = Simulation.current()
        await sim.advance(10)
        self.assertEqual((13, 5), (sim.time, sim.seed))

    async def test_the_network_is_as_told(self) -> None:
        sim = Simulation.current()
        self.assertEqual([b"0\n", b"1\n", b"2\n"], await conversation())
        self.assertGreater(sim.time, 8)

    async def test_a_failure_names_the_seed(self) -> None:
        self.fail("as it should")


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("test_time_is_that_of_set_up_and_test", ""),
        ("test_the_network_is_as_told", ""),
        ("test_a_failure_names_the_seed", "in a simulation with seed=5, at 3.0 s"),
    ],
)
def test_a_unittest_runs_in_a_simulation(name: str, fault: str) -> None:
    """On each Python, although only newer ones let a test case choose its loop."""
    result = unittest.TestResult()
    CaseOfOurs(name).run(result)
    assert result.testsRun == 1
    found = [text for _, text in [*result.failures, *result.errors]]
    assert bool(found) is bool(fault)
    assert all(fault in text for text in found)


CaseOfOurs.__test__ = False  # type: ignore[attr-defined]  # pytest must not take it for a test of this file.


HOUR = ("44258288bb41e4d7", 5032, 3600.032445148835)


def test_an_hour_of_heartbeats_is_the_same_on_every_python() -> None:
    """Final clock and events are those that were written down here, to the last digit."""

    async def main(sim: Simulation) -> tuple[str, int, float]:
        async with TestOneClientReadLoopServer(port=0, log=LOG, run_heartbeat_monitor_task=True) as server:
            async with Client("127.0.0.1", server.port, LOG, run_heartbeat_send_task=True) as client:
                await sim.advance(3600)
                assert server.connected
                assert client.connected
        return sim.digest(), len(sim.events), sim.time

    assert sim_run(main, latency="1ms..20ms", split=0.3) == HOUR


def test_a_missing_heartbeat_is_noticed_when_it_should() -> None:
    """The time is that of the argument, to the last digit."""

    async def main(sim: Simulation) -> None:
        async with TestOneClientReadLoopServer(
            port=0, log=LOG, run_heartbeat_monitor_task=True, max_heartbeat_interval=60
        ) as server:
            async with Client("127.0.0.1", server.port, LOG):
                await server.connected_task
                began = sim.time
                await sim.advance(59.9)
                assert server.connected
                await sim.advance(0.2)
                assert not server.connected
                assert server.loss_reason is LossReason.HEARTBEAT
                assert sim.time - began == pytest.approx(60.1)

    sim_run(main)


def test_a_partition_is_noticed_in_the_promised_time() -> None:
    """A link that is silent and idle is lost 11 s after its last sign of life."""

    async def main(sim: Simulation) -> None:
        dome, control = sim.add_host("dome"), sim.add_host("control")
        with sim.on(dome):
            server = TestOneClientReadLoopServer(port=5000, host="dome", log=LOG)
        with sim.on(control):
            await server.start_task
            client = Client("dome", 5000, LOG)
        await client.start_task
        await server.connected_task
        sim.cut(dome, control)
        await sim.advance(10.9)
        assert client.connected
        assert server.connected
        await sim.advance(0.2)
        assert client.loss_reason is LossReason.SILENT
        assert server.loss_reason is LossReason.SILENT
        await client.close()
        await server.close()

    sim_run(main)
