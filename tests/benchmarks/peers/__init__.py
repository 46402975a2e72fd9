"""The peers: one library each, one file each, all with the same small interface (`_peer`)."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from tests.benchmarks.peers._peer import Peer

__all__ = ["BASELINE", "PEERS", "PeerInfo"]

ON_ASYNCIO = ("asyncio", "uvloop")
OWN_LOOP = ("asyncio",)
"""Of a peer that has its own loop, or none: it is compared with streams on asyncio's."""


@dataclass(frozen=True)
class PeerInfo:
    """What can be known of a peer without importing it."""

    name: str
    title: str
    place: str
    """Module in this package and function in it."""
    package: str = ""
    """What has to be installed."""
    loops: tuple[str, ...] = ON_ASYNCIO
    without: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    @property
    def is_missing(self) -> bool:
        """Whether its package is not installed."""
        return bool(self.package) and importlib.util.find_spec(self.package) is None

    def does(self, workload: str) -> bool:
        """Tell whether it has a workload."""
        return workload not in self.without and (not self.only or workload in self.only)

    def create(self, loop: str) -> Peer:
        """Import and make it."""
        module, _, name = self.place.partition(":")
        create = getattr(importlib.import_module(f"{__name__}.{module}"), name or "create")
        return cast("Callable[[str], Peer]", create)(loop)


BASELINE = "streams"
PEERS: dict[str, PeerInfo] = {
    one.name: one
    for one in (
        PeerInfo(BASELINE, "asyncio streams", "streams"),
        PeerInfo("streams+each", "asyncio streams, one write a structure", "streams:each", only=("W4s",)),
        PeerInfo("ours", "tcpip-core", "ours"),
        PeerInfo("ours+msgspec", "tcpip-core, msgspec", "ours:msgspec", "msgspec", only=("W5p", "W5s")),
        PeerInfo("ours+batch", "tcpip-core, small writes together", "ours:batch", only=("W1", "W2w", "W4p", "W5p")),
        PeerInfo("protocol", "asyncio.Protocol", "protocol"),
        PeerInfo("anyio", "anyio", "anyio_streams", "anyio"),
        PeerInfo("trio", "trio", "trio_streams", "trio", OWN_LOOP),
        PeerInfo("tornado", "tornado", "tornado_streams", "tornado"),
        PeerInfo("twisted", "Twisted", "twisted_protocols", "twisted", OWN_LOOP, ("W7", "W8")),
        PeerInfo("blocking", "blocking sockets", "blocking", "", OWN_LOOP, ("W7", "W8")),
    )
}
