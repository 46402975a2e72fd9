"""A state machine of Hypothesis whose rules are coroutines, run in virtual time on a virtual network.

Hypothesis chooses and calls rules, one after the other, and knows nothing of event loops. So each rule that it sees is
a plain function which runs the coroutine to its end, in the one simulation of that run. What other tasks do goes on
while a rule waits, and stands still between two rules.
"""

import asyncio
import contextlib
import functools
import inspect
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar, Protocol, TypeVar

from hypothesis import stateful
from hypothesis.strategies import SearchStrategy

from ..sim import SimDeadlock, SimOptions, Simulation, sim_loop_factory
from ..sim._simulation import abandon
from ..sim._stuck import describe

__all__ = ["SimStateMachine", "initialize", "invariant", "rule"]

T = TypeVar("T")

_MARKERS = ("hypothesis_stateful_rule", "hypothesis_stateful_initialize_rule", "hypothesis_stateful_invariant")
"""Where Hypothesis keeps what its decorators were put on."""


class SimStateMachine(stateful.RuleBasedStateMachine):
    """A `hypothesis.stateful.RuleBasedStateMachine` whose rules are coroutines in a simulation.

    Each run has a new simulation. Write rules with `rule`, `initialize` and `invariant` of this module; bundles,
    ``precondition`` and ``TestCase`` are those of Hypothesis. A rule that never ends is a failure like any other, and
    so is an error that reaches the event loop because nobody caught it.

    Attributes
    ----------
    sim : Simulation
        The simulation of this run.
    sim_seed : int
        What all that is random in it follows from.
    sim_options : SimOptions
        What it is like: a dict of what `tcpip_testing.sim.sim_run` takes.
    rule_timeout : float
        How long a rule may take (virtual seconds).

    Raises
    ------
    TypeError
        If a decorator of Hypothesis itself was put on a coroutine function, which then would never run.
    """

    sim_seed: ClassVar[int] = 0
    sim_options: ClassVar[SimOptions] = {}
    rule_timeout: ClassVar[float] = 3600.0

    def __init__(self) -> None:
        _refuse_lost_coroutines(type(self))
        super().__init__()
        self._tcpip_runner = asyncio.Runner(loop_factory=sim_loop_factory(seed=self.sim_seed, **self.sim_options))
        loop = self._tcpip_runner.get_loop()
        loop.set_exception_handler(self._tcpip_note)
        self._tcpip_errors: list[dict[str, Any]] = []
        self._tcpip_failed = False
        self.sim: Simulation = Simulation(loop)

    async def shut_down(self) -> None:
        """End what the rules have made; override it. Called at the end of each run, in its simulation."""

    def teardown(self) -> None:
        """End the run: `shut_down`, then cancel the tasks that are left. Hypothesis calls it."""
        # What failed before is told; what fails now because of that is not.
        with contextlib.suppress(Exception) if self._tcpip_failed else contextlib.nullcontext():
            self._tcpip_run(self._tcpip_shut_down())
        if self._tcpip_failed:
            abandon(self.sim)
        self._tcpip_runner.close()
        super().teardown()

    async def _tcpip_shut_down(self) -> None:
        await self.shut_down()
        await self.sim.advance(1.0)  # What was closed is gone a few exchanges later.

    def _tcpip_note(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._tcpip_errors.append(context)

    def _tcpip_run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a rule in the simulation."""
        try:
            # Not by the runner: that would set signal handlers for each rule.
            result = self._tcpip_runner.get_loop().run_until_complete(self._tcpip_bounded(coroutine))
            if self._tcpip_errors:
                error = self._tcpip_errors[0]
                cause = error.get("exception")
                raise AssertionError(f"an error that nobody caught: {error.get('message')}: {cause!r}") from cause
        except BaseException:
            self._tcpip_failed = True
            raise
        return result

    async def _tcpip_bounded(self, coroutine: Coroutine[Any, Any, T]) -> T:
        task = asyncio.get_running_loop().create_task(coroutine, name="rule")
        try:
            await asyncio.wait({task}, timeout=self.rule_timeout)
            if task.done():
                return task.result()
            places = describe({task, *asyncio.all_tasks()} - {asyncio.current_task()})
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=self.rule_timeout)
        raise SimDeadlock(f"a rule did not end within {self.rule_timeout:g} s, at {self.sim.time!r} s:\n{places}")


@functools.cache
def _refuse_lost_coroutines(machine: type) -> None:
    """Refuse rules that Hypothesis would call, and whose coroutines nobody would run."""
    for name, member in inspect.getmembers(machine):
        for marker in _MARKERS:
            function: object = getattr(getattr(member, marker, None), "function", None)
            if inspect.iscoroutinefunction(function):
                raise TypeError(
                    f"{machine.__name__}.{name} is a coroutine function: decorate it with rule, initialize or "
                    "invariant of tcpip_testing.strategies, not of hypothesis.stateful"
                )


class _Rule(Protocol):
    """What makes a rule of a coroutine function."""

    def __call__(self, function: Callable[..., Coroutine[Any, Any, T]], /) -> Callable[..., T]: ...


def _in_simulation(function: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., T]:
    """Make a plain method of a coroutine method of a machine."""
    if not inspect.iscoroutinefunction(function):
        raise TypeError(
            f"{getattr(function, '__qualname__', function)} must be a coroutine function (async def); a plain one "
            "takes the decorators of hypothesis.stateful"
        )

    @functools.wraps(function)
    def run(self: SimStateMachine, *args: object, **kwargs: object) -> T:
        return self._tcpip_run(function(self, *args, **kwargs))  # pyright: ignore[reportPrivateUsage]

    return run


def rule(
    *,
    target: stateful.Bundle[object] | None = None,
    targets: Sequence[stateful.Bundle[object]] = (),
    **arguments: SearchStrategy[object],
) -> _Rule:
    """Make a rule of a coroutine method of a `SimStateMachine`, as `hypothesis.stateful.rule` does of a plain one.

    Parameters
    ----------
    target : Bundle, optional
        Where what it returns is put.
    targets : sequence of Bundle
        Several of them.
    **arguments
        A strategy or bundle for each argument of the method.

    Returns
    -------
    callable
        The decorator. It raises `TypeError` for what is not a coroutine function.
    """
    return _decorator(stateful.rule, target, targets, arguments)


def initialize(
    *,
    target: stateful.Bundle[object] | None = None,
    targets: Sequence[stateful.Bundle[object]] = (),
    **arguments: SearchStrategy[object],
) -> _Rule:
    """Make a coroutine method run once before all rules, as `hypothesis.stateful.initialize` does with a plain one.

    Parameters
    ----------
    target : Bundle, optional
        Where what it returns is put.
    targets : sequence of Bundle
        Several of them.
    **arguments
        A strategy for each argument of the method.

    Returns
    -------
    callable
        The decorator. It raises `TypeError` for what is not a coroutine function.
    """
    return _decorator(stateful.initialize, target, targets, arguments)


def invariant(*, check_during_init: bool = False) -> _Rule:
    """Make a coroutine method run after each rule, as `hypothesis.stateful.invariant` does with a plain one.

    Parameters
    ----------
    check_during_init : bool
        Run it before the `initialize` methods have run, too.

    Returns
    -------
    callable
        The decorator. It raises `TypeError` for what is not a coroutine function.
    """

    def decorate(function: Callable[..., Coroutine[Any, Any, T]], /) -> Callable[..., T]:
        marked: Callable[..., T] = stateful.invariant(check_during_init=check_during_init)(_in_simulation(function))
        return marked

    return decorate


def _decorator(
    make: Callable[..., Any],
    target: stateful.Bundle[object] | None,
    targets: Sequence[stateful.Bundle[object]],
    arguments: dict[str, SearchStrategy[object]],
) -> _Rule:
    # Hypothesis tells from the keywords which of the two was meant.
    where: dict[str, Any] = {"targets": tuple(targets)} if targets else {}
    if target is not None:
        where["target"] = target

    def decorate(function: Callable[..., Coroutine[Any, Any, T]], /) -> Callable[..., T]:
        marked: Callable[..., T] = make(**where, **arguments)(_in_simulation(function))
        return marked

    return decorate
