"""What an observer is told of real links, and that it can do them no harm."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any, Literal

import pytest

from tcpip_core import Client, LinkObserver, LossReason, OneClientReadLoopServer, OneClientServer, Tuning
from tcpip_core.transcript import Close, Data, Eof, Error, Event, Open, Recorder, open_transcript
from tests.contract._links import SIDES as SUBJECTS
from tests.contract._links import Side as Subject
from tests.contract._links import linked
from tests.support import IPV4, Peer, soon, until, unused_port

Side = Literal["client", "device"]


class Told:
    """An observer that notes what it is told; with ``raises`` it raises `error` then."""

    def __init__(self, raises: str = "", error: type[BaseException] = ZeroDivisionError) -> None:
        self.seen: list[tuple[Any, ...]] = []
        self._raises = raises
        self._error = error

    def note(self, what: str, *more: object) -> None:
        self.seen.append((what, *more))
        if what == self._raises:
            raise self._error("the observer's own fault")

    def connected(self, side: Side, local: str, peer: str) -> LinkObserver:
        self.note("connected", side, local, peer)
        return self

    def failed(self, error: OSError) -> None:
        self.note("failed", type(error))

    def received(self, data: bytes) -> None:
        self.note("received", data)

    def sent(self, data: bytes) -> None:
        self.note("sent", data)

    def eof_received(self) -> None:
        self.note("eof_received")

    def eof_sent(self) -> None:
        self.note("eof_sent")

    def ended(self, reason: LossReason) -> None:
        self.note("ended", reason)

    @property
    def after_the_start(self) -> list[tuple[Any, ...]]:
        return [one for one in self.seen if one[0] != "connected"]


@pytest.mark.parametrize("side", SUBJECTS)
async def test_what_goes_over_a_link_is_told_in_its_order(side: Subject, host: str) -> None:
    """Addresses, each piece both ways, the half-close, the end: before the program learns of it."""
    told = Told()
    async with linked(side, host, observer=told) as link:
        link.peer.send(b"ask\r\n")
        assert "ask" == await soon(link.subject.read_str())
        await link.subject.write_str("answer")
        await link.subject.writelines([b"more", b" of it"])
        assert b"answer\r\nmore of it" == await link.peer.read_exactly(18)
        link.peer.write_eof()
        assert b"" == await soon(link.subject.read(1))
        await until(lambda: not link.subject.connected)
    what, whose, local, peer = told.seen[0]
    assert ("connected", "client" if side == "client" else "device") == (what, whose)
    bracketed = f"[{host}]" if ":" in host else host
    assert local.rpartition(":")[0] == peer.rpartition(":")[0] == bracketed
    assert [
        ("received", b"ask\r\n"),
        ("sent", b"answer\r\n"),
        ("sent", b"more of it"),
        ("eof_received",),
        ("ended", LossReason.FIN),
    ] == told.after_the_start


@pytest.mark.parametrize("side", SUBJECTS)
async def test_what_the_asyncio_objects_send_is_told(side: Subject) -> None:
    """Programs use ``_writer``, and half-close with it."""
    told = Told()
    async with linked(side, IPV4, observer=told) as link:
        writer = link.subject._writer
        assert writer is not None
        writer.write(b"one")
        writer.writelines([b"two", bytearray(b"three")])
        writer.write_eof()
        assert b"onetwothree" == await link.peer.read_exactly(11)
    assert [("sent", b"one"), ("sent", b"twothree"), ("eof_sent",), ("ended", LossReason.CLOSED_HERE)] == (
        told.after_the_start
    )


async def test_writes_that_are_sent_together_are_told_before_the_end() -> None:
    """Also those that were put off, and go out because the link is closed."""
    told = Told()
    async with linked("client", IPV4, observer=told, tuning=Tuning(batch_writes=True)) as link:
        await link.subject.write(b"one")
        await link.subject.write(b"two")
        await link.subject.close()
    assert [("sent", b"onetwo"), ("ended", LossReason.CLOSED_HERE)] == told.after_the_start


async def test_a_reset_is_told_with_its_reason() -> None:
    """The reason is what one looks for in the morning."""
    told = Told()
    async with linked("server", IPV4, observer=told) as link:
        link.peer.reset()
        await until(lambda: not link.subject.connected)
    assert [("ended", LossReason.RST)] == told.after_the_start


async def test_a_second_client_that_is_turned_away_is_no_link(log: logging.Logger) -> None:
    """The first one's recording goes on undisturbed."""
    told = Told()
    async with OneClientServer(IPV4, 0, log, observer=told) as server, Peer(IPV4, server.port) as first:
        await soon(server.connected_task)
        async with Peer(IPV4, server.port) as second:
            assert b"" == await second.read()
        first.send(b"x")
        assert b"x" == await soon(server.read(1))
        await server.close_client()
        async with Peer(IPV4, server.port):
            await soon(server.connected_task)
    assert ["connected", "received", "ended", "connected", "ended"] == [one[0] for one in told.seen]


