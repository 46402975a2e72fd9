"""What every server of one client at a time does, whoever reads: the place, and who gets it."""

import abc
import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Generic, Protocol, TypeVar

from ._checks import check
from ._losses import LOSSES
from ._subjects import ConnectCallback, HasConnected
from ._suite import Suite, behaviour
from ._told import Reaction, Told
from ._world import Peer, World

__all__ = ["Place", "PlaceBehaviours", "Serves"]


class Serves(HasConnected, Protocol):
    """A server of one client at a time."""

    port: int

    async def close_client(self) -> None:
        """End the connection to the client; go on listening."""
        ...


ServerT = TypeVar("ServerT", bound=Serves)


class Place(Generic[ServerT]):
    """A server that listens, and what its callback is told.

    Parameters
    ----------
    world : World
        Where it is.
    server : ServerUnderTest or ReadLoopServerUnderTest
        The server.
    told : Told
        What its callback was told.

    Attributes
    ----------
    numbers : iterator of int
        The numbers of the questions that it is asked.
    """

    def __init__(self, world: World, server: ServerT, told: Told) -> None:
        self._world = world
        self.server: ServerT = server
        self.told: Told = told
        self.numbers: itertools.count[int] = itertools.count()

    async def admitted(self) -> Peer:
        """Connect a client, and wait until the server has it."""
        before = list(self.told.states)
        peer = await self._world.connect(self.server.port)
        await self.told.wait(*before, True)
        return peer

    async def lost(self) -> None:
        """Wait until the server has noticed that its client is gone."""
        await self._world.until(lambda: not self.server.connected, "the server notices that its client is gone")
        await self._world.until(lambda: self.told.states[-1:] == [False], "the callback is told of that")


class PlaceBehaviours(Suite, Generic[ServerT]):
    """The behaviours of a server of one client at a time."""

    @abc.abstractmethod
    async def make_server(self, port: int, connect_callback: ConnectCallback) -> ServerT:
        """Make a server, and wait until it listens; to be written by you.

        Parameters
        ----------
        port : int
            Where it listens, on 127.0.0.1; 0 takes any that is free.
        connect_callback : callable
            Coroutine function, to be called with the server once for each change of ``connected``.

        Returns
        -------
        ServerUnderTest or ReadLoopServerUnderTest
            What is tested, listening; its ``port`` is the one in use.

        Raises
        ------
        OSError
            If it cannot listen.
        """

    @abc.abstractmethod
    async def _talks(self, world: World, place: Place[ServerT], peer: Peer) -> None:
        """Demand that the server and a client can talk."""

    @contextlib.asynccontextmanager
    async def _place(
        self, world: World, reaction: Reaction | None = None, port: int = 0
    ) -> AsyncIterator[Place[ServerT]]:
        told = Told(world, reaction)
        server = await world.within(self.make_server(port, told), "make_server")
        yield Place(world, server, told)
        await world.within(server.close(), "close")

    @behaviour
    async def test_second_client_is_turned_away(self, world: World) -> None:
        """Close at once who comes while another one is connected, who never notices."""
        async with self._place(world) as place:
            first = await place.admitted()
            for _ in range(3):
                second = await world.connect(place.server.port)
                await second.wait_hung_up("of a second client")
            await self._talks(world, place, first)
            place.told.check(True)

    @behaviour
    async def test_one_of_two_newcomers_is_admitted(self, world: World) -> None:
        """Admit exactly one of two clients that come at the same time."""
        async with self._place(world) as place:
            peers = await asyncio.gather(*(world.connect(place.server.port) for _ in range(2)))
            await place.told.wait(True)
            ends = [asyncio.ensure_future(peer.wait_hung_up("of one of two newcomers")) for peer in peers]
            await world.within(asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED), "turning one away")
            await world.settle()
            check(1, sum(one.done() for one in ends), "how many of two newcomers are turned away")
            for one in ends:
                one.cancel()
            await asyncio.wait(ends)
            place.told.check(True)

    @behaviour
    async def test_next_client_is_served(self, world: World) -> None:
        """Serve one client after the other, however each of them ends, and tell of each."""
        async with self._place(world) as place:
            for name in ("FIN", "RST", "FIN", "RST"):
                world.variation = name
                peer = await place.admitted()
                await self._talks(world, place, peer)
                LOSSES[name](peer)
                await place.lost()
            await self._talks(world, place, await place.admitted())
            place.told.check(*[True, False] * 4, True)

    @behaviour
    async def test_close_client_makes_room(self, world: World) -> None:
        """Hang up on the client in ``close_client``, tell it, and admit the next one."""
        async with self._place(world) as place:
            peer = await place.admitted()
            await world.within(place.server.close_client(), "close_client")
            place.told.check(True, False)
            check(False, place.server.connected, "connected after close_client")
            await peer.wait_hung_up("in close_client")
            await self._talks(world, place, await place.admitted())

    @behaviour
    async def test_close_client_without_one_does_nothing(self, world: World) -> None:
        """Return from ``close_client`` where there is no client, and go on listening."""
        async with self._place(world) as place:
            await world.within(place.server.close_client(), "close_client")
            place.told.check()
            await self._talks(world, place, await place.admitted())

    @behaviour
    async def test_close_stops_listening(self, world: World) -> None:
        """Refuse who comes after ``close``; the port is free for another server at once."""
        async with self._place(world) as place:
            peer = await place.admitted()
            await world.within(place.server.close(), "close")
            await peer.wait_hung_up("in close")
            place.told.check(True, False)
            port = place.server.port
            try:
                await world.connect(port)
            except OSError:
                pass
            else:
                raise AssertionError(f"somebody still listens on port {port} after close")
            async with self._place(world, port=port) as again:
                await self._talks(world, again, await again.admitted())

    @behaviour
    async def test_close_without_a_client(self, world: World) -> None:
        """Close a server that nobody has connected to, twice."""
        async with self._place(world) as place:
            await world.within(place.server.close(), "close")
            await world.within(place.server.close(), "the second close")
            place.told.check()

    @behaviour
    async def test_callback_may_close_the_server(self, world: World) -> None:
        """Let the callback itself close, without a deadlock."""

        async def close(who: HasConnected) -> None:
            if who.connected:
                await who.close()

        async with self._place(world, close) as place:
            peer = await world.connect(place.server.port)
            await peer.wait_hung_up("when the callback closes")
            await place.told.wait(True, False)
