"""One link of a transcript as the TCP segments that would have carried it; pure.

What a transcript has is the payload of each direction, its ends, and who closed. Handshake, acknowledgements, sequence
numbers and the size of segments are made up, as a kernel without losses would have made them.
"""

import ipaddress
from collections.abc import Iterator
from typing import Final

from tcpip_core.transcript import Close, Direction, Open

from ._segments import End, Flags, segment

__all__ = ["Conversation"]

_LARGEST: Final = 1440
"""Most payload of one segment (bytes): what Ethernet carries over IPv6."""

_IN_FLIGHT: Final = 16
"""How many segments are sent before one is acknowledged."""

_MADE_UP: Final = (ipaddress.IPv4Address("192.0.2.1"), ipaddress.IPv4Address("192.0.2.2"))
"""Addresses for documentation (RFC 5737)."""

_MADE_UP_PORT: Final = 5000


class Conversation:
    """One link.

    Parameters
    ----------
    opened : Open
        Its beginning, as the transcript has it.
    ordinal : int
        How many there are with it so far; sequence numbers depend on it.

    Attributes
    ----------
    remarks : list of str
        What a reader of the capture must know of it.
    """

    def __init__(self, opened: Open, ordinal: int) -> None:
        number = opened.connection
        self.remarks = [f"connection {number}: from {opened.client or '?'} to {opened.device or '?'}"]
        if opened.continued:
            self.remarks.append(f"connection {number}: it was open before the transcript begins")
        client, device = _end_of(opened.client), _end_of(opened.device)
        if client is None or device is None or client.host.version != device.host.version:
            client = End(_MADE_UP[0], 49_152 + number % 16_384)
            device = End(_MADE_UP[1], _port_of(opened.device) or _MADE_UP_PORT)
            self.remarks.append(f"connection {number}: its addresses are made up")
        self._ends: dict[Direction, End] = {">": client, "<": device}
        # The next number to send in each direction; they begin apart, so that one can tell connections apart.
        self._next: dict[Direction, int] = {">": ordinal * 0x0100_0000, "<": ordinal * 0x0100_0000 + 0x8000_0000}
        self._finished: set[Direction] = set()

    def begin(self) -> Iterator[bytes]:
        """Yield the handshake."""
        yield self._segment(">", Flags.SYN, acknowledges=False)
        yield self._segment("<", Flags.SYN | Flags.ACK)
        yield self._segment(">", Flags.ACK)

    def send(self, direction: Direction, payload: bytes) -> Iterator[bytes]:
        """Yield the segments of a payload, and the acknowledgements."""
        pieces = [payload[begin : begin + _LARGEST] for begin in range(0, len(payload), _LARGEST)]
        for number, piece in enumerate(pieces, 1):
            is_last = number == len(pieces)
            yield self._segment(direction, Flags.ACK | Flags.PSH if is_last else Flags.ACK, piece)
            if is_last or number % _IN_FLIGHT == 0:
                yield self._segment(_opposite(direction), Flags.ACK)

    def finish(self, direction: Direction) -> Iterator[bytes]:
        """Yield the end of a direction; nothing if it has ended."""
        if direction not in self._finished:
            self._finished.add(direction)
            yield self._segment(direction, Flags.FIN | Flags.ACK)
            yield self._segment(_opposite(direction), Flags.ACK)

    def end(self, close: Close) -> Iterator[bytes]:
        """Yield how it ended: a reset, what is missing of an orderly end, or nothing if one side went silent."""
        closer: Direction = ">" if close.by == "client" else "<"
        if close.by == "network":
            return
        if close.reason == "RST":
            yield self._segment(closer, Flags.RST | Flags.ACK)
            return
        yield from self.finish(closer)
        yield from self.finish(_opposite(closer))

    def _segment(self, direction: Direction, flags: Flags, payload: bytes = b"", *, acknowledges: bool = True) -> bytes:
        other = _opposite(direction)
        acknowledged = self._next[other] if acknowledges else 0
        made = segment(self._ends[direction], self._ends[other], self._next[direction], acknowledged, flags, payload)
        self._next[direction] += len(payload) + bool(flags & (Flags.SYN | Flags.FIN))
        return made


def _opposite(direction: Direction) -> Direction:
    return "<" if direction == ">" else ">"


def _end_of(address: str) -> End | None:
    """Return the end that an address such as ``[::1]:5000`` names; None if it is none."""
    port = _port_of(address)
    try:
        # Without the zone of a link-local address, which no packet has.
        host = ipaddress.ip_address(address.rpartition(":")[0].strip("[]").partition("%")[0])
    except ValueError:
        return None
    return End(host, port) if port else None


def _port_of(address: str) -> int:
    """Return the port in an address; 0 if there is none that a packet can have."""
    text = address.rpartition(":")[2]
    port = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    return port if port < 65_536 else 0
