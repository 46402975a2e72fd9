"""Newcomers by the thousand while one client works: it does not notice, and the log stays readable."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tcpip_core import Client
from tests.contract._rigs import READ_LOOP_SERVER, make
from tests.faults._faults import errors, logged, timed
from tests.faults.conftest import Figure
from tests.support import IPV4, Changes, Peer, soon, turns

THREADS = 4


def _knock(port: int, times: int) -> None:
    for _ in range(times):
        with contextlib.suppress(ConnectionError), socket.create_connection((IPV4, port), timeout=10) as sock:
            sock.recv(1)


async def _flood(port: int, times: int) -> None:
    """Connect that often, and be closed each time, from threads: a peer is not on our event loop."""
    loop, each = asyncio.get_running_loop(), times // THREADS
    with ThreadPoolExecutor(THREADS) as pool:
        await asyncio.gather(*(loop.run_in_executor(pool, _knock, port, each) for _ in range(THREADS)))


@pytest.mark.parametrize("times", [400, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(60)])])
async def test_flood_of_newcomers_leaves_the_client_alone(
    times: int, log: logging.Logger, figure: Figure, caplog: pytest.LogCaptureFixture
) -> None:
    """Exactly one was accepted; its exchanges go on; a line a second at most tells of the rest."""
    changes = Changes()
    server = make(READ_LOOP_SERVER, IPV4, 0, log, connect_callback=changes.callback)
    async with server, Client(IPV4, server.port, log) as client:
        assert await changes.next() is True
        exchanges: list[float] = []
        with timed() as watch:
            flooding = asyncio.create_task(_flood(server.port or 0, times))
            while not flooding.done():
                start = time.monotonic()
                await soon(client.write_str("hello"))
                assert await soon(client.read_str()) == "HELLO"
                exchanges.append(time.monotonic() - start)
                await asyncio.sleep(0)
            await flooding
        figure(f"flood: {times} newcomers, all of it", watch.seconds)
        figure(f"flood: {times} newcomers, p99 of the client's exchanges", statistics.quantiles(exchanges, n=100)[-1])
        assert changes.seen == [True]
        assert client.connected
        assert len(exchanges) > 10
        told = errors(caplog)
        assert 1 <= len(told) <= max(5, watch.seconds + 1)
        assert all("rejected" in line for line in told)


@pytest.mark.slow
async def test_flood_is_counted_in_the_log(log: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever comes a second later tells how many there were."""
    changes = Changes()
    async with (
        make(READ_LOOP_SERVER, IPV4, 0, log, connect_callback=changes.callback) as server,
        Peer(IPV4, server.port),
    ):
        assert await changes.next() is True
        await _flood(server.port or 0, 400)
        await asyncio.sleep(1.0)  # The log's own pace.
        async with Peer(IPV4, server.port) as last:
            await last.wait_hung_up()
        counts = [int(found[1]) for line in errors(caplog) if (found := re.search(r"(\d+) rejected so far", line))]
        assert counts == sorted(counts)
        assert counts[-1] == 401


async def test_clients_that_come_and_go_in_no_time_fill_no_log(
    log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """Each says what cannot be read: ten of them are told of, with what was wrong, and then one a second."""
    async with make(READ_LOOP_SERVER, IPV4, 0, log) as server:
        with timed() as watch:
            for _ in range(100):
                async with Peer(IPV4, server.port) as peer:
                    peer.send(b"\xff\xff\r\n")
                    await peer.wait_hung_up()
    told = logged(caplog)
    for words in ("connected to", "ended: ", "closing 127.0.0.1"):
        assert 10 <= sum(words in line for line in told) <= 11 + watch.seconds, words


async def test_flood_that_leaves_before_it_is_accepted_is_harmless(
    server_kind: str, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """Peers that reset while they wait in the kernel's queue: nothing is left of them, and the client works on."""
    changes = Changes()
    async with make(server_kind, IPV4, 0, log, connect_callback=changes.callback) as server:
        async with Peer(IPV4, server.port) as holder:
            assert await changes.next() is True
            for _ in range(50):
                for _ in range(10):
                    Peer(IPV4, server.port).reset()
                await turns(20)
            await soon(server.write_str("hello"))
            assert await holder.read_until(b"\r\n") == b"hello\r\n"
            assert changes.seen == [True]
            assert len(errors(caplog)) <= 2
