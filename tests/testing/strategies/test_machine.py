"""The asynchronous state machine: finds planted bugs, shrinks them, and takes what hangs for a failure."""

from __future__ import annotations

import asyncio
import re

import hypothesis
import pytest
from hypothesis import stateful
from hypothesis import strategies as st

from tcpip_testing.sim import SimDeadlock
from tcpip_testing.strategies import SimStateMachine, initialize, invariant, rule
from tests.testing.strategies._asking import AskingMachine, ForgetfulMachine, LateAnswerMachine

SETTINGS = hypothesis.settings(
    max_examples=100,
    stateful_step_count=20,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
)


def run(machine: type[SimStateMachine], settings: hypothesis.settings = SETTINGS) -> None:
    stateful.run_state_machine_as_test(machine, settings=settings)  # pyright: ignore[reportUnknownMemberType]


def steps(error: BaseException) -> list[str]:
    """Return the rules of the minimal example that Hypothesis has added to an error."""
    text = "\n".join(getattr(error, "__notes__", []))
    return [one for one in re.findall(r"^ *state\.(\w+)\(", text, re.MULTILINE) if one != "one_connection_at_most"]


def test_a_client_without_bugs_passes() -> None:
    """The machine accuses nobody who is innocent."""
    run(AskingMachine, hypothesis.settings(SETTINGS, max_examples=40))


def test_an_answer_given_to_the_wrong_question_is_found() -> None:
    """With an example that cannot be shorter: the device is slow, two questions."""
    with pytest.raises(AssertionError, match=r"the answer to question . was") as caught:
        run(LateAnswerMachine)
    assert ["start", "become_slow", "ask", "ask", "teardown"] == steps(caught.value)


def test_a_reconnect_that_forgets_to_close_is_found() -> None:
    """With an example that cannot be shorter: it takes two connections."""
    with pytest.raises(AssertionError, match="2 connections are open") as caught:
        run(ForgetfulMachine)
    assert ["start", "reconnect", "reconnect", "teardown"] == steps(caught.value)


class Hangs(SimStateMachine):
    @rule()
    async def wait_for_nothing(self) -> None:
        await asyncio.Event().wait()


def test_a_rule_that_hangs_is_a_failure() -> None:
    """And the error says where it waits."""
    with pytest.raises(SimDeadlock, match="rule: wait_for_nothing") as caught:
        run(Hangs)
    assert ["wait_for_nothing", "teardown"] == steps(caught.value)


class FailsInATask(SimStateMachine):
    @rule()
    async def fail_elsewhere(self) -> None:
        self.sim.loop.call_soon(self.fail)
        await self.sim.advance(1)

    def fail(self) -> None:
        raise ValueError("in a callback")


def test_an_error_that_nobody_catches_is_a_failure() -> None:
    """A loop only logs it, and a test that passes shows no log."""
    with pytest.raises(AssertionError, match=r"nobody caught: .*in a callback"):
        run(FailsInATask)


class FailsAtTheEnd(SimStateMachine):
    fails_before = False

    @rule()
    async def do(self) -> None:
        assert not self.fails_before, "the first failure"

    async def shut_down(self) -> None:
        raise ValueError("cannot shut down")


class FailsTwice(FailsAtTheEnd):
    fails_before = True


def test_a_failing_end_is_a_failure_unless_another_came_first() -> None:
    """What a rule found must not be hidden by what follows from it."""
    with pytest.raises(ValueError, match="cannot shut down"):
        run(FailsAtTheEnd)
    with pytest.raises(AssertionError, match="the first failure"):
        run(FailsTwice)


class Bundles(SimStateMachine):
    names: stateful.Bundle[str] = stateful.Bundle("names")
    sim_options = {"latency": "1ms..20ms"}

    @initialize(target=names)
    async def first(self) -> str:
        await self.sim.advance(60)
        return "first"

    @rule(target=names, name=st.sampled_from("ab"))
    async def add(self, name: str) -> str:
        return name

    @stateful.precondition(lambda self: self.sim.time > 0)
    @rule(name=names)
    async def use(self, name: str) -> None:
        assert name in {"first", "a", "b"}

    @stateful.rule()
    def plain(self) -> None:
        assert self.sim.time >= 60

    @invariant()
    async def time_has_passed(self) -> None:
        assert self.sim.time == 60
        assert self.sim.settings.latencies == (0.001, 0.02)


def test_bundles_and_plain_rules_are_those_of_hypothesis() -> None:
    """Who knows Hypothesis knows this."""
    run(Bundles, hypothesis.settings(SETTINGS, max_examples=20))


def test_a_decorator_of_hypothesis_on_a_coroutine_is_refused() -> None:
    """Its coroutine would never run, and the machine would pass."""

    class Lost(SimStateMachine):
        @stateful.rule()  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  That is the mistake.
        async def never(self) -> None: ...

    with pytest.raises(TypeError, match=r"Lost\.never is a coroutine function: decorate it with rule"):
        Lost()


@pytest.mark.parametrize("decorate", [rule(), initialize(), invariant()])
def test_a_plain_function_is_refused(decorate: object) -> None:
    """At the place where it is written."""
    with pytest.raises(TypeError, match="must be a coroutine function"):
        decorate(len)  # type: ignore[operator]
