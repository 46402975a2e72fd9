"""Starts that fail, in every way there is: nothing stays open, ``done_task`` is done, and whoever waits is told.

See also ``tests/contract/test_client.py`` and ``test_server.py`` (what the errors say) and ``test_waiting.py``
(closing and cancelling at each step of a start).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeAlias

import pytest

import tcpip_core
from tests.contract._rigs import CLIENT, KINDS, SERVERS, LineServer, Subject, make
from tests.faults._moments import Stubborn, contexts, deaf
from tests.support import IPV4, Peer, listening, open_sockets, soon, started, turns, until, unused_port


class Failure(NamedTuple):
    """A start that cannot succeed: arguments, and what ``start_task`` ends with."""

    error: type[BaseException]
    host: str = IPV4
    port: int | None = None
    more: dict[str, Any] = {}


CLIENT_FAILURES: dict[str, Callable[[int], Failure]] = {
    "refused": lambda _: Failure(ConnectionRefusedError, port=unused_port()),
    "unresolvable": lambda _: Failure(socket.gaierror, "dome.invalid", more={"flags": socket.AI_NUMERICHOST}),
    "timed out": lambda _: Failure(TimeoutError, more={"limits": tcpip_core.Limits(connect_timeout=0.02)}),
    "foreign local address": lambda port: Failure(OSError, port=port, more={"local_addr": ("203.0.113.1", 0)}),
    "wrong family": lambda port: Failure(OSError, port=port, more={"family": socket.AF_INET6}),
    "server_hostname without ssl": lambda port: Failure(ValueError, port=port, more={"server_hostname": "dome"}),
    "handshake time-out without ssl": lambda port: Failure(ValueError, port=port, more={"ssl_handshake_timeout": 1.0}),
    "peer speaks no TLS": lambda port: Failure(
        TimeoutError, port=port, more={"ssl": contexts().client, "limits": tcpip_core.Limits(connect_timeout=0.05)}
    ),
}
"""Why a client cannot connect, given the port of somebody who accepts and says nothing."""

SERVER_FAILURES: dict[str, Callable[[int], Failure]] = {
    "port in use": lambda port: Failure(OSError, port=port),
    "foreign address": lambda _: Failure(OSError, "203.0.113.1", 0),
    "unresolvable": lambda _: Failure(OSError, "dome.invalid", 0, {"flags": socket.AI_NUMERICHOST}),
    "wrong family": lambda _: Failure(OSError, port=0, more={"family": socket.AF_INET6}),
}
"""Why a server cannot listen, given a port that is taken."""

CASES = [
    *(pytest.param(CLIENT, failure, id=f"client-{name}") for name, failure in CLIENT_FAILURES.items()),
    *(
        pytest.param(kind, failure, id=f"{kind}-{name}")
        for kind in SERVERS
        for name, failure in SERVER_FAILURES.items()
    ),
]


@asynccontextmanager
async def failing(kind: str, make_failure: Callable[[int], Failure], log: logging.Logger) -> AsyncIterator[Any]:
    """Give an object whose start is about to fail, and how."""
    with deaf() as deaf_listener:
        async with listening() as listener:
            failure = make_failure(listener.port)
            port = deaf_listener.port if failure.port is None else failure.port
            sockets = open_sockets()
            yield make(kind, failure.host, port, log, **failure.more), failure
            assert open_sockets() == sockets


@pytest.mark.parametrize(("kind", "make_failure"), CASES)
async def test_failed_start_undoes_everything(
    kind: str, make_failure: Callable[[int], Failure], log: logging.Logger
) -> None:
    """The error is the system's, all futures have ended by then, nothing is open, and close is harmless."""
    async with failing(kind, make_failure, log) as (subject, failure):
        with pytest.raises(failure.error):
            await soon(subject.start_task)
        assert subject.done_task.done()
        assert not subject.connected
        assert not subject.should_be_connected
        assert not [one for one in subject._tcpip.tasks if not one.done()]
        with pytest.raises(ConnectionError):
            await soon(subject.write_str("anybody there?"))
        if not isinstance(subject, tcpip_core.Client):
            with pytest.raises(ConnectionError):
                await soon(subject.connected_task)
        await soon(subject.close(), timeout=0.5)
        with pytest.raises(RuntimeError):
            await subject.start()


