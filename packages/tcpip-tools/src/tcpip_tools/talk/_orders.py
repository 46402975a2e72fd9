"""What a line that begins with a colon asks for; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .._options import parse_duration

__all__ = ["ORDERS", "TIMES", "Order", "Repeat", "help_lines", "parse_bytes", "parse_order", "parse_repeat"]

ORDERS: Final[Mapping[str, str]] = {
    ":framing": "NAME: tell messages apart by crlf, lf, cr, nul, hex:0d0a, fixed:16, len:u16be, raw, ...",
    ":hex": "show bytes as digits too, or not",
    ":time": "absolute, relative, delta or off: what stands before a line",
    ":repeat": "1s STATUS: send that every second; off: no more",
    ":bytes": "02 41 0d: send these bytes, and nothing else",
    ":mark": "TEXT: a note of your own",
    ":save": "FILE: write the conversation so far into a new file",
    ":reconnect": "close the link and connect again",
    ":help": "this",
    ":quit": "end, as Ctrl-D does",
}
"""Each order, and what it takes and does."""

TIMES: Final = ("absolute", "relative", "delta", "off")


@dataclass(frozen=True, slots=True)
class Order:
    """An order.

    Parameters
    ----------
    name : str
        One of `ORDERS`, with its colon.
    rest : str
        What stands behind it, without the spaces around.
    """

    name: str
    rest: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """What to send over and over.

    Parameters
    ----------
    interval : float
        From one to the next (seconds).
    text : str
        The message.
    """

    interval: float
    text: str


def parse_order(line: str) -> Order | str:
    """Return the order in a line, or the message that it is.

    Parameters
    ----------
    line : str
        As typed. A message that begins with a colon is typed with two.

    Raises
    ------
    ValueError
        If there is no such order, or it lacks what it needs.
    """
    if not line.startswith(":"):
        return line
    if line.startswith("::"):
        return line[1:]
    name, _, rest = line.partition(" ")
    if name not in ORDERS:
        raise ValueError(f"{name} is no order; there are {' '.join(ORDERS)}; a message with a colon begins with two")
    rest = rest.strip()
    if not rest and ":" in ORDERS[name] and name != ":repeat":
        raise ValueError(f"{name} needs more: {ORDERS[name]}")
    if name == ":time" and rest not in TIMES:
        raise ValueError(f":time needs one of {', '.join(TIMES)}")
    return Order(name, rest)


def parse_bytes(rest: str) -> bytes:
    """Return the bytes that pairs of hexadecimal digits stand for.

    Raises
    ------
    ValueError
        If it is something else.
    """
    try:
        return bytes.fromhex(rest)
    except ValueError:
        raise ValueError(f"{rest!r} is no bytes: each is two digits from 0 to f, as in :bytes 02 41 0d") from None


def parse_repeat(rest: str) -> Repeat | None:
    """Return what is to be repeated; None for ``off``.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if rest == "off":
        return None
    interval, _, text = rest.partition(" ")
    if not text.strip():
        raise ValueError(f":repeat needs more: {ORDERS[':repeat']}")
    return Repeat(parse_duration(interval), text.strip())


def help_lines() -> list[str]:
    """Return a line for each order."""
    return [f"{name:11} {words}" for name, words in ORDERS.items()]