async def test_a_client_that_cannot_connect_is_told(log: logging.Logger) -> None:
    """And raises as ever."""
    told = Told()
    client = Client(IPV4, unused_port(), log, observer=told)
    with pytest.raises(ConnectionRefusedError):
        await client.start_task
    assert [("failed", ConnectionRefusedError)] == told.seen


@pytest.mark.parametrize("raises", ["connected", "received", "sent", "eof_received", "ended"])
@pytest.mark.parametrize("side", SUBJECTS)
@pytest.mark.parametrize("error", [ZeroDivisionError, asyncio.CancelledError])
async def test_an_observer_that_raises_is_logged_and_changes_nothing(
    side: Subject, raises: str, error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    """Its exception reaches neither the transport nor the program; it is asked no more on this link."""
    told = Told(raises, error)
    async with linked(side, IPV4, observer=told) as link:
        link.peer.send(b"ask\r\n")
        assert "ask" == await soon(link.subject.read_str())
        await link.subject.write_str("answer")
        assert b"answer\r\n" == await link.peer.read_exactly(8)
        link.peer.write_eof()
        assert b"" == await soon(link.subject.read(1))
        await until(lambda: not link.subject.connected)
        assert link.subject.loss_reason is LossReason.FIN
        assert [True, False] == link.told
    assert 1 == sum("the observer raised" in record.getMessage() for record in caplog.records)
    assert raises == told.seen[-1][0]


async def test_an_observer_that_raises_at_a_failure_hides_it_not(
    log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """The program still gets its own error."""
    client = Client(IPV4, unused_port(), log, observer=Told("failed"))
    with pytest.raises(ConnectionRefusedError):
        await client.start_task
    assert "the observer raised" in caplog.text


async def test_an_observer_that_wants_no_link_gets_none() -> None:
    """None instead of an observer of the link."""

    class Picky(Told):
        def connected(self, side: Side, local: str, peer: str) -> None:  # type: ignore[override]
            self.note("connected", side)

    told = Picky()
    async with linked("client", IPV4, observer=told) as link:
        link.peer.send(b"ask\r\n")
        assert "ask" == await soon(link.subject.read_str())
    assert [("connected", "client")] == told.seen


@pytest.mark.parametrize("wrong", [5, "log.tcplog", object()])
async def test_what_is_no_observer_is_refused(log: logging.Logger, wrong: Any) -> None:
    """Before there is a socket."""
    with pytest.raises(TypeError, match=r"must be a tcpip_core\.Observer"):
        Client(IPV4, 1, log, observer=wrong)
    with pytest.raises(TypeError, match=r"must be a tcpip_core\.Observer"):
        OneClientServer(IPV4, 0, log, observer=wrong)


class Echo(OneClientReadLoopServer):
    async def read_and_dispatch(self) -> None:
        await self.write_str((await self.read_str()).upper())


async def test_both_ends_record_the_same_talk(tmp_path: Path, log: logging.Logger, host: str) -> None:
    """Two recorders, one link: the same bytes each way, and each side's own view of the end."""
    paths = [tmp_path / "client.tcplog", tmp_path / "device.tcplog.gz"]
    with Recorder(paths[0]) as of_client, Recorder(paths[1]) as of_device:
        async with Echo(port=0, host=host, log=log, observer=of_device) as server:
            async with Client(host, server.port, log, observer=of_client) as client:
                for number in range(50):
                    await client.write_str(f"line {number}")
                    assert f"LINE {number}" == await soon(client.read_str())
            await until(lambda: not server.connected)
    logs = [events_of(path) for path in paths]
    for way in (">", "<"):
        sides = [b"".join(one.payload for one in log if isinstance(one, Data) and one.direction == way) for log in logs]
        expected = "".join(f"{'line' if way == '>' else 'LINE'} {number}\r\n" for number in range(50))
        assert [expected.encode()] * 2 == sides
    opened = [one for log in logs for one in log if isinstance(one, Open)]
    assert (opened[0].client, opened[0].device) == (opened[1].client, opened[1].device)
    assert ("CLOSED_HERE", "client") == closing(logs[0])
    assert ("FIN", "client") == closing(logs[1])
    assert [">"] == [one.direction for one in logs[1] if isinstance(one, Eof)]


async def test_a_night_without_a_connection_is_recorded(tmp_path: Path, log: logging.Logger) -> None:
    """With what to check, as the program was told."""
    with Recorder(tmp_path / "a.tcplog") as recorder:
        client = Client(IPV4, unused_port(), log, observer=recorder)
        with pytest.raises(ConnectionRefusedError):
            await client.start_task
    (error,) = events_of(tmp_path / "a.tcplog")
    assert isinstance(error, Error)
    assert "nothing listens there" in error.text


def events_of(path: Path) -> list[Event]:
    with open_transcript(path) as reader:
        return list(reader)


def closing(log: list[Event]) -> tuple[str, str]:
    (close,) = (one for one in log if isinstance(one, Close))
    return close.reason, close.by
