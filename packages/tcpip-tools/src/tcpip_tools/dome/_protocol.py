r"""What a dome controller and its client say to each other: commands, replies, telemetry, status.

Pure: text and bytes in, values out. No socket, no loop, no clock.

The client sends lines that end in ``\r\n``: ``OPEN``, ``CLOSE``, ``MOVE 120.0``, ``STOP``, ``STATUS``,
``TELEMETRY ON``, ``TELEMETRY OFF``, ``DROP``, and ``heartbeat``, which is not answered. The controller answers each
command with ``OK``, with ``ERROR code text``, or, to ``STATUS``, with ``DATA size`` and a structure of that size.
Lines that begin with ``{`` are telemetry; they come unasked, between two answers.
"""

import ctypes
import enum
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final, Self

__all__ = [
    "OK",
    "Command",
    "CommandError",
    "DomeStatus",
    "ErrorCode",
    "Telemetry",
    "Verb",
    "arc",
    "check_reply",
    "encode_status",
    "format_error",
    "is_telemetry",
    "parse_command",
]

OK: Final = "OK"
"""The reply to a command that was carried out."""


class Verb(enum.StrEnum):
    """The first word of a command."""

    OPEN = "OPEN"
    CLOSE = "CLOSE"
    MOVE = "MOVE"
    STOP = "STOP"
    STATUS = "STATUS"
    TELEMETRY = "TELEMETRY"
    DROP = "DROP"


class ErrorCode(enum.IntEnum):
    """Why a command was refused."""

    UNKNOWN_COMMAND = 1
    BAD_ARGUMENT = 2
    NOT_TEXT = 3


class CommandError(Exception):
    """A command that was refused.

    Parameters
    ----------
    code : int
        One of `ErrorCode`, or a number that a newer controller has.
    text : str
        The reason, for a person.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Command:
    """A command that makes sense.

    Parameters
    ----------
    verb : Verb
        What to do.
    azimuth : float
        Where to, for ``MOVE`` (degrees, 0 <= azimuth < 360).
    on : bool
        For ``TELEMETRY``.
    """

    verb: Verb
    azimuth: float = 0.0
    on: bool = False


def parse_command(line: str) -> Command:
    """Return the command that a line means.

    Parameters
    ----------
    line : str
        One line, its terminator stripped; the case of letters does not matter.

    Raises
    ------
    CommandError
        If it means nothing; the text says what would.
    """
    word, _, argument = line.strip().partition(" ")
    try:
        verb = Verb(word.upper())
    except ValueError:
        raise CommandError(
            ErrorCode.UNKNOWN_COMMAND, f"no command {word[:40]!r}: send one of {', '.join(Verb)}"
        ) from None
    return _PARSERS.get(verb, _parse_bare)(verb, argument.strip())


def _parse_bare(verb: Verb, argument: str) -> Command:
    if argument:
        raise _bad_argument(f"{verb} takes no argument", argument)
    return Command(verb)


def _bad_argument(rule: str, argument: str) -> CommandError:
    came = repr(argument[:40]) if argument else "none"
    return CommandError(ErrorCode.BAD_ARGUMENT, f"{rule}, but {came} came")


def _parse_move(verb: Verb, argument: str) -> Command:
    try:
        azimuth = float(argument)
    except ValueError:
        azimuth = -1.0
    if not 0 <= azimuth < 360:
        raise _bad_argument(f"{verb} takes an azimuth from 0 to below 360 degrees", argument)
    return Command(verb, azimuth=azimuth)


def _parse_telemetry(verb: Verb, argument: str) -> Command:
    if argument.upper() not in {"ON", "OFF"}:
        raise _bad_argument(f"{verb} takes ON or OFF", argument)
    return Command(verb, on=argument.upper() == "ON")


_PARSERS: Final[dict[Verb, Callable[[Verb, str], Command]]] = {
    Verb.MOVE: _parse_move,
    Verb.TELEMETRY: _parse_telemetry,
}


def format_error(error: CommandError) -> str:
    """Return the reply that refuses a command."""
    return f"ERROR {error.code:d} {error}"


def check_reply(line: str) -> str:
    """Return a reply as it is, unless it is a refusal.

    Raises
    ------
    CommandError
        If it is ``ERROR code text``.
    """
    word, _, rest = line.partition(" ")
    if word != "ERROR":
        return line
    code, _, text = rest.partition(" ")
    raise CommandError(int(code) if code.isdecimal() else 0, text)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What the controller tells unasked.

    Parameters
    ----------
    azimuth : float
        Where the dome points (degrees).
    target : float
        Where it is to point (degrees).
    moving : bool
        Whether it turns.
    shutter_open : bool
        Whether light comes in.
    """

    azimuth: float
    target: float
    moving: bool
    shutter_open: bool

    def to_json(self) -> dict[str, float | bool]:
        """Return what is sent."""
        return asdict(self) | {"azimuth": round(self.azimuth, 2)}

    @classmethod
    def from_line(cls, line: str) -> Self:
        """Return what a line says.

        Raises
        ------
        ValueError
            If it is not JSON, or not telemetry.
        """
        try:
            return cls(**json.loads(line))
        except TypeError as e:
            raise ValueError(f"not the telemetry of a dome: {line!r}") from e


def is_telemetry(line: str) -> bool:
    """Tell telemetry from a reply."""
    return line.startswith("{")


class DomeStatus(ctypes.LittleEndianStructure):
    """The status as it travels: 40 bytes, little-endian.

    The fields are sorted by size, so that there is no padding on any platform.
    """

    azimuth: float
    target: float
    uptime: float
    commands: int
    refusals: int
    heartbeats: int
    layout: int
    moving: int
    shutter_open: int

    _fields_ = (
        ("azimuth", ctypes.c_double),
        ("target", ctypes.c_double),
        ("uptime", ctypes.c_double),
        ("commands", ctypes.c_uint32),
        ("refusals", ctypes.c_uint32),
        ("heartbeats", ctypes.c_uint32),
        ("layout", ctypes.c_uint16),
        ("moving", ctypes.c_uint8),
        ("shutter_open", ctypes.c_uint8),
    )


def encode_status(status: DomeStatus) -> bytes:
    """Return the answer to ``STATUS``: a line with the size, and the structure."""
    return f"DATA {ctypes.sizeof(status)}\r\n".encode() + bytes(status)


def arc(start: float, end: float) -> float:
    """Return the shorter way from one azimuth to another (degrees, -180 <= arc < 180; negative is westward)."""
    return (end - start + 180) % 360 - 180
