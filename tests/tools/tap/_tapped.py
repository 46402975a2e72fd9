"""A tap between sockets of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tcpip_core.transcript import Close, Data, Direction, Event, Recorder, open_transcript
from tcpip_tools._report import Event as Report
from tcpip_tools._targets import Target
from tcpip_tools.tap._tap import Tap, View
from tests.support import IPV4, Listener, Peer, listening, soon, until

__all__ = ["Tapped", "bytes_of", "closes_of", "events_of", "tapped"]

QUIET = View(has_messages=False, as_hex=False, structure=None, cuts_structures=False)


@dataclass
class Tapped:
    """A tap that runs, and its target."""

    target: Listener
    tap: Tap
    task: asyncio.Task[int]
    told: list[Report] = field(default_factory=list[Report])
    clients: list[Peer] = field(default_factory=list[Peer])

    @property
    def port(self) -> int:
        """Where it listens."""
        port = next(event.data["port"] for event in self.told if event.kind == "listening")
        assert isinstance(port, int)
        return port

    def of_kind(self, kind: str) -> list[Report]:
        """Pick what it told."""
        return [event for event in self.told if event.kind == kind]

    def client(self) -> Peer:
        """Connect to it; closed at the end at the latest."""
        self.clients.append(Peer(IPV4, self.port))
        return self.clients[-1]

    async def link(self) -> tuple[Peer, Peer]:
        """Make a link through it; give the client and the device."""
        before = self.tap.links
        client, device = self.client(), await self.target.accept()
        await until(lambda: self.tap.relay is not None and self.tap.links > before)
        return client, device

    async def over(self, links: int = 1) -> None:
        """Wait until so many links have ended."""
        await until(lambda: sum(self.tap.ends.values()) == links)


@asynccontextmanager
async def tapped(log: Path | None = None, *, view: View = QUIET, is_once: bool = False) -> AsyncIterator[Tapped]:
    """Run a tap while the block runs."""
    recorder = None if log is None else Recorder(log)
    async with listening() as target:
        tap = Tap((IPV4, 0), Target(host=IPV4, port=target.port, observer=recorder), view, is_once)
        told: list[Report] = []
        task = asyncio.create_task(tap(told.append))
        one = Tapped(target, tap, task, told)
        try:
            await until(lambda: task.done() or one.of_kind("listening"))
            yield one
        finally:
            for client in one.clients:
                client.close()
            task.cancel()
            await soon(asyncio.wait({task}))
            if recorder is not None:
                recorder.close()


def events_of(log: Path) -> list[Event]:
    """Read what was recorded."""
    with open_transcript(log) as reader:
        return list(reader)


def bytes_of(events: list[Event], direction: Direction) -> bytes:
    """Join what went one way."""
    return b"".join(one.payload for one in events if isinstance(one, Data) and one.direction == direction)


def closes_of(events: list[Event]) -> list[tuple[str, str]]:
    """List why links ended, and who ended them."""
    return [(one.reason, one.by) for one in events if isinstance(one, Close)]
