"""What the parts of a connection ask of each other, as types."""

import asyncio
from typing import NoReturn, Protocol

from ._loss import LossReason

__all__ = ["Link"]


class Link(Protocol):
    """What the receiving and the sending half ask of their connection."""

    alive: bool
    peer: str
    peer_is_done: bool
    arrivals: int
    is_hearing: bool
    transport: asyncio.Transport | None

    def end(self, reason: LossReason, cause: BaseException | None = None, *, abort: bool = False) -> None:
        """Leave "connected" for good."""
        ...

    def give_up(self, reason: LossReason) -> None:
        """Cut the link to a peer that is gone; what had arrived is still to be read."""
        ...

    def drained_some(self) -> None:
        """Note that something was read of what arrived before the peer's end."""
        ...

    def wrote(self) -> None:
        """Note that a write has ended on a link that the peer has ended."""
        ...

    async def report_end(self) -> None:
        """End because the reader met the peer's end; raise if that end was not orderly."""
        ...

    async def refuse(self, attempt: str) -> NoReturn:
        """Raise what an operation raises that cannot be done."""
        ...
