"""Hypothesis strategies for network code, and a state machine whose rules are coroutines in virtual time."""

from importlib.util import find_spec as _find_spec

if _find_spec("hypothesis") is None:
    raise ImportError("tcpip_testing.strategies needs Hypothesis: python -m pip install 'tcpip-testing[hypothesis]'")

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
