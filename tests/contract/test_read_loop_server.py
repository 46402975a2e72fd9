"""The read-loop server: one item after another, errors, hang-ups, and who ends the loop."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

import tcpip_core
from tests.contract._rigs import READ_LOOP_SERVER, LineServer, Rig, rigged
from tests.support import IPV4, Changes, Peer, listening, soon, started, turns, until


class Failing(LineServer):
    """Fails, in different ways, when it is told to."""

    async def read_and_dispatch(self) -> None:
        """Answer a line, or fail."""
        line = await self.read_str()
        if line == "fail":
            raise ZeroDivisionError("a mistake in a command")
        if line == "cancel":
            raise asyncio.CancelledError
        if line == "lost":
            raise ConnectionError("a mistake that looks like a loss")
        await self.write_str(line.upper())


def failures(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """List what was logged as a warning or worse."""
    return [one for one in caplog.records if one.levelno >= logging.WARNING]


async def test_each_item_is_dispatched_in_order(host: str, log: logging.Logger) -> None:
    """Several lines in one segment are as many calls."""
    async with LineServer(host=host, port=0, log=log) as server:
        async with Peer(host, server.port) as peer:
            peer.send(b"one\r\ntwo\r\nthree\r\n")
            assert await peer.read_exactly(17) == b"ONE\r\nTWO\r\nTHREE\r\n"
            lines = [server.lines.get_nowait() for _ in range(3)]
            assert lines == ["one", "two", "three"]


@pytest.mark.parametrize("how", ["fail", "cancel", "lost"])
async def test_failing_dispatch_is_logged_and_closes_the_client(
    how: str, host: str, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """A mistake in a command costs that client, with its traceback in the log, not the server."""
    changes = Changes()
    async with Failing(host=host, port=0, log=log, connect_callback=changes.callback) as server:
        async with Peer(host, server.port) as peer:
            assert await changes.next() is True
            peer.send(how.encode() + b"\r\n")
            await peer.wait_hung_up()
            assert await changes.next() is False
        logged = failures(caplog)
        assert len(logged) == 1
        assert logged[0].levelno == logging.ERROR
        assert logged[0].exc_info is not None
        assert logged[0].name.startswith(server.log.name)


@pytest.mark.parametrize("how", ["fail", "cancel", "lost"])
async def test_next_client_is_served_after_a_failing_dispatch(how: str, host: str, log: logging.Logger) -> None:
    """The server goes on, as often as it happens."""
    async with Failing(host=host, port=0, log=log) as server:
        for _ in range(3):
            async with Peer(host, server.port) as peer:
                peer.send(how.encode() + b"\r\n")
                await peer.wait_hung_up()
        async with Peer(host, server.port) as peer:
            peer.send(b"hello\r\n")
            assert await peer.read_until() == b"HELLO\r\n"
        assert not server.done_task.done()


async def test_ordinary_hang_up_is_logged_at_info(
    how: str, host: str, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that leaves is no failure of the read loop."""
    async with rigged(READ_LOOP_SERVER, host, log) as rig:
        caplog.clear()
        rig.lose(how)
        assert await rig.changes.next() is False
        await turns()
        assert failures(caplog) == []
        assert any(one.levelno == logging.INFO for one in caplog.records)


