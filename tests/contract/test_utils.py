"""The coroutines on plain asyncio streams, and the values of the constants."""

from __future__ import annotations

import asyncio
import ctypes
import socket
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

import tcpip_core
import tcpip_core.utils
from tests.contract._operations import Body, Header, header
from tests.support import Listener, Peer, listening, soon, turns


@dataclass
class Streams:
    """A reader and a writer of asyncio, and the plain socket at their other end."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    peer: Peer

    def option(self, level: int, name: int) -> int:
        """Return an option of the socket under the streams."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        return sock.getsockopt(level, name)


@asynccontextmanager
async def connected_streams(listener: Listener) -> AsyncIterator[Streams]:
    """Open plain streams to a plain socket, and abort what is left of them at the end."""
    reader, writer = await soon(asyncio.open_connection(listener.host, listener.port))
    try:
        yield Streams(reader, writer, await listener.accept())
    finally:
        writer.transport.abort()
        await turns()


@pytest.fixture
async def streams(host: str) -> AsyncIterator[Streams]:
    """Give plain streams to a plain socket."""
    async with listening(host) as listener:
        async with connected_streams(listener) as made:
            yield made


async def test_close_stream_writer_closes(streams: Streams) -> None:
    """The peer sees the end and the writer knows that it is closed."""
    await soon(tcpip_core.close_stream_writer(streams.writer))
    assert streams.writer.is_closing()
    assert await streams.peer.read_to_eof() == b""


async def test_close_stream_writer_sends_what_was_written(streams: Streams) -> None:
    """Data that the writer still holds go out before the end."""
    streams.writer.write(b"goodbye")
    await soon(tcpip_core.close_stream_writer(streams.writer))
    assert await streams.peer.read_to_eof() == b"goodbye"


async def test_close_stream_writer_may_be_called_again(streams: Streams) -> None:
    """Cleaning up twice is no error."""
    await soon(tcpip_core.close_stream_writer(streams.writer))
    await soon(tcpip_core.close_stream_writer(streams.writer))
    assert streams.writer.is_closing()


async def test_close_stream_writer_by_two_tasks_at_once(streams: Streams) -> None:
    """Nor is it one where two tasks do so at the same time."""
    close = tcpip_core.close_stream_writer
    await soon(asyncio.gather(close(streams.writer), close(streams.writer)))
    assert streams.writer.is_closing()


