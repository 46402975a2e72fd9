"""What every server of one client at a time does that reads by itself: `OneClientReadLoopServerTests`."""

import abc
import asyncio
import unittest
from itertools import count

from ._checks import check
from ._losses import LOSSES
from ._places import Place, PlaceBehaviours
from ._subjects import ReadLoopServerUnderTest
from ._suite import behaviour
from ._world import CLOSE_BOUND, Peer, World

__all__ = ["OneClientReadLoopServerTests"]

_MANY = 50
"""How many requests are sent at once."""

_MOST_PARTS = 64
"""At how many places a request is cut."""


class OneClientReadLoopServerTests(PlaceBehaviours[ReadLoopServerUnderTest]):
    """The behaviours of a server of one client at a time that reads and answers by itself, such as a mock device.

    Say how yours is made, and something that one can say to it.

    Attributes
    ----------
    bad_request : bytes or None
        What makes the server close its client because it fails, if there is such a thing.
    """

    bad_request: bytes | None = None

    @abc.abstractmethod
    def exchange(self, number: int) -> tuple[bytes, bytes]:
        """Say what can be asked, and what the answer is; to be written by you.

        Parameters
        ----------
        number : int
            Which question, from 0 on; they are asked in this order, from 0 again for each new server. The same may be
            said for all.

        Returns
        -------
        tuple of bytes
            The request as it is sent, of two bytes or more, and the whole answer, of one byte or more.
        """

    async def _ask(self, peer: Peer, numbers: "count[int]", times: int = 1) -> None:
        """Ask some questions at once, and demand the answers."""
        exchanges = [self.exchange(next(numbers)) for _ in range(times)]
        await peer.send(b"".join(request for request, _ in exchanges))
        await self._is_answered(peer, b"".join(reply for _, reply in exchanges))

    async def _is_answered(self, peer: Peer, reply: bytes) -> None:
        check(reply, await peer.receive(len(reply)), "the answer")

    async def _talks(self, world: World, place: Place[ReadLoopServerUnderTest], peer: Peer) -> None:
        await self._ask(peer, place.numbers)

    @behaviour
    async def test_requests_are_answered_in_order(self, world: World) -> None:
        """Answer each request, one by one or many in one segment, in the order in which they came."""
        async with self._place(world) as place:
            peer = await place.admitted()
            numbers = place.numbers
            for _ in range(3):
                await self._ask(peer, numbers)
            await self._ask(peer, numbers, _MANY)

    @behaviour
    async def test_request_is_split_at_every_byte(self, world: World) -> None:
        """Understand a request, wherever the network cuts it."""
        async with self._place(world) as place:
            peer = await place.admitted()
            numbers = place.numbers
            cut = 1
            while cut < _MOST_PARTS:
                request, reply = self.exchange(next(numbers))
                if cut >= len(request):
                    break
                world.variation = f"cut after {cut} of {len(request)} bytes"
                await peer.send(request[:cut])
                await world.settle()
                await peer.send(request[cut:])
                await self._is_answered(peer, reply)
                cut += 1

    @behaviour
    async def test_requests_before_a_half_close_are_answered(self, world: World) -> None:
        """Answer all that was asked before a client's FIN, then hang up."""
        async with self._place(world) as place:
            peer = await place.admitted()
            numbers = place.numbers
            exchanges = [self.exchange(next(numbers)) for _ in range(3)]
            await peer.send(b"".join(request for request, _ in exchanges))
            peer.finish()
            check(b"".join(reply for _, reply in exchanges), await peer.receive_all(), "the answers")
            await place.lost()

    @behaviour
    async def test_loss_is_told(self, world: World) -> None:
        """Tell the callback of each client and of its loss, by FIN or RST, in a request or between two."""
        for name, lose in LOSSES.items():
            for part in (b"", self.exchange(0)[0][:1]):
                world.variation = f"{name}, after {part!r}"
                async with self._place(world) as place:
                    peer = await place.admitted()
                    await peer.send(part)
                    await world.settle()
                    lose(peer)
                    await place.told.wait(True, False)
                    check(False, place.server.connected, "connected after the loss")

    @behaviour
    async def test_half_a_request_is_not_the_next_clients(self, world: World) -> None:
        """Forget what a client that is gone has left unfinished, wherever in a request that was."""
        for name, lose in LOSSES.items():
            async with self._place(world) as place:
                request, _ = self.exchange(0)
                for size in range(1, min(len(request), _MOST_PARTS)):
                    world.variation = f"{name} after {size} of {len(request)} bytes"
                    peer = await place.admitted()
                    await peer.send(request[:size])
                    await world.settle()
                    lose(peer)
                    await place.lost()
                await self._ask(await place.admitted(), place.numbers)

    @behaviour
    async def test_reset_while_it_answers(self, world: World) -> None:
        """Serve the next client after one that has asked much and reset before it read."""
        async with self._place(world) as place:
            for turns in range(4):
                world.variation = f"reset {turns} turns of the loop after the requests"
                peer = await place.admitted()
                await peer.send(b"".join(self.exchange(next(place.numbers))[0] for _ in range(_MANY)))
                for _ in range(turns):
                    await asyncio.sleep(0)
                peer.reset()
                await place.lost()
            # Nobody knows how many requests it has heard, so which answer comes is left open.
            peer = await place.admitted()
            await peer.send(self.exchange(next(place.numbers))[0])
            check(1, len(await peer.receive(1)), "how many bytes of an answer come")

    @behaviour
    async def test_client_that_does_not_read_is_closed(self, world: World) -> None:
        """Close in time though the client takes none of the answers."""
        async with self._place(world) as place:
            peer = await place.admitted()
            numbers = place.numbers
            asking = asyncio.ensure_future(self._ask_for_ever(peer, numbers))
            await world.settle()
            await world.within(place.server.close_client(), "close_client", CLOSE_BOUND)
            asking.cancel()
            await asyncio.wait({asking})
            check(False, place.server.connected, "connected after close_client")

    async def _ask_for_ever(self, peer: Peer, numbers: "count[int]") -> None:
        try:
            while True:
                await peer.send_blocking(b"".join(self.exchange(next(numbers))[0] for _ in range(_MANY)))
                await asyncio.sleep(0)
        except OSError:
            pass

    @behaviour
    async def test_bad_request_closes_its_client_only(self, world: World) -> None:
        """Hang up on a client whose request makes the server fail, and serve the next one."""
        if self.bad_request is None:
            raise unittest.SkipTest("there is no bad_request")
        async with self._place(world) as place:
            peer = await place.admitted()
            await peer.send(self.bad_request)
            await peer.wait_hung_up("after a bad request")
            await place.lost()
            await self._ask(await place.admitted(), place.numbers)
