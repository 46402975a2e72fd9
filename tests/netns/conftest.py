"""Run all cases at once, each in a network of its own, before the first test; print a table after the last.

These tests run with ``pytest tests/netns`` alone, because they take half a minute.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import LOOP_FACTORIES
from tests.netns._cases import Case, Measurement
from tests.netns._hosts import obstacle
from tests.netns._network import network

__all__ = ["MEASURED", "Outcome", "Run"]

MEASURED = "netns: measured"
"""Property of a test's report: case, loop and what was measured."""

LIMIT = 28.0
"""Bound of one case (seconds)."""

SETTING_UP = 8
"""How many networks are set up at a time."""


@dataclass(frozen=True)
class Run:
    """A case on an event loop."""

    case: Case
    loop: str

    def __str__(self) -> str:
        return f"{self.case.name}, {self.loop}"


Outcome = list[Measurement] | Exception


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest) -> dict[Run, Outcome]:
    """Run the cases of all tests that were chosen; skip them where there are no namespaces."""
    if reason := obstacle():
        pytest.skip(reason)
    session: Any = request.session  # pyright: ignore[reportUnknownMemberType]  # pytest does not say
    parameters: Iterable[dict[str, Any]] = (item.callspec.params for item in session.items if hasattr(item, "callspec"))
    runs = [one["run"] for one in parameters if "run" in one]
    return asyncio.run(_run_all(runs))


async def _run_all(runs: list[Run]) -> dict[Run, Outcome]:
    setting_up = asyncio.Semaphore(SETTING_UP)
    # The short ones come last: their times are measured when nothing is set up any more.
    runs = sorted(runs, key=lambda run: -run.case.patience)
    found = await asyncio.gather(*(_run_one(run, setting_up) for run in runs))
    return dict(zip(runs, found, strict=True))


async def _run_one(run: Run, setting_up: asyncio.Semaphore) -> Outcome:
    try:
        async with asyncio.timeout(LIMIT + 5 * run.case.patience / 15):
            async with network(str(run), LOOP_FACTORIES[run.loop], setting_up) as net:
                return await run.case.run(net)
    except Exception as e:  # noqa: BLE001  The test raises it.
        return e


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured and what was promised, whatever the outcome and the verbosity."""
    rows: dict[tuple[str, str], dict[str, list[Any]]] = {}
    for report in itertools.chain.from_iterable(terminalreporter.stats.values()):
        for name, value in getattr(report, "user_properties", ()) if getattr(report, "when", "") == "call" else ():
            if name == MEASURED:
                case, loop, what, *figures = value
                rows.setdefault((case, what), {})[loop] = figures
    if rows:
        terminalreporter.section("dead links: measured times and bounds (seconds)")
        for line in _table(rows):
            terminalreporter.write_line(line)


def _table(rows: dict[tuple[str, str], dict[str, list[Any]]]) -> Iterable[str]:
    loops = list(LOOP_FACTORIES)
    yield f"{'case':66} {'what':22} {'bound':>6}" + "".join(f" {loop:>8}" for loop in loops) + "  how"
    for (case, what), by_loop in rows.items():
        bounds = {figures[1] for figures in by_loop.values()}
        times = [f" {by_loop[loop][0]:8.2f}" if loop in by_loop else f" {'':8}" for loop in loops]
        remarks = dict.fromkeys(figures[2] for figures in by_loop.values() if figures[2])
        yield f"{case:66} {what:22} {max(bounds):6.2f}{''.join(times)}  {' / '.join(remarks)}"
