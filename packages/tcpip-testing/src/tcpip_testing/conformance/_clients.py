"""What every client does that tells a callback: `ClientTests`."""

import abc
import asyncio
import contextlib
from collections.abc import AsyncIterator

from ._checks import LINE, check
from ._link import Link
from ._losses import LOSSES, LossBehaviours
from ._moments import every_await
from ._subjects import ClientUnderTest, ConnectCallback
from ._suite import behaviour
from ._told import Reaction, Told
from ._world import World

__all__ = ["ClientTests"]


class ClientTests(LossBehaviours[ClientUnderTest]):
    """The behaviours of a client: inherit them, and say how yours is made.

    They are those of `StreamTests`; that a connect callback is told of each change of ``connected``; and those of
    connecting, also again.
    """

    @abc.abstractmethod
    async def make_client(self, host: str, port: int, connect_callback: ConnectCallback) -> ClientUnderTest:
        """Make a client, and wait until it is connected; to be written by you.

        Parameters
        ----------
        host : str
            Where the server is.
        port : int
            The server's port.
        connect_callback : callable
            Coroutine function, to be called with the client once for each change of ``connected``.

        Returns
        -------
        ClientUnderTest
            What is tested, connected.

        Raises
        ------
        OSError
            If it cannot connect. Nothing may be left then.
        """

    @contextlib.asynccontextmanager
    async def _linked(self, world: World, reaction: Reaction | None = None) -> AsyncIterator[Link[ClientUnderTest]]:
        told = Told(world, reaction)
        async with world.listening() as listener:
            subject = await world.within(self.make_client(world.host, listener.port, told), "make_client")
            yield Link(subject, await listener.accept(), told)
            await world.within(subject.close(), "close")

    @behaviour
    async def test_refused_connection_is_an_error(self, world: World) -> None:
        """Raise `OSError` where nobody listens, tell the callback nothing, and leave nothing behind."""
        told = Told(world)
        async with world.listening() as listener:
            port = listener.port
        try:
            await world.within(self.make_client(world.host, port, told), "make_client")
        except OSError:
            told.check()
        else:
            raise AssertionError("make_client returned a client, though nobody listens")

    @behaviour
    async def test_cancel_at_each_await_of_connecting(self, world: World) -> None:
        """Leave no connection and no task, wherever the making of a client is cancelled."""
        for moment in every_await():
            world.variation = f"cancelled {moment}"
            async with world.listening() as listener:
                told = Told(world)
                making = moment.cancels(self.make_client(world.host, listener.port, told))
                subject = await world.within(making, "cancelling make_client")
                if subject is not None:
                    await world.within(subject.close(), "close")
                await world.settle()
                for peer in world.peers:
                    await peer.wait_hung_up("of a client whose making was cancelled")
            await world.end()

    @behaviour
    async def test_client_that_was_lost_leaves_nothing_open(self, world: World) -> None:
        """Close the own end of a connection that the peer has ended, once the client is closed at the latest."""
        async with self._linked(world) as link:
            await link.told.wait(True)
            link.peer.finish()
            await link.told.wait(True, False)
            await world.within(link.subject.close(), "close")
            await link.peer.wait_hung_up("after the peer's FIN and close")

    @behaviour
    async def test_reconnect(self, world: World) -> None:
        """Let a new client take the place of one that was lost, to the same port; neither knows of the other."""
        for name, lose in LOSSES.items():
            world.variation = name
            async with world.listening() as listener:
                told, again = Told(world), Told(world)
                first = await world.within(self.make_client(world.host, listener.port, told), "make_client")
                lose(await listener.accept())
                await told.wait(True, False)
                second = await world.within(self.make_client(world.host, listener.port, again), "make_client again")
                peer = await listener.accept()
                await world.within(first.close(), "close of the first")
                await peer.send(LINE)
                check(LINE, await world.within(second.readuntil(b"\n"), "readuntil"), "a message for the second client")
                check((False, True), (first.connected, second.connected), "connected, of the first and the second")
                told.check(True, False)
                again.check(True)
                await world.within(second.close(), "close of the second")

    @behaviour
    async def test_two_clients_at_once(self, world: World) -> None:
        """Keep apart two clients of one server."""
        async with self._linked(world) as one, self._linked(world) as other:
            await asyncio.gather(one.peer.send(b"for the first\n"), other.peer.send(b"for the second\n"))
            check(b"for the first\n", await world.within(one.subject.readuntil(b"\n"), "readuntil"), "the first one's")
            check(b"for the second\n", await world.within(other.subject.readuntil(b"\n"), "readuntil"), "the other's")
