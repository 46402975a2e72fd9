"""Fixtures of the fault suite, and the table of what it measured, printed at the end of a run."""

from __future__ import annotations

import statistics
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
    """Print the median and the worst time of each figure."""
    noted = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
        for key, value in report.user_properties
        if key == "figure"
    ]
    if noted:
        terminalreporter.section("measured, beside what is promised")
        for line in _table(noted):
            terminalreporter.write_line(line)


def _table(noted: Iterable[tuple[str, float, float | None]]) -> Iterable[str]:
    times: dict[str, list[float]] = {}
    promises: dict[str, float | None] = {}
    for name, seconds, promise in noted:
        times.setdefault(name, []).append(seconds)
        promises[name] = promise
    yield f"{'':<60} {'median':>12} {'worst':>12} {'promised':>12} {'cases':>6}"
    for name, all_times in sorted(times.items()):
        promise = promises[name]
        shown = (statistics.median(all_times), max(all_times))
        columns = " ".join(f"{seconds * 1000:9.2f} ms" for seconds in shown)
        yield f"{name:<60} {columns} {'' if promise is None else f'{promise * 1000:9.0f} ms':>12} {len(all_times):6d}"
