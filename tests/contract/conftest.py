"""Fixtures of the contract's tests: which of our classes, how a peer goes away, both ends of a link."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from tests.contract._links import SIDES, Link, Pair, Side, linked, paired
from tests.contract._rigs import KINDS, SERVERS, Rig, rigged


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> Side:
    """Name each side that reads and writes."""
    value: Side = request.param
    return value


@pytest.fixture
async def link(side: Side, host: str, log: logging.Logger) -> AsyncIterator[Link]:
    """Give a client or a server, connected to a plain socket."""
    async with linked(side, host, log) as link:
        yield link


@pytest.fixture
async def pair(side: Side, host: str) -> AsyncIterator[Pair]:
    """Give a client and a server of ours, connected to each other; ``side`` is the reader."""
    async with paired(side, host) as pair:
        yield pair


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Name each of the three classes that users construct or inherit from."""
    value: str = request.param
    return value


@pytest.fixture(params=SERVERS)
def server_kind(request: pytest.FixtureRequest) -> str:
    """Name each of the two servers."""
    value: str = request.param
    return value


@pytest.fixture(params=["fin", "rst"])
def how(request: pytest.FixtureRequest) -> str:
    """Name each way in which a peer goes away."""
    value: str = request.param
    return value


@pytest.fixture
async def rig(kind: str, host: str, log: logging.Logger) -> AsyncIterator[Rig]:
    """Give an object of each class, connected to a plain socket."""
    async with rigged(kind, host, log) as rig:
        yield rig


@pytest.fixture
async def server_rig(server_kind: str, host: str, log: logging.Logger) -> AsyncIterator[Rig]:
    """Give a server of each class, connected to a plain socket."""
    async with rigged(server_kind, host, log) as rig:
        yield rig
