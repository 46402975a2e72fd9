"""A connection that ends while something stands in the way: unread data, a reader at work, a newcomer."""

from __future__ import annotations

import asyncio
import logging

import pytest

import tcpip_core
from tests.contract._rigs import KINDS, SERVER, LineServer, rigged
from tests.support import IPV4, Changes, Peer, connected, soon, started, until

FRAME = 1024
"""Longest frame of these tests; a peer is paused beyond twice as much (bytes)."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_end_behind_unread_data_is_told(kind: str, how: str, log: logging.Logger) -> None:
    """A peer that sent more than anybody reads, and then died, must not keep the slot for ever."""
    limits = tcpip_core.Limits(frame_size=FRAME, drain_timeout=0.1)
    async with rigged(kind, IPV4, log, limits=limits) as rig:
        await hold_up_the_read_loop(rig.subject)
        await rig.peer.send_all(bytes(64 * FRAME))
        rig.lose(how)
        assert await rig.changes.next() is False
        assert rig.subject.loss_reason is {"fin": tcpip_core.LossReason.FIN, "rst": tcpip_core.LossReason.RST}[how]


async def hold_up_the_read_loop(subject: object) -> None:
    """Stop the reader of a read-loop server, so that nobody reads."""
    if isinstance(subject, LineServer):
        subject.read_loop_task.cancel()
        await asyncio.wait({subject.read_loop_task})


async def test_data_before_an_end_behind_them_are_read(log: logging.Logger) -> None:
    """What the kernel held back while nobody read is delivered, to the last byte."""
    limits = tcpip_core.Limits(frame_size=FRAME)
    async with rigged(SERVER, IPV4, log, limits=limits) as rig:
        await rig.peer.send_all(b"x" * (64 * FRAME))
        rig.peer.write_eof()
        assert await soon(rig.subject.read(-1)) == b"x" * (64 * FRAME)


async def test_reader_at_work_gets_all_that_had_arrived(log: logging.Logger) -> None:
    """A device that takes longer for its commands than a link may drain still gets them all."""

    class SlowDevice(LineServer):
        async def read_and_dispatch(self) -> None:
            line = await self.read_str()
            # As long as the work takes: three times the drain time-out.
            await asyncio.sleep(0.15)
            await self.write_str(line.upper())

    limits = tcpip_core.Limits(drain_timeout=0.05)
    async with SlowDevice(host=IPV4, port=0, log=log, limits=limits) as server, Peer(IPV4, server.port) as peer:
        peer.send(b"a\r\nb\r\nc\r\n")
        peer.write_eof()
        # The last reply has the drain time-out for itself, as `Limits` says, so it may be missing.
        assert (await peer.read_to_eof()).startswith(b"A\r\nB\r\n")


async def test_newcomer_ends_a_draining_link_as_its_peer_did(log: logging.Logger) -> None:
    """Who takes the place of a client that was reset does not turn that into a hang-up."""
    async with rigged(SERVER, IPV4, log) as rig:
        rig.peer.send(b"unread")
        rig.peer.reset()
        await until(lambda: rig.server._tcpip.connection.peer_is_done)
        assert rig.server.connected
        async with Peer(IPV4, rig.server.port):
            assert await rig.changes.next() is False
            assert await rig.changes.next() is True
            assert rig.server.loss_reason is tcpip_core.LossReason.RST


async def test_second_reader_is_refused_while_the_first_has_half_a_line(log: logging.Logger) -> None:
    """Two readers would tear each other's messages apart."""
    async with rigged(SERVER, IPV4, log) as rig:
        first = asyncio.ensure_future(rig.subject.read_str())
        await asyncio.sleep(0)
        rig.peer.send(b"ab")
        await until(lambda: len(rig.server._tcpip.connection.incoming) == 2)
        with pytest.raises(RuntimeError, match="one reader at a time"):
            await soon(rig.subject.read(2))
        rig.peer.send(b"cd\r\n")
        assert await soon(first) == "abcd"


@pytest.mark.slow
async def test_write_to_a_slow_reader_does_not_time_out(log: logging.Logger) -> None:
    """The bound is on a peer that takes nothing; one that takes a little now and then is alive."""
    limits = tcpip_core.Limits(write_timeout=0.5)
    async with tcpip_core.OneClientServer(IPV4, 0, log, limits=limits) as server:
        async with Peer(IPV4, server.port, receive_buffer=4096) as peer:
            await connected(server)
            blocked = asyncio.ensure_future(server.write(bytes(16 * 2**20)))
            loop = asyncio.get_running_loop()
            end = loop.time() + 2
            while loop.time() < end:
                assert await peer.read(4096)
                # Others keep writing: what waits here gets no less.
                assert server._writer is not None
                server._writer.write(bytes(4096))
                await asyncio.sleep(0.05)
            assert not blocked.done()
            peer.reset()
            with pytest.raises(ConnectionError):
                await soon(blocked)


async def test_client_that_never_connects_says_that_it_is_closed(log: logging.Logger) -> None:
    """Nobody should be sent to wait for a start that is over."""
    client = tcpip_core.Client("", 0, log)
    with pytest.raises(ConnectionError, match="closed on this side"):
        await soon(client.read_str())


async def test_loss_reason_outlasts_the_next_connection(log: logging.Logger) -> None:
    """A callback that is told late must still be able to say why the client before was lost."""
    changes = Changes()
    async with tcpip_core.OneClientServer(IPV4, 0, log, changes.callback) as server:
        await started(server)
        peer = Peer(IPV4, server.port)
        await connected(server)
        peer.reset()
        await until(lambda: not server.connected)
        async with Peer(IPV4, server.port):
            await connected(server)
            assert server.loss_reason is tcpip_core.LossReason.RST


@pytest.mark.parametrize("kind", KINDS)
async def test_write_under_way_outlasts_the_end_of_the_peers_side(kind: str, log: logging.Logger) -> None:
    """A peer that closes its sending side and then reads gets all that is being written to it."""
    data = bytes(8 * 2**20)
    async with rigged(kind, IPV4, log) as rig:
        writing = asyncio.ensure_future(rig.subject.write(data))
        await until(lambda: rig.subject._tcpip.connection.outgoing.is_waited_for)
        rig.peer.write_eof()
        await until(lambda: rig.subject._tcpip.connection.peer_is_done)
        assert await rig.peer.read_to_eof() == data
        await soon(writing)
        assert await rig.changes.next() is False
