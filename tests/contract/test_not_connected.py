"""Every read and every write without a connection: a `ConnectionError` before anything is touched."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

import tcpip_core
from tests.contract._links import Link, Subject, linked
from tests.contract._operations import READS, WRITES, Header, Read, Write
from tests.support import soon, started, unused_port

OPERATIONS: tuple[Read | Write, ...] = (*READS, *WRITES)


@asynccontextmanager
async def client_without_host(host: str, log: logging.Logger) -> AsyncIterator[Subject]:
    """Make the client that never connects."""
    yield tcpip_core.Client("", 0, log)


@asynccontextmanager
async def refused_client(host: str, log: logging.Logger) -> AsyncIterator[Subject]:
    """Make a client whose connection was refused."""
    client = tcpip_core.Client(host, unused_port(host), log)
    with pytest.raises(ConnectionRefusedError):
        await started(client)
    yield client
    await soon(client.close())


@asynccontextmanager
async def server_without_client(host: str, log: logging.Logger) -> AsyncIterator[Subject]:
    """Make a server to which nobody has connected."""
    async with tcpip_core.OneClientServer(host, 0, log) as server:
        yield server


@asynccontextmanager
async def closed_client(host: str, log: logging.Logger) -> AsyncIterator[Subject]:
    """Make a client that was connected and then closed."""
    async with linked("client", host) as link:
        await soon(link.subject.close())
        yield link.subject


@asynccontextmanager
async def closed_server(host: str, log: logging.Logger) -> AsyncIterator[Subject]:
    """Make a server that had a client and was then closed."""
    async with linked("server", host) as link:
        await soon(link.subject.close())
        yield link.subject


@asynccontextmanager
async def server_after_close_client(host: str, log: logging.Logger) -> AsyncIterator[Subject]:
    """Make a server that has thrown its client out."""
    async with linked("server", host) as link:
        assert isinstance(link.subject, tcpip_core.OneClientServer)
        await soon(link.subject.close_client())
        yield link.subject


@asynccontextmanager
async def lost_client(host: str, log: logging.Logger) -> AsyncIterator[Subject]:
    """Make a client whose peer has finished."""
    async with linked("client", host) as link:
        yield await lost(link)


@asynccontextmanager
async def lost_server(host: str, log: logging.Logger) -> AsyncIterator[Subject]:
    """Make a server whose client has finished."""
    async with linked("server", host) as link:
        yield await lost(link)


async def lost(link: Link) -> Subject:
    """Let the peer reset the link, and wait until the callback knows."""
    link.peer.reset()
    assert await link.changes.next() is False
    return link.subject


Unconnected = Callable[[str, logging.Logger], AbstractAsyncContextManager[Subject]]
STATES = (
    client_without_host,
    refused_client,
    server_without_client,
    closed_client,
    closed_server,
    server_after_close_client,
    lost_client,
    lost_server,
)
each_state = pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)


@each_state
@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_operation_without_a_connection_is_a_connection_error(
    state: Unconnected, operation: Read | Write, host: str, log: logging.Logger
) -> None:
    """A program that catches `ConnectionError` has caught every way of not being connected."""
    async with state(host, log) as subject:
        assert not subject.connected
        with pytest.raises(ConnectionError):
            await soon(operation.call(subject))


@pytest.fixture
async def unconnected(host: str, log: logging.Logger) -> AsyncIterator[Subject]:
    """Give a server without a client."""
    async with server_without_client(host, log) as server:
        yield server


async def test_writelines_without_a_connection_takes_nothing_from_the_iterable(
    unconnected: Subject,
) -> None:
    """The lines of a generator are not lost where they cannot be sent."""
    taken: list[bytes] = []

    def lines() -> Iterator[bytes]:
        for line in (b"one", b"two"):
            taken.append(line)
            yield line

    with pytest.raises(ConnectionError):
        await soon(unconnected.writelines(lines()))
    assert taken == []


async def test_read_into_without_a_connection_leaves_the_structure(unconnected: Subject) -> None:
    """The last good values stay where no new ones came."""
    struct = Header(1, 2, 3.0, 4)
    before = bytes(struct)
    with pytest.raises(ConnectionError):
        await soon(unconnected.read_into(struct))
    assert bytes(struct) == before


WRONG: tuple[tuple[str, Callable[[Subject], Awaitable[object]]], ...] = (
    ("write_json of what cannot be encoded", lambda s: s.write_json(object())),
    ("write_str of what cannot be encoded", lambda s: s.write_str("\udc80")),
    ("readuntil an empty separator", lambda s: s.readuntil(b"")),
)


@pytest.mark.parametrize("call", [call for _, call in WRONG], ids=[name for name, _ in WRONG])
async def test_missing_connection_is_noticed_before_a_wrong_argument(
    unconnected: Subject, call: Callable[[Subject], Awaitable[object]]
) -> None:
    """Nothing is touched without a connection, so nothing can be wrong with it."""
    with pytest.raises(ConnectionError):
        await soon(call(unconnected))


async def test_connection_error_says_that_there_is_no_connection(unconnected: Subject) -> None:
    """The message is a sentence a person can act on."""
    with pytest.raises(ConnectionError, match=r"(?i)not connected"):
        await soon(unconnected.read_str())
