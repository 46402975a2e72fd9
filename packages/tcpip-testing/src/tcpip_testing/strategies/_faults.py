"""What goes wrong with a connection, and when, as a value that Hypothesis draws and shrinks."""

import contextlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from hypothesis import strategies as st

from ..sim import Connected, Simulation, Tcp

__all__ = ["Fault", "FaultKind", "faults"]

FaultKind: TypeAlias = Literal["reset", "stall", "outage", "cut"]
"""An RST from the network; data held back for a while; a link that loses everything for a while; or for ever."""

_LASTING = ("stall", "outage")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong with a connection of a simulation.

    Parameters
    ----------
    kind : {"reset", "stall", "outage", "cut"}
        What: an RST that reaches both ends; all data held back, and none lost; nothing passes, for a while; nothing
        passes any more.
    at : float
        When (seconds from `schedule` on).
    duration : float
        How long a stall or an outage takes (seconds); 0 for the others. The end of an outage ends a cut of the same
        connection too.
    """

    kind: FaultKind
    at: float
    duration: float = 0.0

    def schedule(self, sim: Simulation, victim: Callable[[], Connected | Tcp | None]) -> None:
        """Let it happen when its time has come.

        Parameters
        ----------
        sim : Simulation
            Where.
        victim : callable
            Asked at that time for what is hit: a client, a server, a stream's writer. If that is None, or not
            connected then, nothing happens.
        """
        sim.call_later(self.at, self._strike, sim, victim)

    def _strike(self, sim: Simulation, victim: Callable[[], Connected | Tcp | None]) -> None:
        one = victim()
        with contextlib.suppress(ValueError):
            if one is None:
                return
            if self.kind == "reset":
                if not isinstance(one, Tcp) or not one.dead:
                    sim.reset(one)
            elif self.kind == "stall":
                sim.stall(self.duration, one)
            else:
                sim.cut(one)
                if self.kind == "outage":
                    sim.call_later(self.duration, self._restore, sim, one)

    def _restore(self, sim: Simulation, one: Connected | Tcp) -> None:
        with contextlib.suppress(ValueError):
            sim.restore(one)


def faults(
    kinds: Collection[FaultKind] = ("reset", "stall", "outage", "cut"),
    *,
    max_at: float = 10.0,
    max_duration: float = 10.0,
) -> st.SearchStrategy[Fault]:
    """Draw faults.

    Parameters
    ----------
    kinds : collection of {"reset", "stall", "outage", "cut"}
        Which of them; it shrinks to the first.
    max_at : float
        When one comes at the latest (seconds, 0 or more).
    max_duration : float
        How long one takes at most (seconds, 0 or more).

    Returns
    -------
    SearchStrategy
        Of faults; draw a list of them for several.

    Raises
    ------
    ValueError
        If a kind is unknown, or there is none, or a time is negative; says what is allowed.
    """
    allowed = get_args(FaultKind)
    if not kinds or not all(kind in allowed for kind in kinds):
        raise ValueError(f"kinds must be some of {', '.join(allowed)}, not {kinds!r}")
    if not (max_at >= 0 and max_duration >= 0):
        raise ValueError(f"max_at and max_duration must be 0 s or more, not {max_at!r} and {max_duration!r}")
    return st.one_of([_of_kind(kind, max_at, max_duration) for kind in kinds])


def _of_kind(kind: FaultKind, max_at: float, max_duration: float) -> st.SearchStrategy[Fault]:
    at = st.floats(0, max_at)
    if kind in _LASTING:
        return st.builds(Fault, st.just(kind), at, st.floats(0, max_duration))
    return st.builds(Fault, st.just(kind), at)
