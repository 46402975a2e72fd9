"""The thing under test and its peer, connected: what most behaviours begin with."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from ._subjects import ByteStream
from ._told import Told
from ._world import Peer

__all__ = ["Link"]

StreamT_co = TypeVar("StreamT_co", bound=ByteStream, covariant=True)


@dataclass(frozen=True)
class Link(Generic[StreamT_co]):
    """The thing under test, and its peer, connected.

    Parameters
    ----------
    subject : ByteStream
        The thing under test.
    peer : Peer
        The other end.
    told : Told
        What the connect callback was told.
    """

    subject: StreamT_co
    peer: Peer
    told: Told
