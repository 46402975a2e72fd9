"""From the times of rounds to a ratio, and whether it can be reported."""

from __future__ import annotations

import pytest

from tests.benchmarks._statistics import Ratio, ratio, why_unstable

STEADY = Ratio(1.0, 0.99, 1.01)


def test_a_ratio_is_that_of_each_round() -> None:
    """A machine that is slow for a while is slow for both, and the ratio stays."""
    assert Ratio(2.0, 2.0, 2.0) == ratio([10, 20, 30, 1000], [5, 10, 15, 500])


def test_more_is_faster() -> None:
    """Who takes half the time is twice as fast."""
    assert 0.5 == ratio([1.0, 1.0], [2.0, 2.0]).median


def test_quartiles_are_of_the_ratios() -> None:
    """They show how much the rounds agree."""
    assert Ratio(3.0, 2.0, 4.0) == ratio([1, 2, 3, 4, 5], [1, 1, 1, 1, 1])


def test_one_round_has_no_width() -> None:
    """Nothing can be said of how much a single round agrees."""
    assert Ratio(2.0, 2.0, 2.0) == ratio([2], [1])


def test_rounds_that_are_missing_are_noticed() -> None:
    """A ratio of different rounds would be one of noise."""
    with pytest.raises(ValueError, match="shorter"):
        ratio([1, 2], [1])


@pytest.mark.parametrize("control", [Ratio(1.04, 1.0, 1.1), Ratio(0.96, 0.9, 1.0), STEADY])
def test_a_control_near_one_is_steady(control: Ratio) -> None:
    """The baseline against itself is never quite 1."""
    assert "" == why_unstable(Ratio(1.5, 1.45, 1.55), control)


@pytest.mark.parametrize("median", [1.06, 0.94])
def test_a_control_that_is_off_spoils_the_row(median: float) -> None:
    """Where the baseline differs from itself, a difference to it means nothing."""
    assert f"itself gave {median:.2f}" in why_unstable(STEADY, Ratio(median, median, median))


def test_wide_quartiles_spoil_the_row() -> None:
    """Rounds that disagree have no median worth to be told."""
    assert "from 1.80 to 2.20" in why_unstable(Ratio(2.0, 1.8, 2.2), STEADY)
