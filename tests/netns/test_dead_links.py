"""Links that die without a word, hosts that lose power, links that come back: with real kernels at both ends."""

from __future__ import annotations

from typing import cast

import pytest

from tests.conftest import LOOP_FACTORIES
from tests.netns import _cases
from tests.netns._cases import Case
from tests.netns.conftest import MEASURED, Outcome, Run

pytestmark = pytest.mark.timeout(120)  # The first test waits for all of them.

Outcomes = dict[Run, Outcome]


def each(cases: list[Case]) -> pytest.MarkDecorator:
    """Run a test for each case on each loop."""
    runs = [Run(case, loop) for case in cases for loop in LOOP_FACTORIES]
    return pytest.mark.parametrize("run", runs, ids=str)


def check(run: Run, outcomes: Outcomes, request: pytest.FixtureRequest) -> None:
    """Raise what the case raised; note what was measured, and see that it is within bounds."""
    outcome = outcomes[run]
    node = cast("pytest.Item", request.node)  # pyright: ignore[reportUnknownMemberType]  # pytest does not say
    if isinstance(outcome, Exception):
        raise outcome
    for one in outcome:
        figures = [run.case.name, run.loop, one.what, one.seconds, one.bound, one.remark]
        node.user_properties.append((MEASURED, figures))
    late = [f"{one.what} after {one.seconds:.2f} s" for one in outcome if one.seconds > one.bound + one.slack]
    assert [] == late


@each(_cases.SILENCE)
def test_silence_is_noticed_in_time(run: Run, outcomes: Outcomes, request: pytest.FixtureRequest) -> None:
    """Both ends are told once, with the reason, within the figure that the keepalive or the heartbeat promises."""
    check(run, outcomes, request)


@each(_cases.GETS_IN)
def test_a_power_cycled_client_gets_in_again(run: Run, outcomes: Outcomes, request: pytest.FixtureRequest) -> None:
    """A controller that starts again must not be locked out by its own dead connection."""
    check(run, outcomes, request)


@each(_cases.CLOSES)
def test_close_ends_in_time_on_a_dead_link(run: Run, outcomes: Outcomes, request: pytest.FixtureRequest) -> None:
    """Unsent data, which nobody will ever acknowledge, hold up neither end, and the port is free at once."""
    check(run, outcomes, request)


@each(_cases.COMES_BACK)
def test_a_link_that_comes_back_loses_nothing(run: Run, outcomes: Outcomes, request: pytest.FixtureRequest) -> None:
    """Every line that was written during the outage arrives once and in order, and nobody is told of a loss."""
    check(run, outcomes, request)
