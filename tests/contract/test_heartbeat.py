"""Heartbeats: a client that sends them, a server that watches for them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import tcpip_core
from tests.support import Changes, Peer, connected, listening, soon, started, turns, until

HEARTBEAT_LINE = b"heartbeat\r\n"
TAI_MINUS_UTC = 37.0
QUICK, NEVER = 0.02, 1000.0
"""Intervals (seconds) after which something happens soon, or not within a test."""


class Server(tcpip_core.OneClientReadLoopServer):
    """Handle heartbeats and keep every other line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lines: asyncio.Queue[str] = asyncio.Queue()
        self.heartbeats: asyncio.Queue[float] = asyncio.Queue()

    async def read_and_dispatch(self) -> None:
        """Read one line and handle it."""
        line = await self.read_str()
        if line.encode() == tcpip_core.HEARTBEAT:
            await self.handle_received_heartbeat()
            self.heartbeats.put_nowait(self.heartbeat_received_tai)
        else:
            self.lines.put_nowait(line)


@asynccontextmanager
async def watching(
    host: str, log: logging.Logger, max_heartbeat_interval: float, **kwargs: Any
) -> AsyncIterator[tuple[Server, Peer]]:
    """Give a server that watches its client, and that client as a plain socket."""
    kwargs = {"run_heartbeat_monitor_task": True} | kwargs
    async with Server(host=host, port=0, log=log, max_heartbeat_interval=max_heartbeat_interval, **kwargs) as server:
        async with Peer(host, server.port) as peer:
            await connected(server)
            yield server, peer


@asynccontextmanager
async def beating(
    host: str, log: logging.Logger, sleep: float, **kwargs: Any
) -> AsyncIterator[tuple[tcpip_core.Client, Peer]]:
    """Give a client that sends heartbeats, and its server as a plain socket."""
    async with listening(host) as listener:
        client = tcpip_core.Client(
            host, listener.port, log, run_heartbeat_send_task=True, heartbeat_send_sleep=sleep, **kwargs
        )
        try:
            peer = await listener.accept()
            await started(client)
            yield client, peer
        finally:
            await soon(client.close())


async def test_client_sends_heartbeat_lines(host: str, log: logging.Logger) -> None:
    """A heartbeat is the constant and a terminator, again and again."""
    async with beating(host, log, QUICK) as (_, peer):
        assert await peer.read_exactly(3 * len(HEARTBEAT_LINE)) == HEARTBEAT_LINE * 3


async def test_heartbeat_ends_with_the_terminator_of_the_client(host: str, log: logging.Logger) -> None:
    """A heartbeat is a line of this link, so it looks like one."""
    async with beating(host, log, QUICK, terminator=b";") as (_, peer):
        assert await peer.read_exactly(20) == b"heartbeat;heartbeat;"


async def test_heartbeats_and_lines_do_not_mix(host: str, log: logging.Logger) -> None:
    """What the program writes and what the task writes are whole lines both."""
    async with beating(host, log, 0.001) as (client, peer):
        for number in range(100):
            await soon(client.write_str(f"line {number}"))
        lines: list[bytes] = []
        while len(lines) < 100:
            line = await peer.read_until(b"\r\n")
            if line != HEARTBEAT_LINE:
                lines.append(line)
        assert lines == [b"line %d\r\n" % number for number in range(100)]


async def test_client_sends_no_heartbeat_unasked(host: str, log: logging.Logger) -> None:
    """Heartbeats are off by default: most devices would answer them with an error."""
    async with listening(host) as listener:
        async with tcpip_core.Client(host, listener.port, log, heartbeat_send_sleep=0.001) as client:
            peer = await listener.accept()
            await turns()
            await soon(client.write_str("only this"))
        assert await peer.read_to_eof() == b"only this\r\n"


async def test_heartbeat_task_ends_with_close(host: str, log: logging.Logger) -> None:
    """A closed client leaves no task behind."""
    async with beating(host, log, NEVER) as (client, _):
        assert not client.heartbeat_send_task.done()
        await soon(client.close())
        assert client.heartbeat_send_task.done()


async def test_heartbeat_task_ends_with_the_link(host: str, log: logging.Logger) -> None:
    """A lost link has nobody to send heartbeats to."""
    changes = Changes()
    async with beating(host, log, NEVER, connect_callback=changes.callback) as (client, peer):
        assert await changes.next() is True
        peer.reset()
        assert await changes.next() is False
        await until(client.heartbeat_send_task.done)


async def test_handled_heartbeat_is_stamped_in_tai(host: str, log: logging.Logger) -> None:
    """The stamp is TAI: UTC and 37 seconds, the scale of the data that it stands beside."""
    async with watching(host, log, NEVER) as (server, peer):
        before = time.time()
        peer.send(HEARTBEAT_LINE)
        stamp = await soon(server.heartbeats.get())
        assert before + TAI_MINUS_UTC - 0.5 <= stamp <= time.time() + TAI_MINUS_UTC + 0.5


