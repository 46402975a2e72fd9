"""What a simulation can be told: one list of names for each way into it."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypedDict, Unpack

from ._loop import SimLoop
from ._settings import LinkSettings

__all__ = ["LinkOptions", "SimOptions", "check_names", "make_loop", "sim_loop_factory"]


class LinkOptions(TypedDict, total=False):
    """What links are like; see `LinkSettings`."""

    latency: float | tuple[float, float] | str
    bandwidth: float | None
    split: float
    merge: float
    segment_size: int
    window: int
    send_buffer: int
    initial_window: int | None


class SimOptions(LinkOptions, total=False):
    """What a simulation is like: that of `LinkOptions`, and the rest.

    ``max_turns`` is how many turns of the loop a run may take (1 000 000), ``thread_timeout`` how long it waits for a
    function in a thread (30 seconds of real time), ``real_sockets`` whether the program may use the real network.
    """

    max_turns: int
    thread_timeout: float
    real_sockets: bool


_OF_LINKS = {one.name for one in fields(LinkSettings) if one.init}


def make_loop(seed: int, options: SimOptions) -> SimLoop:
    """Make the event loop of a simulation; what is wrong with the options is raised before anything is made."""
    if not isinstance(seed, int):  # pyright: ignore[reportUnnecessaryIsInstance]  Python does not check.
        raise TypeError(f"seed must be a whole number, not {seed!r}")
    check_names(options, SimOptions.__annotations__, "a simulation")
    of_links: dict[str, Any] = {name: value for name, value in options.items() if name in _OF_LINKS}
    others: dict[str, Any] = {name: value for name, value in options.items() if name not in _OF_LINKS}
    _check_bounds(others.get("max_turns", 1), others.get("thread_timeout", 1))
    return SimLoop(seed, LinkSettings(**of_links), **others)


def _check_bounds(max_turns: object, thread_timeout: object) -> None:
    if not isinstance(max_turns, int) or max_turns < 1:
        raise ValueError(f"max_turns must be 1 or more, and whole, not {max_turns!r}")
    if not isinstance(thread_timeout, int | float) or not thread_timeout > 0:
        raise ValueError(f"thread_timeout must be above 0 seconds, not {thread_timeout!r}")


def check_names(given: Mapping[str, object], allowed: Mapping[str, object], what: str) -> None:
    """Refuse arguments that do not exist, and say which do.

    Raises
    ------
    TypeError
        If there is one.
    """
    for name in given:
        if name not in allowed:
            close = difflib.get_close_matches(name, allowed, 1)
            meant = f", did you mean {close[0]!r}?" if close else "."
            raise TypeError(f"{what} has no argument {name!r}{meant} It has {', '.join(sorted(allowed))}")


def sim_loop_factory(*, seed: int = 0, **options: Unpack[SimOptions]) -> Callable[[], SimLoop]:
    """Return a function that makes simulated event loops, for `asyncio.Runner` and others that take one.

    Parameters
    ----------
    seed : int
        What all that is random follows from.
    **options
        As for `sim_run`.

    Returns
    -------
    callable
        Makes a new simulation each time. In a coroutine that runs there, `Simulation.current` gives access to it.

    Raises
    ------
    TypeError
        If there is no such argument; says which there are.
    ValueError
        If a value is out of its range.
    """
    make_loop(seed, options).close()
    return lambda: make_loop(seed, options)
