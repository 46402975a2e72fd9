"""How much went over to each program, for the table at the end of the session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["LEAST", "Exchange", "Tally", "table"]

LEAST = 1_000
"""How many messages each test exchanges at least."""


@dataclass
class Tally:
    """What one test exchanged with its program: a message is a request whose answer was found right."""

    messages: int = 0
    bytes: int = 0

    def add(self, sent: int, received: int) -> None:
        """Count a message that was answered as it should be, and what went both ways (bytes)."""
        self.messages += 1
        self.bytes += sent + received


class Exchange(NamedTuple):
    """What is reported of one test."""

    program: str
    version: str
    messages: int
    bytes: int


def table(exchanges: Sequence[Exchange], absent: Mapping[str, str]) -> list[str]:
    """Lay out what was exchanged with each program, and why some were not there."""
    rows = [("program", "version", "messages", "bytes", "tests", "least in a test")]
    for program, version in sorted({one[:2] for one in exchanges}, key=lambda one: one[0].lower()):
        messages = [one.messages for one in exchanges if one.program == program]
        size = sum(one.bytes for one in exchanges if one.program == program)
        rows.append((program, version, f"{sum(messages):,}", f"{size:,}", str(len(messages)), f"{min(messages):,}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return lines + [f"skipped: {reason}" for reason in absent.values()]
