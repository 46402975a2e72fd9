"""The short form of the count of leaks, and proof that it counts."""

from __future__ import annotations

import itertools
import sys

import pytest

from tests.conftest import LOOP_FACTORIES
from tests.soak import leaks
from tests.soak._gauge import growth, hold

CONNECTS = 2_000
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors and memory are read from /proc")


@pytest.mark.parametrize("loop", LOOP_FACTORIES)
def test_connections_leave_nothing(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever connected, and however it ended: no object, descriptor, task, timer or memory is left."""
    # The allocator of development mode adds to each object, and takes its memory in other steps.
    monkeypatch.setattr(leaks, "MOST_MEMORY", 4 * leaks.MEBI)
    figures = leaks.run(loop, CONNECTS, minutes=10 / 60)
    assert [] == figures.findings, figures.grown
    assert figures.connects > 100


async def test_the_gauge_leaves_itself_out() -> None:
    """Between two counts with nothing between them nothing grows, unless somebody else's thread is at work."""
    counts = [await hold() for _ in range(6)]
    assert {} in [growth(*pair) for pair in itertools.pairwise(counts)]


def test_an_object_kept_for_each_connection_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that remembers each client does not pass."""
    kept: list[object] = []

    async def remember(server: leaks.Echo) -> None:
        server.changes += 1
        kept.append([server])

    monkeypatch.setattr(leaks.Echo, "note", remember)
    figures = leaks.run("asyncio", 60)
    assert 2 * 60 <= figures.grown["builtins.list"]
    assert any("objects more" in one for one in figures.findings)
