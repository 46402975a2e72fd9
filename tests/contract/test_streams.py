"""`_reader`, `_writer`, `_server`: private by name, but subclasses out there use them as asyncio's."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import pytest

import tcpip_core
from tests.contract._rigs import CLIENT, SERVER, LineServer, Rig, make, rigged
from tests.support import IPV4, Peer, connected, listening, soon, started, turns, until

BOTH = pytest.mark.parametrize("kind", [CLIENT, SERVER])
"""The classes on which the reader belongs to the user alone."""


async def test_streams_are_instances_of_the_classes_of_asyncio(rig: Rig) -> None:
    """Functions that are typed for asyncio's streams take them."""
    assert isinstance(rig.subject._reader, asyncio.StreamReader)
    assert isinstance(rig.subject._writer, asyncio.StreamWriter)


async def test_streams_of_a_server_are_none_without_a_client(server_kind: str, log: logging.Logger) -> None:
    """Subclasses test them for None."""
    async with make(server_kind, IPV4, 0, log) as server:
        assert isinstance(server, tcpip_core.OneClientServer)
        assert server._reader is None
        assert server._writer is None
        async with Peer(IPV4, server.port):
            await connected(server)
            assert server._reader is not None
            assert server._writer is not None
            await soon(server.close_client())
            assert server._writer is None


async def test_streams_of_a_client_are_none_until_it_connects(log: logging.Logger) -> None:
    """The constructor has not connected yet."""
    async with listening() as listener:
        client = tcpip_core.Client(IPV4, listener.port, log)
        assert client._reader is None
        assert client._writer is None
        await soon(client.close())


async def test_writer_is_none_after_close(rig: Rig) -> None:
    """A closed object has nothing to write to."""
    await soon(rig.subject.close())
    assert rig.subject._writer is None


@BOTH
async def test_reader_reads_lines(kind: str, host: str, log: logging.Logger) -> None:
    """The method most used of all."""
    async with rigged(kind, host, log) as rig:
        rig.peer.send(b"one\ntwo\n")
        assert rig.subject._reader is not None
        assert await soon(rig.subject._reader.readline()) == b"one\n"
        assert await soon(rig.subject._reader.readuntil(b"\n")) == b"two\n"


@BOTH
async def test_reader_reads_bytes(kind: str, host: str, log: logging.Logger) -> None:
    """A part, an exact number, and the rest until EOF."""
    async with rigged(kind, host, log) as rig:
        rig.peer.send(b"abcdef")
        reader = rig.subject._reader
        assert reader is not None
        assert await soon(reader.readexactly(2)) == b"ab"
        assert await soon(reader.read(2)) == b"cd"
        rig.lose("fin")
        assert await soon(reader.read()) == b"ef"


@BOTH
async def test_reader_and_object_share_one_buffer(kind: str, host: str, log: logging.Logger) -> None:
    """Whoever reads first gets what came first, whichever way it asks."""
    async with rigged(kind, host, log) as rig:
        rig.peer.send(b"one\r\ntwo\r\nthree\r\nfour\r\n")
        assert rig.subject._reader is not None
        assert await soon(rig.subject.read_str()) == "one"
        assert await soon(rig.subject._reader.readline()) == b"two\r\n"
        assert await soon(rig.subject.read_str()) == "three"
        assert await soon(rig.subject._reader.readline()) == b"four\r\n"


@BOTH
async def test_reader_is_an_asynchronous_iterator(kind: str, host: str, log: logging.Logger) -> None:
    """``async for line in reader`` ends at EOF."""
    async with rigged(kind, host, log) as rig:
        rig.peer.send(b"one\ntwo\n")
        rig.lose("fin")
        assert rig.subject._reader is not None
        assert [line async for line in rig.subject._reader] == [b"one\n", b"two\n"]


@BOTH
async def test_reader_is_at_eof_once_all_was_read(kind: str, host: str, log: logging.Logger) -> None:
    """The test that programs loop on: not while there is something to read."""
    async with rigged(kind, host, log) as rig:
        reader = rig.subject._reader
        assert reader is not None
        assert not reader.at_eof()
        rig.peer.send(b"last\n")
        rig.lose("fin")
        await turns()
        assert not reader.at_eof()
        assert await soon(reader.readline()) == b"last\n"
        await until(reader.at_eof)


