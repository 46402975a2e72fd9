"""Where behaviours are tried: in a simulation, or on sockets of this machine. And the peers that are met there."""

import abc
import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from .._leaks import open_sockets
from .._reset import reset_stream
from .._waiting import wait_until
from ..sim import Simulation
from ..sim._simulation import abandon
from ..sim._stuck import describe

__all__ = ["CLOSE_BOUND", "ENDS", "Peer", "PeerListener", "SimulatedWorld", "SocketWorld", "World"]

T = TypeVar("T")

ENDS = (OSError, EOFError)
"""How an operation may say that the link is over; `asyncio.IncompleteReadError` is the second."""

CLOSE_BOUND = 5.0
"""How long closing may take, whatever the peer does (seconds)."""

_LIMIT = 4096
"""How much a peer buffers that its test has not read (bytes): twice as much, and a chunk."""

_TURNS = 50
"""How many turns of the loop things get to happen on real sockets, where nothing must depend on it."""


class Peer:
    """The other end of a connection: sends, receives, and ends in any way.

    Parameters
    ----------
    world : World
        Where it lives.
    reader : asyncio.StreamReader
        What the thing under test sends.
    writer : asyncio.StreamWriter
        What the thing under test receives.
    """

    def __init__(self, world: "World", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._world = world
        self._reader = reader
        self._writer = writer

    @property
    def address(self) -> object:
        """Its own address."""
        return self._writer.get_extra_info("sockname")

    async def send(self, data: bytes) -> None:
        """Send data; wait while the other end takes none."""
        self._writer.write(data)
        await self._world.within(self._writer.drain(), "taking what the peer sent")

    def send_soon(self, data: bytes) -> None:
        """Send data without a wait."""
        self._writer.write(data)

    async def send_blocking(self, data: bytes) -> None:
        """Send data, and wait without a bound until they are under way."""
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self, size: int) -> bytes:
        """Return so many bytes, or what came before the end."""
        try:
            return await self._world.within(self._reader.readexactly(size), f"sending {size} bytes to the peer")
        except asyncio.IncompleteReadError as e:
            return e.partial

    async def receive_all(self) -> bytes:
        """Return all that comes before the end."""
        return await self._world.within(self._reader.read(-1), "sending everything and the end of the stream")

    async def wait_hung_up(self, why: str) -> None:
        """Wait until the other end has ended the connection; what it sends is dropped."""

        async def drop() -> None:
            with contextlib.suppress(OSError):
                while await self._reader.read(65536):
                    pass

        await self._world.within(drop(), f"ending the connection {why}")

    def finish(self) -> None:
        """Send the end of the stream; receiving goes on."""
        self._writer.write_eof()

    def reset(self) -> None:
        """End with RST."""
        reset_stream(self._writer)

    def abort(self) -> None:
        """End, whatever is on its way."""
        self._writer.transport.abort()


