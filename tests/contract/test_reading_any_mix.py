"""Random conversations: whatever is read, cut and cancelled when, each item is delivered once and in order."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.contract._links import Link, Side, linked
from tests.contract._operations import WAITING_READS, Read
from tests.support import soon, turns

ITEMS = 60
SEEDS = range(12)


async def send_cut(link: Link, stream: bytes, chance: random.Random) -> None:
    """Send a stream in segments of random sizes, at random loop turns."""
    while stream:
        size = chance.choice((1, 2, 3, 7, 20, 100))
        link.send(stream[:size])
        stream = stream[size:]
        await turns(chance.randrange(4))


async def read_stubbornly(link: Link, read: Read, chance: random.Random) -> object:
    """Read one item, giving up and starting anew at random."""
    while True:
        reading = asyncio.ensure_future(read.call(link.subject))
        if chance.random() < 0.5:
            await turns(chance.randrange(6))
            reading.cancel()
        try:
            return await reading
        except asyncio.CancelledError:
            continue


@pytest.mark.parametrize("seed", SEEDS)
async def test_each_item_is_delivered_once(link: Link, seed: int) -> None:
    """Kinds, segments and cancellations at random, with a FIN behind the last item."""
    chance = random.Random(seed)
    reads = chance.choices(WAITING_READS, k=ITEMS)
    sending = asyncio.create_task(send_cut(link, b"".join(read.wire for read in reads), chance))
    sending.add_done_callback(lambda _: link.peer.write_eof())
    got = [await soon(read_stubbornly(link, read, chance)) for read in reads]
    assert got == [read.expected for read in reads]
    await sending
    assert await link.changes.next() is False


@pytest.mark.parametrize("seed", SEEDS)
async def test_all_that_was_taken_before_a_reset_is_delivered_once(link: Link, seed: int) -> None:
    """The same with a peer that crashes: what its last segments held is read, then the error comes."""
    chance = random.Random(seed)
    reads = chance.choices(WAITING_READS, k=ITEMS)
    half = chance.randrange(1, 4)
    await link.send_and_take(b"".join(read.wire for read in reads) + WAITING_READS[0].wire[:half])
    link.peer.reset()
    got = [await soon(read_stubbornly(link, read, chance)) for read in reads]
    assert got == [read.expected for read in reads]
    with pytest.raises(ConnectionError):
        await soon(WAITING_READS[0].call(link.subject))
    assert link.told == [True, False]


@pytest.mark.parametrize("seed", SEEDS)
async def test_limit_costs_only_the_frames_beyond_it(side: Side, host: str, seed: int) -> None:
    """Among lines of random lengths around the limit, those within it are delivered, the others skipped."""
    chance = random.Random(seed)
    limit = 40
    lines = ["x" * chance.randrange(2 * limit) for _ in range(ITEMS)]
    async with linked(side, host, limit=limit) as link:
        stream = "".join(f"{line}\r\n" for line in lines).encode()
        sending = asyncio.create_task(send_cut(link, stream, chance))
        got: list[str | None] = []
        while len(got) < len(lines):
            try:
                got.append(await soon(link.subject.read_str()))
            except asyncio.LimitOverrunError as error:
                await soon(skip_frame(link, error))
                got.append(None)
        assert got == [line if len(line) <= limit else None for line in lines]
        await sending


async def skip_frame(link: Link, error: asyncio.LimitOverrunError) -> None:
    """Consume what is left of a frame that is too long, as the error says."""
    while True:
        await link.subject.readexactly(error.consumed)
        try:
            await link.subject.readuntil(b"\r\n")
        except asyncio.LimitOverrunError as further:
            error = further
        else:
            return
