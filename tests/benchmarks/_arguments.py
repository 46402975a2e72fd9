"""What one may ask of the benchmarks, checked before anything is measured."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

from tests.benchmarks._rounds import Effort
from tests.benchmarks._workloads import IDLE, LOSSES, SPEED
from tests.benchmarks.peers import BASELINE, ON_ASYNCIO, PEERS

__all__ = ["COLD", "Part", "Request", "parse"]

COLD = ("W1", "W3")
"""The workloads that are measured with a cold allocator too, where nothing else is asked for."""

PROCESSES = {"1": (1,), "2": (2,), "both": (1, 2)}
ALLOCATORS = {"warm": ("warm",), "cold": ("cold",), "both": ("warm", "cold")}

FULL = Effort(rounds=9, seconds=0.12, attempts=3)
QUICK = Effort(rounds=5, seconds=0.015, attempts=1)

NumberT = TypeVar("NumberT", int, float)


@dataclass(frozen=True)
class Part:
    """Workloads that are timed in one form."""

    processes: int
    allocator: str
    workloads: tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """What is to be measured."""

    workloads: tuple[str, ...]
    peers: tuple[str, ...]
    loops: tuple[str, ...]
    parts: tuple[Part, ...]
    effort: Effort
    quick: bool
    compare: str | None
    output: Path | None


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def parse(arguments: Sequence[str] | None = None) -> Request:
    """Read the arguments; a wrong one ends the program with a sentence and status 2."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        return _request(given)
    except ValueError as e:
        parser.error(str(e))


def _parser() -> Parser:
    parser = Parser(prog="bench", description="Measure tcpip-core and its peers, side by side.", allow_abbrev=False)
    add = parser.add_argument
    add("--quick", action="store_true", help="a rough answer in less than a minute: one process, warm, short rounds")
    add("--workloads", metavar="W1,W2", help="which of them (default: all)")
    add("--peers", metavar="NAME,NAME", help=f"which of {', '.join(PEERS)} (default: all that are installed)")
    add("--loops", metavar="NAME,NAME", help=f"which of {', '.join(ON_ASYNCIO)} (default: both)")
    add("--processes", metavar="1|2|both", help="both ends in one process, or each in its own (default: both)")
    add("--allocator", metavar="warm|cold|both", help=f"default: warm, and cold for {' and '.join(COLD)}")
    add("--rounds", metavar="N", help=f"default: {FULL.rounds}")
    add("--seconds", metavar="S", help=f"CPU time of one measurement (default: {FULL.seconds})")
    add("--attempts", metavar="N", help=f"how often what is unstable is measured (default: {FULL.attempts})")
    add("--compare", metavar="REV", help="measure the working tree against a revision, and no other peers")
    add("--output", metavar="DIR", help="write the result as JSON, the tables, and the charts there")
    return parser


def _request(given: argparse.Namespace) -> Request:
    if given.compare is not None and given.peers is not None:
        raise ValueError("--compare measures our own code alone: leave --peers out")
    effort = QUICK if given.quick else FULL
    peers = _chosen("--peers", given.peers, PEERS)
    # Everything is a ratio to the baseline.
    peers = peers if BASELINE in peers else (BASELINE, *peers)
    workloads = _chosen("--workloads", given.workloads, (*SPEED, IDLE, LOSSES))
    return Request(
        workloads,
        peers,
        _chosen("--loops", given.loops, ON_ASYNCIO),
        tuple(_parts(given, workloads)),
        Effort(
            _number("--rounds", given.rounds, int, effort.rounds, 1, 1000),
            _number("--seconds", given.seconds, float, effort.seconds, 0.001, 60),
            _number("--attempts", given.attempts, int, effort.attempts, 1, 100),
        ),
        given.quick,
        given.compare,
        None if given.output is None else Path(given.output),
    )


def _parts(given: argparse.Namespace, workloads: Sequence[str]) -> Iterator[Part]:
    """Give the forms in which workloads are timed; cold only the two that it matters for, unless it is asked for."""
    timed = tuple(one for one in workloads if one in SPEED)
    asked = given.allocator is not None
    forms = _one_of("--processes", given.processes or ("1" if given.quick else "both"), PROCESSES)
    states = _one_of("--allocator", given.allocator or ("warm" if given.quick else "both"), ALLOCATORS)
    for processes in forms:
        for allocator in states:
            part = timed
            if allocator == "cold" and not asked:
                part = tuple(one for one in timed if one in COLD and processes == forms[0])
            if part:
                yield Part(processes, allocator, part)


def _chosen(option: str, given: str | None, known: Collection[str]) -> tuple[str, ...]:
    """Return what is asked for, in our order; all if nothing is."""
    if given is None:
        return tuple(known)
    names = [one.strip() for one in given.split(",") if one.strip()]
    unknown = sorted(set(names) - set(known))
    if unknown or not names:
        what = f"knows no {', '.join(map(repr, unknown))}" if unknown else "is empty"
        raise ValueError(f"{option} {what}: choose from {', '.join(known)}")
    return tuple(one for one in known if one in names)


ValueT = TypeVar("ValueT")


def _one_of(option: str, given: str, values: dict[str, ValueT]) -> ValueT:
    if given not in values:
        raise ValueError(f"{option} must be one of {', '.join(values)}, not {given!r}")
    return values[given]


def _number(
    option: str, given: str | None, convert: Callable[[str], NumberT], default: NumberT, low: NumberT, high: NumberT
) -> NumberT:
    if given is None:
        return default
    try:
        number = convert(given)
    except ValueError:
        number = None
    if number is None or math.isnan(number) or not low <= number <= high:
        raise ValueError(f"{option} must be a number from {low} to {high}, not {given!r}") from None
    return number
