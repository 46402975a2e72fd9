"""The short form of the soak, and the verdict on series whose answer is known."""

from __future__ import annotations

import json
import math
import random
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.conftest import LOOP_FACTORIES
from tests.soak import _plot, soak
from tests.soak._trend import judge

SECONDS = [float(i) for i in range(600)]


def noise(size: float) -> list[float]:
    """Make noise around a level, the same in each run."""
    rng = random.Random(1)
    return [100 + rng.uniform(-size, size) for _ in SECONDS]


def test_a_slow_leak_in_noise_is_not_flat() -> None:
    """A leak that is smaller each second than the noise shows over the time."""
    leaking = [level + 0.01 * at for at, level in zip(SECONDS, noise(1), strict=True)]
    found = judge("memory", SECONDS, leaking, most=1, unit="MiB")
    assert not found.is_flat
    assert 4 < found.growth < 6
    assert "NOT FLAT" in str(found)


def test_noise_outliers_and_a_warm_up_are_flat() -> None:
    """What comes and goes, and what is taken once in the beginning, is no leak."""
    values = [level + 50 * (i % 10 == 0) for i, level in enumerate(noise(1))]
    values[:60] = [50.0] * 60
    assert judge("memory", SECONDS, values, most=1).is_flat


def test_what_shrinks_is_flat() -> None:
    """Nobody complains of less."""
    assert judge("memory", SECONDS, [-at for at in SECONDS], most=1).is_flat


def test_too_short_a_series_shows_nothing() -> None:
    """A soak that was interrupted at once has not passed."""
    found = judge("tasks", [1.0, 2.0], [3, 3], most=1)
    assert not found.is_flat
    assert math.isnan(found.growth)


def test_the_plot_is_valid_and_shows_each_series() -> None:
    """A browser can show it, and titles cannot break it."""
    trends = [judge("memory", SECONDS, noise(1), most=1), judge("tasks", SECONDS, [3] * 600, most=1)]
    picture = ET.fromstring(_plot.draw("a < b & c", SECONDS, trends))
    assert len(picture.findall("{http://www.w3.org/2000/svg}polyline")) == 2


def test_a_plot_of_nothing_is_valid() -> None:
    """Ctrl-C in the first second keeps what there is: nothing."""
    ET.fromstring(_plot.draw("nothing", [], [judge("memory", [], [], most=1)]))


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors and memory are read from /proc")
@pytest.mark.parametrize("loop", LOOP_FACTORIES)
def test_a_short_soak_finds_nothing_wrong(loop: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two seconds of faults: each reply is right, nothing is left; too short to be called flat."""
    output = tmp_path / "soak.json"
    status = soak.main(["--minutes", str(2.2 / 60), "--loop", loop, "--output", str(output)])
    figures = json.loads(output.read_text(encoding="utf-8"))
    assert figures["findings"] == []
    assert figures["messages"][-1] > 100
    assert status == 1
    assert "too short a time" in capsys.readouterr().out
    assert output.with_suffix(".svg").exists()
