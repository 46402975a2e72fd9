"""Binary structures: `read_into` and `write_from`."""

from __future__ import annotations

import asyncio
import ctypes

import pytest

from tests.contract._links import Link, Pair
from tests.contract._operations import Body, Header, header
from tests.support import soon, turns


class BigEndian(ctypes.BigEndianStructure):
    """A structure in network order."""

    _fields_ = [("a", ctypes.c_uint16), ("b", ctypes.c_uint32)]


class Packed(ctypes.LittleEndianStructure):
    """A structure without the holes that its fields would have."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("a", ctypes.c_uint8), ("b", ctypes.c_double), ("c", ctypes.c_uint16)]


class Nested(ctypes.LittleEndianStructure):
    """A structure that holds others."""

    _fields_ = [("header", Header), ("bodies", Body * 3)]


class Block(ctypes.LittleEndianStructure):
    """A structure larger than a socket's buffer, with a mark at each end."""

    _fields_ = [
        ("first", ctypes.c_uint32),
        ("payload", ctypes.c_uint8 * 300_000),
        ("last", ctypes.c_uint32),
    ]


class WithPointer(ctypes.Structure):
    """A structure that holds an address of this process."""

    _fields_ = [("a", ctypes.c_int), ("p", ctypes.POINTER(ctypes.c_int))]


class WithObject(ctypes.Structure):
    """A structure that holds a Python object."""

    _fields_ = [("o", ctypes.py_object)]


STRUCTURES = (
    header(),
    Body((ctypes.c_double * 3)(1.0, -2.5, 1e300), 2**64 - 1),
    BigEndian(0x1234, 0x56789ABC),
    Packed(7, -0.5, 65535),
    Nested(header(), (Body * 3)(Body(), Body((ctypes.c_double * 3)(1, 2, 3), 4), Body())),
)
each_structure = pytest.mark.parametrize("struct", STRUCTURES, ids=lambda struct: type(struct).__name__)


@each_structure
async def test_structure_written_at_one_side_is_read_at_the_other(pair: Pair, struct: ctypes.Structure) -> None:
    """All fields arrive, whatever the layout and byte order."""
    await soon(pair.writer.write_from(struct))
    got = type(struct)()
    await soon(pair.reader.read_into(got))
    assert bytes(got) == bytes(struct)


@each_structure
async def test_structure_has_its_memory_layout_on_the_wire(link: Link, struct: ctypes.Structure) -> None:
    """The bytes are those of the structure, with nothing before, between or behind."""
    await soon(link.subject.write_from(struct))
    await soon(link.subject.close())
    assert await link.peer.read_to_eof() == bytes(struct)


async def test_read_into_sets_the_given_structure(link: Link) -> None:
    """The caller's object is filled in place, so that one object can follow a stream."""
    struct = Header()
    for counter in (1, 2, 3):
        link.send(bytes(Header(5, counter, 0.5)))
        await soon(link.subject.read_into(struct))
        assert (struct.sync, struct.counter, struct.tai) == (5, counter, 0.5)


async def test_read_into_takes_no_more_than_the_structure(link: Link) -> None:
    """What follows the structure stays for the next read."""
    await link.send_and_take(bytes(header()) + bytes(Body()) + b"rest")
    await soon(link.subject.read_into(Header()))
    await soon(link.subject.read_into(Body()))
    assert await soon(link.subject.read(10)) == b"rest"


async def test_read_into_before_eof_gives_the_partial_data(link: Link) -> None:
    """The bytes of a structure that never became whole are handed over in the error."""
    wire = bytes(header())
    await link.send_and_take(wire[:10])
    link.peer.write_eof()
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await soon(link.subject.read_into(Header()))
    assert caught.value.partial == wire[:10]


async def test_read_into_before_eof_leaves_the_structure(link: Link) -> None:
    """Half of a new value never mixes with half of an old one."""
    struct = Header(1, 2, 3.0, 4)
    before = bytes(struct)
    await link.send_and_take(bytes(header())[:20])
    link.peer.write_eof()
    with pytest.raises(asyncio.IncompleteReadError):
        await soon(link.subject.read_into(struct))
    assert bytes(struct) == before


