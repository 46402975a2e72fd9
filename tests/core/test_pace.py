"""How often that is logged which a peer can bring about."""

from __future__ import annotations

import asyncio

from tcpip_core._pace import LogPace
from tcpip_testing.sim import Simulation, sim_run


def test_so_many_at_once_and_then_one_a_second_with_a_count() -> None:
    """Ten minutes of a client that comes back every 0.1 s are 600 lines, and nothing is lost of the count."""

    async def main(sim: Simulation) -> None:
        pace, logged, skipped = LogPace(3), 0, 0
        for _ in range(6_000):
            if pace.allows():
                logged += 1
                skipped += pace.skipped
            await asyncio.sleep(0.1)
        assert 600 <= logged <= 603
        assert 6_000 == pace.count
        assert 0 <= pace.count - logged - skipped <= 10

    sim_run(main)


def test_what_comes_now_and_then_is_all_logged() -> None:
    """As in every day's use."""

    async def main(sim: Simulation) -> None:
        pace = LogPace(1)
        for _ in range(100):
            assert pace.allows()
            assert 0 == pace.skipped
            await asyncio.sleep(1)

    sim_run(main)
