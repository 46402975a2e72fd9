"""The short form of the count of leaks, and proof that it counts."""

from __future__ import annotations

import sys

import pytest

from tests.conftest import LOOP_FACTORIES
from tests.soak import leaks

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
