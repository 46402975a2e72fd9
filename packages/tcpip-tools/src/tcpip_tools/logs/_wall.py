"""When something happened, by the clock on the wall of that day."""

from datetime import UTC, datetime, timedelta
from typing import Final

from tcpip_core.transcript import Clock, Header, parse_wall

__all__ = ["WallClock", "clock_text", "in_seconds"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_FIRST: Final = parse_wall("0001-01-02T00:00:00Z")
_LAST: Final = parse_wall("9999-12-30T23:59:59.999999999Z")
"""A day apart from what a calendar has, for time zones."""


class WallClock:
    """Turns the times of a transcript into times on the wall.

    Parameters
    ----------
    header : Header
        Of the transcript.
    """

    def __init__(self, header: Header) -> None:
        self._offset = header.start

    def set(self, clock: Clock) -> None:
        """Go by what the clock was set to."""
        self._offset = clock.wall - clock.time

    def at(self, time: int) -> int:
        """Return when that was (nanoseconds since 1970-01-01 UTC; what no calendar has is moved to one that does)."""
        return min(max(self._offset + time, _FIRST), _LAST)


def clock_text(wall: int, *, utc: bool = False) -> str:
    """Return date and time to the microsecond, in the local time zone or in UTC."""
    moment = _EPOCH + timedelta(microseconds=wall // 1000)
    if not utc:
        moment = moment.astimezone()
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"


def in_seconds(time: int) -> str:
    """Return nanoseconds as seconds with six decimals."""
    return f"{time / 1e9:.6f}"
