"""Closing: always safe, idempotent, bounded, and from anywhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

import tcpip_core
from tests.contract._rigs import CLIENT, SERVER, LineServer, Rig, make, rigged
from tests.support import IPV4, Peer, listening, open_sockets, soon, started, turns, until

NOT_READING = 32 * 1024 * 1024
"""More than all buffers between two ends hold, so that a write to a peer that does not read blocks (bytes)."""


async def test_close_takes_everything_down(kind: str, host: str, log: logging.Logger) -> None:
    """No socket is left when close returns, not a turn later."""
    async with listening(host) as listener:
        sockets = open_sockets()
        subject = make(kind, host, listener.port if kind == CLIENT else 0, log)
        await started(subject)
        peer = await listener.accept() if kind == CLIENT else Peer(host, subject.port)
        await until(lambda: subject.connected)
        await soon(subject.close())
        peer.close()
        assert open_sockets() == sockets
        assert not subject.connected
        assert subject.done_task.done()


async def test_close_tells_the_callback_before_it_returns(rig: Rig) -> None:
    """Whoever closed can rely on the reaction having run."""
    await soon(rig.subject.close())
    assert rig.changes.seen == [True, False]


async def test_second_close_does_nothing(rig: Rig) -> None:
    """Programs close in several places."""
    await soon(rig.subject.close())
    await soon(rig.subject.close())
    assert rig.changes.seen == [True, False]
    assert rig.subject.done_task.done()


async def test_close_from_several_tasks_at_once(rig: Rig) -> None:
    """All of them return when the object is closed, none before."""
    done: list[bool] = []

    async def close() -> None:
        await rig.subject.close()
        done.append(rig.subject.done_task.done())

    await soon(asyncio.gather(*(close() for _ in range(5))))
    assert done == [True] * 5
    assert rig.changes.seen == [True, False]


async def test_close_after_a_loss(rig: Rig, how: str) -> None:
    """The end was told when it came and is not told again."""
    rig.lose(how)
    assert await rig.changes.next() is False
    await soon(rig.subject.close())
    assert rig.subject.done_task.done()
    assert rig.changes.seen == [True, False]


async def test_close_during_start_of_a_server(server_kind: str, host: str, log: logging.Logger) -> None:
    """Whoever waits for the start learns that it was given up; nothing listens."""
    sockets = open_sockets()
    server = make(server_kind, host, 0, log)
    await soon(server.close(), timeout=1.5)
    assert server.done_task.done()
    assert open_sockets() == sockets
    with pytest.raises(ConnectionAbortedError):
        await soon(server.start_task)


async def test_cancelled_close_still_closes(rig: Rig) -> None:
    """The closing belongs to the object: who gives up waiting does not stop it half-way."""
    closing = asyncio.ensure_future(rig.subject.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await soon(closing)
    await soon(rig.subject.done_task)
    assert not rig.subject.connected
    assert rig.changes.seen == [True, False]


@pytest.mark.parametrize("steps", range(6))
async def test_close_cancelled_at_any_step_can_be_repeated(kind: str, steps: int, log: logging.Logger) -> None:
    """Whatever had happened when the first was cancelled, the second completes it."""
    async with rigged(kind, IPV4, log) as rig:
        closing = asyncio.ensure_future(rig.subject.close())
        await turns(steps)
        closing.cancel()
        await asyncio.wait([closing])
        await soon(rig.subject.close())
        assert rig.subject.done_task.done()
    assert rig.changes.seen == [True, False]


@pytest.mark.parametrize("kind", [CLIENT, SERVER])
async def test_close_ends_a_pending_read(kind: str, host: str, log: logging.Logger) -> None:
    """A task that waits for data does not wait for ever on a link that this side closed."""
    async with rigged(kind, host, log) as rig:
        reading = asyncio.ensure_future(rig.subject.read_str())
        await turns()
        await soon(rig.subject.close())
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await soon(reading)


@asynccontextmanager
async def blocked_write(
    kind: str, log: logging.Logger, limits: tcpip_core.Limits
) -> AsyncIterator[tuple[Rig, asyncio.Task[None]]]:
    """Give a rig whose peer never reads, and a write that waits for it."""
    async with rigged(kind, IPV4, log, limits=limits) as rig:
        writing = asyncio.ensure_future(rig.subject.write(bytes(NOT_READING)))
        await turns()
        assert not writing.done()
        yield rig, writing


async def test_close_is_bounded_where_the_peer_never_reads(kind: str, log: logging.Logger) -> None:
    """What cannot be delivered within the close time-out is given up."""
    limits = tcpip_core.Limits(close_timeout=0.05)
    async with blocked_write(kind, log, limits) as (rig, writing):
        await soon(rig.subject.close(), timeout=1.5)
        with pytest.raises(ConnectionError):
            await soon(writing)
        assert rig.changes.seen == [True, False]


async def test_write_is_bounded_where_the_peer_never_reads(kind: str, log: logging.Logger) -> None:
    """How much went out is unknown, so the link is aborted and told to be lost."""
    limits = tcpip_core.Limits(write_timeout=0.05)
    async with blocked_write(kind, log, limits) as (rig, writing):
        with pytest.raises(ConnectionAbortedError, match="took no data in time"):
            await soon(writing)
        assert rig.changes.seen == [True, False]
        assert not rig.subject.connected


async def test_what_was_written_is_delivered_before_the_end(kind: str, log: logging.Logger) -> None:
    """Close flushes to a peer that reads, however much it is."""
    data = bytes(range(256)) * 4096
    async with rigged(kind, IPV4, log) as rig:
        reading = asyncio.ensure_future(rig.peer.read_to_eof())
        await soon(rig.subject.write(data))
        await soon(rig.subject.close())
        assert await soon(reading) == data


async def test_what_was_written_is_delivered_before_the_client_is_closed(server_kind: str, log: logging.Logger) -> None:
    """A last word to a client that is sent away reaches it, however long it is."""
    data = bytes(range(256)) * 4096
    async with rigged(server_kind, IPV4, log) as rig:
        reading = asyncio.ensure_future(rig.peer.read_to_eof())
        await soon(rig.server.write(data))
        await soon(rig.server.close_client())
        assert await soon(reading) == data


async def test_read_and_write_after_close_are_refused(kind: str, log: logging.Logger) -> None:
    """A closed object says so instead of waiting."""
    async with rigged(kind, IPV4, log) as rig:
        await soon(rig.subject.close())
        with pytest.raises(ConnectionError):
            await soon(rig.subject.read_str())
        with pytest.raises(ConnectionError):
            await soon(rig.subject.write_str("hello"))


class ClosingServer(LineServer):
    """Closes itself, or its client, when it is told to."""

    async def read_and_dispatch(self) -> None:
        """Obey a line."""
        line = await self.read_str()
        if line == "close":
            await self.close()
        elif line == "close_client":
            await self.close_client()
        elif line == "close_client False":
            await self.close_client(cancel_read_loop_task=False)
        elif line == "basic_close_client":
            await self.basic_close_client()
        else:
            await self.write_str(line)
        self.lines.put_nowait(line)


async def test_close_from_read_and_dispatch(host: str, log: logging.Logger) -> None:
    """A device that is told to shut down does it from its own read loop."""
    server = ClosingServer(host=host, port=0, log=log)
    await started(server)
    async with Peer(host, server.port) as peer:
        peer.send(b"close\r\n")
        await peer.wait_hung_up()
        await soon(server.done_task)
    assert not server.should_be_connected
    with pytest.raises(ConnectionRefusedError):
        Peer(host, server.port)


@pytest.mark.parametrize("line", ["close_client", "close_client False", "basic_close_client"])
async def test_close_client_from_read_and_dispatch(line: str, host: str, log: logging.Logger) -> None:
    """A loop that ends its own client needs no flag, and the server serves the next."""
    async with ClosingServer(host=host, port=0, log=log) as server:
        for _ in range(3):
            async with Peer(host, server.port) as peer:
                peer.send(line.encode() + b"\r\n")
                await peer.wait_hung_up()
        async with Peer(host, server.port) as peer:
            peer.send(b"still there?\r\n")
            assert await peer.read_until() == b"still there?\r\n"


async def test_close_while_read_and_dispatch_does_not_end(host: str, log: logging.Logger) -> None:
    """Mocks sleep in read_and_dispatch; a close from outside ends that."""

    class Sleeping(LineServer):
        async def read_and_dispatch(self) -> None:
            await asyncio.get_running_loop().create_future()

    server = Sleeping(host=host, port=0, log=log)
    async with server:
        async with Peer(host, server.port):
            await soon(server.connected_task)
            await turns()
            await soon(server.close())
    assert server.read_loop_task.done()


@pytest.mark.parametrize("method", ["close_client", "basic_close_client"])
async def test_close_client_is_safe_without_a_client(server_kind: str, method: str, log: logging.Logger) -> None:
    """Before, between and after clients there is nothing to do."""
    server = make(server_kind, IPV4, 0, log)
    async with server:
        await soon(getattr(server, method)())
        async with Peer(IPV4, server.port):
            assert isinstance(server, tcpip_core.OneClientServer)
            await soon(server.connected_task)
            await soon(getattr(server, method)())
            await soon(getattr(server, method)())
    await soon(getattr(server, method)())


async def test_close_client_from_several_tasks_at_once(server_rig: Rig) -> None:
    """All of them return when the client is gone; it is told once."""
    server = server_rig.server
    await soon(asyncio.gather(*(server.close_client() for _ in range(5))))
    assert not server.connected
    assert server_rig.changes.seen == [True, False]
    await soon(server_rig.peer.wait_hung_up())


async def test_close_client_leaves_the_server_listening(server_rig: Rig, host: str) -> None:
    """Only the client is sent away."""
    await soon(server_rig.server.close_client())
    assert not server_rig.server.done_task.done()
    Peer(host, server_rig.server.port).close()


@pytest.mark.parametrize("base", [tcpip_core.Client, LineServer])
async def test_override_of_close_is_called_by_async_with(base: type[tcpip_core.Client], log: logging.Logger) -> None:
    """Seven programs out there end their own tasks in an override."""
    closed: list[bool] = []

    class Device(base):  # type: ignore[misc,valid-type]  # the base is a parameter
        async def close(self) -> None:
            closed.append(self.connected)
            await super().close()

    async with listening() as listener:
        port = listener.port if base is tcpip_core.Client else 0
        async with Device(host=IPV4, port=port, log=log):
            pass
    assert len(closed) == 1