async def test_cancelled_read_into_leaves_the_structure(link: Link) -> None:
    """A time-out in the middle of a structure leaves the last good one."""
    struct = Header(1, 2, 3.0, 4)
    before = bytes(struct)
    reading = asyncio.create_task(link.subject.read_into(struct))
    await link.send_and_take(bytes(header())[:20])
    reading.cancel()
    await asyncio.wait([reading])
    assert bytes(struct) == before


async def test_write_from_sends_structures_in_order(link: Link) -> None:
    """A header and its parts follow each other without a gap."""
    structures = (header(), Body(), BigEndian(1, 2))
    await soon(link.subject.write_from(*structures))
    await soon(link.subject.close())
    assert await link.peer.read_to_eof() == b"".join(map(bytes, structures))


async def test_structures_of_one_write_arrive_as_one_segment(link: Link) -> None:
    """One write is one send: a device that takes a segment for a message sees a whole one."""
    await soon(link.subject.write_from(header(), Body(), BigEndian(1, 2)))
    wire = bytes(header()) + bytes(Body()) + bytes(BigEndian(1, 2))
    assert await link.peer.read(1 << 16) == wire


async def test_tasks_cannot_interleave_the_structures_of_one_write(link: Link) -> None:
    """Header and body of one message stay together, whoever else writes and however slowly."""
    count = 8

    async def write(mark: int) -> None:
        for _ in range(count):
            await link.subject.write_from(Header(mark, 0), Block(mark, last=mark))

    async with asyncio.TaskGroup() as group:
        for mark in (1, 2, 3):
            group.create_task(soon(write(mark)))
        for _ in range(3 * count):
            head = Header.from_buffer_copy(await link.peer.read_exactly(ctypes.sizeof(Header)))
            block = Block.from_buffer_copy(await link.peer.read_exactly(ctypes.sizeof(Block)))
            assert (block.first, block.last) == (head.sync, head.sync)


async def test_structure_is_sent_as_it_was_when_it_was_written(link: Link) -> None:
    """A control loop may set the next values while the last ones still wait for the peer."""
    blocks = [Block(number, last=number) for number in range(40)]

    writers = [asyncio.create_task(link.subject.write_from(block)) for block in blocks]
    await turns()
    assert not writers[-1].done()
    for block in blocks:
        block.first = block.last = 999
    for number in range(40):
        block = Block.from_buffer_copy(await link.peer.read_exactly(ctypes.sizeof(Block)))
        assert (block.first, block.last) == (number, number)
    await soon(asyncio.gather(*writers))


@pytest.mark.parametrize("struct", [WithPointer(), WithObject()], ids=["pointer", "object"])
async def test_structure_with_addresses_cannot_be_read(link: Link, struct: ctypes.Structure) -> None:
    """The peer would choose an address of our memory; nothing is consumed."""
    await link.send_and_take(bytes(64))
    with pytest.raises(TypeError):
        await soon(link.subject.read_into(struct))
    assert await soon(link.subject.readexactly(64)) == bytes(64)


@pytest.mark.parametrize("struct", [WithPointer(), WithObject()], ids=["pointer", "object"])
async def test_structure_with_addresses_cannot_be_written(link: Link, struct: ctypes.Structure) -> None:
    """An address of our process means nothing to the peer; nothing is sent."""
    with pytest.raises(TypeError):
        await soon(link.subject.write_from(header(), struct))
    await soon(link.subject.close())
    assert await link.peer.read_to_eof() == b""


async def test_structures_and_text_can_share_a_link(link: Link) -> None:
    """Bytes of a structure that look like a terminator are data."""
    struct = BigEndian(0x0D0A, 0x0D0A0D0A)
    await link.send_and_take(b"binary follows\r\n" + bytes(struct) + b"done\r\n")
    got = BigEndian()
    assert await soon(link.subject.read_str()) == "binary follows"
    await soon(link.subject.read_into(got))
    assert (got.a, got.b) == (0x0D0A, 0x0D0A0D0A)
    assert await soon(link.subject.read_str()) == "done"
