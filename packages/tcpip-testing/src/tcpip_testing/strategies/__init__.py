"""Hypothesis strategies for network code, and a state machine whose rules are coroutines in virtual time."""

try:
    import hypothesis as _hypothesis  # noqa: F401  # pyright: ignore[reportUnusedImport]  Only to say what is missing.
except ModuleNotFoundError as e:
    if e.name != "hypothesis":
        raise
    raise ImportError(
        "tcpip_testing.strategies needs Hypothesis: python -m pip install 'tcpip-testing[hypothesis]'"
    ) from e

from ._chunks import chunkings, pieces
from ._faults import Fault, FaultKind, faults
from ._frames import Frame, frames
from ._machine import SimStateMachine, initialize, invariant, rule
from ._structures import structures

__all__ = [
    "Fault",
    "FaultKind",
    "Frame",
    "SimStateMachine",
    "chunkings",
    "faults",
    "frames",
    "initialize",
    "invariant",
    "pieces",
    "rule",
    "structures",
]
