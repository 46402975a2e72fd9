"""What the fault suite does to a link, and how it looks at what came of it."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import tcpip_core
from tests.contract._rigs import LineServer, Subject
from tests.support import IPV4, Peer, soon, until

__all__ = [
    "MORE_THAN_BUFFERS",
    "SLACK",
    "Stopwatch",
    "blocked_write",
    "die",
    "errors",
    "is_holder",
    "logged",
    "needs_dead_peer",
    "serves_on",
    "timed",
]

SLACK = 2.0
"""What a loaded machine may add to a promised time (seconds): asserted bounds have it, the printed figures do not."""

MORE_THAN_BUFFERS = 16 * 1024 * 1024
"""More than both kernels of a loopback connection take while nobody reads (bytes)."""


class Stopwatch:
    """How long a block took (seconds)."""

    seconds: float = float("inf")


@contextmanager
def timed() -> Iterator[Stopwatch]:
    """Measure a block."""
    watch, start = Stopwatch(), time.monotonic()
    yield watch
    watch.seconds = time.monotonic() - start


async def blocked_write(subject: Subject, piece: int = MORE_THAN_BUFFERS) -> asyncio.Task[None]:
    """Start writes, each of a piece (bytes), to a peer that does not read; return once one of them waits."""
    writing = asyncio.create_task(_write_on(subject, bytes(piece)))
    await until(lambda: subject._tcpip.connection.outgoing.is_waited_for)
    return writing


async def _write_on(subject: Subject, piece: bytes) -> None:
    while True:
        await subject.write(piece)


async def serves_on(server: tcpip_core.OneClientServer, host: str = IPV4) -> None:
    """Check that the next client of a server is served."""
    async with Peer(host, server.port) as peer:
        await until(lambda: is_holder(server, peer))
        peer.send(b"still there?\r\n")
        if isinstance(server, LineServer):
            assert await peer.read_until(b"\r\n") == b"STILL THERE?\r\n"
        else:
            assert await soon(server.read_str()) == "still there?"


def is_holder(server: tcpip_core.OneClientServer, peer: Peer) -> bool:
    """Tell whether it is this peer that a server serves."""
    connection = server._tcpip.connection
    transport = connection.transport
    return connection.alive and transport is not None and transport.get_extra_info("peername") == peer.address


def logged(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    """List what the library logged so far, at a level or above."""
    return [one.getMessage() for one in caplog.records if one.name.startswith("tcpip") and one.levelno >= level]


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """List the errors that the library logged so far."""
    return logged(caplog, logging.ERROR)


class _Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Instruction))]


_SO_ATTACH_FILTER = 26
_RETURN_NOTHING = 6

needs_dead_peer = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a socket drop what it receives")


def die(*peers: Peer) -> None:
    """Let kernels answer no more, as if somebody had pulled the plug of each peer.

    A filter on the socket drops each packet before TCP sees it: no acknowledgement, no answer to a probe, no reset
    (socket(7), SO_ATTACH_FILTER). The peer's own retransmissions still go out, so let it have nothing to send.
    """
    instructions = (_Instruction * 1)(_Instruction(_RETURN_NOTHING, 0, 0, 0))
    program = _Program(1, instructions)
    for peer in peers:
        peer.socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, bytes(program))
