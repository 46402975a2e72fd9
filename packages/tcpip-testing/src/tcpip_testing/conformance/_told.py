"""The connect callback that a suite gives to the thing that it tests."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from ._checks import check
from ._subjects import HasConnected
from ._world import World

__all__ = ["Reaction", "Told"]

Reaction: TypeAlias = Callable[[HasConnected], Awaitable[None]]


class Told:
    """A connect callback that keeps what it is told.

    Parameters
    ----------
    world : World
        Where it is told.
    reaction : callable or None
        What it does besides.
    """

    def __init__(self, world: World, reaction: Reaction | None = None) -> None:
        self._world = world
        self.states: list[bool] = []
        self._reaction = reaction

    async def __call__(self, who: HasConnected) -> None:
        """Keep the state, and react to it."""
        self.states.append(who.connected)
        if self._reaction is not None:
            await self._reaction(who)

    async def wait(self, *states: bool) -> None:
        """Wait until exactly this was told."""
        await self._world.until(lambda: len(self.states) >= len(states), f"the callback is told {list(states)}")
        self.check(*states)

    def check(self, *states: bool) -> None:
        """Fail unless exactly this was told."""
        check(list(states), self.states, "what the callback was told")
