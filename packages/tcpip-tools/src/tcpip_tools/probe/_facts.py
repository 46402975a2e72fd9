"""What a probe saw; pure data."""

import enum
from dataclasses import dataclass

from tcpip_core import LossReason

from ..host._port import Port

__all__ = ["Facts", "PortState"]


class PortState(enum.Enum):
    """What the kernel at the other end, or a router, makes of a connection."""

    OPEN = "open"
    REFUSED = "refused"
    FILTERED = "filtered"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    """It was not tried, and this host cannot know."""


@dataclass(slots=True)
class Facts:
    """What was seen so far.

    Parameters
    ----------
    port : PortState
        As the attempt to connect ended.
    is_own : bool
        The address is one of this host.
    here : Port or None
        What this host's kernel knows, our own connection not counted; None if it is not this host's port, or the
        platform does not tell.
    is_accepted : bool or None
        A program has taken our connection; None where that cannot be known.
    banner : bytes
        What came before anything was sent.
    listened : float
        How long was listened for it (seconds).
    ended : LossReason or None
        How the other side ended the link; None if it did not.
    ended_after : float
        When that was, counted from the connection (seconds).
    asked : int
        How many messages were sent.
    reply : bytes
        What came after that.
    reply_time : float or None
        From the first message to the first piece of the reply (seconds).
    tls : bool
        The link speaks TLS.
    obstacle : str
        Why it went no further than the name, or than TLS; ``""`` where it did.
    """

    port: PortState = PortState.UNKNOWN
    is_own: bool = False
    here: Port | None = None
    is_accepted: bool | None = None
    banner: bytes = b""
    listened: float = 0.0
    ended: LossReason | None = None
    ended_after: float = 0.0
    asked: int = 0
    reply: bytes = b""
    reply_time: float | None = None
    tls: bool = False
    obstacle: str = ""
