"""A transcript as what a device does: steps, link by link; pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from tcpip_core.transcript import Close, Eof, Event, Gap
from tcpip_testing.framing import Framing

from ..logs._messages import Item, Message, messages_in

__all__ = ["End", "Finish", "Request", "Say", "Script", "Step", "TooMuch", "scripts_of"]

_MOST: Final = 256 * 1024 * 1024
"""How much a transcript may hold to be served (bytes)."""
_OVERHEAD: Final = 300
"""What a step takes beside its payload, rounded up (bytes)."""


class TooMuch(Exception):  # noqa: N818  # it is no mistake of anybody
    """A transcript is too large to be served."""


@dataclass(frozen=True, slots=True)
class Request:
    """The client says something.

    Parameters
    ----------
    payload : bytes
        The message.
    frame : bytes
        The same as it goes over the link.
    """

    payload: bytes
    frame: bytes


@dataclass(frozen=True, slots=True)
class Say:
    """The device says something.

    Parameters
    ----------
    delay : float
        How long after the step before it (seconds).
    payload : bytes
        The bytes.
    """

    delay: float
    payload: bytes


@dataclass(frozen=True, slots=True)
class Finish:
    """The device says nothing more, but listens; `delay` as for `Say`."""

    delay: float


@dataclass(frozen=True, slots=True)
class End:
    """The device ends the link; `delay` as for `Say`."""

    delay: float
    is_reset: bool


Step: TypeAlias = Request | Say | Finish | End


@dataclass(slots=True)
class Script:
    """One link.

    Parameters
    ----------
    number : int
        As in the transcript.
    steps : list of Step
        In their order.
    """

    number: int
    steps: list[Step] = field(default_factory=list[Step])


def scripts_of(events: Iterable[Event], framing: Framing) -> tuple[list[Script], int]:
    """Return the links of a transcript, and how many events of it are missing.

    Parameters
    ----------
    events : iterable of Event
        Of the transcript.
    framing : Framing
        How requests are told apart.

    Raises
    ------
    TooMuch
        If they would fill the memory.
    """
    scripts: dict[int, Script] = {}
    moments: dict[int, int] = {}
    ended: set[int] = set()
    size = missing = 0
    for item in messages_in(events, {">": framing, "<": None}):
        if isinstance(item, Gap):
            missing += item.events
        number = getattr(item, "connection", 0)
        if not number:
            continue
        script = scripts.setdefault(number, Script(number))
        delay = max(0, item.time - moments.get(number, item.time)) / 1e9
        moments[number] = item.time
        size += _OVERHEAD + (len(item.payload) if isinstance(item, Message) else 0)
        if size > _MOST:
            raise TooMuch(f"it has more than {_MOST // 2**20} MiB")
        if isinstance(item, Eof) and item.direction == ">":
            ended.add(number)
        if (step := _step(item, delay, framing, follows=number in ended)) is not None:
            script.steps.append(step)
    return list(scripts.values()), missing


def _step(item: Item, delay: float, framing: Framing, *, follows: bool) -> Step | None:
    """Return what a mock has to do or to wait for; `follows` says that the client has ended its half."""
    match item:
        case Message(direction=">"):
            return Request(item.payload, item.payload if item.remark else framing.encode(item.payload))
        case Message():
            return Say(delay, item.payload)
        case Close(by="device", reason="RST"):
            return End(delay, is_reset=True)
        # An end with which the device followed its client is no step: a mock follows its own.
        case Eof(direction="<") if not follows:
            return Finish(delay)
        case Close(by="device") if not follows:
            return End(delay, is_reset=False)
        case _:
            return None
