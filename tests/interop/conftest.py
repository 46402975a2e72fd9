"""Which programs are there, and how much went over to each.

These tests run with ``pytest --interop tests/interop`` alone: they install what is absent where they may.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator
from typing import cast

import pytest

from tests.interop._programs import Library, Program, provide
from tests.interop._tally import LEAST, Exchange, Tally, table

TIMEOUT = 120
"""Bound of one test (seconds): a mail server needs 10 ms for a message, and there are a thousand."""

FAILED = pytest.StashKey[bool]()
EXCHANGED, ABSENT = "interop: exchanged", "interop: absent"
"""Properties of a test's report: what it exchanged, or why its program is not there."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--interop``; it is known where this directory is named on the command line."""
    parser.addoption(
        "--interop",
        action="store_true",
        default=False,
        help="speak to real programs; as root on Debian, install those that are absent",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Provide what the tests that are left need; skip those whose program cannot be had."""
    for item in items:
        if (program := _program_of(item)) is None:
            continue
        item.add_marker(pytest.mark.timeout(TIMEOUT))
        if not config.getoption("interop", False):
            item.add_marker(pytest.mark.skip(reason="give --interop to speak to real programs"))
        elif not config.option.collectonly and (reason := provide(program)):
            item.user_properties.append((ABSENT, [program.name, reason]))
            item.add_marker(pytest.mark.skip(reason=reason))


def _program_of(item: pytest.Item) -> Program | Library | None:
    """Give what ``pytest.mark.interop(...)`` names."""
    marker = item.get_closest_marker("interop")
    return marker.args[0] if marker and marker.args else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of versions and messages, whatever the outcome and the verbosity."""
    exchanged: list[Exchange] = []
    absent: dict[str, str] = {}
    for report in itertools.chain.from_iterable(terminalreporter.stats.values()):
        for name, value in getattr(report, "user_properties", ()) if getattr(report, "when", "") == "teardown" else ():
            if name == EXCHANGED:
                exchanged.append(Exchange(*value))
            elif name == ABSENT:
                absent[value[0]] = value[1]
    if exchanged or absent:
        terminalreporter.section("programs of other people")
        for line in table(exchanged, absent):
            terminalreporter.write_line(line)


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    """Give the count of this test, and see at the end that it exchanged enough."""
    item = cast("pytest.Item", request.node)  # pyright: ignore[reportUnknownMemberType]  # pytest does not say
    program = _program_of(item)
    assert program is not None, "say which program: pytestmark = pytest.mark.interop(PROGRAM)"
    tally = Tally()
    yield tally
    item.user_properties.append((EXCHANGED, [program.name, program.version(), tally.messages, tally.bytes]))
    if not item.stash.get(FAILED, False):
        assert tally.messages >= LEAST


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note whether a test failed: its count says nothing more then."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report
