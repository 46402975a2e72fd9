"""Faults drawn from a seed: what goes wrong, and when. Pure."""

from __future__ import annotations

import random
from typing import NamedTuple

__all__ = ["FAULTS", "KINDS", "Fault", "draw"]

FAULTS = 8
"""How many faults a run has."""

LAST_TIME = 8.0
"""When the last one comes at the latest (seconds)."""


class Fault(NamedTuple):
    """One thing that goes wrong.

    It comes at ``time``, or after the ``event``-th event of the network if that is not 0; then after some more
    ``turns`` of the loop, so that it may hit any await.
    """

    kind: str
    time: float
    event: int
    turns: int
    number: int
    duration: float

    def __str__(self) -> str:
        when = f"after event {self.event}" if self.event else f"at {self.time:.4f} s"
        return f"{self.kind:15} {when} + {self.turns} turns (number {self.number}, {self.duration:.3f} s)"


KINDS = {
    "cut": 3,
    "cut_and_restore": 3,
    "stall": 2,
    "reset_by_peer": 3,
    "reset_between": 3,
    "fin": 3,
    "half_close": 3,
    "mute": 3,
    "talk": 4,
    "partial_line": 2,
    "newcomers": 4,
    "cancel_reader": 4,
    "cancel_writer": 3,
    "cancel_blocked_close": 2,
    "callback": 5,
    "close": 1,
    "close_twice": 1,
    "close_client": 3,
    "dispatch": 4,
    "cancel_read_loop": 2,
    "big_write": 4,
    "slow_link": 2,
    "small_window": 2,
    "slow_start": 1,
    "late_accept": 2,
    "cancel_start": 2,
    "close_writer": 1,
}
"""How often each kind is drawn, against the others."""

_KINDS, _WEIGHTS = tuple(KINDS), tuple(KINDS.values())


def draw(rng: random.Random, count: int = FAULTS) -> list[Fault]:
    """Draw the faults of a run."""
    kinds = rng.choices(_KINDS, _WEIGHTS, k=count)
    return [
        Fault(
            kind,
            time=LAST_TIME * rng.random(),
            event=rng.randint(1, 120) if rng.random() < 0.6 else 0,
            turns=rng.randint(0, 6),
            number=rng.randint(0, 999_999),
            duration=rng.choice((0.001, 0.1, 1.0, 3.0)) * rng.random(),
        )
        for kind in kinds
    ]
