"""How long the loss of a link takes to be noticed while nothing else happens; the clock is the wall's.

The other end is a plain socket, whose FIN or RST is sent when the call returns.
"""

from __future__ import annotations

import socket
import statistics
import struct
import time
from collections.abc import Sequence

from tests.benchmarks._orders import LossRow
from tests.benchmarks.peers._peer import HOST, AsyncPeer

__all__ = ["WARM_UP", "measure", "summary"]

WARM_UP = 20
"""Losses before those that count, so that caches and the allocator have settled."""


def measure(peer: AsyncPeer, loop: str, end: str, rounds: int) -> LossRow:
    """Lose that many clients, one after the other."""

    async def main() -> list[float]:
        with socket.create_server((HOST, 0)) as listener:
            return [await _lose(peer, end, listener) for _ in range(WARM_UP + rounds)]

    return summary(loop, "client", end, peer.run(main)[WARM_UP:])


async def _lose(peer: AsyncPeer, end: str, listener: socket.socket) -> float:
    noticed = peer.event()
    told = 0.0

    def notice() -> None:
        nonlocal told
        told = told or time.perf_counter()
        noticed.set()

    async with peer.watched(listener.getsockname()[1], notice):
        with listener.accept()[0] as other:
            for _ in range(3):  # turns of the loop, in which the watching begins
                await peer.sleep(0)
            began = time.perf_counter()
            if end == "FIN":
                other.shutdown(socket.SHUT_WR)
            else:
                other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                other.close()
            await noticed.wait()
    return told - began


def summary(loop: str, side: str, end: str, seconds: Sequence[float]) -> LossRow:
    """Make a row of latencies."""
    micro = sorted(one * 1e6 for one in seconds)
    cuts = statistics.quantiles(micro, n=100, method="inclusive") if len(micro) > 1 else micro * 99
    return LossRow(loop, side, end, len(micro), cuts[49], cuts[89], cuts[98], micro[-1])