@pytest.mark.parametrize(("kind", "make_failure"), [one for one in CASES if "unresolvable" in str(one.id)])
async def test_everybody_who_waits_is_told_of_a_failed_start(
    kind: str, make_failure: Callable[[int], Failure], log: logging.Logger
) -> None:
    """Those who wait for the start, for the end and for a client: nobody is left waiting."""
    async with failing(kind, make_failure, log) as (subject, failure):
        futures = [subject.start_task, subject.done_task]
        if not isinstance(subject, tcpip_core.Client):
            futures.append(subject.connected_task)
        waiters = [asyncio.ensure_future(_result(one)) for one in futures for _ in range(3)]
        results = await soon(asyncio.gather(*waiters))
        assert all(isinstance(one, failure.error) for one in results[:3])
        assert results[3:6] == [None] * 3
        assert all(isinstance(one, ConnectionError) for one in results[6:])


async def _result(future: asyncio.Future[None]) -> BaseException | None:
    await asyncio.wait({future})
    return future.exception()


# --- subclasses -------------------------------------------------------------------------------------------------------

Base: TypeAlias = type[tcpip_core.Client]

BASES = pytest.mark.parametrize("base", [tcpip_core.Client, tcpip_core.OneClientServer, LineServer])


@BASES
@pytest.mark.parametrize("when", ["before", "after", "instead"])
async def test_failing_start_of_a_subclass_undoes_everything(base: Base, when: str, log: logging.Logger) -> None:
    """Where the device's own part fails after ours has connected or listened, ours is taken down again."""

    class Device(base):  # type: ignore[misc,valid-type]  # the base is a parameter
        async def start(self, **kwargs: Any) -> None:
            if when == "after":
                await super().start(**kwargs)
            elif when == "before":
                await asyncio.sleep(0)
            raise ZeroDivisionError("no such device")

    async with _device(Device, log) as device:
        with pytest.raises(ZeroDivisionError):
            await soon(device.start_task)
        _assert_down(device)


@BASES
async def test_cancelled_error_out_of_a_start_undoes_everything(base: Base, log: logging.Logger) -> None:
    """A cancelled child of the subclass's own must not leave half an object behind."""

    class Device(base):  # type: ignore[misc,valid-type]  # the base is a parameter
        async def start(self, **kwargs: Any) -> None:
            await super().start(**kwargs)
            raise asyncio.CancelledError

    async with _device(Device, log) as device:
        await soon(asyncio.wait({device.start_task}))
        assert device.start_task.cancelled()
        await soon(device.done_task, timeout=1)
        _assert_down(device)


@BASES
async def test_start_of_a_subclass_that_never_ends_does_not_hold_close(base: Base, log: logging.Logger) -> None:
    """Whoever waits for the start learns that it was given up."""

    class Device(base):  # type: ignore[misc,valid-type]  # the base is a parameter
        async def start(self, **kwargs: Any) -> None:
            await super().start(**kwargs)
            await asyncio.Event().wait()

    async with _device(Device, log) as device:
        await turns()
        await soon(device.close(), timeout=1)
        with pytest.raises(ConnectionAbortedError):
            await soon(device.start_task)
        _assert_down(device)


@pytest.mark.parametrize(
    "base",
    [
        pytest.param(tcpip_core.Client, marks=pytest.mark.slow),
        tcpip_core.OneClientServer,
        pytest.param(LineServer, marks=pytest.mark.slow),
    ],
)
async def test_start_of_a_subclass_that_swallows_cancellation_does_not_hold_close(
    base: Base, log: logging.Logger
) -> None:
    """Closing is bounded whatever a subclass does; the start that will not end is named in the log."""
    stubborn = Stubborn()

    class Device(base):  # type: ignore[misc,valid-type]  # the base is a parameter
        async def start(self, **kwargs: Any) -> None:
            await super().start(**kwargs)
            await stubborn()

    async with _device(Device, log, limits=tcpip_core.Limits(close_timeout=0.02)) as device:
        with stubborn.released():
            await soon(stubborn.is_running.wait())
            await soon(device.close(), timeout=1)
            assert device.done_task.done()
        await until(device.start_task.done)


