"""Figures of transcripts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tcpip_core.transcript import Gap
from tcpip_tools.logs._messages import Message
from tcpip_tools.logs._stats import Timeline, of_items


def ask(time: int, text: bytes = b"STATUS", number: int = 1) -> Message:
    return Message(time, number, ">", text)


def answer(time: int, number: int = 1) -> Message:
    return Message(time, number, "<", b"OK")


def test_each_link_has_questions_of_its_own() -> None:
    """Two controllers may ask at the same time."""
    found = of_items([ask(0), ask(1, number=2), answer(10**9), answer(2 * 10**9 + 1, number=2)], "utf-8")
    assert [1.0, 2.0] == list(found.commands["STATUS"].times)


def test_only_the_first_message_after_a_question_is_its_answer() -> None:
    """What comes unasked is none, and a gap hides what was asked."""
    found = of_items([answer(0), ask(1), answer(2), answer(3), ask(4), Gap(5, 1, 1, ""), answer(6), ask(7)], "utf-8")
    command = found.commands["STATUS"]
    assert (3, 1, [1e-9]) == (command.count, command.unanswered, list(command.times))


def test_many_different_commands_are_summed_up() -> None:
    """A link without words, say random bytes, must not fill the memory."""
    found = of_items([ask(i, b"%d" % i) for i in range(2000)], "utf-8")
    assert len(found.commands) <= 501
    assert 2000 == sum(command.count for command in found.commands.values())
    assert found.commands["(others)"].count > 1000


@given(st.lists(st.tuples(st.integers(0, 2**62), st.integers(1, 1000)), max_size=50))
def test_a_timeline_loses_nothing_however_long_it_is(entries: list[tuple[int, int]]) -> None:
    """A microsecond, or a century."""
    line = Timeline()
    for time, amount in entries:
        line.add(time, amount)
    end = max((time for time, _ in entries), default=0)
    assert sum(amount for _, amount in entries) == sum(line.parts(end, 60))


def test_a_timeline_stays_small() -> None:
    """A month at once a millisecond."""
    line = Timeline()
    for index in range(20_000):
        line.add(index * 10**6, 1)
    assert [5000.0] * 4 == line.parts(20_000 * 10**6, 4)
    assert len(line._counts) <= 4096
