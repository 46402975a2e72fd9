"""Read a capture back with as little as it takes, and check every checksum on the way.

It shares nothing with the code that writes it; programs of other people read captures in ``tests/interop``.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Packet:
    """A TCP segment."""

    time: int
    source: tuple[str, int]
    destination: tuple[str, int]
    sequence: int
    acknowledged: int
    flags: int
    payload: bytes
    comments: tuple[str, ...]


def parsed(capture: bytes) -> tuple[list[str], list[Packet]]:
    """Give the comments of the section, and the packets."""
    blocks = list(_blocks(capture))
    (kind, section), (interface_kind, interface), *rest = blocks
    assert (0x0A0D0D0A, 1) == (kind, interface_kind)
    assert (101, b"\x09") == (struct.unpack_from("<H", interface)[0], dict(_options(interface[8:]))[9])
    comments = [value.decode() for code, value in _options(section[16:]) if code == 1]
    return comments, [_packet(body) for kind, body in rest if kind == 6]


def _blocks(capture: bytes) -> Iterator[tuple[int, bytes]]:
    while capture:
        kind, size = struct.unpack_from("<II", capture)
        assert size % 4 == 0
        assert size == struct.unpack_from("<I", capture, size - 4)[0]
        yield kind, capture[8 : size - 4]
        capture = capture[size:]


def _options(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        code, size = struct.unpack_from("<HH", data)
        if code == 0:
            assert (0, 4) == (size, len(data))
            return
        yield code, data[4 : 4 + size]
        data = data[4 + size + -size % 4 :]


def _packet(body: bytes) -> Packet:
    interface, high, low, size, original = struct.unpack_from("<IIIII", body)
    assert (0, size) == (interface, original)
    data, options = body[20 : 20 + size], body[20 + size + -size % 4 :]
    source, destination, tcp = _ip(data)
    source_port, destination_port, sequence, acknowledged, offset, flags = struct.unpack_from(">HHIIBB", tcp)
    pseudo = source.packed + destination.packed + struct.pack(">II", len(tcp), 6)
    assert 0xFFFF == folded(pseudo + tcp)
    return Packet(
        (high << 32) + low,
        (str(source), source_port),
        (str(destination), destination_port),
        sequence,
        acknowledged,
        flags,
        tcp[(offset >> 4) * 4 :],
        tuple(value.decode() for code, value in _options(options) if code == 1),
    )


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _ip(data: bytes) -> tuple[Address, Address, bytes]:
    if data[0] >> 4 == 6:
        assert (len(data) - 40, 6) == (int.from_bytes(data[4:6]), data[6])
        return ipaddress.IPv6Address(data[8:24]), ipaddress.IPv6Address(data[24:40]), data[40:]
    assert (0x45, len(data), 6) == (data[0], int.from_bytes(data[2:4]), data[9])
    assert 0xFFFF == folded(data[:20])
    return ipaddress.IPv4Address(data[12:16]), ipaddress.IPv4Address(data[16:20]), data[20:]


def folded(data: bytes) -> int:
    """Add 16-bit words with end-around carry, one by one (RFC 1071)."""
    total = 0
    for (word,) in struct.iter_unpack(">H", data + bytes(len(data) % 2)):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return total
