"""Two hosts and a router between them, and what can happen to them.

``client 10.7.1.2 — 10.7.1.1 router 10.7.2.1 — 10.7.2.2 server``, the same in each network: they cannot see each
other, nor the network of this machine.
"""

from __future__ import annotations

import asyncio
import enum
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from tests.netns._hosts import Host, LoopFactory

__all__ = ["SERVER", "Fault", "Network", "network"]

CLIENT, SERVER = "10.7.1.2", "10.7.2.2"
CLIENT_SIDE, SERVER_SIDE = "10.7.1.1", "10.7.2.1"
CLIENT_MAC, CLIENT_SIDE_MAC = "02:00:00:07:01:02", "02:00:00:07:01:01"
"""A host that starts again has the hardware address that it had."""


class Fault(enum.Enum):
    """A way in which a link dies; the value is what a person reads."""

    NO_FORWARDING = "router stops forwarding"
    BLACK_HOLE = "router drops silently"
    UNREACHABLE = "router says unreachable"
    ONE_WAY = "packets to the client are dropped"
    CLIENT_DOWN = "client's link is set down"
    ROUTER_DOWN = "router's link is set down"


class Network:
    """Two hosts and a router.

    Parameters
    ----------
    name : str
        For the threads.
    make_loop : callable
        Makes the loops of the two hosts.
    """

    def __init__(self, name: str, make_loop: LoopFactory) -> None:
        self._name = name
        self._make_loop = make_loop
        self._hosts: list[Host] = []
        self.router = self._host("router", asyncio.new_event_loop)
        self.server = self._host("server", make_loop)
        self.client = self._host("client", make_loop)

    def _host(self, what: str, make_loop: LoopFactory) -> Host:
        host = Host(f"{self._name}: {what}", make_loop)
        self._hosts.append(host)
        return host

    async def start(self) -> None:
        """Make the hosts and the links."""
        for host in self._hosts:
            await host.start()
        await self.router.ip(
            f"link add server type veth peer name eth0 netns {self.server.namespace}",
            f"addr add {SERVER_SIDE}/24 dev server",
            "link set server up",
        )
        await self.server.ip(
            f"addr add {SERVER}/24 dev eth0", "link set eth0 up", f"route add default via {SERVER_SIDE}"
        )
        await self._plug_in()
        await self.router.forward(True)

    async def _plug_in(self) -> None:
        far_end = f"name eth0 address {CLIENT_MAC} netns {self.client.namespace}"
        await self.router.ip(
            f"link add client address {CLIENT_SIDE_MAC} type veth peer {far_end}",
            f"addr add {CLIENT_SIDE}/24 dev client",
            "link set client up",
        )
        await self.client.ip(
            f"addr add {CLIENT}/24 dev eth0", "link set eth0 up", f"route add default via {CLIENT_SIDE}"
        )

    async def stop(self) -> list[str]:
        """Stop all hosts; return the errors that nobody saw."""
        await asyncio.gather(*(host.stop() for host in self._hosts))
        return [error for host in self._hosts for error in host.errors]

    async def cut(self, fault: Fault) -> float:
        """Let the link die; return when (monotonic seconds)."""
        at = time.monotonic()
        await self._deeds(fault)[0]()
        return at

    async def mend(self, fault: Fault) -> None:
        """Take a fault away."""
        await self._deeds(fault)[1]()

    def _deeds(self, fault: Fault) -> tuple[_Deed, _Deed]:
        """Give what makes a fault, and what takes it away."""
        router, client = self.router, self.client
        both = (f"{CLIENT}/32", f"{SERVER}/32")

        def routes(action: str, kind: str, *targets: str) -> _Deed:
            return lambda: router.ip(*(f"route {action} {kind} {target}" for target in targets))

        match fault:
            case Fault.NO_FORWARDING:
                return lambda: router.forward(False), lambda: router.forward(True)
            case Fault.BLACK_HOLE:
                return routes("add", "blackhole", *both), routes("del", "blackhole", *both)
            case Fault.UNREACHABLE:
                # By rules for what comes in: a route would stop the router's own messages that say so.
                rules = [f"pref 10 iif {side} unreachable" for side in ("client", "server")]
                return (
                    lambda: router.ip(*(f"rule add {rule}" for rule in rules)),
                    lambda: router.ip(*(f"rule del {rule}" for rule in rules)),
                )
            case Fault.ONE_WAY:
                return routes("add", "blackhole", both[0]), routes("del", "blackhole", both[0])
            case Fault.CLIENT_DOWN:
                back = ("link set eth0 up", f"route add default via {CLIENT_SIDE}")
                return lambda: client.ip("link set eth0 down"), lambda: client.ip(*back)
            case Fault.ROUTER_DOWN:
                return lambda: router.ip("link set client down"), lambda: router.ip("link set client up")

    async def power_off(self) -> float:
        """Take the client off the network between two packets; return when (monotonic seconds)."""
        at = time.monotonic()
        await self.router.ip("link del client")
        return at

    async def boot(self, *, mute_port: int | None = None) -> None:
        """Start another client host with the same addresses, which knows nothing of the first one's connections.

        Its kernel answers their packets with RST; with `mute_port`, the port that the first one had, with nothing,
        as behind a firewall.
        """
        self.client = self._host("client again", self._make_loop)
        await self.client.start()
        if mute_port is not None:
            await self.client.ip(f"rule add pref 10 ipproto tcp sport {mute_port} blackhole")
        await self._plug_in()


_Deed = Callable[[], Coroutine[Any, Any, None]]


@asynccontextmanager
async def network(name: str, make_loop: LoopFactory, setting_up: asyncio.Semaphore) -> AsyncIterator[Network]:
    """Have a network while the block runs; fail if a loop of it met an error that nobody saw."""
    net = Network(name, make_loop)
    try:
        async with setting_up:
            await net.start()
        yield net
    finally:
        errors = await net.stop()
    assert [] == errors
