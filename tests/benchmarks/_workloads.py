"""The workloads: what each is called, what it counts, and how much of it a first try takes."""

from __future__ import annotations

from dataclasses import dataclass

from tests.benchmarks import _payloads as payloads

__all__ = ["IDLE", "LOSSES", "SPEED", "STREAMS", "Workload"]


@dataclass(frozen=True)
class Workload:
    """Something that two ends do with each other, n times."""

    name: str
    title: str
    unit: str
    step: int
    """Items come in multiples of this."""
    first: int
    """How many items take a few milliseconds or less."""

    def amount(self, items: float) -> int:
        """Round a number of items to what can be done."""
        return max(1, round(items / self.step)) * self.step


SPEED: dict[str, Workload] = {
    one.name: one
    for one in (
        Workload("W1", "line, request and reply", "round trip", 1, 100),
        Workload("W2", "lines in batches, read one by one", "line", payloads.LINE_BATCH, 2000),
        Workload("W2w", "lines, one write each", "line", 1, 200),
        Workload("W3", "bulk, chunks of 64 KiB", "chunk", 1, 16),
        Workload("W4p", "structure, request and reply", "round trip", 1, 100),
        Workload("W4s", "structures, 50 by one call", "structure", payloads.STRUCT_BATCH, 1000),
        Workload("W5p", "JSON, request and reply", "round trip", 1, 100),
        Workload("W5s", "JSON in batches, read one by one", "record", payloads.JSON_BATCH, 500),
        Workload("W6", "connect and close", "connection", 1, 20),
    )
}
"""Those whose result is CPU time for an amount of work."""

STREAMS = frozenset({"W2", "W2w", "W3", "W4s", "W5s"})
"""Those where the server receives only, and replies once it has everything."""

IDLE, LOSSES = "W7", "W8"