class PeerListener:
    """A port where a peer waits for connections.

    Parameters
    ----------
    world : World
        Where it lives.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self._arrived: asyncio.Queue[Peer] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self.port: int = 0

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, self._world.host, 0, limit=_LIMIT)
        self.port = self._server.sockets[0].getsockname()[1]

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._arrived.put_nowait(self._world.peer(reader, writer))

    async def accept(self) -> Peer:
        """Return the next that connects."""
        return await self._world.within(self._arrived.get(), "connecting")

    def close(self) -> None:
        """Refuse who comes from now on."""
        if self._server is not None:
            self._server.close()


class World(abc.ABC):
    """Where one behaviour is tried.

    Attributes
    ----------
    host : str
        Address of everybody.
    bound : float
        How long anything may take (seconds).
    too_much : int
        What fits into no buffers between two ends (bytes).
    variation : str
        What is varied at present, for who reads of a failure.
    peers : list of Peer
        All peers so far.
    """

    host: str = "127.0.0.1"
    bound: float
    too_much: int
    name: str

    def __init__(self) -> None:
        self.variation: str = ""
        self.peers: list[Peer] = []
        self._listeners: list[PeerListener] = []
        self._tasks = asyncio.all_tasks()
        self._errors: list[str] = []
        asyncio.get_running_loop().set_exception_handler(self._note_error)

    def _note_error(self, _: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        self._errors.append(f"{context.get('message')}: {context.get('exception')!r}")

    @abc.abstractmethod
    async def settle(self) -> None:
        """Let everything happen that is on its way."""

    @abc.abstractmethod
    def events(self) -> list[str]:
        """Say what happened on the network."""

    @abc.abstractmethod
    def _open_ends(self) -> list[str]:
        """Name the open ends of connections and ports that do not belong to peers."""

    async def within(self, operation: Awaitable[T], what: str, bound: float = 0.0) -> T:
        """Await something that must end within the bound.

        Parameters
        ----------
        operation : awaitable
            What is awaited.
        what : str
            What it does, for the message.
        bound : float
            The bound, where it is another than that of this world (seconds).

        Returns
        -------
        object
            What it returns.

        Raises
        ------
        AssertionError
            If it does not end; says who waits where.
        """
        bound = bound or self.bound
        task = asyncio.ensure_future(_awaited(operation))
        try:
            await asyncio.wait({task}, timeout=bound)
            if task.done():
                return task.result()
            place = describe([task]).strip()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=self.bound)
        raise AssertionError(f"{what} did not end within {bound:g} s; it waited in {place}")

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until something holds that must come to hold within the bound."""
        try:
            await wait_until(condition, self.bound)
        except TimeoutError:
            raise AssertionError(f"{what}: that did not happen within {self.bound:g} s") from None

    # Peers

    def peer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Peer:
        """Return a peer that ends with this world."""
        self.peers.append(Peer(self, reader, writer))
        return self.peers[-1]

    async def connect(self, port: int) -> Peer:
        """Connect to the thing under test."""
        connecting = asyncio.open_connection(self.host, port, limit=_LIMIT)
        return self.peer(*await self.within(connecting, "listening"))

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[PeerListener]:
        """Let a peer listen while a block runs."""
        listener = PeerListener(self)
        self._listeners.append(listener)
        await listener.start()
        try:
            yield listener
        finally:
            listener.close()

    # The end

    async def end(self) -> None:
        """Let all peers go, and demand that nothing else is left."""
        self.end_peers()
        await self.settle()
        left = [f"a task: {describe([one]).strip()}" for one in asyncio.all_tasks() - self._tasks - _current()]
        left += self._open_ends()
        left += [f"an error that nobody caught: {one}" for one in self._errors]
        if left:
            raise AssertionError("it was closed, and left behind " + "; ".join(sorted(left)))

    def end_peers(self) -> None:
        """Let all peers go."""
        for listener in self._listeners:
            listener.close()
        for peer in self.peers:
            peer.abort()

    @abc.abstractmethod
    def forget(self) -> None:
        """Drop what a thing that failed has left."""


class SimulatedWorld(World):
    """A simulation."""

    bound = 60.0

    def __init__(self) -> None:
        super().__init__()
        self._sim = Simulation.current()
        settings = self._sim.settings
        self.too_much = settings.window + settings.send_buffer + 500_000
        self.name = f"a simulation with seed {self._sim.seed}"

    async def settle(self) -> None:
        """Let as much time pass as some exchanges take."""
        await self._sim.advance(0.01 + 10 * self._sim.settings.latencies[1])

    def events(self) -> list[str]:
        """Say what happened on the network."""
        return [str(one) for one in self._sim.events]

    def _open_ends(self) -> list[str]:
        host = self._sim.localhost
        ends = [f"an open connection from {one.local} to {one.remote}" for one in host.connections if not one.closed]
        ports = [f"a port that listens: {address} {port}" for address, port in host.listeners]
        timers = [f"a timer, due at {one.when():g} s: {one!r}" for one in self._sim.timers()]
        return ends + ports + timers

    def forget(self) -> None:
        """Let nobody be warned of what is open."""
        abandon(self._sim)


class SocketWorld(World):
    """Sockets of this machine."""

    bound = 10.0
    too_much = 16 * 1024 * 1024
    name = "this machine's own sockets"

    def __init__(self) -> None:
        super().__init__()
        self._sockets = set(open_sockets())

    async def settle(self) -> None:
        """Give everybody some turns."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def events(self) -> list[str]:
        """Say nothing: nobody watches real sockets."""
        return []

    def _open_ends(self) -> list[str]:
        now = open_sockets()
        return [f"a socket {now[key]}" for key in now.keys() - self._sockets]

    def forget(self) -> None:
        """Do nothing: who fails on real sockets keeps them."""


async def _awaited(operation: Awaitable[T]) -> T:
    return await operation


def _current() -> "set[asyncio.Task[Any]]":
    task = asyncio.current_task()
    return set() if task is None else {task}
