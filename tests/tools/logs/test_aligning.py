"""Which lines of two texts are the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpip_tools.logs import _aligning
from tcpip_tools.logs._aligning import grouped_changes

LINES = st.lists(st.sampled_from("abcd"), max_size=30)


def changed(one: list[str], other: list[str]) -> tuple[list[str], int]:
    """Make the second of the first by what is said of the changes; count the lines of those."""
    made, count, done = list[str](), 0, 0
    for group in grouped_changes(one, other, 0):
        for tag, begin, end, other_begin, other_end in group:
            assert (one[begin:end] == other[other_begin:other_end]) == (tag == "equal")
            made += one[done:begin] + other[other_begin:other_end]
            count += 0 if tag == "equal" else (end - begin) + (other_end - other_begin)
            done = end
    return made + one[done:], count


def fewest(one: list[str], other: list[str]) -> int:
    """Count the differences by the longest common subsequence, line by line."""
    row = [0] * (len(other) + 1)
    for line in one:
        before = row
        row = [0]
        for place, there in enumerate(other):
            row.append(before[place] + 1 if line == there else max(before[place + 1], row[place]))
    return len(one) + len(other) - 2 * row[-1]


@given(one=LINES, other=LINES)
def test_the_changes_lead_from_one_to_the_other_and_are_as_few_as_can_be(one: list[str], other: list[str]) -> None:
    """Whatever the lines are."""
    assert (other, fewest(one, other)) == changed(one, other)


def test_a_polled_device_differs_in_what_differs() -> None:
    """Its lines come over and over: no reason to take them for nothing."""
    one = ["first", "OPEN", *["STATUS", "OK"] * 20_000, "CLOSE", "last"]
    other = ["first", "SHUT", *["STATUS", "OK"] * 20_000, "OPEN", "last"]
    assert (other, 4) == changed(one, other)


def test_texts_that_have_nothing_in_common_are_compared_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """In bounded time: not with as few changes as can be."""
    monkeypatch.setattr(_aligning, "_MOST_DIFFERENCES", 3)
    one, other = list("abcdefgh"), list("ABCDdEFGH")
    made, count = changed(one, other)
    assert other == made
    assert 15 == count
