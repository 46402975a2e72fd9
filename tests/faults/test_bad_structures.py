"""Structures that hold addresses, or nothing: refused before a byte is taken, or done at once."""

from __future__ import annotations

import asyncio
import ctypes
import logging

import pytest

from tcpip_core import LossReason, OneClientReadLoopServer, utils
from tests.contract._links import Side, linked
from tests.faults._faults import errors
from tests.support import IPV4, Changes, Peer, soon

SIDES = pytest.mark.parametrize("side", ["client", "server"])


def _structure(name: str, *fields: type) -> type[ctypes.Structure]:
    return type(name, (ctypes.Structure,), {"_fields_": [(f"f{n}", field) for n, field in enumerate(fields)]})


class _Union(ctypes.Union):
    _fields_ = [("address", ctypes.c_void_p), ("number", ctypes.c_uint64)]


class _Handle(ctypes.c_void_p):
    pass


_Inner = _structure("Inner", ctypes.c_int, ctypes.c_char_p)
_Base = _structure("Base", ctypes.py_object)

HOLDING_ADDRESSES = {
    "void pointer": _structure("VoidPointer", ctypes.c_void_p),
    "string": _structure("String", ctypes.c_char_p),
    "wide string": _structure("WideString", ctypes.c_wchar_p),
    "typed pointer": _structure("TypedPointer", ctypes.POINTER(ctypes.c_int)),
    "pointer to a structure": _structure("ToStructure", ctypes.POINTER(_structure("Plain", ctypes.c_int))),
    "Python object": _structure("PythonObject", ctypes.py_object),
    "function pointer": _structure("Function", ctypes.CFUNCTYPE(ctypes.c_int)),
    "array of pointers": _structure("Array", ctypes.c_void_p * 4),
    "array of arrays": _structure("Arrays", ctypes.c_char_p * 2 * 2),
    "nested": _structure("Nested", ctypes.c_int, _Inner),
    "array of nested": _structure("ArrayOfNested", _Inner * 3),
    "union": _structure("WithUnion", _Union),
    "subclass of a pointer": _structure("WithHandle", _Handle),
    "inherited": type("Inherited", (_Base,), {"_fields_": [("more", ctypes.c_int)]}),
}
ADDRESSES = pytest.mark.parametrize("kind_of", HOLDING_ADDRESSES.values(), ids=HOLDING_ADDRESSES.keys())


@ADDRESSES
@SIDES
async def test_structure_that_holds_addresses_is_refused(
    kind_of: type[ctypes.Structure], side: Side, log: logging.Logger
) -> None:
    """The peer must not choose where we read or jump, nor learn where our memory is; nothing is taken or sent."""
    async with linked(side, IPV4, log) as link:
        await link.send_and_take(b"A" * 64)
        struct = kind_of()
        with pytest.raises(TypeError, match="pointer"):
            await soon(link.subject.read_into(struct))
        assert bytes(struct) == bytes(ctypes.sizeof(kind_of))
        with pytest.raises(TypeError, match="pointer"):
            await soon(link.subject.write_from(struct))
        assert await soon(link.subject.readexactly(64)) == b"A" * 64
        await soon(link.subject.write(b"first"))
        assert await link.peer.read_exactly(5) == b"first"
        assert link.told == [True]


@ADDRESSES
async def test_helpers_on_plain_streams_refuse_them_too(kind_of: type[ctypes.Structure]) -> None:
    """The functions of `utils` are the same door."""
    reader = asyncio.StreamReader()
    reader.feed_data(b"A" * 64)
    with pytest.raises(TypeError, match="pointer"):
        await soon(utils.read_into(reader, kind_of()))
    assert await reader.readexactly(64) == b"A" * 64


@SIDES
async def test_structure_without_fields_is_read_and_written_at_once(side: Side, log: logging.Logger) -> None:
    """Nothing to wait for, nothing on the wire."""
    empty = _structure("Empty")
    async with linked(side, IPV4, log) as link:
        await soon(link.subject.read_into(empty()))
        await soon(link.subject.write_from(empty(), empty()))
        await soon(link.subject.write_from())
        await soon(link.subject.write(b"first"))
        assert await link.peer.read_exactly(5) == b"first"


@SIDES
async def test_structure_cut_by_a_hang_up_stays_as_it_was(how: str, side: Side, log: logging.Logger) -> None:
    """A part of a structure is not a structure."""
    pair = _structure("Pair", ctypes.c_uint32, ctypes.c_uint32)
    async with linked(side, IPV4, log) as link:
        struct = pair(1, 2)
        await link.send_and_take(b"\xff" * 5)
        {"fin": link.peer.write_eof, "rst": link.peer.reset}[how]()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await soon(link.subject.read_into(struct))
        assert bytes(struct) == bytes(pair(1, 2))
        assert link.told == [True, False]


async def test_read_loop_with_a_bad_structure_serves_on(log: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    """It is our mistake, so it is logged with its traceback; no peer can do more than meet it."""

    class Bad(OneClientReadLoopServer):
        async def read_and_dispatch(self) -> None:
            await self.read_into(HOLDING_ADDRESSES["void pointer"]())

    changes = Changes()
    async with Bad(host=IPV4, port=0, log=log, connect_callback=changes.callback) as server:
        for _ in range(2):
            async with Peer(IPV4, server.port) as peer:
                peer.send(b"A" * 64)
                await peer.wait_hung_up()
            assert [await changes.next(), await changes.next()] == [True, False]
        assert server.loss_reason is LossReason.CLOSED_HERE
        assert len(errors(caplog)) == 2
