"""``tcpip probe`` names how servers of other people speak, and sends them no byte unasked: a relay listens in."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tcpip_core import DEFAULT_LOCALHOST
from tests.interop._instrument import IDENTITY, Instrument
from tests.interop._processes import Daemon
from tests.interop._programs import EXIM, MEMCACHED, NATS, REDIS, Program
from tests.interop._servers import run_exim, run_memcached, run_nats, run_redis
from tests.support import TIMEOUT
from tests.tools._command import events, run


class Relay:
    """Passes one connection on, and keeps what went each way."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server((DEFAULT_LOCALHOST, 0))
        self._listener.settimeout(TIMEOUT)
        self.port: int = self._listener.getsockname()[1]
        self.up, self.down = b"", b""
        self._target = port
        self._thread = threading.Thread(target=self._serve, name="relay")
        self._thread.start()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client, socket.create_connection((DEFAULT_LOCALHOST, self._target), timeout=TIMEOUT) as server:
            client.settimeout(TIMEOUT)
            back = threading.Thread(target=self._copy_down, args=(server, client), name="relay back")
            back.start()
            while data := client.recv(65536):
                self.up += data
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            back.join(TIMEOUT)

    def _copy_down(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                self.down += data
                client.sendall(data)

    def close(self) -> None:
        """Wait until the connection has ended."""
        self._thread.join(TIMEOUT)
        self._listener.close()


def probe(port: int, *options: str) -> tuple[dict[str, Any], Relay]:
    """Probe a server through a relay; give the events by their kind, and the relay."""
    relay = Relay(port)
    try:
        done = run("probe", f"{DEFAULT_LOCALHOST}:{relay.port}", "--json", *options)
    finally:
        relay.close()
    assert (0, "") == (done.returncode, done.stderr)
    return {event["event"]: event for event in events(done.stdout)}, relay


def case(
    program: Program, server: Callable[[], AbstractContextManager[Daemon]], options: list[str], sent: bytes
) -> Any:
    """Make a parameter that needs a program."""
    return pytest.param(server, options, sent, marks=pytest.mark.interop(program), id=program.name)


@pytest.mark.parametrize(
    ("server", "options", "sent"),
    [
        case(REDIS, run_redis, ["--send", "PING"], b"PING\r\n"),
        case(MEMCACHED, run_memcached, ["--send", "version"], b"version\r\n"),
        case(EXIM, run_exim, ["--listen", "10s"], b""),
        case(NATS, run_nats, ["--listen", "10s"], b""),
    ],
)
def test_a_server_s_way_to_speak_is_named(
    server: Callable[[], AbstractContextManager[Daemon]], options: list[str], sent: bytes
) -> None:
    """All four end lines with CR LF and write ASCII; what was sent is what was asked for, byte for byte."""
    with server() as daemon:
        told, relay = probe(daemon.port, *options)
    assert ("crlf", "ascii") == (told["terminator"]["name"], told["encoding"]["name"])
    assert ("open", "free", "certain") == tuple(told["verdict"][key] for key in ("port", "slot", "confidence"))
    assert sent == relay.up
    assert relay.down


@pytest.mark.interop(REDIS)
def test_a_server_that_waits_gets_no_byte() -> None:
    """Redis says nothing before it is asked."""
    with run_redis() as daemon:
        told, relay = probe(daemon.port)
    assert (b"", b"") == (relay.up, relay.down)
    assert told["verdict"]["slot"] in {"free", "silent"}


@pytest.mark.parametrize(("terminator", "framing"), [(b"\n", "lf"), (b"\r", "cr")])
def test_an_instrument_s_terminator_is_named(log: logging.Logger, terminator: bytes, framing: str) -> None:
    """One that PyVISA speaks to, with either of the terminators that instruments have."""
    import asyncio

    async def scenario() -> dict[str, Any]:
        async with Instrument(log=log, terminator=terminator) as server:
            told, _ = await asyncio.to_thread(probe, server.port, "--framing", framing, "--send", "*IDN?")
            return told

    told = asyncio.run(scenario())
    assert framing == told["terminator"]["name"]
    assert IDENTITY in told["reply"]["text"]
