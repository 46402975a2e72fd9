"""The kernel's table of TCP sockets: on Linux by ``sock_diag``, as ``ss`` reads it; empty elsewhere.

Nothing is sent to anybody, and no rights are needed.
"""

import ipaddress
import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = [
    "CLOSE_WAIT",
    "ESTABLISHED",
    "LISTEN",
    "Socket",
    "is_own_address",
    "is_supported",
    "round_trip_of",
    "tcp_sockets",
]

CLOSE_WAIT: Final = "CLOSE_WAIT"
ESTABLISHED: Final = "ESTABLISHED"
LISTEN: Final = "LISTEN"

# Those that a program may still work with, by their numbers in the kernel (linux/net/tcp_states.h); only they are asked
# for: the remains of closed connections may be tens of thousands.
_STATES: Final = {1: ESTABLISHED, 8: CLOSE_WAIT, 10: LISTEN}
_WANTED: Final = sum(1 << number for number in _STATES)

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h
_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, _NLM_F_DUMP = 4, 20, 0x1, 0x300
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_INET_DIAG_INFO = 2
_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBBI48x")
_MESSAGE = struct.Struct("=BBBB 2s2s 16s16s I 8x IIIII")
_ATTRIBUTE = struct.Struct("=HH")
# struct tcp_info: milliseconds since data were last sent, and since they last came; round-trip time (microseconds).
_LAST_SENT_WORD, _LAST_RECEIVED_WORD, _RTT_WORD = 11, 13, 17
_TIMEOUT: Final = 2.0
"""Bound of the kernel's answer, which takes a few milliseconds (seconds)."""


@dataclass(frozen=True, slots=True)
class Socket:
    """One TCP socket of this host.

    Parameters
    ----------
    state : {"ESTABLISHED", "CLOSE_WAIT", "LISTEN"}
        Others are not told.
    local, remote : tuple of str and int
        The two ends; IPv4 addresses are written as such, also where the socket is one of IPv6.
    received : int
        Bytes that the program has not read; of a listener connections that it has not accepted.
    sent : int
        Bytes that the peer has not acknowledged; of a listener how many connections may wait.
    uid : int
        The user that made it.
    inode : int
        The kernel's number of it; 0 where no program has it, because none has accepted it yet, or all have closed it.
    sent_ago, received_ago : float or None
        Since data last went and came; since the connection was made where none did (seconds).
    round_trip : float or None
        What the kernel measured, smoothed (seconds).
    """

    state: str
    local: tuple[str, int]
    remote: tuple[str, int]
    received: int
    sent: int
    uid: int
    inode: int
    sent_ago: float | None = None
    received_ago: float | None = None
    round_trip: float | None = None


def is_supported() -> bool:
    """Return whether this platform tells."""
    return sys.platform == "linux"


def tcp_sockets(port: int) -> list[Socket]:
    """Return the sockets that have a port, at whichever end, and that were not closed on their side.

    Parameters
    ----------
    port : int
        The port.

    Returns
    -------
    list of Socket
        IPv4 first; empty where the platform does not tell.

    Raises
    ------
    OSError
        If the kernel refuses, as some containers make it.
    """
    if sys.platform != "linux":
        return []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(_TIMEOUT)
        return [
            found
            for family in (socket.AF_INET, socket.AF_INET6)
            for found in _dump(kernel, family)
            if port in (found.local[1], found.remote[1])
        ]


def _dump(kernel: socket.socket, family: int) -> Iterator[Socket]:
    request = _REQUEST.pack(family, socket.IPPROTO_TCP, 1 << (_INET_DIAG_INFO - 1), 0, _WANTED)
    flags = _NLM_F_REQUEST | _NLM_F_DUMP
    kernel.send(_HEADER.pack(_HEADER.size + len(request), _SOCK_DIAG_BY_FAMILY, flags, 1, 0) + request)
    while True:
        data = kernel.recv(1 << 18)
        start = 0
        while start < len(data):
            length, kind, *_ = _HEADER.unpack_from(data, start)
            if kind == _NLMSG_DONE:
                return
            if kind == _NLMSG_ERROR:
                number = -struct.unpack_from("=i", data, start + _HEADER.size)[0]
                raise OSError(number, "the kernel does not show its table of sockets")
            yield _parse(data[start + _HEADER.size : start + length])
            start += (length + 3) & ~3


def _parse(message: bytes) -> Socket:
    """Return the socket that a ``struct inet_diag_msg`` and its attributes describe."""
    family, state, _, _, sport, dport, src, dst, _, _, received, sent, uid, inode = _MESSAGE.unpack_from(message)
    words = _tcp_info(message[_MESSAGE.size :])
    ages = {}
    if words and state != 10:
        ages = {
            "sent_ago": words[_LAST_SENT_WORD] / 1000,
            "received_ago": words[_LAST_RECEIVED_WORD] / 1000,
            "round_trip": words[_RTT_WORD] / 1e6,
        }
    if _STATES[state] == CLOSE_WAIT:
        received = max(0, received - 1)  # The kernel counts the FIN as a byte, until the program has read it.
    return Socket(
        _STATES[state],
        (_ip(family, src), int.from_bytes(sport, "big")),
        (_ip(family, dst), int.from_bytes(dport, "big")),
        received,
        sent,
        uid,
        inode,
        **ages,
    )


def _tcp_info(attributes: bytes) -> tuple[int, ...]:
    """Return the words of the ``struct tcp_info`` among some attributes, none if it is not there."""
    start = 0
    while start + _ATTRIBUTE.size <= len(attributes):
        length, kind = _ATTRIBUTE.unpack_from(attributes, start)
        if length < _ATTRIBUTE.size:
            break
        info = attributes[start + _ATTRIBUTE.size : start + length]
        count = _RTT_WORD + 1
        if kind == _INET_DIAG_INFO and len(info) >= 4 * count:
            return struct.unpack_from(f"={count}I", info)
        start += (length + 3) & ~3
    return ()


def _ip(family: int, raw: bytes) -> str:
    if family == socket.AF_INET:
        return str(ipaddress.IPv4Address(raw[:4]))
    address = ipaddress.IPv6Address(raw)
    return str(address.ipv4_mapped or address)


def round_trip_of(sock: socket.socket) -> float | None:
    """Return how long the way there and back takes, as the kernel measured it (seconds); None if it does not tell."""
    if sys.platform == "linux":
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 4 * (_RTT_WORD + 1))
        if len(info) == 4 * (_RTT_WORD + 1):
            return float(struct.unpack_from("=I", info, 4 * _RTT_WORD)[0]) / 1e6 or None
    return None


def is_own_address(ip: str) -> bool:
    """Return whether an address is one of this host's; nothing is sent to find out.

    Parameters
    ----------
    ip : str
        An address, not a name.
    """
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as trial:
        try:
            trial.bind((ip.partition("%")[0], 0))
        except OSError:
            return False
    return True
