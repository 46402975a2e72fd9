"""One client at a time, and one link after the other."""

from __future__ import annotations

import asyncio

import pytest

from tcpip_tools._exit_codes import ExitCode, Failure
from tcpip_tools._targets import Target
from tcpip_tools.tap._tap import Tap
from tests.support import IPV4, Peer, listening, soon, turns, unused_port
from tests.tools.tap._tapped import QUIET, tapped

ASYNCIO = pytest.mark.asyncio(loop_factories=["asyncio"])
"""The command runs on no other loop."""


@ASYNCIO
async def test_a_second_client_is_refused_and_the_first_never_notices() -> None:
    """By FIN, also where it has spoken already; the device has one connection."""
    async with tapped() as one:
        client, device = await one.link()
        async with Peer(IPV4, one.port) as second:
            second.send(b"me too")
            assert b"" == await second.read()
        assert 1 == one.tap.refused == len(one.of_kind("refused"))
        client.send(b"still here")
        assert b"still here" == await device.read_exactly(10)
        client.close()


@ASYNCIO
async def test_the_next_client_gets_a_link_of_its_own_at_once() -> None:
    """It connects in the moment in which the one before it closes, as programs do."""
    async with tapped() as one:
        for number in range(10):
            client, device = await one.link()
            client.send(b"%d" % number)
            assert b"%d" % number == await device.read_exactly(1)
            client.close()
            device.close()
        await one.over(10)
    assert (10, 0, {"CLOSED_HERE": 10}) == (one.tap.links, one.tap.refused, dict(one.tap.ends))


@ASYNCIO
async def test_a_client_waits_while_the_device_takes_its_time_to_close() -> None:
    """The one before it has left; the place is free soon."""
    async with tapped() as one:
        client, device = await one.link()
        client.close()
        assert b"" == await device.read()
        second = one.client()
        await asyncio.sleep(0.15)  # That is the claim: longer than a newcomer waits for a client that stays.
        device.close()
        device = await one.target.accept()
        second.send(b"hello")
        assert b"hello" == await device.read_exactly(5)
        second.close()
    assert 0 == one.tap.refused


@ASYNCIO
async def test_a_target_that_left_while_nobody_was_there_is_opened_again() -> None:
    """Devices close links on which nobody speaks."""
    async with tapped() as one:
        (await one.target.accept()).close()
        await turns()
        client, device = await one.link()
        client.send(b"hello")
        assert b"hello" == await device.read_exactly(5)
        client.close()


@ASYNCIO
async def test_a_client_is_reset_while_the_target_is_away_and_gets_a_link_when_it_is_back() -> None:
    """What it would have met without the tap: a refusal."""
    async with tapped(is_once=True) as one:
        (await one.target.accept()).close()
        port = one.target.port
        one.target.close()
        await turns()
        async with Peer(IPV4, one.port) as client:
            with pytest.raises(ConnectionResetError):
                await client.read()
        assert [ExitCode.REFUSED] == [event.data["exit"] for event in one.of_kind("unreachable")]
        async with listening(port=port) as target, Peer(IPV4, one.port) as client:
            device = await target.accept()
            client.send(b"hello")
            assert b"hello" == await device.read_exactly(5)
            device.reset()
            assert ExitCode.RESET == await soon(one.task)


@ASYNCIO
async def test_a_target_that_is_away_at_the_start_is_a_failure() -> None:
    """Before anybody is let in."""
    with pytest.raises(Failure, match="nothing listens there") as caught:
        await Tap((IPV4, 0), Target(host=IPV4, port=unused_port()), QUIET, False)(lambda _: None)
    assert ExitCode.REFUSED == caught.value.code


@ASYNCIO
async def test_a_port_that_is_taken_is_a_failure_and_the_target_is_let_go() -> None:
    """Its place is needed by others."""
    async with listening() as target, listening() as other:
        with pytest.raises(Failure, match="the port is taken") as caught:
            await Tap((IPV4, other.port), Target(host=IPV4, port=target.port), QUIET, False)(lambda _: None)
        assert ExitCode.USAGE == caught.value.code
        await (await target.accept()).wait_hung_up()


@ASYNCIO
async def test_the_end_of_the_command_ends_both_sides_in_an_orderly_way() -> None:
    """Ctrl-C is no reset."""
    async with tapped() as one:
        client, device = await one.link()
        client.send(b"hello")
        assert b"hello" == await device.read_exactly(5)
        one.task.cancel()
        assert b"" == await client.read()
        assert b"" == await device.read()
        with pytest.raises(asyncio.CancelledError):
            await one.task
