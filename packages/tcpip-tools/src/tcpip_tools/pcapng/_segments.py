"""TCP segments in IP packets, with their checksums; pure."""

import enum
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

__all__ = ["End", "Flags", "checksum", "segment"]

_TCP: Final = 6
_WINDOW: Final = 65_535


class Flags(enum.IntFlag):
    """What a segment says beside its data."""

    FIN = 1
    SYN = 2
    RST = 4
    PSH = 8
    ACK = 16


@dataclass(frozen=True, slots=True)
class End:
    """One end of a connection.

    Parameters
    ----------
    host : IPv4Address or IPv6Address
        Its address.
    port : int
        Its port.
    """

    host: IPv4Address | IPv6Address
    port: int


def checksum(data: bytes) -> int:
    """Return the Internet checksum of bytes that are not all zero (RFC 1071).

    The sum of 16-bit words with end-around carry is the remainder of the whole, read as one number, by 0xFFFF.
    """
    return -int.from_bytes(data + bytes(len(data) % 2)) % 0xFFFF


def segment(
    source: End, destination: End, sequence: int, acknowledged: int, flags: Flags, payload: bytes = b""
) -> bytes:
    """Return a segment in a packet.

    Parameters
    ----------
    source, destination : End
        From where to where; of one address family.
    sequence, acknowledged : int
        Its numbers, which wrap at 2**32.
    flags : Flags
        What it says. One with ``SYN`` offers segments as large as Ethernet carries.
    payload : bytes
        Its data.
    """
    # Maximum segment size, no operation, window scale: 8 MiB are in flight at most.
    options = struct.pack(">BBHBBBB", 2, 4, 1460, 1, 3, 3, 7) if flags & Flags.SYN else b""
    offset = (20 + len(options)) // 4 << 4
    fields = (source.port, destination.port, sequence % 2**32, acknowledged % 2**32, offset, flags, _WINDOW)
    before, after = struct.pack(">HHIIBBH", *fields), struct.pack(">H", 0) + options + payload
    size = len(before) + 2 + len(after)
    pseudo = source.host.packed + destination.host.packed + struct.pack(">IHH", size, 0, _TCP)
    tcp = before + struct.pack(">H", checksum(pseudo + before + bytes(2) + after)) + after
    return _ip_header(source, destination, size) + tcp


def _ip_header(source: End, destination: End, size: int) -> bytes:
    if isinstance(source.host, IPv6Address):
        head = struct.pack(">IHBB", 6 << 28, size, _TCP, 64)
        return head + source.host.packed + destination.host.packed
    # Never to be fragmented, so that it needs no number of its own (RFC 6864).
    head = struct.pack(">BBHHHBB", 0x45, 0, 20 + size, 0, 0x4000, 64, _TCP)
    addresses = source.host.packed + destination.host.packed
    return head + struct.pack(">H", checksum(head + bytes(2) + addresses)) + addresses
