"""The charts."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from tests.benchmarks import _chart
from tests.benchmarks._orders import IdleFigures
from tests.benchmarks._result import IdleRow, Result
from tests.benchmarks._rounds import Row
from tests.benchmarks._statistics import Ratio

SVG = "{http://www.w3.org/2000/svg}"


def row(peer: str, median: float, unstable: str = "") -> Row:
    """Make a row."""
    ratio = Ratio(median, median * 0.9, median * 1.1)
    return Row("W1", "asyncio", 1, "warm", peer, "streams", 5, 100, 1.0, 1.0, 1.0, ratio, ratio, unstable)


def result(*rows: Row) -> Result:
    """Make a result."""
    idle = [IdleRow("ours", "asyncio", IdleFigures(0.0, 0.1, 15.0, {1: 20.0, 100: 20.5, 1000: 21.0}))]
    return Result("now", {}, {}, speed=list(rows), idle=idle)


def dots(text: str) -> list[float]:
    """Tell how far right the dots of the data are."""
    return [
        float(one.attrib["cx"])
        for one in ET.fromstring(text).iter(f"{SVG}circle")
        if one.find(f"{SVG}title") is not None
    ]


def test_faster_is_further_right() -> None:
    """That is what the title promises."""
    chart = _chart.charts(result(row("streams", 1), row("ours", 3), row("trio", 0.5)))["speed-asyncio-1-warm.svg"]
    ours, trio = dots(chart)
    assert ours > trio


def test_baseline_and_control_are_not_drawn() -> None:
    """They are the line at 1."""
    chart = _chart.charts(result(row("streams", 1), row("streams again", 1.01)))["speed-asyncio-1-warm.svg"]
    assert [] == dots(chart)


def test_what_is_unstable_is_not_drawn() -> None:
    """A dot would be quoted."""
    chart = _chart.charts(result(row("streams", 1), row("ours", 3, "busy")))["speed-asyncio-1-warm.svg"]
    assert [] == dots(chart)


def test_the_same_result_gives_the_same_chart() -> None:
    """A change of a chart in the repository means a change of the figures."""
    assert _chart.charts(result(row("streams", 1), row("ours", 3))) == _chart.charts(
        result(row("streams", 1), row("ours", 3))
    )


def test_the_cost_beside_idle_links_is_drawn() -> None:
    """One line for each peer and loop."""
    lines = list(ET.fromstring(_chart.charts(result(row("streams", 1)))["idle.svg"]).iter(f"{SVG}polyline"))
    assert 1 == len(lines)
    assert 3 == len(lines[0].attrib["points"].split())
