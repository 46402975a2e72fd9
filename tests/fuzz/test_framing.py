"""The short form of the fuzzing without I/O, and proof that it finds what it is there for."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from tcpip_core._framing import ReceiveBuffer
from tests.fuzz.framing import Buffer, main, run_case, run_cases

CASES = 300


class ForgetsTheCut(ReceiveBuffer):
    """Goes on behind what it has seen, although a separator may have begun there."""

    def find_frame(self, separator: bytes, limit: int) -> int:
        size = super().find_frame(separator, limit)
        if size < 0:
            self._searched = len(self.tail)
        return size


class ForgetsTheSeparator(ReceiveBuffer):
    """Takes how far it searched for one separator for how far it searched for another."""

    def find_frame(self, separator: bytes, limit: int) -> int:
        self._separator = separator
        return super().find_frame(separator, limit)


class ForgetsTheTake(ReceiveBuffer):
    """Goes on where it was, although the front is gone."""

    def take(self, n: int) -> bytes:
        taken = super().take(n)
        self._place = 0
        return taken


class CountsTheSeparator(ReceiveBuffer):
    """Holds the separator against the limit."""

    def find_frame(self, separator: bytes, limit: int) -> int:
        size = super().find_frame(separator, limit)
        if size > limit:
            raise asyncio.LimitOverrunError("too long", size - len(separator))
        return size


def test_no_case_finds_anything() -> None:
    """New cases in each run; a failing seed is in the message, and replays."""
    first = random.SystemRandom().randrange(1 << 40)
    frames, values, found = run_cases(range(first, first + CASES))
    assert [] == found, f"replay with: python -m tests.fuzz.framing --replay SEED (first seed was {first})"
    assert frames > 10 * CASES
    assert values >= CASES


@pytest.mark.parametrize("broken", [ForgetsTheCut, ForgetsTheSeparator, ForgetsTheTake, CountsTheSeparator])
def test_each_plausible_mistake_is_found(broken: Callable[[], Buffer]) -> None:
    """Mistakes that an engineer might make do not outlive as many cases as an ordinary run has."""
    with pytest.raises(AssertionError, match="expected"):
        for seed in range(CASES):
            run_case(seed, broken)


def test_a_seed_says_the_same_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    """A finding that cannot be repeated is none."""
    assert run_case(7) == run_case(7)
    assert main(["--replay", "7"]) == 0
    assert "as they must be" in capsys.readouterr().out
