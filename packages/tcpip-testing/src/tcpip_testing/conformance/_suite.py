"""What all suites have in common: each behaviour is tried in a world of its own, and a failure says what to look at."""

import abc
import asyncio
import unittest
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, TypeVar

from ..sim import SimOptions, sim_run
from ._world import SimulatedWorld, SocketWorld, World

__all__ = ["Suite", "behaviour", "only_simulated"]

SuiteT = TypeVar("SuiteT", bound="Suite")

_MOST_EVENTS = 12
"""How much of what happened a message tells."""


class Suite(abc.ABC):  # noqa: B024  What derived from it is abstract.
    """Tests to inherit, one behaviour each.

    Attributes
    ----------
    on_sockets : bool
        Try the behaviours on sockets of this machine, rather than in a simulation.
    sim_seed : int
        What all that is random in a simulation follows from.
    sim_options : SimOptions
        What the simulation is like: a dict of what `tcpip_testing.sim.sim_run` takes.
    """

    on_sockets: ClassVar[bool] = False
    sim_seed: ClassVar[int] = 0
    sim_options: ClassVar[SimOptions] = {}

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Make the event loop of a behaviour that is tried on sockets; override it to try another kind.

        Returns
        -------
        asyncio.AbstractEventLoop
            asyncio's own.
        """
        return asyncio.new_event_loop()


def behaviour(test: Callable[[SuiteT, World], Coroutine[Any, Any, None]]) -> Callable[[SuiteT], None]:
    """Make a test of a coroutine method that tries one behaviour; its docstring says which."""

    def run(self: SuiteT) -> None:
        __tracebackhide__ = True
        _try(self, test)

    run.__name__, run.__qualname__, run.__doc__ = test.__name__, test.__qualname__, test.__doc__
    run.__module__ = test.__module__
    return run


def only_simulated(suite: Suite, why: str) -> None:
    """Skip a behaviour on real sockets."""
    if suite.on_sockets:
        raise unittest.SkipTest(f"only in a simulation: {why}")


def _try(suite: SuiteT, test: Callable[[SuiteT, World], Coroutine[Any, Any, None]]) -> None:
    """Try one behaviour in a new world."""
    __tracebackhide__ = True
    failed: list[str] = []

    async def main() -> None:
        world = SocketWorld() if suite.on_sockets else SimulatedWorld()
        try:
            await test(suite, world)
            await world.end()
        except unittest.SkipTest:
            raise
        except Exception as e:
            failed.append(_report(suite, test.__name__, test.__doc__ or "", world, e))
            world.end_peers()
            world.forget()
            raise

    try:
        if suite.on_sockets:
            with asyncio.Runner(loop_factory=suite.new_event_loop) as runner:
                runner.run(main())
        else:
            sim_run(main, seed=suite.sim_seed, **suite.sim_options)
    except Exception as e:
        if not failed:
            raise
        raise AssertionError(failed[0]) from e


def _report(suite: Suite, name: str, claim: str, world: World, error: Exception) -> str:
    """Say which behaviour of which suite is broken, how, and how to see it again."""
    subject = type(suite)
    contract = next(one for one in subject.__mro__ if one.__module__.startswith(f"{__package__}."))
    what = str(error) if type(error) is AssertionError else f"{type(error).__name__}: {error}"
    events = world.events()[-_MOST_EVENTS:]
    lines = [
        f"{subject.__name__} breaks a behaviour that {contract.__name__} demands: {name}",
        f"  demanded:  {' '.join(claim.split())}",
        f"  happened:  {what}",
        *([f"  varied:    {world.variation}"] if world.variation else []),
        f"  tried in:  {world.name}",
        *(["  the network, last:", *(f"    {one}" for one in events)] if events else []),
        f"  alone:     python -m pytest -k '{subject.__name__} and {name}'",
    ]
    return "\n".join(lines)
