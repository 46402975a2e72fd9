"""What a peer is: both ends of every workload, in one library's own natural and fast idiom.

Rules of this package
---------------------
* Text is `str` at both ends, JSON a `dict`, a structure a `ctypes.Structure`: whatever a library hands over, the
  program gets the same. The standard library's `json` converts, unless a peer is named for something else.
* A server stays until its client has hung up; nothing but the client's part is measured.
* TCP_NODELAY is set at both ends.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Generic, Protocol, TypeVar

from tests.benchmarks._meter import Meter
from tests.benchmarks._payloads import BULK, DONE, JSON_BATCH, JSONS, LINE_BATCH, LINE_SIZE, LINES
from tests.benchmarks._workloads import STREAMS

__all__ = ["HOST", "AsyncLink", "AsyncPeer", "CannotDoError", "Link", "Parts", "Peer"]

HOST = "127.0.0.1"

T = TypeVar("T")
DoneT = TypeVar("DoneT")


class CannotDoError(Exception):
    """What this peer is asked for it does not have."""


class Peer(ABC):
    """One library."""

    @abstractmethod
    def both(self, workload: str, n: int, meter: Meter) -> None:
        """Do a workload with both ends in this process."""

    @abstractmethod
    def serve(self, workload: str, n: int, announce: Callable[[int], None]) -> None:
        """Be the server of a workload, for one client, until that has hung up; announce the port."""

    @abstractmethod
    def drive(self, workload: str, n: int, port: int, meter: Meter) -> None:
        """Be the client of a workload."""


class Link(ABC):
    """The client's end of a connection."""

    @abstractmethod
    async def client(self, workload: str, n: int) -> None:
        """Do the client's part of a workload."""


class Parts(ABC, Generic[DoneT]):
    """One end of a connection, with a method for each part that it may have to play: a coroutine or not."""

    def client_part(self, workload: str, n: int) -> DoneT:
        """Do what the client does before the server's last reply."""
        parts: dict[str, Callable[[], DoneT]] = {
            "W1": partial(self.ask_lines, n),
            "W2": partial(self.send, LINES, n // LINE_BATCH),
            "W2w": partial(self.write_lines, n),
            "W3": partial(self.send, BULK, n),
            "W4p": partial(self.ask_structs, n),
            "W4s": partial(self.send_structs, n),
            "W5p": partial(self.ask_jsons, n),
            "W5s": partial(self.send, JSONS, n // JSON_BATCH),
        }
        return parts[workload]()

    def server_part(self, workload: str, n: int) -> DoneT:
        """Do what the server does before its last reply."""
        parts: dict[str, Callable[[], DoneT]] = {
            "W1": partial(self.answer_lines, n),
            "W2": partial(self.take_lines, n),
            "W2w": partial(self.take, n * LINE_SIZE),
            "W3": partial(self.take, n * len(BULK)),
            "W4p": partial(self.answer_structs, n),
            "W4s": partial(self.take_structs, n),
            "W5p": partial(self.answer_jsons, n),
            "W5s": partial(self.take_jsons, n),
        }
        return parts[workload]()

    @abstractmethod
    def ask_lines(self, n: int) -> DoneT:
        """Write a line and read one; n times."""

    @abstractmethod
    def answer_lines(self, n: int) -> DoneT:
        """Read a line and write it back; n times."""

    @abstractmethod
    def take_lines(self, n: int) -> DoneT:
        """Read n lines."""

    @abstractmethod
    def write_lines(self, n: int) -> DoneT:
        """Write n lines, one at a time."""

    @abstractmethod
    def send(self, data: bytes, times: int) -> DoneT:
        """Write data several times."""

    @abstractmethod
    def take(self, size: int) -> DoneT:
        """Read that many bytes, in pieces as they come."""

    @abstractmethod
    def ask_structs(self, n: int) -> DoneT:
        """Write a structure and read one; n times."""

    @abstractmethod
    def answer_structs(self, n: int) -> DoneT:
        """Read a structure and write it back; n times."""

    @abstractmethod
    def send_structs(self, n: int) -> DoneT:
        """Write n structures, a batch of them by one call."""

    @abstractmethod
    def take_structs(self, n: int) -> DoneT:
        """Read n structures."""

    @abstractmethod
    def ask_jsons(self, n: int) -> DoneT:
        """Write a record as JSON and read one; n times."""

    @abstractmethod
    def answer_jsons(self, n: int) -> DoneT:
        """Read a record and write it back; n times."""

    @abstractmethod
    def take_jsons(self, n: int) -> DoneT:
        """Read n records."""


class AsyncLink(Link, Parts[Awaitable[None]]):
    """One end of a connection, for libraries that one awaits."""

    async def client(self, workload: str, n: int) -> None:
        await self.client_part(workload, n)
        if workload in STREAMS:
            await self.take(len(DONE))

    async def server(self, workload: str, n: int) -> None:
        """Do the server's part of a workload."""
        await self.server_part(workload, n)
        if workload in STREAMS:
            await self.send(DONE, 1)


class Event(Protocol):
    """What every library has under this name."""

    def set(self) -> object:
        """Wake who waits."""
        ...

    async def wait(self) -> object:
        """Wait until it is set."""
        ...


class AsyncPeer(Peer):
    """A library of coroutines."""

    @abstractmethod
    def run(self, main: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine function in a new event loop."""

    @abstractmethod
    def serving(self, workload: str, n: int) -> AbstractAsyncContextManager[int]:
        """Serve the client of a workload; give the port; at the end wait until the client is gone."""

    @abstractmethod
    def connected(self, port: int) -> AbstractAsyncContextManager[Link]:
        """Connect; hang up at the end."""

    @abstractmethod
    async def visit(self, port: int, n: int) -> None:
        """Connect, see the server hang up, close; n times."""

    @abstractmethod
    def idle_pairs(self, count: int) -> AbstractAsyncContextManager[None]:
        """Hold connections whose ends would both notice a loss at once, and over which nothing is said."""

    @abstractmethod
    def watched(self, port: int, notice: Callable[[], None]) -> AbstractAsyncContextManager[None]:
        """Connect, and call `notice` when the link is lost."""

    @abstractmethod
    def event(self) -> Event:
        """Make an event."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Wait."""

    def both(self, workload: str, n: int, meter: Meter) -> None:
        async def main() -> None:
            async with self.serving(workload, n) as port:
                await self.client(workload, n, port, meter)

        self.run(main)

    def serve(self, workload: str, n: int, announce: Callable[[int], None]) -> None:
        async def main() -> None:
            async with self.serving(workload, n) as port:
                announce(port)

        self.run(main)

    def drive(self, workload: str, n: int, port: int, meter: Meter) -> None:
        self.run(lambda: self.client(workload, n, port, meter))

    async def client(self, workload: str, n: int, port: int, meter: Meter) -> None:
        """Do the client's part of a workload."""
        if workload == "W6":
            with meter:
                await self.visit(port, n)
            return
        async with self.connected(port) as link:
            with meter:
                await link.client(workload, n)