@BASES
async def test_subclass_may_close_itself_in_its_start(base: Base, log: logging.Logger) -> None:
    """A device that finds its hardware missing gives up from inside of its start."""

    class Device(base):  # type: ignore[misc,valid-type]  # the base is a parameter
        async def start(self, **kwargs: Any) -> None:
            await super().start(**kwargs)
            await self.close()

    async with _device(Device, log) as device:
        await soon(asyncio.wait({device.start_task}), timeout=1)
        await soon(device.done_task, timeout=1)
        _assert_down(device)


@asynccontextmanager
async def _device(kind: Any, log: logging.Logger, **kwargs: Any) -> AsyncIterator[Any]:
    """Give a device that starts, and check that nothing of it is open at the end."""
    async with listening() as listener:
        sockets = open_sockets()
        port = listener.port if issubclass(kind, tcpip_core.Client) else 0
        yield kind(host=IPV4, port=port, log=log, **kwargs)
        assert open_sockets() == sockets


def _assert_down(device: Subject) -> None:
    assert device.done_task.done()
    assert not device.connected
    assert not [one for one in device._tcpip.tasks if not one.done()]


# --- given up ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_object_closed_again_and_again_while_it_starts(kind: str, log: logging.Logger) -> None:
    """Ten closers at once, one of whom gives up: all return, and the start says why it failed."""
    with deaf() as listener:
        sockets = open_sockets()
        subject = make(kind, IPV4, listener.port if kind == CLIENT else 0, log)
        closers = [asyncio.ensure_future(subject.close()) for _ in range(10)]
        await asyncio.sleep(0)
        closers[0].cancel()
        await soon(asyncio.wait(closers), timeout=1)
        with pytest.raises(ConnectionAbortedError):
            await soon(subject.start_task)
        assert subject.done_task.done()
        assert open_sockets() == sockets


@pytest.mark.parametrize("kind", KINDS)
async def test_entering_that_is_cancelled_in_the_step_of_the_start_leaves_nothing(
    kind: str, log: logging.Logger
) -> None:
    """Nobody but the one who enters knows the object, so nobody else could close it."""
    async with listening() as listener:
        sockets = open_sockets()
        subject = make(kind, IPV4, listener.port if kind == CLIENT else 0, log)
        entering = asyncio.ensure_future(subject.__aenter__())
        subject.start_task.add_done_callback(lambda _: entering.cancel())
        with pytest.raises(asyncio.CancelledError):
            await soon(entering)
        assert subject.start_task.exception() is None
        assert subject.done_task.done()
        await until(lambda: open_sockets() == sockets)


@pytest.mark.parametrize("phase", ["tcp", "tls"])
async def test_cancelled_start_of_a_client_leaves_nothing_in_any_phase(phase: str, log: logging.Logger) -> None:
    """While the server does not answer, and while it does not shake hands."""
    more: dict[str, Any] = {"ssl": contexts().client} if phase == "tls" else {}
    with deaf() as nobody:
        async with listening() as silent:
            sockets = open_sockets()
            client = tcpip_core.Client(IPV4, (silent if more else nobody).port, log, **more)
            peer = await silent.accept() if more else None
            await turns()
            client.start_task.cancel()
            await soon(asyncio.wait({client.start_task}), timeout=1)
            assert client.start_task.cancelled()
            assert client.done_task.done()
            if peer is not None:
                await peer.wait_hung_up()
                peer.close()
            await until(lambda: open_sockets() == sockets)


async def test_port_of_a_failed_server_is_free(server_kind: str, log: logging.Logger) -> None:
    """A server that failed after it had listened leaves its port to the next."""
    port = unused_port()

    class Device(LineServer):
        async def start(self, **kwargs: Any) -> None:
            await super().start(**kwargs)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await soon(Device(host=IPV4, port=port, log=log).start_task)
    async with make(server_kind, IPV4, port, log) as server:
        async with Peer(IPV4, port):
            await until(lambda: server.connected)


async def test_certificate_of_another_name_fails_the_start_and_the_server_serves_on(log: logging.Logger) -> None:
    """The client is down with the reason, the server has not given it the slot."""
    async with make(SERVERS[0], IPV4, 0, log, ssl=contexts().server) as server:
        stranger = tcpip_core.Client(IPV4, server.port, log, ssl=ssl.create_default_context())
        with pytest.raises(ssl.SSLCertVerificationError):
            await soon(stranger.start_task)
        assert stranger.done_task.done()
        client = tcpip_core.Client(IPV4, server.port, log, ssl=contexts().client)
        await started(client)
        await until(lambda: server.connected)
        await soon(client.close())
