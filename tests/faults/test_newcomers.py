"""Newcomers that race for the place: exactly one gets it."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest

from tcpip_core import OneClientServer
from tests.contract._rigs import make
from tests.faults._faults import timed
from tests.faults.conftest import Figure
from tests.support import IPV4, Changes, Peer, connected, soon, until

RACES = pytest.mark.parametrize("races", [50, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(60)])])


async def _winner(server: OneClientServer, racers: list[Peer]) -> Peer:
    """Return who was accepted, once all others were closed."""
    await connected(server)
    await soon(server.write_str("welcome"))
    heard = await asyncio.gather(*(_hear(one) for one in racers))
    assert sorted(heard) == [b""] * (len(racers) - 1) + [b"welcome\r\n"]
    return racers[heard.index(b"welcome\r\n")]


async def _hear(peer: Peer) -> bytes:
    with contextlib.suppress(ConnectionError):
        return await peer.read_until(b"\r\n")
    return b""


@RACES
async def test_two_newcomers_after_a_drop_are_one_accepted_one_closed(
    races: int, how: str, server_kind: str, log: logging.Logger, figure: Figure
) -> None:
    """Whatever the order in which the kernel reports the drop and the two, nobody else is let in."""
    changes = Changes()
    server = make(server_kind, IPV4, 0, log, connect_callback=changes.callback)
    assert isinstance(server, OneClientServer)
    async with server:
        holder = Peer(IPV4, server.port)
        assert await changes.next() is True
        with timed() as watch:
            for race in range(races):
                {"fin": holder.close, "rst": holder.reset}[how]()
                if race % 2:
                    # Every other time the loop looks at the drop before it looks at the two.
                    await until(lambda: not server.connected)
                racers = [Peer(IPV4, server.port), Peer(IPV4, server.port)]
                assert [await changes.next(), await changes.next()] == [False, True]
                holder = await _winner(server, racers)
                _close_all_but(holder, racers)
        figure("one race of two newcomers after a drop", watch.seconds / races)
        holder.close()
        assert await changes.next() is False
        assert changes.seen == [True, False] * (races + 1)


def _close_all_but(holder: Peer, racers: list[Peer]) -> None:
    for one in racers:
        if one is not holder:
            one.close()


async def test_fifty_first_newcomers_are_one_accepted(server_kind: str, log: logging.Logger) -> None:
    """All at once, to a server that never had a client."""
    changes = Changes()
    server = make(server_kind, IPV4, 0, log, connect_callback=changes.callback)
    assert isinstance(server, OneClientServer)
    async with server:
        racers = [Peer(IPV4, server.port) for _ in range(50)]
        holder = await _winner(server, racers)
        assert changes.seen == [True]
        _close_all_but(holder, racers)
        holder.close()
        assert [await changes.next(), await changes.next()] == [True, False]


async def test_newcomer_during_close_client_gets_the_place_after_the_holder(
    server_kind: str, log: logging.Logger
) -> None:
    """The place is free as soon as the server lets go of its client; the callback hears both in order."""
    changes = Changes()
    server = make(server_kind, IPV4, 0, log, connect_callback=changes.callback)
    assert isinstance(server, OneClientServer)
    async with server:
        async with Peer(IPV4, server.port) as holder:
            assert await changes.next() is True
            closing = asyncio.create_task(server.close_client())
            await asyncio.sleep(0)
            async with Peer(IPV4, server.port) as newcomer:
                await soon(closing)
                await holder.wait_hung_up()
                assert [await changes.next(), await changes.next()] == [False, True]
                await soon(server.write_str("welcome"))
                assert await newcomer.read_until(b"\r\n") == b"welcome\r\n"


async def test_newcomer_during_close_is_not_let_in(server_kind: str, log: logging.Logger) -> None:
    """A server that closes accepts nobody, though the kernel still has somebody in its queue."""
    changes = Changes()
    server = make(server_kind, IPV4, 0, log, connect_callback=changes.callback)
    async with server:
        async with Peer(IPV4, server.port):
            assert await changes.next() is True
            async with Peer(IPV4, server.port) as newcomer:
                await soon(server.close())
                await newcomer.wait_hung_up()
    assert changes.seen == [True, False]
