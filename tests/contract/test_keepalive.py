"""Keepalive: the socket options of every connection, on both ends, are what the constants say."""

from __future__ import annotations

import logging
import os
import socket
import sys
from typing import Any

import pytest

import tcpip_core
from tests.contract._rigs import Rig, rigged
from tests.support import IPV4, Peer, connected, soon

if sys.platform != "linux":
    pytest.skip("the options have other names on other systems", allow_module_level=True)

OPTIONS = {
    "on": (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    "time": (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
    "interval": (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
    "probes": (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
    "user_timeout": (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
}


def options(writer: Any) -> dict[str, int]:
    """Read the options back from the kernel.

    What uvloop gives as a socket refuses some calls, so a copy is made of its descriptor.
    """
    with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as sock:
        return {name: sock.getsockopt(*option) for name, option in OPTIONS.items()}


async def test_options_equal_the_constants(rig: Rig) -> None:
    """A dead link is noticed within 15 s, idle or writing, on every class."""
    expected = {
        "on": 1,
        "time": tcpip_core.KEEPALIVE_TIME,
        "interval": tcpip_core.KEEPALIVE_INTERVAL,
        "probes": tcpip_core.KEEPALIVE_PROBES,
        "user_timeout": 11_000,
    }
    assert options(rig.subject._writer) == expected


async def test_options_are_set_on_each_connection(server_kind: str, log: logging.Logger) -> None:
    """The second client is watched like the first."""
    async with rigged(server_kind, IPV4, log) as rig:
        first = options(rig.subject._writer)
        await soon(rig.server.close_client())
        async with Peer(IPV4, rig.server.port):
            await connected(rig.server)
            assert options(rig.server._writer) == first


async def test_options_are_set_when_the_callback_is_told(kind: str, log: logging.Logger) -> None:
    """No connection is usable before it is watched."""
    found: list[dict[str, int]] = []

    async def callback(who: tcpip_core.BaseClientOrServer) -> None:
        if who.connected:
            found.append(options(who._writer))

    async with rigged(kind, IPV4, log, connect_callback=callback) as rig:
        await soon(rig.subject.close())
    assert [one["time"] for one in found] == [tcpip_core.KEEPALIVE_TIME]


async def test_figures_can_be_chosen(kind: str, log: logging.Logger) -> None:
    """Slow links want other figures."""
    keepalive = tcpip_core.Keepalive(time=30, interval=5, probes=4, user_timeout=50)
    async with rigged(kind, IPV4, log, keepalive=keepalive) as rig:
        found = options(rig.subject._writer)
    assert found == {"on": 1, "time": 30, "interval": 5, "probes": 4, "user_timeout": 50_000}


async def test_fast_figures_notice_within_six_seconds(kind: str, log: logging.Logger) -> None:
    """The sum of what the kernel waits, idle or writing, is what is promised."""
    async with rigged(kind, IPV4, log, keepalive=tcpip_core.Keepalive.fast()) as rig:
        found = options(rig.subject._writer)
    assert found["on"] == 1
    assert found["time"] + found["interval"] * found["probes"] <= 6
    assert 0 < found["user_timeout"] <= 6_000


def test_constants_notice_within_fifteen_seconds() -> None:
    """The promise that the defaults are made for."""
    c = tcpip_core
    assert c.KEEPALIVE_TIME + c.KEEPALIVE_INTERVAL * c.KEEPALIVE_PROBES <= 15


def test_constants_are_shown_by_utils_too() -> None:
    """Programs import them from there."""
    from tcpip_core import utils

    names = ["KEEPALIVE_TIME", "KEEPALIVE_INTERVAL", "KEEPALIVE_PROBES"]
    assert [getattr(utils, name) for name in names] == [getattr(tcpip_core, name) for name in names]
