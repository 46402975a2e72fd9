"""What a server that runs for years meets: no descriptors left, restarts under load, the same port again.

See also ``tests/contract/test_server.py``: reopening on the same port, one client after another.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import pytest

import tcpip_core
from tests.contract._rigs import LineServer
from tests.faults._programs import LOOPS, run_program
from tests.support import IPV4, Changes, Peer, connected, open_sockets, soon, started, turns

EXHAUSTED = """
async def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # asyncio reports what accept met
    async with LineServer(host=IPV4, port=0, log=log) as server:
        holder = Peer(IPV4, server.port)
        await connected(server)
        newcomer = socket.socket()
        newcomer.setblocking(False)
        hoard = []
        try:
            while True:
                hoard.append(open("/dev/null"))
        except OSError:
            pass
        try:
            newcomer.connect((IPV4, server.port))
        except BlockingIOError:
            pass
        await turns(100)
        holder.send(b"while\\r\\n")
        assert await holder.read_until() == b"WHILE\\r\\n"
        assert server.connected
        for one in hoard:
            one.close()
        newcomer.close()
        holder.close()
        await until(lambda: not server.connected)
        answer = b""
        while not answer:  # the newcomer that has left may still stand before it in the kernel's queue
            async with Peer(IPV4, server.port) as after:
                after.send(b"after\\r\\n")
                try:
                    answer = await after.read_until()
                except ConnectionError:
                    pass
        assert answer == b"AFTER\\r\\n"
"""


@LOOPS
def test_server_survives_the_want_of_descriptors(loop: str) -> None:
    """Its client never notices, and newcomers are served once there are descriptors again."""
    run_program(EXHAUSTED, loop)


CLIENT_EXHAUSTED = """
async def main():
    listener = socket.create_server((IPV4, 0))
    async with tcpip_core.Client(IPV4, listener.getsockname()[1], log) as before:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        hoard = []
        try:
            while True:
                hoard.append(open("/dev/null"))
        except OSError:
            pass
        client = tcpip_core.Client(IPV4, listener.getsockname()[1], log)
        try:
            await soon(client.start_task)
            raise AssertionError("connected without a descriptor")
        except OSError as error:
            assert error.errno == 24, error
        server = tcpip_core.OneClientServer(IPV4, 0, log)
        try:
            await soon(server.start_task)
            raise AssertionError("listens without a descriptor")
        except OSError:
            pass
        assert client.done_task.done() and server.done_task.done()
        for one in hoard:
            one.close()
        assert before.connected
        async with tcpip_core.Client(IPV4, listener.getsockname()[1], log):
            pass
    listener.close()
"""


@LOOPS
def test_start_without_a_descriptor_fails_as_any_other(loop: str) -> None:
    """The error is the system's, all is down, and the next one works."""
    run_program(CLIENT_EXHAUSTED, loop)


class Ledger(LineServer):
    """Writes each number into a ledger, which outlives it, and then acknowledges it."""

    def __init__(self, ledger: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ledger = ledger

    async def read_and_dispatch(self) -> None:
        """Note one number."""
        number = await self.read_str()
        self.ledger.append(number)
        await self.write_str(number)


class Reporter:
    """Reports numbers for as long as it is let, with a new client after each loss."""

    def __init__(self, name: str, port: int, log: logging.Logger) -> None:
        self.name = name
        self.port = port
        self.log = log
        self.acknowledged: list[str] = []
        self.connects = 0
        self._number = 0

    async def run(self) -> None:
        """Report on and on, until cancelled."""
        while True:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                async with tcpip_core.Client(IPV4, self.port, self.log) as client:
                    self.connects += 1
                    await self._report(client)
            await asyncio.sleep(0)

    async def _report(self, client: tcpip_core.Client) -> None:
        while True:
            self._number += 1
            number = f"{self.name} {self._number}"
            await client.write_str(number)
            assert await client.read_str() == number
            self.acknowledged.append(number)


@pytest.mark.parametrize("restarts", [20, pytest.param(200, marks=pytest.mark.slow)])
async def test_restarts_under_load_lose_nothing_that_was_acknowledged(restarts: int, log: logging.Logger) -> None:
    """The same port again at once, never in use; two clients fight for it, and what they were promised is there."""
    sockets = open_sockets()
    ledger: list[str] = []
    server = await started(Ledger(ledger, host=IPV4, port=0, log=log))
    port = server.port
    assert port is not None
    reporters = [Reporter(name, port, log) for name in ("az", "el")]
    running = [asyncio.ensure_future(one.run()) for one in reporters]
    try:
        for _ in range(restarts):
            known = len(ledger)
            while len(ledger) < known + 20:
                await asyncio.sleep(0)
            await soon(server.close(), timeout=2.5)
            server = await started(Ledger(ledger, host=IPV4, port=port, log=log))
        await connected(server)
    finally:
        for one in running:
            one.cancel()
        await asyncio.wait(running)
        await soon(server.close())
    for reporter in reporters:
        noted = [int(one.split()[1]) for one in ledger if one.startswith(reporter.name)]
        assert noted == sorted(set(noted))
        assert set(reporter.acknowledged) <= set(ledger)
    assert sum(one.connects for one in reporters) >= restarts
    await turns()
    assert open_sockets() == sockets


async def test_port_is_free_while_the_last_clients_socket_lingers(log: logging.Logger) -> None:
    """The client closes after us, so our end waits in TIME_WAIT; the next server has the port all the same."""
    changes = Changes()
    port = 0
    for _ in range(3):
        server = LineServer(host=IPV4, port=port, log=log, connect_callback=changes.callback)
        await started(server)
        assert server.port is not None
        port = server.port
        async with Peer(IPV4, port) as peer:
            assert await changes.next() is True
            await soon(server.close())
            await peer.wait_hung_up()
        assert await changes.next() is False


@pytest.mark.parametrize("count", [100, pytest.param(2000, marks=pytest.mark.slow)])
async def test_clients_that_come_and_go_leave_nothing(count: int, log: logging.Logger) -> None:
    """One after another, each told twice: no task, no timer and no socket more than after the first."""
    changes = Changes()
    async with LineServer(host=IPV4, port=0, log=log, connect_callback=changes.callback) as server:
        sizes: list[tuple[int, int]] = []
        for number in range(count):
            async with Peer(IPV4, server.port) as peer:
                peer.send(b"hello\r\n")
                assert await peer.read_until() == b"HELLO\r\n"
                (peer.reset if number % 2 else peer.close)()
            assert await changes.next() is True
            assert await changes.next() is False
            if number in {1, count - 1}:
                await turns(10)
                sizes.append((len(asyncio.all_tasks()), len(open_sockets())))
    assert sizes[0] == sizes[1]
    assert changes.seen == [True, False] * count