async def test_hang_up_in_the_middle_of_an_item_is_no_failure(
    host: str, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """Half a line and a FIN: nothing was wrong on this side, so no traceback."""
    async with rigged(READ_LOOP_SERVER, host, log) as rig:
        rig.peer.send(b"half a li")
        rig.lose("fin")
        assert await rig.changes.next() is False
        await turns()
        assert [one for one in failures(caplog) if one.exc_info] == []


async def test_hang_up_never_closes_the_server(how: str, host: str, log: logging.Logger) -> None:
    """It waits for the next client."""
    async with rigged(READ_LOOP_SERVER, host, log) as rig:
        rig.lose(how)
        assert await rig.changes.next() is False
        async with Peer(host, rig.server.port) as peer:
            peer.send(b"hello\r\n")
            assert await peer.read_until() == b"HELLO\r\n"


class Sleeping(LineServer):
    """Sleeps over the line "sleep", as mocks of slow devices do."""

    async def read_and_dispatch(self) -> None:
        """Sleep, or answer as usual."""
        line = await self.read_str()
        if line == "sleep":
            await asyncio.get_running_loop().create_future()
        await self.write_str(line.upper())


async def send_to_sleep(peer: Peer) -> None:
    """Let the dispatch of a `Sleeping` server begin to sleep, with nothing left to read."""
    peer.send(b"hello\r\nsleep\r\n")
    assert await peer.read_until() == b"HELLO\r\n"
    await turns()


async def test_reset_is_told_at_once_while_dispatch_sleeps(host: str, log: logging.Logger) -> None:
    """A mock that is busy with a command does not keep the news back: no answer can be sent any more."""
    changes = Changes()
    async with Sleeping(host=host, port=0, log=log, connect_callback=changes.callback) as server:
        async with Peer(host, server.port) as peer:
            assert await changes.next() is True
            await send_to_sleep(peer)
            peer.reset()
            assert await changes.next(timeout=1) is False


async def test_hang_up_is_told_within_the_drain_time_out_while_dispatch_sleeps(host: str, log: logging.Logger) -> None:
    """After a FIN the answer can still be sent, but not for ever."""
    changes = Changes()
    limits = tcpip_core.Limits(drain_timeout=0.05)
    server = Sleeping(host=host, port=0, log=log, connect_callback=changes.callback, limits=limits)
    async with server:
        async with Peer(host, server.port) as peer:
            assert await changes.next() is True
            await send_to_sleep(peer)
            peer.write_eof()
            assert await changes.next(timeout=1) is False


async def test_next_client_is_served_while_dispatch_of_the_last_sleeps(
    how: str, host: str, log: logging.Logger
) -> None:
    """The loop of a client that is gone ends when the next one comes, which is served at once."""
    changes = Changes()
    async with Sleeping(host=host, port=0, log=log, connect_callback=changes.callback) as server:
        async with Peer(host, server.port) as peer:
            await send_to_sleep(peer)
            {"fin": peer.write_eof, "rst": peer.reset}[how]()
            await turns()
            async with Peer(host, server.port) as newcomer:
                newcomer.send(b"hello\r\n")
                assert await soon(newcomer.read_until(), timeout=1) == b"HELLO\r\n"
    assert changes.seen == [True, False, True, False]


async def test_undecodable_line_is_logged_and_closes_the_client(
    host: str, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of the reading itself is treated like one of the handling."""
    async with rigged(READ_LOOP_SERVER, host, log) as rig:
        rig.peer.send(b"\xff\r\n")
        await rig.peer.wait_hung_up()
        assert await rig.changes.next() is False
        assert [one.getMessage() for one in failures(caplog) if "cannot be understood" in one.getMessage()]
        assert rig.subject.loss_reason is tcpip_core.LossReason.BAD_MESSAGE


async def test_dispatch_may_handle_its_own_errors(host: str, log: logging.Logger) -> None:
    """A line that cannot be decoded consumes only itself; a handler that catches it goes on."""

    class Patient(LineServer):
        async def read_and_dispatch(self) -> None:
            try:
                await self.write_str(await self.read_str())
            except UnicodeError:
                await self.write_str("what?")

    async with Patient(host=host, port=0, log=log) as server:
        async with Peer(host, server.port) as peer:
            peer.send(b"\xff\r\nhello\r\n")
            assert await peer.read_exactly(14) == b"what?\r\nhello\r\n"


async def test_close_client_stops_the_read_loop(host: str, log: logging.Logger) -> None:
    """After it no further item is dispatched."""
    async with rigged(READ_LOOP_SERVER, host, log) as rig:
        server = rig.subject
        assert isinstance(server, LineServer)
        loop_task = server.read_loop_task
        assert not loop_task.done()
        await soon(server.close_client())
        assert loop_task.done()
        assert not server.should_be_connected


@pytest.mark.parametrize("flag", [True, False])
async def test_close_client_takes_its_flag(flag: bool, host: str, log: logging.Logger) -> None:
    """Old programs pass it; with either value the client is gone and the server serves on."""
    async with rigged(READ_LOOP_SERVER, host, log) as rig:
        server = rig.subject
        assert isinstance(server, LineServer)
        await soon(server.close_client(cancel_read_loop_task=flag))
        await rig.peer.wait_hung_up()
        assert await rig.changes.next() is False
        async with Peer(host, server.port) as peer:
            peer.send(b"hello\r\n")
            assert await peer.read_until() == b"HELLO\r\n"


async def test_each_client_has_a_read_loop_of_its_own(host: str, log: logging.Logger) -> None:
    """The loop of a client that is gone cannot read from the next."""
    async with rigged(READ_LOOP_SERVER, host, log) as rig:
        server = rig.subject
        assert isinstance(server, LineServer)
        first = server.read_loop_task
        rig.lose("fin")
        assert await rig.changes.next() is False
        async with Peer(host, server.port):
            assert await rig.changes.next() is True
            await until(lambda: server.read_loop_task is not first)
            assert first.done()
            assert not server.read_loop_task.done()


async def test_read_loop_task_can_be_awaited_by_the_user(how: str, host: str, log: logging.Logger) -> None:
    """It ends without an exception when the client hangs up."""
    async with rigged(READ_LOOP_SERVER, host, log) as rig:
        server = rig.subject
        assert isinstance(server, LineServer)
        loop_task = server.read_loop_task
        rig.lose(how)
        await soon(loop_task)
        assert await rig.changes.next() is False


async def test_read_loop_task_can_be_cancelled_by_the_user(host: str, log: logging.Logger) -> None:
    """Reading stops; the server still closes, and still serves the next client."""
    async with rigged(READ_LOOP_SERVER, host, log) as rig:
        server = rig.subject
        assert isinstance(server, LineServer)
        server.read_loop_task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await soon(asyncio.shield(server.read_loop_task))
        rig.peer.send(b"nobody reads this\r\n")
        await turns()
        assert server.lines.empty()
        await soon(server.close_client())
        async with Peer(host, server.port) as peer:
            peer.send(b"hello\r\n")
            assert await peer.read_until() == b"HELLO\r\n"


async def test_read_loop_task_is_a_done_task_before_the_first_client(log: logging.Logger) -> None:
    """Programs look at it, and cancel it, at any time."""
    async with LineServer(port=0, log=log) as server:
        assert server.read_loop_task.done()
        server.read_loop_task.cancel()


async def test_user_may_replace_the_read_loop_task(host: str, log: logging.Logger) -> None:
    """Some programs put a task of their own there; close deals with what it finds."""
    async with rigged(READ_LOOP_SERVER, host, log) as rig:
        server = rig.subject
        assert isinstance(server, LineServer)
        server.read_loop_task.cancel()
        await turns()
        server.read_loop_task = asyncio.ensure_future(asyncio.sleep(0))
        await soon(server.read_loop_task)
        await soon(server.close())
        assert server.done_task.done()


async def test_override_of_read_loop_is_what_runs(host: str, log: logging.Logger) -> None:
    """Five programs out there override it; most call super."""
    events: list[str] = []

    class Device(LineServer):
        async def read_loop(self) -> None:
            events.append("begin")
            await super().read_loop()
            events.append("end")

    async with Device(host=host, port=0, log=log) as server:
        async with Peer(host, server.port) as peer:
            peer.send(b"hello\r\n")
            assert await peer.read_until() == b"HELLO\r\n"
            loop_task = server.read_loop_task
            peer.write_eof()
            await soon(loop_task)
    assert events == ["begin", "end"]


async def test_method_named_read_loop_of_a_client_is_free(host: str, log: logging.Logger) -> None:
    """Two programs define one on a class that has no read loop here: it is theirs alone."""

    class Reader(tcpip_core.Client):
        async def read_loop(self) -> None:
            pytest.fail("called by the library")

    async with listening(host) as listener:
        async with Reader(host, listener.port, log) as client:
            await turns()
            assert client.connected


async def test_dispatch_runs_only_after_the_callback_was_called(host: str, log: logging.Logger) -> None:
    """What the callback prepares at once for a client is there when its first line is handled."""
    events: list[str] = []

    class Device(LineServer):
        async def read_and_dispatch(self) -> None:
            events.append(await self.read_str())

    async def callback(server: tcpip_core.BaseClientOrServer) -> None:
        events.append(f"connected {server.connected}")

    server = Device(host=host, port=0, log=log, connect_callback=callback)
    async with server:
        async with Peer(host, server.port) as peer:
            peer.send(b"line\r\n")
            await until(lambda: len(events) == 2)
    assert events[:2] == ["connected True", "line"]


async def test_dispatch_may_use_attributes_set_after_super_init(host: str, log: logging.Logger) -> None:
    """The usual mock: a table of commands that is built after the inherited constructor."""

    class Device(tcpip_core.OneClientReadLoopServer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.dispatch_dict = {"status": self.do_status}

        async def do_status(self) -> None:
            await self.write_json({"az": 1.5})

        async def read_and_dispatch(self) -> None:
            await self.dispatch_dict[await self.read_str()]()

    async with Device(host=host, port=0, log=log) as server:
        async with Peer(host, server.port) as peer:
            peer.send(b"status\r\n")
            assert await peer.read_until() == b'{"az": 1.5}\r\n'


async def test_write_from_outside_the_loop_reaches_the_client(server_rig: Rig) -> None:
    """Telemetry tasks write while the read loop waits."""
    for number in range(10):
        await server_rig.write_reaches_peer(f"telemetry {number}")


async def test_server_without_client_starts_and_closes(log: logging.Logger) -> None:
    """No client ever came: there is no loop to end."""
    changes = Changes()
    server = LineServer(host=IPV4, port=0, log=log, connect_callback=changes.callback)
    await started(server)
    await soon(server.close())
    assert changes.seen == []
    assert server.read_loop_task.done()
