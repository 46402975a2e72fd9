"""What every server of one client at a time does whose program reads: `OneClientServerTests`."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from ._checks import LATER, LINE, check, must_end
from ._link import Link
from ._losses import LOSSES, LossBehaviours, operations_fail
from ._places import Place, PlaceBehaviours
from ._subjects import ServerUnderTest
from ._suite import behaviour
from ._told import Reaction
from ._world import Peer, World

__all__ = ["OneClientServerTests"]


class OneClientServerTests(PlaceBehaviours[ServerUnderTest], LossBehaviours[ServerUnderTest]):
    """The behaviours of a server of one client at a time, whose reads and writes go to that client.

    They are those of `StreamTests` for the connection to the client; that a connect callback is told of each change
    of ``connected``; and that the place is given to one client, and then to the next.
    """

    @contextlib.asynccontextmanager
    async def _linked(self, world: World, reaction: Reaction | None = None) -> AsyncIterator[Link[ServerUnderTest]]:
        async with self._place(world, reaction) as place:
            peer = await world.connect(place.server.port)
            await world.until(lambda: place.told.states, "the callback is told of a client")
            yield Link(place.server, peer, place.told)

    async def _talks(self, world: World, place: Place[ServerUnderTest], peer: Peer) -> None:
        await peer.send(LINE)
        check(LINE, await world.within(place.server.readuntil(b"\n"), "readuntil"), "what the client sent")
        await world.within(place.server.write(LATER), "write")
        check(LATER, await peer.receive(len(LATER)), "what the client was sent")

    @behaviour
    async def test_rest_of_a_lost_client_is_not_the_next_ones(self, world: World) -> None:
        """Keep what a client that is gone has left unfinished apart from what its successor sends."""
        for name, lose in LOSSES.items():
            world.variation = name
            async with self._place(world) as place:
                peer = await place.admitted()
                reading = asyncio.ensure_future(place.server.readuntil(b"\n"))
                await peer.send(b"half a mess")
                await world.settle()
                lose(peer)
                await must_end(world, reading, "readuntil")
                successor = await world.connect(place.server.port)
                await place.told.wait(True, False, True)
                await self._talks(world, place, successor)

    @behaviour
    async def test_operations_without_a_client_fail(self, world: World) -> None:
        """Raise `ConnectionError` from each read and write while there is no client, and wait for none."""
        async with self._place(world) as place:
            await operations_fail(world, place.server, "before a client")
            await place.admitted()
            await world.within(place.server.close_client(), "close_client")
            await operations_fail(world, place.server, "after the client")
