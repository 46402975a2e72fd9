"""What one client or server holds, and that nothing of it outlives its end."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import typing
import warnings
import weakref
from pathlib import Path
from unittest.mock import Mock

import pytest

import tcpip_core
from tests.contract._rigs import KINDS, SERVER, SERVERS, LineServer, make, rigged
from tests.support import IPV4, Changes, Peer, connected, listening, open_sockets, soon, started, turns, until


async def test_client_replaced_from_its_own_callback_is_forgotten(log: logging.Logger) -> None:
    """A program that reconnects for months must not keep its dead clients."""
    made: list[weakref.ref[tcpip_core.Client]] = []
    enough = asyncio.Event()
    current: list[tcpip_core.Client] = []

    async def callback(client: tcpip_core.BaseClientOrServer) -> None:
        if client.connected:
            return
        if len(made) == 20:
            enough.set()
        else:
            connect()

    def connect() -> None:
        current[:] = [tcpip_core.Client(IPV4, listener.port, log, callback)]
        made.append(weakref.ref(current[0]))

    async with listening() as listener:
        connect()
        for _ in range(20):
            (await listener.accept()).close()
        await soon(enough.wait())
    await soon(current[0].close())
    await turns()
    gc.collect()
    assert sum(one() is not None for one in made) <= 2


@pytest.mark.parametrize("steps", range(5))
async def test_newcomer_in_the_moment_of_closing_is_closed(steps: int, log: logging.Logger) -> None:
    """Between accept and connection_made nobody owns a socket; closing must not forget it there."""
    sockets = open_sockets()
    server = await started(tcpip_core.OneClientServer(IPV4, 0, log))
    async with Peer(IPV4, server.port) as peer:
        await turns(steps)
        await soon(server.close())
        await peer.wait_hung_up()
    await until(lambda: open_sockets() == sockets)


async def test_close_waits_for_an_earlier_client_that_still_flushes(log: logging.Logger) -> None:
    """Whoever was closed before is down as well when close returns."""
    limits = tcpip_core.Limits(close_timeout=0.2)
    async with rigged(SERVER, IPV4, log, limits=limits) as rig:
        writing = asyncio.ensure_future(rig.subject.write(bytes(16 * 2**20)))
        await until(lambda: rig.subject._tcpip.connection.outgoing.is_waited_for)
        closing = asyncio.ensure_future(rig.server.close_client())
        await turns(3)
        async with Peer(IPV4, rig.server.port):
            await connected(rig.server)
            await soon(rig.server.close())
            assert not rig.server._tcpip._open
        await asyncio.wait({writing, closing})
        assert isinstance(writing.exception(), ConnectionError)


@pytest.mark.parametrize("kind", SERVERS)
def test_deprecated_callback_warns_where_it_is_given_and_before_anything_exists(kind: str, log: logging.Logger) -> None:
    """With warnings as errors nothing may be left; otherwise the warning must name the user's line."""

    async def attempt() -> None:
        before = asyncio.all_tasks()
        with warnings.catch_warnings(), pytest.raises(DeprecationWarning):
            warnings.simplefilter("error")
            make(kind, IPV4, 0, log, connect_callback=print)
        assert asyncio.all_tasks() == before
        with pytest.warns(DeprecationWarning, match="async def") as caught:
            server = construct(kind, log)
        await soon(server.close())
        assert Path(caught[0].filename).name == "test_endpoint.py"

    asyncio.run(attempt())


def construct(kind: str, log: logging.Logger) -> tcpip_core.OneClientServer:
    """Make a server with a synchronous callback."""
    if kind == SERVER:
        return tcpip_core.OneClientServer(IPV4, 0, log, print)  # type: ignore[arg-type]
    return Subclass(port=0, log=log, connect_callback=print)


class Subclass(LineServer):
    """One more constructor between the user's line and ours."""

    def __init__(self, **kwargs: typing.Any) -> None:
        super().__init__(**kwargs)


async def test_timeout_on_a_future_of_ours_changes_nothing_for_others(log: logging.Logger) -> None:
    """Waiting for a client, or for the end, with a time-out is the natural thing to do."""
    async with tcpip_core.OneClientServer(IPV4, 0, log) as server:
        for _ in range(2):
            for name in ("connected_task", "done_task"):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(getattr(server, name), 0.01)
        assert not server.done_task.done()
        async with Peer(IPV4, server.port):
            await connected(server)
        done = server.done_task
    await soon(done)


