"""The dome that turns: a function of the time."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies

from tcpip_tools.dome._dome import Dome

AZIMUTHS = strategies.floats(0, 360, exclude_max=True)


def test_it_starts_parked_and_closed() -> None:
    """A dome that is switched on stands as it was left: safe."""
    dome = Dome(10.0)
    assert (0.0, False, False) == (dome.azimuth(5.0), dome.is_moving(5.0), dome.shutter_open)


def test_it_turns_at_its_rate_and_arrives_exactly() -> None:
    """A client compares azimuths; a last digit that differs would look like a dome that never arrives."""
    dome = Dome(10.0)
    dome.move(20.0, now=100.0)
    assert [0.0, 5.0, 20.0, 20.0] == [dome.azimuth(now) for now in (100.0, 100.5, 102.0, 900.0)]
    assert [True, True, False] == [dome.is_moving(now) for now in (100.0, 101.9, 102.0)]


def test_it_passes_north_the_shorter_way() -> None:
    """From 10 degrees to 350 it goes through 0."""
    dome = Dome(10.0)
    dome.move(10.0, now=0.0)
    dome.move(350.0, now=10.0)
    assert [5.0, 0.0, 355.0, 350.0] == [dome.azimuth(10.0 + dt) for dt in (0.5, 1.0, 1.5, 2.0)]


def test_a_new_target_is_taken_on_the_way() -> None:
    """It starts from where it is, not from where it should have been."""
    dome = Dome(10.0)
    dome.move(90.0, now=0.0)
    dome.move(0.0, now=3.0)
    assert [30.0, 20.0, 0.0] == [dome.azimuth(now) for now in (3.0, 4.0, 6.0)]


def test_it_stops_where_it_is() -> None:
    """The emergency stop does not finish the turn first."""
    dome = Dome(10.0)
    dome.move(90.0, now=0.0)
    dome.stop(now=2.0)
    assert (20.0, 20.0, False) == (dome.azimuth(50.0), dome.target, dome.is_moving(2.0))


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_rate_that_never_arrives_is_refused(rate: float) -> None:
    """Otherwise a client would wait for ever."""
    with pytest.raises(ValueError, match="rate must be above 0"):
        Dome(rate)


@hypothesis.given(AZIMUTHS, AZIMUTHS, strategies.floats(0, 1000))
def test_it_always_points_somewhere_and_always_arrives(start: float, end: float, now: float) -> None:
    """Between any two azimuths, at any time."""
    dome = Dome(100.0)
    dome.move(start, now=-1000.0)
    dome.move(end, now=0.0)
    assert 0 <= dome.azimuth(now) < 360
    assert end == dome.azimuth(1.9)
