"""Heartbeats: send them at a pace, and notice that they stopped. Ages are monotonic, stamps are TAI."""

import asyncio
import time
from typing import Final, Protocol

from .constants import HEARTBEAT

__all__ = ["current_tai", "send_heartbeats"]

_TAI_MINUS_UTC: Final = 37
"""Leap seconds since 1972, plus the 10 s before; unchanged since 2017 (IERS Bulletin C) (seconds)."""


class HeartbeatSender(Protocol):
    """What can send a heartbeat."""

    @property
    def connected(self) -> bool:
        """Whether there is somebody to send it to."""
        ...

    async def write_str(self, line: str) -> None:
        """Write one line."""
        ...


def current_tai() -> float:
    """Return the time as TAI (seconds since 1970-01-01 00:00:00 TAI). For stamps; ages come from the loop's clock."""
    return time.time_ns() / 1e9 + _TAI_MINUS_UTC


async def send_heartbeats(sender: HeartbeatSender, interval: float) -> None:
    """Send a heartbeat at once and then every `interval` seconds, as long as there is somebody to send it to."""
    line = HEARTBEAT.decode()
    while sender.connected:
        try:
            await sender.write_str(line)
        except ConnectionError:
            return
        await asyncio.sleep(interval)