async def test_close_stream_writer_may_be_called_again_after_its_time_was_up(
    streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer that takes nothing must not make the second call raise a cancellation out of nowhere."""
    monkeypatch.setattr(tcpip_core.utils, "Limits", lambda: tcpip_core.Limits(close_timeout=0.01))
    streams.writer.write(bytes(32 * 1024 * 1024))
    await soon(tcpip_core.close_stream_writer(streams.writer))
    await soon(tcpip_core.close_stream_writer(streams.writer))
    assert streams.writer.is_closing()


async def test_close_stream_writer_after_a_reset(streams: Streams) -> None:
    """A peer that crashed cannot make cleaning up fail."""
    streams.peer.reset()
    await turns()
    await soon(tcpip_core.close_stream_writer(streams.writer))
    assert streams.writer.is_closing()


async def test_close_stream_writer_after_the_peer_finished(streams: Streams) -> None:
    """An ordinary end of the other side is no hindrance either."""
    streams.peer.close()
    await turns()
    await soon(tcpip_core.close_stream_writer(streams.writer))
    assert streams.writer.is_closing()


@pytest.mark.slow
async def test_close_stream_writer_with_a_peer_that_never_reads(streams: Streams) -> None:
    """A frozen peer with megabytes to take cannot hold the caller for ever."""
    streams.writer.write(bytes(1 << 24))
    await soon(tcpip_core.close_stream_writer(streams.writer), timeout=8)
    assert streams.writer.is_closing()


async def test_read_into_fills_a_structure(streams: Streams) -> None:
    """A structure is read from a plain reader as it is from our classes."""
    streams.peer.send(bytes(header()) + b"rest")
    struct = Header()
    await soon(tcpip_core.read_into(streams.reader, struct))
    assert bytes(struct) == bytes(header())
    assert await soon(streams.reader.read(4)) == b"rest"


async def test_read_into_before_eof_is_an_incomplete_read(streams: Streams) -> None:
    """The part that came is in the error."""
    streams.peer.send(b"abc")
    streams.peer.write_eof()
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await soon(tcpip_core.read_into(streams.reader, Header()))
    assert caught.value.partial == b"abc"


async def test_write_from_sends_structures_in_order(streams: Streams) -> None:
    """Several structures follow each other without a gap."""
    await soon(tcpip_core.write_from(streams.writer, header(), Body()))
    wire = bytes(header()) + bytes(Body())
    assert await streams.peer.read_exactly(len(wire)) == wire


async def test_write_from_waits_for_a_peer_that_does_not_read(streams: Streams) -> None:
    """It drains: what the peer does not take must not pile up in memory."""

    class Large(ctypes.Structure):
        _fields_ = [("payload", ctypes.c_uint8 * (1 << 24))]

    writing = asyncio.create_task(tcpip_core.write_from(streams.writer, Large()))
    await turns()
    assert not writing.done()
    assert len(await streams.peer.read_exactly(1 << 24)) == 1 << 24
    await soon(writing)


async def test_write_from_to_a_closed_writer_is_a_connection_error(streams: Streams) -> None:
    """What cannot be sent any more is an error, not silence."""
    await soon(tcpip_core.close_stream_writer(streams.writer))
    with pytest.raises(ConnectionError):
        await soon(tcpip_core.write_from(streams.writer, header()))


async def test_set_socket_options_turns_keepalive_on(streams: Streams) -> None:
    """The kernel looks for the peer of an idle link, at the pace that the constants tell."""
    assert streams.option(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0
    await soon(tcpip_core.set_socket_options(streams.writer))
    assert streams.option(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert streams.option(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == tcpip_core.KEEPALIVE_TIME
    assert streams.option(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == tcpip_core.KEEPALIVE_INTERVAL
    assert streams.option(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == tcpip_core.KEEPALIVE_PROBES


async def test_set_socket_options_leaves_the_streams_usable(streams: Streams) -> None:
    """Setting options on a live link disturbs nothing."""
    await soon(tcpip_core.set_socket_options(streams.writer))
    streams.writer.write(b"ping")
    assert await streams.peer.read_exactly(4) == b"ping"


CONSTANTS = {
    "DEFAULT_LOCALHOST": "127.0.0.1",
    "LOCALHOST_IPV4": "127.0.0.1",
    "LOCALHOST_IPV6": "::1",
    "DEFAULT_ENCODING": "utf-8",
    "DEFAULT_TERMINATOR": b"\r\n",
    "DEFAULT_MONITOR_CONNECTION_INTERVAL": 0.1,
    "HEARTBEAT": b"heartbeat",
    "DEFAULT_MAX_HEARTBEAT_INTERVAL": 10.0,
    "KEEPALIVE_TIME": 9,
    "KEEPALIVE_INTERVAL": 2,
    "KEEPALIVE_PROBES": 3,
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constant_has_its_value(name: str) -> None:
    """Programs compare with the constants and pass them on."""
    assert getattr(tcpip_core, name) == CONSTANTS[name]


@pytest.mark.parametrize(("old", "new"), [("LOCAL_HOST", "DEFAULT_LOCALHOST"), ("TERMINATOR", "DEFAULT_TERMINATOR")])
def test_deprecated_alias_still_has_its_value(old: str, new: str) -> None:
    """Programs that never followed the renaming still run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert getattr(tcpip_core, old) == getattr(tcpip_core, new)


@pytest.mark.parametrize(
    "name",
    [
        "close_stream_writer",
        "read_into",
        "write_from",
        "set_socket_options",
        "KEEPALIVE_TIME",
        "KEEPALIVE_INTERVAL",
        "KEEPALIVE_PROBES",
    ],
)
def test_utils_shows_the_same_object(name: str) -> None:
    """`tcpip_core.utils` is the other place from which programs import the helpers."""
    assert getattr(tcpip_core.utils, name) is getattr(tcpip_core, name)
