"""The mock controller, asked by the library's client and by a plain socket over real TCP."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tcpip_core import Client, LossReason
from tcpip_tools.dome._controller import MockDomeController
from tcpip_tools.dome._protocol import DomeStatus
from tests.support import IPV4, Peer, connected, soon, until


@contextlib.asynccontextmanager
async def controller(log: logging.Logger, **kwargs: Any) -> AsyncIterator[MockDomeController]:
    """Serve a dome that turns in no time."""
    options: dict[str, Any] = {"rate": 1e6, "telemetry_interval": 0.001} | kwargs
    async with MockDomeController(log=log, **options) as server:
        yield server


@contextlib.asynccontextmanager
async def pair(log: logging.Logger, **kwargs: Any) -> AsyncIterator[tuple[MockDomeController, Client]]:
    """Serve a dome and connect to it."""
    async with controller(log, **kwargs) as server, Client(IPV4, server.port, log) as client:
        await connected(server)
        yield server, client


async def ask(client: Client, command: str) -> str:
    """Send a command and read a line."""
    await client.write_str(command)
    return await soon(client.read_str())


async def test_the_shutter_opens_and_closes(log: logging.Logger) -> None:
    """Each is answered once it is done."""
    async with pair(log) as (server, client):
        assert "OK" == await ask(client, "OPEN")
        assert server.dome.shutter_open
        assert "OK" == await ask(client, "CLOSE")
        assert not server.dome.shutter_open


async def test_telemetry_follows_a_turn_to_its_end(log: logging.Logger) -> None:
    """The last line says that the dome stands, so that a client knows when to stop reading."""
    async with pair(log, rate=1000.0) as (_, client):
        assert "OK" == await ask(client, "TELEMETRY ON")
        assert (await soon(client.read_json()))["moving"] is False
        assert "OK" == await ask(client, "MOVE 120")
        told = [await soon(client.read_json())]
        while told[-1]["moving"]:
            told.append(await soon(client.read_json()))
        azimuths = [one["azimuth"] for one in told]
        assert told[0]["moving"]
        assert sorted(azimuths) == azimuths
        assert {"azimuth": 120.0, "target": 120.0, "moving": False, "shutter_open": False} == told[-1]


async def test_no_telemetry_comes_unless_it_is_asked_for(log: logging.Logger) -> None:
    """A client that only sends commands reads nothing but replies."""
    async with pair(log) as (_, client):
        for command in ("MOVE 90", "OPEN", "TELEMETRY OFF", "STOP"):
            assert "OK" == await ask(client, command)


async def test_stop_ends_a_turn(log: logging.Logger) -> None:
    """The dome stays where it was when the command came."""
    async with pair(log, rate=1.0) as (server, client):
        assert "OK" == await ask(client, "MOVE 120")
        assert "OK" == await ask(client, "STOP")
        assert not server.telemetry().moving
        assert server.dome.target < 120


async def test_the_status_is_a_structure_after_a_line(log: logging.Logger) -> None:
    """Text and binary share one link."""
    async with pair(log) as (_, client):
        await ask(client, "OPEN")
        await ask(client, "DANCE")
        assert "DATA 40" == await ask(client, "STATUS")
        status = await soon(client.read_into(DomeStatus()))
        assert (0.0, 3, 1, 1) == (status.azimuth, status.commands, status.refusals, status.shutter_open)
        assert "OK" == await ask(client, "CLOSE")


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"DANCE", b"ERROR 1 no command 'DANCE'"),
        (b"", b"ERROR 1 no command ''"),
        (b"MOVE 400", b"ERROR 2 MOVE takes an azimuth"),
        (b"\xff\xfe", b"ERROR 3 send text in utf-8"),
    ],
)
async def test_a_bad_line_is_refused_and_breaks_nothing(log: logging.Logger, line: bytes, reply: bytes) -> None:
    """A typing error must not cost the link."""
    async with controller(log) as server, Peer(IPV4, server.port) as peer:
        peer.send(line + b"\r\n")
        assert (await peer.read_until()).startswith(reply)
        peer.send(b"OPEN\r\n")
        assert b"OK\r\n" == await peer.read_until()
        assert 1 == server.refusals


async def test_a_command_may_come_in_pieces(log: logging.Logger) -> None:
    """TCP has no messages: half a command waits for its other half."""
    async with controller(log) as server, Peer(IPV4, server.port) as peer:
        await connected(server)
        for piece in (b"OP", b"EN", b"\r"):
            peer.send(piece)
        peer.send(b"\n")
        assert b"OK\r\n" == await peer.read_until()


async def test_two_commands_may_come_in_one_segment(log: logging.Logger) -> None:
    """Each gets its own answer, in order."""
    async with controller(log) as server, Peer(IPV4, server.port) as peer:
        peer.send(b"OPEN\r\nDANCE\r\nCLOSE\r\n")
        assert b"OK\r\n" == await peer.read_until()
        assert (await peer.read_until()).startswith(b"ERROR 1")
        assert b"OK\r\n" == await peer.read_until()


async def test_a_client_that_stops_sending_gets_its_answers(log: logging.Logger) -> None:
    """``printf 'OPEN' | nc -N`` closes its side at once and still wants to know."""
    async with controller(log) as server, Peer(IPV4, server.port) as peer:
        peer.send(b"OPEN\r\nSTOP\r\n")
        peer.write_eof()
        assert b"OK\r\nOK\r\n" == await peer.read_to_eof()


async def test_drop_loses_the_link_and_the_next_client_is_served(log: logging.Logger) -> None:
    """The client sees the loss and its reason; the device goes on with what it knew."""
    async with pair(log) as (server, client):
        await ask(client, "OPEN")
        await client.write_str("DROP")
        await soon(asyncio.wait({client.done_task}))
        assert client.should_be_connected
        assert LossReason.FIN == client.loss_reason
        async with Client(IPV4, server.port, log) as second:
            assert "OK" == await ask(second, "STOP")
            assert server.dome.shutter_open


async def test_telemetry_ends_with_its_client(log: logging.Logger) -> None:
    """What one client asked for must not surprise the next one."""
    async with pair(log, rate=1.0) as (server, client):
        await ask(client, "TELEMETRY ON")
        await client.write_str("MOVE 120")
        await client.write_str("DROP")
        await soon(client.read(-1))
        async with Client(IPV4, server.port, log) as second:
            assert "OK" == await ask(second, "OPEN")
            assert server.telemetry().moving
            assert not server.telemetry_on


async def test_a_client_that_leaves_amid_telemetry_harms_nobody(log: logging.Logger) -> None:
    """The next one is served, whichever way the last one went."""
    async with controller(log, rate=1.0) as server:
        async with Peer(IPV4, server.port) as peer:
            peer.send(b"TELEMETRY ON\r\nMOVE 120\r\n")
            await peer.read_until(b"true")
            peer.reset()
        await until(lambda: not server.connected)
        async with Client(IPV4, server.port, log) as second:
            assert "OK" == await ask(second, "STOP")


async def test_heartbeats_are_counted_and_not_answered(log: logging.Logger) -> None:
    """They may go on between two commands without a word in return, even where nobody watches them."""
    async with pair(log) as (server, client):
        await client.write_str("heartbeat")
        assert "OK" == await ask(client, "STOP")
        assert (1, 1) == (server.heartbeats, server.commands)


async def test_a_client_that_is_watched_keeps_the_link_by_heartbeats(log: logging.Logger) -> None:
    """The stamp shows that the library's monitor was told."""
    async with pair(log, heartbeat_timeout=5.0) as (server, client):
        await client.write_str("heartbeat")
        assert "OK" == await ask(client, "STOP")
        assert server.heartbeat_received_tai > 0


async def test_a_client_that_is_watched_and_silent_is_dropped(log: logging.Logger) -> None:
    """A program that hangs must not hold the only slot."""
    async with pair(log, heartbeat_timeout=0.05) as (server, client):
        assert b"" == await soon(client.read(-1))
        await until(lambda: not server.connected)
        assert LossReason.HEARTBEAT == server.loss_reason


async def test_a_bad_rate_is_refused_before_anything_exists(log: logging.Logger) -> None:
    """No task and no socket is left behind; the fixtures look."""
    with pytest.raises(ValueError, match="rate must be above 0"):
        MockDomeController(log=log, rate=0.0)


async def test_it_closes_while_the_dome_turns(log: logging.Logger) -> None:
    """Telemetry under way does not hold up the end."""
    async with pair(log, rate=1.0) as (server, client):
        await client.write_str("TELEMETRY ON")
        await client.write_str("MOVE 120")
        while not (await soon(client.read_str())).startswith('{"azimuth"'):
            pass
        await soon(server.close())
        assert not server.connected
