"""The client's side, against the mock, and against devices that do not do as they should."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import pytest

from tcpip_core import OneClientReadLoopServer
from tcpip_tools._exit_codes import ExitCode, Failure
from tcpip_tools._report import Event
from tcpip_tools.dome import _operator
from tcpip_tools.dome._controller import MockDomeController
from tcpip_tools.dome._operator import Operator, connected, tell_the_story
from tests.support import IPV4, soon


class Scripted(OneClientReadLoopServer):
    """A device that answers each command as it is told."""

    answers: dict[str, bytes]

    async def read_and_dispatch(self) -> None:
        """Answer one line; nothing for a heartbeat, the end for what is not in the script."""
        line = await self.read_str()
        if line == "heartbeat":
            return
        if line not in self.answers:
            await self.close_client()
            return
        await self.write(self.answers[line])


@contextlib.asynccontextmanager
async def scripted(log: logging.Logger, answers: dict[str, bytes], events: list[Event]) -> AsyncIterator[Operator]:
    """Connect to a device with a script."""
    async with Scripted(port=0, log=log) as server:
        server.answers = answers
        async with connected(IPV4, server.port, log, events.append) as operator:
            yield operator


async def test_the_story_is_told_in_order(log: logging.Logger) -> None:
    """Open, turn, be refused, look, lose the link, come back, park, close."""
    events: list[Event] = []
    async with MockDomeController(log=log, rate=4e4, telemetry_interval=0.001) as server:
        await soon(tell_the_story(IPV4, server.port, log, events.append))
        assert not server.dome.shutter_open
        assert 0.0 == server.telemetry().azimuth
    commands = [e.text for e in events if e.mark == ">" and e.text != "heartbeat"]
    first = ["OPEN", "TELEMETRY ON", "MOVE 120.0", "DANCE", "STATUS", "DROP"]
    assert [*first, "STATUS", "TELEMETRY ON", "MOVE 0.0", "CLOSE"] == commands
    links = [(e.kind, e.data.get("reason")) for e in events if e.kind in {"connected", "lost", "closed"}]
    assert [("connected", None), ("lost", "FIN"), ("connected", None), ("closed", "CLOSED_HERE")] == links


async def test_progress_grows_from_nothing_to_all(log: logging.Logger) -> None:
    """A progress bar that goes backwards helps nobody."""
    events: list[Event] = []
    async with MockDomeController(log=log, rate=4000.0, telemetry_interval=0.001) as server:
        async with connected(IPV4, server.port, log, events.append) as dome:
            await dome.ask("TELEMETRY ON")
            await soon(dome.turn(350.0))
    fractions = [float(str(e.data["fraction"])) for e in events if e.kind == "progress"]
    assert sorted(fractions) == fractions
    assert 1.0 == fractions[-1]


async def test_a_turn_to_where_it_stands_is_over_at_once(log: logging.Logger) -> None:
    """There is no way to divide by."""
    events: list[Event] = []
    async with MockDomeController(log=log) as server, connected(IPV4, server.port, log, events.append) as dome:
        await dome.ask("TELEMETRY ON")
        await soon(dome.turn(0.0))
    assert [1.0] == [e.data["fraction"] for e in events if e.kind == "progress"]


async def test_telemetry_between_command_and_reply_is_passed_over(log: logging.Logger) -> None:
    """It comes when it comes, and the reply is still found."""
    events: list[Event] = []
    async with scripted(log, {"STOP": b'{"x": 1}\r\n{"x": 2}\r\nOK\r\n'}, events) as dome:
        assert "OK" == await soon(dome.ask("STOP"))


async def test_a_device_that_does_not_answer_is_a_failure_of_its_own(
    log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence has its exit status, and its bound."""
    monkeypatch.setattr(_operator, "ANSWER_TIMEOUT", 0.02)
    with pytest.raises(Failure, match="no answer") as caught:
        async with scripted(log, {"OPEN": b""}, []) as dome:
            await dome.ask("OPEN")
    assert ExitCode.NO_ANSWER == caught.value.code


async def test_a_link_that_is_lost_unasked_is_a_failure_with_its_reason(log: logging.Logger) -> None:
    """The device hung up in the middle: the status says so."""
    with pytest.raises(Failure, match="the peer closed the connection") as caught:
        async with scripted(log, {}, []) as dome:
            await dome.ask("OPEN")
    assert ExitCode.PEER_CLOSED == caught.value.code


async def test_a_device_that_takes_any_command_does_not_meet_the_expectation(log: logging.Logger) -> None:
    """The demo checks what it shows."""
    still = b'{"azimuth": 120, "target": 120, "moving": false, "shutter_open": true}\r\n'
    answers = {"OPEN": b"OK\r\n", "TELEMETRY ON": b"OK\r\n", "MOVE 120.0": b"OK\r\n" + still, "DANCE": b"OK\r\n"}
    async with Scripted(port=0, log=log) as server:
        server.answers = answers
        with pytest.raises(Failure, match="should have refused 'DANCE'") as caught:
            await soon(tell_the_story(IPV4, server.port, log, lambda _: None))
    assert ExitCode.EXPECTATION == caught.value.code


async def test_a_cancelled_story_leaves_nothing(log: logging.Logger) -> None:
    """Ctrl-C may come at any time; the fixtures look for what is left."""
    turning = asyncio.Event()

    def report(event: Event) -> None:
        if event.kind == "progress":
            turning.set()

    async with MockDomeController(log=log, rate=1.0, telemetry_interval=0.001) as server:
        story = asyncio.Task(tell_the_story(IPV4, server.port, log, report))
        await soon(turning.wait())
        story.cancel()
        await asyncio.wait({story})
        assert story.cancelled()
