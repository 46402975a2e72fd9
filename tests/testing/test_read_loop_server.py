"""The mock device of the contract: `TestOneClientReadLoopServer`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import tcpip_core
import tcpip_testing
from tests.support import Changes, Peer, connected, soon, turns, until

NEVER = 1000.0


@asynccontextmanager
async def mocked(
    host: str, log: logging.Logger, **kwargs: Any
) -> AsyncIterator[tuple[tcpip_testing.TestOneClientReadLoopServer, Peer]]:
    """Give a mock and a plain socket that is its client."""
    server_class = tcpip_testing.TestOneClientReadLoopServer
    async with server_class(host=host, port=0, log=log, **kwargs) as server:
        async with Peer(host, server.port) as peer:
            await connected(server)
            yield server, peer


def test_pytest_does_not_take_the_server_for_a_test() -> None:
    """Its name begins with "Test" by contract; importing it must not add a broken test class."""
    assert not getattr(tcpip_testing.TestOneClientReadLoopServer, "__test__", True)


def test_is_a_read_loop_server() -> None:
    """Everything that holds for a read-loop server holds for the mock."""
    assert issubclass(tcpip_testing.TestOneClientReadLoopServer, tcpip_core.OneClientReadLoopServer)


async def test_get_next_data_returns_the_oldest_line(host: str, log: logging.Logger) -> None:
    """Lines come out as they came in, each of them once."""
    async with mocked(host, log) as (server, peer):
        peer.send(b"one\r\ntwo\r\n\r\nthree\r\n")
        assert [await soon(server.get_next_data()) for _ in range(4)] == ["one", "two", "", "three"]


async def test_get_next_data_waits_for_a_line(host: str, log: logging.Logger) -> None:
    """A test that asks before the client has spoken gets what comes."""
    async with mocked(host, log) as (server, peer):
        waiting = asyncio.create_task(server.get_next_data())
        await turns()
        assert not waiting.done()
        peer.send(b"late\r\n")
        assert await soon(waiting) == "late"


async def test_get_next_data_keeps_lines_of_a_client_that_has_left(host: str, log: logging.Logger) -> None:
    """What a client sent before it hung up can be looked at in peace."""
    async with mocked(host, log) as (server, peer):
        peer.send(b"one\r\ntwo\r\n")
        peer.close()
        await until(lambda: not server.connected)
        assert [await soon(server.get_next_data()) for _ in range(2)] == ["one", "two"]


@pytest.mark.parametrize("wire", [b"", b"one\r\n", b"one\r\nhalf"], ids=["silent", "line", "half"])
@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
async def test_hang_up_never_makes_up_a_line(host: str, log: logging.Logger, wire: bytes, reset: bool) -> None:
    """A client that leaves has said what it said: no empty and no half line appears."""
    async with mocked(host, log) as (server, peer):
        peer.send(wire)
        if wire.startswith(b"one"):
            assert await soon(server.get_next_data()) == "one"
        if reset:
            peer.reset()
        else:
            peer.close()
        await until(lambda: not server.connected)
        async with Peer(host, server.port) as second:
            second.send(b"of the second client\r\n")
            assert await soon(server.get_next_data()) == "of the second client"


async def test_cancelled_get_next_data_loses_nothing(host: str, log: logging.Logger) -> None:
    """A test that looks with a time-out finds the line the next time."""
    async with mocked(host, log) as (server, peer):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await server.get_next_data()
        peer.send(b"one\r\n")
        assert await soon(server.get_next_data()) == "one"


async def test_get_next_data_cancelled_while_its_line_arrives_takes_it_or_not(host: str, log: logging.Logger) -> None:
    """At whichever loop turn the cancellation comes, the line is handed out exactly once."""
    async with mocked(host, log) as (server, peer):
        for count in range(12):
            waiting = asyncio.create_task(server.get_next_data())
            await turns(2)
            peer.send(b"one\r\n")
            await turns(count)
            waiting.cancel()
            got: list[str] = []
            try:
                got.append(await waiting)
            except asyncio.CancelledError:
                got.append(await soon(server.get_next_data()))
            assert got == ["one"], f"cancelled at turn {count}"


async def test_two_waiting_for_data_get_a_line_each_in_order(host: str, log: logging.Logger) -> None:
    """First come, first served."""
    async with mocked(host, log) as (server, peer):
        first, second = (asyncio.create_task(server.get_next_data()) for _ in range(2))
        await turns()
        peer.send(b"one\r\ntwo\r\n")
        assert [await soon(first), await soon(second)] == ["one", "two"]


async def test_fail_next_read_is_off_at_first(host: str, log: logging.Logger) -> None:
    """Failures come only where a test asks for them."""
    async with mocked(host, log) as (server, _):
        assert not server.fail_next_read


async def test_fail_next_read_closes_the_client(host: str, log: logging.Logger) -> None:
    """A test sees what its client does when the device fails to read."""
    changes = Changes()
    async with mocked(host, log, connect_callback=changes.callback) as (server, peer):
        assert await changes.next() is True
        server.fail_next_read = True
        peer.send(b"one\r\ntwo\r\n")
        await peer.wait_hung_up()
        assert await changes.next() is False


async def test_failing_read_is_a_connection_error(host: str, log: logging.Logger) -> None:
    """The failure is the one that a lost link would be."""
    async with mocked(host, log) as (server, _):
        await soon(server.close_client())
        server.fail_next_read = True
        with pytest.raises(ConnectionError):
            await soon(server.read_and_dispatch())


async def test_fail_next_read_fails_once(host: str, log: logging.Logger) -> None:
    """The client that comes back is served again."""
    async with mocked(host, log) as (server, peer):
        server.fail_next_read = True
        peer.send(b"one\r\n")
        await peer.wait_hung_up()
        async with Peer(host, server.port) as second:
            second.send(b"back again\r\n")
            while await soon(server.get_next_data()) != "back again":
                pass
        assert not server.fail_next_read


async def test_heartbeat_is_handled_and_not_data(host: str, log: logging.Logger) -> None:
    """A mock that watches heartbeats takes them out of the lines that the test looks at."""
    async with mocked(host, log, run_heartbeat_monitor_task=True, max_heartbeat_interval=NEVER) as (server, peer):
        peer.send(b"one\r\nheartbeat\r\ntwo\r\n")
        assert [await soon(server.get_next_data()) for _ in range(2)] == ["one", "two"]
        assert server.heartbeat_received_tai > 0


@pytest.mark.parametrize("line", ["xheartbeat", "heartbeat!", "heartbeatheartbeat", " heartbeat", "HEARTBEAT"])
async def test_line_with_a_heartbeat_in_it_is_data(host: str, log: logging.Logger, line: str) -> None:
    """Only the whole message is a heartbeat."""
    async with mocked(host, log, run_heartbeat_monitor_task=True, max_heartbeat_interval=NEVER) as (server, peer):
        peer.send(line.encode() + b"\r\n")
        assert await soon(server.get_next_data()) == line


async def test_silent_client_of_a_watching_mock_is_closed(host: str, log: logging.Logger) -> None:
    """The mock behaves as the device that it stands for."""
    async with mocked(host, log, run_heartbeat_monitor_task=True, max_heartbeat_interval=0.02) as (_, peer):
        await peer.wait_hung_up()


async def test_log_is_a_child_of_the_given_logger(host: str, log: logging.Logger) -> None:
    """What the mock says ends up where the test looks for it."""
    async with mocked(host, log.getChild("mine")) as (server, _):
        parent: logging.Logger | None = server.log
        while parent is not None and parent is not log.getChild("mine"):
            parent = parent.parent
        assert parent is log.getChild("mine")


async def test_failed_read_is_logged_to_the_given_logger(
    host: str, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """A failure of the read loop can be looked for in the log by a test."""
    async with mocked(host, log.getChild("mine")) as (server, peer):
        server.fail_next_read = True
        peer.send(b"one\r\n")
        await peer.wait_hung_up()
        await until(server.read_loop_task.done)
    assert any(record.name.startswith(f"{log.name}.mine") for record in caplog.records)


async def test_encoding_and_terminator_are_those_of_the_mock(host: str, log: logging.Logger) -> None:
    """A device with its own line format is mocked by two arguments."""
    async with mocked(host, log, encoding="latin-1", terminator=b";") as (server, peer):
        peer.send(b"caf\xe9;")
        assert await soon(server.get_next_data()) == "caf\u00e9"
        await soon(server.write_str("caf\u00e9"))
        assert await peer.read_until(b";") == b"caf\xe9;"


async def test_next_client_is_served_after_the_first_one_left(host: str, log: logging.Logger) -> None:
    """One mock lasts for a whole test, whatever its clients do."""
    async with mocked(host, log) as (server, peer):
        peer.close()
        await until(lambda: not server.connected)
        for number in range(5):
            async with Peer(host, server.port) as again:
                again.send(b"client %d\r\n" % number)
                assert await soon(server.get_next_data()) == f"client {number}"
            await until(lambda: not server.connected)
