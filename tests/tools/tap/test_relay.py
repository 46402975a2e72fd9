"""What happens at one end of a relayed link happens at the other, and is recorded."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpip_core.transcript import Close
from tests.support import Peer, soon, until
from tests.tools.tap._tapped import bytes_of, closes_of, events_of, tapped

ASYNCIO = pytest.mark.asyncio(loop_factories=["asyncio"])
"""The command runs on no other loop."""

SIDES = ("client", "device")
BULK = 64 * 1024 * 1024
"""Far more than the kernel and the relay keep together."""


def ordered(side: str, client: Peer, device: Peer) -> tuple[Peer, Peer]:
    """Give the peer that acts, and the other one."""
    return (client, device) if side == "client" else (device, client)


@ASYNCIO
@pytest.mark.parametrize("side", SIDES)
async def test_half_a_link_ends_and_the_other_half_goes_on(side: str, tmp_path: Path) -> None:
    """`printf ... | nc -N` sends FIN, and reads the answer after it."""
    async with tapped(tmp_path / "a.tcplog") as one:
        actor, other = ordered(side, *await one.link())
        actor.send(b"the last word")
        actor.write_eof()
        assert b"the last word" == await other.read_to_eof()
        await other.send_all(b"x" * 300_000)
        assert 300_000 == len(await actor.read_exactly(300_000))
        other.close()
        assert b"" == await actor.read()
        await one.over()
        actor.close()
    expected = ("CLOSED_HERE", "client") if side == "client" else ("FIN", "device")
    assert [expected] == closes_of(events_of(tmp_path / "a.tcplog"))


@ASYNCIO
@pytest.mark.parametrize("side", SIDES)
async def test_a_reset_is_passed_on_as_one_behind_what_was_sent(side: str, tmp_path: Path) -> None:
    """A device that loses its power must not look like one that says goodbye."""
    async with tapped(tmp_path / "a.tcplog") as one:
        actor, other = ordered(side, *await one.link())
        actor.send(b"last words")
        actor.reset()
        assert b"last words" == await other.read_exactly(10)
        with pytest.raises(ConnectionResetError):
            await other.read()
        await one.over()
    recorded = events_of(tmp_path / "a.tcplog")
    assert [("RST", side)] == closes_of(recorded)
    assert b"last words" == bytes_of(recorded, ">" if side == "client" else "<")


@ASYNCIO
@pytest.mark.parametrize("side", SIDES)
async def test_a_reset_after_the_end_of_a_half_is_passed_on(side: str) -> None:
    """A transport does not look at a socket any more that has met the end of the data."""
    async with tapped() as one:
        actor, other = ordered(side, *await one.link())
        actor.write_eof()
        assert b"" == await other.read()
        actor.reset()
        await until(lambda: other.socket.getsockopt(1, 4) != 0)
        await one.over()
        assert {"RST": 1} == one.tap.ends


@ASYNCIO
@pytest.mark.parametrize("side", SIDES)
async def test_what_a_side_said_before_it_left_with_data_unread_arrives(side: str) -> None:
    """A server that refuses says why, and resets, because it has not read what the client sent meanwhile."""
    async with tapped() as one:
        actor, other = ordered(side, *await one.link())
        other.send(b"unread")
        await actor.read(1)
        actor.send(b"421 too busy")
        actor.close()  # with data unread: RST
        assert b"421 too busy" == await other.read_exactly(12)
        with pytest.raises(ConnectionResetError):
            await other.read()


@ASYNCIO
@pytest.mark.parametrize("side", SIDES)
async def test_what_had_come_is_not_lost_where_a_write_meets_the_reset(side: str) -> None:
    """The kernel still has it, but a transport that fails to write does not look."""
    async with tapped() as one:
        actor, other = ordered(side, *await one.link())
        assert one.tap.relay is not None
        end = one.tap.relay._ends[SIDES.index(side)]
        actor.send(b"last words")
        actor.reset()
        end.send(b"too late")  # in this very step, so that nothing was read before
        assert b"last words" == await other.read_exactly(10)
        with pytest.raises(ConnectionResetError):
            await other.read()


@ASYNCIO
@pytest.mark.parametrize("side", SIDES)
async def test_a_side_that_does_not_read_holds_up_the_other_one(side: str) -> None:
    """So memory stays bounded, and nobody believes in a delivery that was none."""
    data = random.Random(1).randbytes(1024) * (BULK // 1024)
    async with tapped() as one:
        actor, other = ordered(side, *await one.link())
        sending = asyncio.create_task(actor.send_all(data))
        relay = one.tap.relay
        assert relay is not None
        await until(lambda: relay._ends[SIDES.index(side)]._is_paused)
        assert not sending.done()
        assert sum(relay.size.values()) < BULK // 2
        received = bytearray()
        while len(received) < BULK:
            received += await other.read(1024 * 1024)
        assert data == received
        await soon(sending)


@settings(max_examples=20)
@given(chunks=st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=3000)), max_size=20))
def test_bytes_of_both_ways_are_the_same_and_recorded(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[tuple[bool, bytes]]
) -> None:
    """Whatever they are, in whatever pieces."""
    log = tmp_path_factory.mktemp("log") / "a.tcplog"

    async def talk() -> None:
        async with tapped(log) as one:
            client, device = await one.link()
            for is_up, data in chunks:
                await (client if is_up else device).send_all(data)
            client.write_eof()
            assert up == await device.read_to_eof()
            device.write_eof()
            assert down == await client.read_to_eof()
            await one.over()
            client.close()

    up = b"".join(data for is_up, data in chunks if is_up)
    down = b"".join(data for is_up, data in chunks if not is_up)
    asyncio.run(talk())
    assert (up, down) == (bytes_of(events_of(log), ">"), bytes_of(events_of(log), "<"))


@ASYNCIO
async def test_a_greeting_from_before_the_client_came_is_passed_on() -> None:
    """The target is opened first, and a mail server speaks first."""
    async with tapped() as one:
        device = await one.target.accept()
        device.send(b"220 hello\r\n")
        await asyncio.sleep(0)
        client = one.client()
        assert b"220 hello\r\n" == await client.read_exactly(11)
        client.close()
        await device.wait_hung_up()


@ASYNCIO
@pytest.mark.parametrize("side", SIDES)
async def test_nothing_is_recorded_after_the_close(side: str, tmp_path: Path) -> None:
    """What one side says when the other one has reset reaches nobody; a reader would take it for another link."""
    async with tapped(tmp_path / "a.tcplog") as one:
        actor, other = ordered(side, *await one.link())
        relay = one.tap.relay
        assert relay is not None
        sending = asyncio.create_task(actor.send_all(b"x" * BULK))
        await until(lambda: relay._ends[SIDES.index(side)]._is_paused)
        sending.cancel()
        await soon(asyncio.wait({sending}))
        actor.reset()
        await until(lambda: relay.reason is not None)
        other.send(b"late words")
        other.reset()
        await one.over()
    recorded = events_of(tmp_path / "a.tcplog")
    assert [("RST", side)] == closes_of(recorded)
    assert isinstance(recorded[-1], Close)
    assert b"" == bytes_of(recorded, "<" if side == "client" else ">")
