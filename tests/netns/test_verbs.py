"""The command against links that only real kernels with a network between them can be in."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.netns._hosts import Host, obstacle
from tests.netns._network import SERVER, Fault, Network, network
from tests.tools._command import COMMAND, TIMEOUT, environment
from tests.tools._devices import Device, echo

pytestmark = pytest.mark.timeout(60)

PORT = 5000


@pytest.fixture(scope="module", autouse=True)
def _namespaces() -> None:
    """Skip where there are none."""
    if reason := obstacle():
        pytest.skip(reason)


def in_a_network(test: Callable[[Network], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Give a test two hosts and a router, and a server that answers the same: once, the command has its own loop."""

    async def run() -> None:
        async with network("verbs", asyncio.new_event_loop, asyncio.Semaphore(1)) as net:

            async def start() -> Device:
                return Device(echo, host=SERVER, port=PORT)

            device = await net.server.run(start())
            try:
                await test(net)
            finally:
                device.close()

    def wrapper() -> None:
        asyncio.run(run())

    wrapper.__doc__ = test.__doc__
    return wrapper


class Command:
    """The command on a host."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    async def next_event(self) -> dict[str, Any]:
        """Read one line of ``--json``."""
        assert self._process.stdout is not None
        line = await asyncio.to_thread(self._process.stdout.readline)
        event: dict[str, Any] = json.loads(line)
        return event

    async def end(self) -> tuple[int, list[dict[str, Any]], str]:
        """Wait for its end; give its status, its other events, and what it complained of."""
        said, complaints = await asyncio.to_thread(self._process.communicate, timeout=30)
        return self._process.returncode, [json.loads(line) for line in said.splitlines()], complaints

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)


@asynccontextmanager
async def running(host: Host, *args: str) -> AsyncIterator[Command]:
    """Run the command on a host: a process has the network of the thread that starts it."""

    async def start() -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: ASYNC220  # it starts and returns
            [*COMMAND, *args, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    process = await host.run(start())
    try:
        yield Command(process)
    finally:
        process.kill()
        await asyncio.to_thread(process.communicate, timeout=TIMEOUT)


async def verdict(host: Host, *options: str) -> tuple[int, str, str, str]:
    """Probe the server; give the status, and the core of the verdict."""
    async with running(host, "probe", f"{SERVER}:{PORT}", "--timeout", "1s", *options) as command:
        status, told, complaints = await command.end()
    assert "" == complaints
    found = next(event for event in told if event["event"] == "verdict")
    return status, found["port"], found["slot"], found["confidence"]


@in_a_network
async def test_a_port_of_another_host_is_silent_where_nothing_comes(net: Network) -> None:
    """The tables of that host are not ours to read."""
    assert (0, "open", "silent", "likely") == await verdict(net.client)


@in_a_network
async def test_a_router_that_drops_makes_a_port_filtered(net: Network) -> None:
    """No answer, neither yes nor no."""
    await net.cut(Fault.BLACK_HOLE)
    assert (4, "filtered", "unknown", "possible") == await verdict(net.client)


@in_a_network
async def test_a_router_that_says_so_makes_a_host_unreachable(net: Network) -> None:
    """The kernel is told by ICMP."""
    await net.cut(Fault.UNREACHABLE)
    assert (5, "unreachable", "unknown", "certain") == await verdict(net.client)


@in_a_network
async def test_a_host_without_a_route_is_unreachable_before_anything_is_sent(net: Network) -> None:
    """This host knows it itself."""
    await net.client.ip("route del default")
    assert (5, "unreachable", "unknown", "certain") == await verdict(net.client)
    assert (5, "unreachable", "unknown", "certain") == await verdict(net.client, "--no-connect")


@in_a_network
async def test_a_full_queue_of_another_host_is_not_told_from_a_firewall(net: Network) -> None:
    """Said so, with what would tell."""

    async def fill() -> list[socket.socket]:
        listener = socket.create_server((SERVER, PORT + 1), backlog=0)
        return [listener, socket.create_connection((SERVER, PORT + 1))]

    sockets = await net.server.run(fill())
    try:
        async with running(net.client, "probe", f"{SERVER}:{PORT + 1}", "--timeout", "1s") as command:
            status, told, _ = await command.end()
        async with running(net.server, "probe", f"{SERVER}:{PORT + 1}", "--timeout", "1s", "--no-connect") as command:
            there, told_there, _ = await command.end()
    finally:
        for one in sockets:
            one.close()
    afar = next(event for event in told if event["event"] == "verdict")
    assert (4, "filtered") == (status, afar["port"])
    assert any("slot full" in one for one in afar["or_else"])
    here = next(event for event in told_there if event["event"] == "verdict")
    assert (4, "open", "full", "certain") == (there, here["port"], here["slot"], here["confidence"])


@in_a_network
async def test_hold_names_the_keepalive_when_the_link_dies_without_a_word(net: Network) -> None:
    """Nothing was sent, so no user time-out can have ended it."""
    async with running(net.client, "hold", f"{SERVER}:{PORT}", "--fast") as command:
        assert "connected" == (await command.next_event())["event"]
        await net.cut(Fault.NO_FORWARDING)
        status, told, complaints = await command.end()
    assert (10, "") == (status, complaints)
    assert ("lost", "SILENT") == (told[0]["event"], told[0]["reason"])
    assert {"SILENT": 1} == told[-1]["drops"]


@in_a_network
async def test_ping_names_the_user_time_out_when_a_question_stays_unacknowledged(net: Network) -> None:
    """And how long the outage was."""
    async with running(net.client, "ping", f"{SERVER}:{PORT}", "STATUS", "--timeout", "20s") as command:
        while (await command.next_event())["event"] != "reply":
            pass
        await net.cut(Fault.BLACK_HOLE)
        status, told, complaints = await command.end()
    assert 10 == status
    assert "user time-out" in complaints
    assert told[-1]["lost"] == 1


@in_a_network
async def test_ping_counts_an_outage_that_ends(net: Network) -> None:
    """TCP sends again what was lost on the way; the answer is late, and the link stays."""
    target = f"{SERVER}:{PORT}"
    async with running(net.client, "ping", target, "STATUS", "--timeout", "300ms", "--interval", "100ms") as command:
        while (await command.next_event())["event"] != "reply":
            pass
        await net.cut(Fault.NO_FORWARDING)
        while (await command.next_event())["event"] != "silent":
            pass
        await net.mend(Fault.NO_FORWARDING)
        while (event := await command.next_event())["event"] != "outage":
            pass
        command.interrupt()
        status, told, _ = await command.end()
    assert event["seconds"] > 0.3
    assert (130, 1) == (status, len(told[-1]["outages"]))
