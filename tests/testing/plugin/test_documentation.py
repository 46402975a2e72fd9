"""The examples that need pytest itself are run by it."""

from __future__ import annotations

import re

import pytest

from tests.repo._tree import ROOT

PAGE = (ROOT / "docs/how-to/test-with-virtual-time.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
LONGEST = 15
"""How many lines the how-to's tests of a lost heartbeat, a partition and a deadlock may have."""


def test_the_marked_example_passes_with_each_seed(pytester: pytest.Pytester) -> None:
    """A reader copies it into a file and runs pytest."""
    (block,) = (one for one in BLOCKS if "tcpip_sim(" in one)
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope=function\n")
    pytester.makepyfile(block)
    pytester.runpytest_inprocess("-p", "tcpip_testing.plugin", "-p", "no:cacheprovider").assert_outcomes(passed=50)


@pytest.mark.parametrize(
    "name", ["test_a_lost_heartbeat_is_noticed", "test_a_partition_heals", "test_a_deadlock_says_who_waits"]
)
def test_a_failure_takes_few_lines_to_test(name: str) -> None:
    """Who has to write more writes no test."""
    (block,) = (one for one in BLOCKS if f"def {name}(" in one)
    assert len(block.strip().splitlines()) <= LONGEST
