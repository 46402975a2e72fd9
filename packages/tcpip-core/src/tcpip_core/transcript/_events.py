"""What a transcript says, as values: its header, and one class for each kind of event. Pure.

Times are nanoseconds on a clock that never goes back, counted from the header's start.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = [
    "VERSION",
    "Clock",
    "Close",
    "Closer",
    "Data",
    "Direction",
    "Eof",
    "Error",
    "Event",
    "Gap",
    "Header",
    "Mark",
    "Open",
]

VERSION = 1
"""Of the format. A new key or a new kind of event keeps it; a change of meaning raises it."""

Direction: TypeAlias = Literal[">", "<"]
"""``>`` from the client to the device, ``<`` from the device to the client."""

Closer: TypeAlias = Literal["client", "device", "network", "unknown"]
"""Who ended a link. ``network`` is: nobody, one side was not heard any more."""


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a transcript.

    Parameters
    ----------
    start : int
        When it begins, by the clock on the wall (nanoseconds since 1970-01-01 UTC).
    target : str
        What was talked to, as a person wrote it, such as ``dome.example:5000``; ``""`` if not known.
    framing : str
        How messages are told apart, such as ``crlf``; ``""`` if not known. Payloads are as they arrived anyway.
    encoding : str
        Text encoding of payloads that are written as text.
    producer : str
        The program that wrote it.
    version : int
        Of the format.
    """

    start: int
    target: str = ""
    framing: str = ""
    encoding: str = "utf-8"
    producer: str = ""
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Open:
    """A link was made.

    Parameters
    ----------
    time : int
        When (nanoseconds since the start).
    connection : int
        Its number (1 or more).
    client : str
        Address of the client, such as ``127.0.0.1:43210`` or ``[::1]:43210``; ``""`` if not known.
    device : str
        Address of the device.
    continued : bool
        It was made before this transcript begins; `time` is then not when.
    """

    time: int
    connection: int
    client: str = ""
    device: str = ""
    continued: bool = False


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes went over a link, in the piece in which they were sent or received.

    Parameters
    ----------
    time : int
        When (nanoseconds since the start).
    connection : int
        On which link.
    direction : {">", "<"}
        Which way.
    payload : bytes
        The bytes.
    """

    time: int
    connection: int
    direction: Direction
    payload: bytes


@dataclass(frozen=True, slots=True)
class Eof:
    """One side sends no more.

    Parameters
    ----------
    time : int
        When (nanoseconds since the start).
    connection : int
        On which link.
    direction : {">", "<"}
        Which way nothing follows.
    """

    time: int
    connection: int
    direction: Direction


@dataclass(frozen=True, slots=True)
class Close:
    """A link is over.

    Parameters
    ----------
    time : int
        When (nanoseconds since the start).
    connection : int
        Which link.
    reason : str
        Why: a name of `tcpip_core.LossReason`, such as ``FIN`` or ``RST``, or what another producer says.
    by : {"client", "device", "network", "unknown"}
        Who ended it.
    """

    time: int
    connection: int
    reason: str
    by: Closer


@dataclass(frozen=True, slots=True)
class Error:
    """Something went wrong that ended no link, such as an attempt to connect.

    Parameters
    ----------
    time : int
        When (nanoseconds since the start).
    connection : int
        On which link; 0 for none.
    text : str
        What, for a person.
    """

    time: int
    connection: int
    text: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Events are missing from here on, up to the next one that is there.

    Parameters
    ----------
    time : int
        When the first of them happened (nanoseconds since the start).
    events : int
        How many.
    bytes : int
        How many bytes of payload.
    reason : str
        Why they are missing.
    """

    time: int
    events: int
    bytes: int
    reason: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Somebody noted something.

    Parameters
    ----------
    time : int
        When (nanoseconds since the start).
    text : str
        What.
    """

    time: int
    text: str


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock on the wall was set: from here on wall times count from this.

    Parameters
    ----------
    time : int
        When (nanoseconds since the start).
    wall : int
        What it shows (nanoseconds since 1970-01-01 UTC).
    """

    time: int
    wall: int


Event: TypeAlias = Open | Data | Eof | Close | Error | Gap | Mark | Clock
"""Anything that follows the header."""
