"""Heartbeats: send them at a pace, and notice that they stopped. Ages are monotonic, stamps are TAI."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final, Protocol

from ._connection import Connection
from ._loss import LossReason
from ._waiting import SECOND_LOOK, is_late
from .constants import HEARTBEAT

__all__ = ["Heartbeat", "current_tai", "send_heartbeats", "watch_silence"]

_TAI_MINUS_UTC: Final = 37
"""Leap seconds since 1972, plus the 10 s before; unchanged since 2017 (IERS Bulletin C) (seconds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Two-way heartbeats: each side sends, and each side notices that the other has fallen silent.

    Any byte counts as a sign of life, so a busy link needs no heartbeats to stay up. Unlike keepalive, which asks
    the peer's kernel, this asks the peer's program. The other side gets a line ``heartbeat`` now and then, and must
    expect it.

    Parameters
    ----------
    interval : float
        Time between two heartbeats that are sent (seconds, above 0).
    timeout : float
        Silence that ends the link, noticed at most a quarter later (seconds, above 0). Several times the other
        side's `interval`.

    Raises
    ------
    ValueError
        If a time is not above 0.
    """

    interval: float = 1.0
    timeout: float = 5.0

    def __post_init__(self) -> None:
        for name in ("interval", "timeout"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and 0 < value < float("inf")):
                raise ValueError(f"Heartbeat.{name} must be a number of seconds above 0, not {value!r}")


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


async def watch_silence(connection: Connection, timeout: float) -> None:
    """End a connection from which nothing came for `timeout`, to within a fifth of it; return when it has ended."""
    loop = asyncio.get_running_loop()
    received, heard_at = -1, loop.time()
    while connection.alive:
        now = loop.time()
        # A peer that was made to wait cannot show that it lives.
        if connection.arrivals != received or connection.incoming.is_paused:
            received, heard_at = connection.arrivals, now
        overdue = now - heard_at - timeout
        if overdue < 0:
            await asyncio.sleep(min(timeout / 5, -overdue))
        elif is_late(overdue, timeout):
            # While this process stood still nobody was listened to: that is not held against the peer.
            heard_at += overdue + timeout * SECOND_LOOK
        else:
            connection.end(LossReason.HEARTBEAT, abort=True)
