"""Messages, by how they are told apart."""

import ctypes
from typing import NamedTuple

from hypothesis import strategies as st

from ..framing import FixedSize, Framing, LengthPrefixed, Structured, parse_framing
from ._structures import structures

__all__ = ["Frame", "frames"]


class Frame(NamedTuple):
    """A message, and what is sent for it.

    Parameters
    ----------
    message : bytes
        The message.
    wire : bytes
        The same in its frame.
    """

    message: bytes
    wire: bytes


def frames(framing: str | Framing, *, max_size: int = 64) -> st.SearchStrategy[Frame]:
    """Draw messages that a framing can carry.

    Parameters
    ----------
    framing : str or Framing
        How messages are told apart, such as ``"crlf"``, ``"len:u16be"``, or ``"struct:>HHf"``; see
        `tcpip_testing.framing.FRAMINGS`.
    max_size : int
        How long a message is at most (bytes, 0 or more), where the framing does not say it.

    Returns
    -------
    SearchStrategy
        Of messages and their frames; ``"struct:"`` with a class has sensible values in its fields.

    Raises
    ------
    TypeError
        If the structure of a ``"struct:"`` framing holds pointers.
    ValueError
        If the framing is unknown, or `max_size` is negative.
    """
    if max_size < 0:
        raise ValueError(f"max_size must be 0 bytes or more, not {max_size!r}")
    known = parse_framing(framing)
    return _messages(known, max_size).map(lambda message: Frame(message, known.encode(message)))


def _messages(framing: Framing, max_size: int) -> st.SearchStrategy[bytes]:
    match framing:
        case Structured(layout=type() as layout):
            structure: type[ctypes.Structure] = layout
            return structures(structure).map(bytes)
        case FixedSize(size=size):
            return st.binary(min_size=size, max_size=size)
        case LengthPrefixed(form="u8"):
            return st.binary(max_size=min(max_size, 255))
        case _:
            return st.binary(max_size=max_size).filter(lambda message: _fits(framing, message))


def _fits(framing: Framing, message: bytes) -> bool:
    try:
        framing.encode(message)
    except ValueError:
        return False
    return True