async def test_late_reply_does_not_go_to_the_next_client(log: logging.Logger) -> None:
    """What was meant for the client before must never reach another one."""

    class Late(tcpip_core.OneClientReadLoopServer):
        async def read_and_dispatch(self) -> None:
            line = await self.read_str()
            if line == "late":
                await until(lambda: not self.connected)
                await until(lambda: self.connected)
            await self.write_str(line)

    async with Late(port=0, log=log) as server:
        first = Peer(IPV4, server.port)
        await connected(server)
        first.send(b"late\r\n")
        await until(lambda: server._tcpip.connection.incoming.delivered)
        first.reset()
        await until(lambda: not server.connected)
        async with Peer(IPV4, server.port) as second:
            second.send(b"mine\r\n")
            assert await second.read_until() == b"mine\r\n"


async def test_override_that_bounds_the_notifier_is_told(log: logging.Logger) -> None:
    """Until Python 3.12 asyncio.wait_for makes a task; the callback must be reached through it."""
    changes = Changes()

    class Bounded(tcpip_core.OneClientServer):
        async def call_connect_callback(self) -> None:
            await asyncio.wait_for(super().call_connect_callback(), 5)

    async with Bounded(IPV4, 0, log, changes.callback) as server, Peer(IPV4, server.port):
        assert await changes.next() is True


async def test_server_listens_on_a_unix_socket(log: logging.Logger, tmp_path: Path) -> None:
    """A socket of any stream family may be given; it just has no port."""
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(tmp_path / "s"))
    async with tcpip_core.OneClientServer(None, None, log, sock=sock) as server:
        reader, writer = await soon(asyncio.open_unix_connection(str(tmp_path / "s")))
        await connected(server)
        await server.write_str("hello")
        assert await soon(reader.readline()) == b"hello\r\n"
        writer.close()
        await until(lambda: not server.connected)


@pytest.mark.parametrize("kind", KINDS)
async def test_tasks_assigned_by_users_do_not_disturb_the_end(kind: str, log: logging.Logger) -> None:
    """Programs assign our attributes at any time; closing works all the same."""
    async with rigged(kind, IPV4, log) as rig:
        own = asyncio.ensure_future(asyncio.sleep(0))
        rig.subject.done_task = own
        setattr(rig.subject, "heartbeat_send_task", None)  # noqa: B010  Whatever a program may assign.
        rig.lose("fin")
        assert await rig.changes.next() is False
        await soon(rig.subject.close())
        await own


def test_keyword_types_can_be_made_and_inspected() -> None:
    """They are public and declared as dictionaries, so they must behave like that."""
    assert tcpip_core.OpenConnectionKwargs(limit=5) == {"limit": 5}
    assert "connect_callback" in typing.get_type_hints(tcpip_core.Client.__init__)


async def test_log_of_a_mock_is_enough() -> None:
    """Tests of others hand in mocks for what they do not look at."""
    client = tcpip_core.Client("", 0, Mock(spec=logging.Logger))
    await soon(client.close())


async def test_dispatch_that_reads_nothing_lets_others_live(log: logging.Logger) -> None:
    """The first stub that people write must not freeze their program."""

    class Stub(tcpip_core.OneClientReadLoopServer):
        async def read_and_dispatch(self) -> None:
            pass

    async with Stub(port=0, log=log) as server, Peer(IPV4, server.port):
        await connected(server)
        await soon(asyncio.sleep(0.01))


@pytest.mark.parametrize(
    ("keyword", "meant"),
    [("encodng", "encoding"), ("conect_callback", "connect_callback"), ("sll", "ssl"), ("limts", "limits")],
)
async def test_misspelt_keyword_names_the_one_that_was_meant(keyword: str, meant: str, log: logging.Logger) -> None:
    """Whether the keyword is ours or asyncio's."""
    with pytest.raises(TypeError, match=f"did you mean {meant!r}"):
        tcpip_core.Client(IPV4, 1, log, **{keyword: None})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=f"did you mean {meant!r}"):
        LineServer(port=0, log=log, **{keyword: None})


@pytest.mark.parametrize(
    ("port", "error"), [(None, TypeError), ("5000", TypeError), (-1, ValueError), (70000, ValueError)]
)
async def test_port_that_cannot_be_one_is_refused(
    port: typing.Any, error: type[Exception], log: logging.Logger
) -> None:
    """A sentence now is better than a riddle from the system later."""
    with pytest.raises(error, match="port"):
        tcpip_core.Client(IPV4, port, log)
