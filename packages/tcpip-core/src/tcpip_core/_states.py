"""The life of a connection as a table: its states, and which may follow which."""

import enum
from types import MappingProxyType

__all__ = ["CONNECTED", "TRANSITIONS", "State"]


class State(enum.Enum):
    """Where a connection is in its life."""

    NEW = "new"
    WAITING = "waiting"
    OPEN = "open"
    DRAINING = "draining"
    CLOSING = "closing"
    CLOSED = "closed"


TRANSITIONS = MappingProxyType(
    {
        State.NEW: frozenset({State.WAITING, State.OPEN, State.CLOSING}),
        State.WAITING: frozenset({State.OPEN, State.CLOSING}),
        State.OPEN: frozenset({State.DRAINING, State.CLOSING}),
        State.DRAINING: frozenset({State.CLOSING}),
        State.CLOSING: frozenset({State.CLOSED}),
        State.CLOSED: frozenset[State](),
    }
)
"""Which state may follow which. OPEN and DRAINING are "connected"; DRAINING: the peer is done, we are not."""

CONNECTED = frozenset({State.OPEN, State.DRAINING})
"""The states that users see as connected."""
