"""Tables of every read and every write of the contract, for claims that hold for all of them."""

from __future__ import annotations

import ctypes
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.contract._links import Subject

__all__ = ["READS", "WAITING_READS", "WRITES", "Body", "Header", "Read", "Write"]


class Header(ctypes.LittleEndianStructure):
    """A telemetry header, as binary controllers send it: 24 bytes without holes."""

    _fields_ = [
        ("sync", ctypes.c_uint32),
        ("counter", ctypes.c_uint32),
        ("tai", ctypes.c_double),
        ("state", ctypes.c_int16),
        ("flags", ctypes.c_uint8 * 6),
    ]


class Body(ctypes.LittleEndianStructure):
    """A telemetry body: 32 bytes."""

    _fields_ = [("angles", ctypes.c_double * 3), ("id", ctypes.c_uint64)]


def header() -> Header:
    """Give a header with a value in each field."""
    return Header(0x7FFE_AA55, 17, 1234.5, -3, (ctypes.c_uint8 * 6)(1, 2, 3, 13, 10, 255))


async def _read_into(subject: Subject) -> bytes:
    struct = Header()
    await subject.read_into(struct)
    return bytes(struct)


@dataclass(frozen=True)
class Read:
    """A read: how it is called, one whole item on the wire, and what the call then returns."""

    name: str
    call: Callable[[Subject], Awaitable[Any]]
    wire: bytes
    expected: Any

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Write:
    """A write: how it is called, and what it puts on the wire."""

    name: str
    call: Callable[[Subject], Awaitable[None]]
    wire: bytes

    def __str__(self) -> str:
        return self.name


WAITING_READS = (
    Read("readexactly", lambda s: s.readexactly(6), b"abcdef", b"abcdef"),
    Read("readline", lambda s: s.readline(), b"a line\n", b"a line\n"),
    Read("readuntil", lambda s: s.readuntil(b"--"), b"a-part--", b"a-part--"),
    Read("read_str", lambda s: s.read_str(), "h\u00e9llo w\u00f6rld\r\n".encode(), "h\u00e9llo w\u00f6rld"),
    Read("read_json", lambda s: s.read_json(), b'{"az": [1, 2.5, null]}\r\n', {"az": [1, 2.5, None]}),
    Read("read_into", _read_into, bytes(header()), bytes(header())),
)
"""The reads that wait for a whole item."""

READS = (
    Read("read", lambda s: s.read(6), b"abcdef", b"abcdef"),
    *WAITING_READS,
)
"""Every read; the first is satisfied with whatever came."""

WRITES = (
    Write("write", lambda s: s.write(b"some bytes"), b"some bytes"),
    Write("writelines", lambda s: s.writelines([b"two ", b"parts"]), b"two parts"),
    Write("write_from", lambda s: s.write_from(header(), Body()), bytes(header()) + bytes(Body())),
    Write("write_str", lambda s: s.write_str("h\u00e9llo"), "h\u00e9llo\r\n".encode()),
    Write("write_json", lambda s: s.write_json({"az": 1.5}), b'{"az": 1.5}\r\n'),
)
"""Every write."""
