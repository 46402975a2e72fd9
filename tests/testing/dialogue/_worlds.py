"""Where dialogues are played: on real sockets, and in the simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from tcpip_testing.sim import Simulation, sim_run

__all__ = ["WORLDS", "Body", "World", "in_simulation", "on_sockets"]

Body = Callable[[], Coroutine[Any, Any, None]]
World = Callable[[Body], None]


def on_sockets(body: Body) -> None:
    """Run a test on asyncio's own loop."""
    asyncio.run(body())


def in_simulation(body: Body) -> None:
    """Run a test in virtual time, where every message is cut in small pieces that take their time."""

    async def main(sim: Simulation) -> None:
        await body()

    sim_run(main, latency=(0.001, 0.05), split=0.5)


WORLDS: dict[str, World] = {"sockets": on_sockets, "simulation": in_simulation}
