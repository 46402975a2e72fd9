"""What a link may be like, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tcpip_testing.sim import LinkSettings, Simulation, sim_loop_factory, sim_run


@pytest.mark.parametrize(
    ("latency", "expected"),
    [
        (0, (0.0, 0.0)),
        (0.5, (0.5, 0.5)),
        ((0.1, 0.2), (0.1, 0.2)),
        ("5ms", (0.005, 0.005)),
        ("1ms..20ms", (0.001, 0.02)),
        ("250 us .. .5 s", (0.00025, 0.5)),
    ],
)
def test_latency_is_a_number_a_pair_or_text(latency: Any, expected: tuple[float, float]) -> None:
    """A range is what people call jitter."""
    assert LinkSettings(latency=latency).latencies == pytest.approx(expected)


@pytest.mark.parametrize(
    "wrong",
    [
        {"latency": -1},
        {"latency": (2, 1)},
        {"latency": "5"},
        {"latency": "5 min"},
        {"latency": "-5ms"},
        {"latency": "1ms..2ms..3ms"},
        {"latency": float("inf")},
        {"latency": float("nan")},
        {"latency": None},
        {"latency": [1, 2]},
        {"latency": (1, 2, 3)},
        {"latency": ("1ms", "2ms")},
        {"split": 1},
        {"split": "0.5"},
        {"split": -0.1},
        {"merge": 1.1},
        {"merge": None},
        {"bandwidth": 0},
        {"bandwidth": "1MB"},
        {"window": 0},
        {"window": 1.5},
        {"window": None},
        {"send_buffer": 0},
        {"segment_size": 0},
        {"initial_window": 0},
        {"max_turns": 0},
        {"max_turns": float("nan")},
        {"thread_timeout": 0},
        {"thread_timeout": "1s"},
    ],
)
def test_a_value_out_of_range_is_refused_by_each_way_in(wrong: dict[str, Any]) -> None:
    """Before anything runs, and by name."""
    (name,) = wrong

    async def main() -> None:
        pytest.fail("it ran")

    with pytest.raises(ValueError, match=name):
        sim_run(main, **wrong)
    with pytest.raises(ValueError, match=name):
        sim_loop_factory(**wrong)


def test_an_argument_that_does_not_exist_is_refused_with_those_that_do() -> None:
    """A misspelt fault would never happen, and its test would pass."""
    wrong: Any = {"latancy": 1}
    with pytest.raises(TypeError, match=r"no argument 'latancy', did you mean 'latency'\? It has bandwidth, "):
        sim_loop_factory(**wrong)


def test_settings_may_change_while_it_runs() -> None:
    """All links follow, those in use too."""

    async def main(sim: Simulation) -> None:
        link = sim.link(sim.localhost, sim.localhost)
        sim.settings = LinkSettings(latency="3s")
        assert link.settings.latencies == (3.0, 3.0)

    sim_run(main, latency="1ms")