async def test_reader_held_over_a_loss_is_at_eof(rig: Rig, how: str) -> None:
    """A helper that kept the reader ends instead of waiting for ever."""
    reader = rig.subject._reader
    assert reader is not None
    rig.lose(how)
    assert await rig.changes.next() is False
    assert reader.at_eof()


async def test_writer_writes_and_drains(rig: Rig) -> None:
    """Bytes written past our methods reach the peer, in order with those that were not."""
    writer = rig.subject._writer
    assert writer is not None
    writer.write(b"one ")
    await soon(rig.subject.write(b"two "))
    writer.writelines([b"th", b"ree"])
    await soon(writer.drain())
    assert await rig.peer.read_exactly(13) == b"one two three"


@pytest.mark.parametrize("data", [5, True, [1, 2], "text", None], ids=repr)
async def test_writer_takes_nothing_but_bytes(rig: Rig, data: Any) -> None:
    """A number is a mistake, not that many zeros; asyncio's writer says so too."""
    writer = rig.subject._writer
    assert writer is not None
    with pytest.raises(TypeError):
        writer.write(data)
    await soon(rig.subject.write(b"only this"))
    assert await rig.peer.read_exactly(9) == b"only this"


async def test_writer_knows_its_socket_and_peer(rig: Rig) -> None:
    """Programs log whom they talk to, and set options."""
    writer = rig.subject._writer
    assert writer is not None
    sock = writer.get_extra_info("socket")
    assert sock.fileno() >= 0
    assert sock.family in (socket.AF_INET, socket.AF_INET6)
    assert writer.get_extra_info("peername")[:2] == rig.peer.address[:2]
    assert writer.get_extra_info("sockname")[:2] == rig.peer.socket.getpeername()[:2]
    assert writer.get_extra_info("no such name", "default") == "default"


async def test_closing_the_writer_is_a_loss(rig: Rig) -> None:
    """A subclass that closes the writer itself gets its callback as for any other end."""
    writer = rig.subject._writer
    assert writer is not None
    assert not writer.is_closing()
    writer.close()
    assert writer.is_closing()
    assert not rig.subject.connected
    await rig.peer.wait_hung_up()
    assert await rig.changes.next() is False


async def test_helper_coroutine_closes_the_writer(rig: Rig) -> None:
    """`close_stream_writer` takes ours like any other writer."""
    writer = rig.subject._writer
    assert writer is not None
    await soon(tcpip_core.close_stream_writer(writer))
    assert await rig.changes.next() is False


async def test_server_has_sockets(server_kind: str, host: str, log: logging.Logger) -> None:
    """Programs read the port off them."""
    async with make(server_kind, host, 0, log) as server:
        assert isinstance(server, tcpip_core.OneClientServer)
        assert server._server is not None
        assert [one.getsockname()[1] for one in server._server.sockets] == [server.port]
        assert server._server.is_serving()


async def test_server_is_none_before_start_and_has_no_sockets_after_close(
    server_kind: str, log: logging.Logger
) -> None:
    """Subclasses test it for None in their own close."""
    server = make(server_kind, IPV4, 0, log)
    assert isinstance(server, tcpip_core.OneClientServer)
    assert server._server is None
    await started(server)
    held = server._server
    assert held is not None
    await soon(server.close())
    assert server._server is None or not server._server.sockets
    assert not held.is_serving()


async def test_subclass_may_read_from_the_reader_in_its_loop(host: str, log: logging.Logger) -> None:
    """The oldest mocks read so; a hang-up ends their loop like any other."""

    class Old(LineServer):
        async def read_and_dispatch(self) -> None:
            assert self._reader is not None
            assert self._writer is not None
            line = await self._reader.readline()
            self._writer.write(line.upper())
            await self._writer.drain()

    async with Old(host=host, port=0, log=log) as server:
        for _ in range(2):
            async with Peer(host, server.port) as peer:
                peer.send(b"hello\r\n")
                assert await peer.read_until() == b"HELLO\r\n"
                loop_task = server.read_loop_task
                peer.write_eof()
                await soon(loop_task)
