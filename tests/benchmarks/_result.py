"""The whole result of a run, as it goes into the JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from tests.benchmarks._orders import IdleFigures, LossRow
from tests.benchmarks._rounds import Row

__all__ = ["IdleRow", "Losses", "Result", "control_of"]


def control_of(baseline: str) -> str:
    """Name the second one of the baseline."""
    return f"{baseline} again"


@dataclass(frozen=True)
class IdleRow:
    """What idle links cost with one peer."""

    peer: str
    loop: str
    figures: IdleFigures


@dataclass(frozen=True)
class Losses:
    """How soon a loss is told; of ours alone."""

    peer: str
    row: LossRow


@dataclass
class Result:
    """All that was measured."""

    made: str
    """When (UTC)."""
    machine: dict[str, str | int]
    settings: dict[str, object]
    versions: dict[str, str] = field(default_factory=dict[str, str])
    speed: list[Row] = field(default_factory=list[Row])
    idle: list[IdleRow] = field(default_factory=list[IdleRow])
    losses: list[Losses] = field(default_factory=list[Losses])

    def to_json(self) -> str:
        """Return it as JSON text; what is unstable has no ratio."""
        whole = asdict(self)
        for row in whole["speed"]:
            if row["unstable"]:
                row["ratio"] = row["wall_ratio"] = None
        return json.dumps(whole, indent=1) + "\n"
