"""What is found to be left in a loop; the fixture ``no_leaks`` itself is tested in ``plugin/``."""

from __future__ import annotations

import asyncio

from tcpip_testing._leaks import LoopWatch
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
