"""Fixtures of the fault suite, and the table of what it measured, printed at the end of a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import pytest

from tests.contract.conftest import how, kind, rig, server_kind, server_rig

__all__ = ["Figure", "figure", "how", "kind", "rig", "server_kind", "server_rig"]


class Figure(Protocol):
    """Note how long something took (seconds), beside what is promised for it."""

    def __call__(self, name: str, seconds: float, promise: float | None = None) -> None: ...


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Note a measured time for the table at the end; the test itself asserts a generous bound."""

    def note(name: str, seconds: float, promise: float | None = None) -> None:
        # A property of the test travels from pytest-xdist's workers to the process that prints.
        request.node.user_properties.append(("figure", (name, seconds, promise)))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the worst time of each figure."""
    noted = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
        for key, value in report.user_properties
        if key == "figure"
    ]
    if noted:
        terminalreporter.section("measured: worst of all cases, beside what is promised")
        for line in _table(noted):
            terminalreporter.write_line(line)


def _table(noted: Iterable[tuple[str, float, float | None]]) -> Iterable[str]:
    worst: dict[str, tuple[float, float | None, int]] = {}
    for name, seconds, promise in noted:
        so_far, _, count = worst.get(name, (0.0, None, 0))
        worst[name] = (max(so_far, seconds), promise, count + 1)
    for name, (seconds, promise, count) in sorted(worst.items()):
        promised = "" if promise is None else f"≤ {promise * 1000:8.1f} ms"
        yield f"{name:<66} {seconds * 1000:9.2f} ms   {promised:<14} {count:4d} ×"
