"""What is said between the program that measures and its workers: orders go, replies come."""

from __future__ import annotations

from dataclasses import dataclass

from tests.benchmarks._meter import Figures

__all__ = [
    "Both",
    "Drive",
    "Failure",
    "Idle",
    "IdleFigures",
    "Listening",
    "LossRow",
    "Losses",
    "Order",
    "Ready",
    "Reply",
    "Serve",
    "Served",
]


@dataclass(frozen=True)
class Both:
    """Do a workload with both ends in one process."""

    workload: str
    n: int


@dataclass(frozen=True)
class Serve:
    """Be the server of a workload: `Listening` is the first reply, `Served` the second."""

    workload: str
    n: int


@dataclass(frozen=True)
class Drive:
    """Be the client of a workload; what the server's process spends counts too."""

    workload: str
    n: int
    port: int
    server: int


@dataclass(frozen=True)
class Idle:
    """Hold idle pairs and measure what they cost."""

    pairs: int
    seconds: float
    memory_pairs: int
    beside: tuple[int, ...]
    """Numbers of idle links beside which a message's cost is measured."""
    round_trips: int


@dataclass(frozen=True)
class Losses:
    """Measure how long losses take to reach the callback."""

    loop: str
    side: str
    end: str
    rounds: int


@dataclass(frozen=True)
class Ready:
    """A worker has begun; which process it is, and which versions of what it uses."""

    pid: int
    versions: dict[str, str]


@dataclass(frozen=True)
class Listening:
    """A server listens."""

    port: int


@dataclass(frozen=True)
class Served:
    """A server's client has hung up."""


@dataclass(frozen=True)
class IdleFigures:
    """What idle pairs cost."""

    wakeups: float
    """Each second, all pairs together."""
    cpu: float
    """Milliseconds each second, all pairs together."""
    memory: float
    """KiB a pair, both ends."""
    beside: dict[int, float]
    """Microseconds of CPU for a round trip, by the number of idle links beside it."""


@dataclass(frozen=True)
class LossRow:
    """The latencies of one side, one loop and one kind of end (microseconds)."""

    loop: str
    side: str
    end: str
    rounds: int
    p50: float
    p90: float
    p99: float
    worst: float


@dataclass(frozen=True)
class Failure:
    """What was ordered could not be done."""

    why: str


Order = Both | Serve | Drive | Idle | Losses
Reply = Ready | Figures | Listening | Served | IdleFigures | LossRow | Failure
