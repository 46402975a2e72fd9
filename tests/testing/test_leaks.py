"""What is found to be left in a loop; the fixture ``no_leaks`` itself is tested in ``plugin/``."""

from __future__ import annotations

import asyncio
import re

from tcpip_testing._leaks import LoopWatch, tracing
from tcpip_testing.sim import Simulation, sim_run
from tests.testing.dialogue._worlds import World, in_simulation, on_sockets


def left_after_a_connection(world: World) -> list[str]:
    """Connect and hang up, set a timer, and return what is found to be left."""
    found: list[str] = []

    async def body() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(3000, print)
        watch = LoopWatch(loop)
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert b"" == await reader.read()
        writer.close()
        server.close()
        timer = loop.call_later(4000, print)
        await watch.settle()
        found.extend(watch.left())
        timer.cancel()

    world(body)
    return found


def test_only_timers_of_the_program_count() -> None:
    """A simulated kernel has timers of its own, which nobody can cancel, and what was there before is not new."""
    for world in (on_sockets, in_simulation):
        (timer,) = left_after_a_connection(world)
        assert "timer due in 4e+03 s" in timer


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back each line, until the other end hangs up."""
    async for line in reader:
        writer.write(line)
    writer.close()


def test_what_hears_of_the_end_a_moment_later_is_not_left() -> None:
    """The same body passes on sockets and in a simulation, where even the last FIN takes its time."""

    async def body() -> None:
        watch = LoopWatch(asyncio.get_running_loop())
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        assert b"hello\n" == await reader.readline()
        writer.close()
        server.close()
        await watch.settle()
        assert [] == watch.left()

    on_sockets(body)
    in_simulation(body)
    sim_run(body, latency="1s..3s", merge=0.5)
    sim_run(body, bandwidth=10)


def test_simulated_sockets_that_are_open_are_left() -> None:
    """No descriptor gives them away: those of the program are named by where they were made."""

    async def main(sim: Simulation) -> list[str]:
        before = await asyncio.start_server(answer, "127.0.0.1", 5001)
        watch = LoopWatch(sim.loop)
        server = await asyncio.start_server(answer, "127.0.0.1", 5000)  # HERE
        _, writer = await asyncio.open_connection("127.0.0.1", 5000)  # HERE
        await watch.settle()
        left = watch.left()
        for one in (before, server, writer):
            one.close()
        await watch.settle()
        assert [] == watch.left()
        return left

    with tracing():
        _, here, there, port = sim_run(main)
    assert re.search(r"simulated socket from 127\.0\.0\.1 port \d+ to 127\.0\.0\.1 port 5000, made at .*# HERE", here)
    assert "simulated socket from 127.0.0.1 port 5000 to 127.0.0.1 port" in there
    assert re.search(r"simulated socket of 127\.0\.0\.1 port 5000, made at .*# HERE", port)
