"""Fixtures that live in the event loop of the test, where pytest-asyncio is loaded."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tcpip_core import DEFAULT_LOCALHOST, OneClientServer

from .._read_loop_server import TestOneClientReadLoopServer
from .._waiting import ConnectEvents
from ..dialogue import DialogueError, DialogueFactory
from ..pairs import StreamPair
from ..pairs import tcp_pair as make_tcp_pair
from ._loops import same_loop

__all__ = ["_tcpip_loop", "dialogue", "one_client_server", "read_loop_server", "tcp_pair"]

_log = logging.getLogger("tcpip_testing")


@pytest_asyncio.fixture
async def one_client_server(
    request: pytest.FixtureRequest, connect_events: ConnectEvents
) -> AsyncIterator[OneClientServer]:
    """Give a `OneClientServer` that listens on a free port; its callback is `connect_events`."""
    same_loop(request)
    async with OneClientServer(DEFAULT_LOCALHOST, 0, _log, connect_events, name="fixture") as server:
        yield server


@pytest_asyncio.fixture
async def read_loop_server(
    request: pytest.FixtureRequest, connect_events: ConnectEvents
) -> AsyncIterator[TestOneClientReadLoopServer]:
    """Give a `TestOneClientReadLoopServer` that listens on a free port; its callback is `connect_events`."""
    same_loop(request)
    async with TestOneClientReadLoopServer(
        port=0, log=_log, connect_callback=connect_events, name="fixture"
    ) as server:  # fmt: skip
        yield server


@pytest_asyncio.fixture
async def tcp_pair(request: pytest.FixtureRequest) -> AsyncIterator[StreamPair]:
    """Give two pairs of asyncio streams that are connected over TCP: ``near, far = tcp_pair``."""
    same_loop(request)
    async with make_tcp_pair() as pair:
        yield pair


@pytest_asyncio.fixture
async def dialogue(request: pytest.FixtureRequest) -> AsyncIterator[DialogueFactory]:
    """Start scripted servers by ``await dialogue(..., framing=...)``; at the end each script must be through."""
    same_loop(request)
    factory = DialogueFactory()
    try:
        yield factory
    finally:
        await _stop(factory)


async def _stop(factory: DialogueFactory) -> None:
    """Check and close all; a message without where in pytest it came from, unless somebody's code raised."""
    wrong = ""
    try:
        await factory.stop()
    except DialogueError as e:
        if e.__cause__ is not None:
            raise
        wrong = str(e)
    if wrong:
        pytest.fail(wrong, pytrace=False)


@pytest_asyncio.fixture
async def _tcpip_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()