async def test_each_heartbeat_renews_the_stamp(host: str, log: logging.Logger) -> None:
    """The stamp is that of the last heartbeat."""
    async with watching(host, log, NEVER) as (server, peer):
        stamps: list[float] = []
        for _ in range(3):
            peer.send(HEARTBEAT_LINE)
            stamps.append(await soon(server.heartbeats.get()))
        assert stamps == sorted(stamps)
        assert server.heartbeat_received_tai == stamps[-1]


async def test_silent_client_is_closed(host: str, log: logging.Logger) -> None:
    """A client that sends no heartbeat for the longest interval makes room for another one."""
    changes = Changes()
    async with watching(host, log, QUICK, connect_callback=changes.callback) as (server, peer):
        assert await peer.read_to_eof() == b""
        assert [await changes.next(), await changes.next()] == [True, False]
        assert not server.connected


async def test_client_that_talks_but_sends_no_heartbeat_is_closed(host: str, log: logging.Logger) -> None:
    """Only heartbeats count: a line of data does not say that the client's own watch is alive."""
    async with watching(host, log, 0.1) as (_, peer):
        peer.send(b"data\r\n")
        await peer.wait_hung_up()


async def test_server_serves_on_after_closing_a_silent_client(host: str, log: logging.Logger) -> None:
    """The next client is welcome, and watched as the first one was."""
    async with watching(host, log, QUICK) as (server, peer):
        await peer.wait_hung_up()
        async with Peer(host, server.port) as second:
            second.send(b"hello\r\n")
            assert await soon(server.lines.get()) == "hello"
            await second.wait_hung_up()


@pytest.mark.slow
async def test_client_that_sends_heartbeats_stays(host: str, log: logging.Logger) -> None:
    """Each heartbeat starts the longest interval anew."""
    async with watching(host, log, 1.0) as (server, peer):
        start = time.monotonic()
        while time.monotonic() < start + 2.5:
            peer.send(HEARTBEAT_LINE)
            await soon(server.heartbeats.get())
            await asyncio.sleep(0.05)
        assert server.connected


async def test_client_and_server_of_ours_keep_each_other_alive(host: str, log: logging.Logger) -> None:
    """The two halves fit: what the client sends, the server takes for a heartbeat."""
    async with Server(
        host=host, port=0, log=log, run_heartbeat_monitor_task=True, max_heartbeat_interval=NEVER
    ) as server:
        async with tcpip_core.Client(
            host, server.port, log, run_heartbeat_send_task=True, heartbeat_send_sleep=QUICK
        ) as client:
            for _ in range(3):
                await soon(server.heartbeats.get())
            assert client.connected
            assert server.connected


async def test_silence_is_nothing_without_the_monitor(host: str, log: logging.Logger) -> None:
    """The monitor is off by default: most clients send no heartbeats."""
    async with watching(host, log, 0.001, run_heartbeat_monitor_task=False) as (server, peer):
        await turns()
        peer.send(b"still here\r\n")
        assert await soon(server.lines.get()) == "still here"
        assert server.connected


async def test_heartbeat_without_the_monitor_is_a_runtime_error(host: str, log: logging.Logger) -> None:
    """A heartbeat that nobody watches for is a mistake in how the server was set up."""
    async with watching(host, log, NEVER, run_heartbeat_monitor_task=False) as (server, _):
        with pytest.raises(RuntimeError):
            await soon(server.handle_received_heartbeat())


async def test_monitor_ends_with_the_client(host: str, log: logging.Logger) -> None:
    """A client that has gone is watched no longer, and loses no successor its place."""
    changes = Changes()
    async with watching(host, log, NEVER, connect_callback=changes.callback) as (server, peer):
        assert await changes.next() is True
        monitor, read_loop = server.monitor_heartbeats_task, server.read_loop_task
        assert not monitor.done()
        peer.reset()
        assert await changes.next() is False
        await until(lambda: monitor.done() and read_loop.done())


async def test_monitor_ends_with_the_server(host: str, log: logging.Logger) -> None:
    """A closed server leaves no task behind."""
    async with watching(host, log, NEVER) as (server, _):
        await soon(server.close())
        assert server.monitor_heartbeats_task.done()
        assert server.read_loop_task.done()


async def test_each_client_has_a_monitor_of_its_own(host: str, log: logging.Logger) -> None:
    """A heartbeat of an earlier client does not count for the next one."""
    async with watching(host, log, NEVER) as (server, peer):
        first = server.monitor_heartbeats_task
        peer.close()
        await until(lambda: not server.connected)
        async with Peer(host, server.port):
            await connected(server)
            await until(lambda: server.monitor_heartbeats_task is not first)
            assert not server.monitor_heartbeats_task.done()


async def test_overridden_heartbeat_handler_is_called(host: str, log: logging.Logger) -> None:
    """A subclass may do more with a heartbeat and call ours."""

    class Counting(Server):
        count = 0

        async def handle_received_heartbeat(self) -> None:
            await super().handle_received_heartbeat()
            self.count += 1

    async with Counting(host=host, port=0, log=log, run_heartbeat_monitor_task=True) as server:
        async with Peer(host, server.port) as peer:
            peer.send(HEARTBEAT_LINE)
            await soon(server.heartbeats.get())
            assert server.count == 1
