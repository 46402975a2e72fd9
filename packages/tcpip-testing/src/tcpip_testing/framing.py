"""How messages are told apart in a stream of bytes: one vocabulary for all tools, pure, no I/O.

A framing is named by a short text, such as ``crlf`` or ``len:u16be``; `parse_framing` reads it. `Framing.encode` puts
one message into a stream, and a `Decoder` takes messages out of one, wherever the stream is cut.
"""

import abc
import ctypes
import importlib
import struct
from typing import Final

from ._decoders import Decoder, FixedSizeDecoder, LengthPrefixedDecoder, RawDecoder, TerminatedDecoder

__all__ = [
    "DEFAULT_MAX_FRAME",
    "FRAMINGS",
    "Decoder",
    "FixedSize",
    "Framing",
    "LengthPrefixed",
    "Raw",
    "Structured",
    "Terminated",
    "parse_framing",
]

DEFAULT_MAX_FRAME: Final = 16 * 1024 * 1024
"""How long a message may be, unless said otherwise (bytes)."""

_TERMINATORS: Final = {"crlf": b"\r\n", "lf": b"\n", "cr": b"\r", "nul": b"\0"}
_LENGTHS: Final = {"u8": ">B", "u16be": ">H", "u16le": "<H", "u32be": ">I", "u32le": "<I"}

FRAMINGS: Final[tuple[str, ...]] = (
    *_TERMINATORS,
    "hex:0d0a",
    "fixed:16",
    *(f"len:{name}" for name in _LENGTHS),
    "struct:>HHf",
    "struct:package.module:Class",
    "raw",
)
"""What `parse_framing` takes; those with a parameter are examples. For help texts and error messages."""


class Framing(abc.ABC):
    """How messages are told apart in a stream of bytes.

    ``str`` gives the name that `parse_framing` reads. Two framings of the same name are equal.
    """

    @abc.abstractmethod
    def __str__(self) -> str: ...

    def __repr__(self) -> str:
        return f"<framing {self}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Framing) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def encode(self, message: bytes) -> bytes:
        """Return what is sent for one message.

        Parameters
        ----------
        message : bytes
            The message, without what frames it; it may be empty where the framing can say so.

        Returns
        -------
        bytes
            The frame.

        Raises
        ------
        ValueError
            If this framing cannot carry the message: it has another size than all have, is too long for the length
            in front of it, or contains the terminator and so would arrive as several. Nothing is padded or cut.
        """
        return self._frame(message)

    def decoder(self, max_frame: int = DEFAULT_MAX_FRAME) -> Decoder:
        """Return a decoder at the start of a stream.

        Parameters
        ----------
        max_frame : int
            How long a message may be, what frames it not counted (bytes). What a peer announces is not believed
            beyond that.

        Returns
        -------
        Decoder
            A new one, with nothing in it.

        Raises
        ------
        ValueError
            If `max_frame` is below 1, or below the size that all messages have.
        """
        return self._decoder(max_frame)

    @abc.abstractmethod
    def _frame(self, message: bytes) -> bytes: ...

    @abc.abstractmethod
    def _decoder(self, max_frame: int) -> Decoder: ...


class Terminated(Framing):
    r"""Each message ends with the same bytes: ``crlf``, ``lf``, ``cr``, ``nul``, ``hex:0d0a``.

    Parameters
    ----------
    terminator : bytes
        What ends a message (one byte or more), such as ``b"\r\n"``.

    Raises
    ------
    ValueError
        If the terminator is empty.
    """

    def __init__(self, terminator: bytes) -> None:
        if not terminator:
            raise ValueError("the terminator must have one byte or more")
        self.terminator: bytes = terminator

    def __str__(self) -> str:
        names = {value: name for name, value in _TERMINATORS.items()}
        return names.get(self.terminator, f"hex:{self.terminator.hex()}")

    def _frame(self, message: bytes) -> bytes:
        frame = message + self.terminator
        if frame.find(self.terminator) != len(message):
            raise ValueError(f"the message {message!r} cannot be sent in framing {self}: it would arrive as several")
        return frame

    def _decoder(self, max_frame: int) -> Decoder:
        return TerminatedDecoder(self.terminator, max_frame)


class LengthPrefixed(Framing):
    """In front of each message stands how long it is: ``len:u8``, ``len:u16be``, ``len:u32le`` and so on.

    Parameters
    ----------
    form : str
        ``"u8"``, ``"u16be"``, ``"u16le"``, ``"u32be"`` or ``"u32le"``: an unsigned integer of 8, 16 or 32 bits, its
        most significant byte first (``be``) or last (``le``). It counts the bytes that follow it.

    Raises
    ------
    ValueError
        If `form` is another one.
    """

    def __init__(self, form: str) -> None:
        if form not in _LENGTHS:
            raise ValueError(f"a length is one of {', '.join(_LENGTHS)}, not {form!r}")
        self.form: str = form
        self._length = struct.Struct(_LENGTHS[form])

    def __str__(self) -> str:
        return f"len:{self.form}"

    def _frame(self, message: bytes) -> bytes:
        most = 256**self._length.size - 1
        if len(message) > most:
            raise ValueError(f"a message of {len(message)} bytes cannot be sent in framing {self}: {most} at most")
        return self._length.pack(len(message)) + message

    def _decoder(self, max_frame: int) -> Decoder:
        return LengthPrefixedDecoder(self._length, max_frame)


class FixedSize(Framing):
    """All messages have the same size: ``fixed:16``.

    Parameters
    ----------
    size : int
        That size (bytes, 1 or more).

    Raises
    ------
    ValueError
        If the size is below 1.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"a message must have 1 byte or more, not {size!r}")
        self.size: int = size

    def __str__(self) -> str:
        return f"fixed:{self.size}"

    def _frame(self, message: bytes) -> bytes:
        if len(message) != self.size:
            raise ValueError(f"in framing {self} each message has {self.size} bytes, not {len(message)}: {message!r}")
        return message

    def _decoder(self, max_frame: int) -> Decoder:
        return FixedSizeDecoder(self.size, max_frame)


class Structured(FixedSize):
    """All messages are one structure: ``struct:>HHf``, ``struct:package.module:Class``.

    Parameters
    ----------
    layout : str or type
        A format of the module `struct`, or a subclass of `ctypes.Structure`.

    Raises
    ------
    ValueError
        If the format is none, or the structure has no size.
    """

    def __init__(self, layout: str | type[ctypes.Structure]) -> None:
        self.layout: str | type[ctypes.Structure] = layout
        try:
            super().__init__(struct.calcsize(layout) if isinstance(layout, str) else ctypes.sizeof(layout))
        except struct.error as e:
            raise ValueError(f"{layout!r} is no format of the module struct: {e}") from e

    def __str__(self) -> str:
        layout = self.layout
        return f"struct:{layout}" if isinstance(layout, str) else f"struct:{layout.__module__}:{layout.__qualname__}"


class Raw(Framing):
    """No messages, only bytes: ``raw``. The decoder returns what arrives as it arrives, in whatever pieces."""

    def __str__(self) -> str:
        return "raw"

    def _frame(self, message: bytes) -> bytes:
        return message

    def _decoder(self, max_frame: int) -> Decoder:
        return RawDecoder(max_frame)


def parse_framing(name: "str | Framing") -> Framing:
    """Return the framing of a name.

    Parameters
    ----------
    name : str or Framing
        One of `FRAMINGS`, with a parameter of your own where there is one; a framing is returned as it is.
        ``struct:package.module:Class`` imports that module, so take names only from people who may run code.

    Returns
    -------
    Framing
        The framing.

    Raises
    ------
    ValueError
        If the name is unknown, or its parameter is wrong. The text lists what is allowed.
    """
    if isinstance(name, Framing):
        return name
    try:
        return _parse(name)
    except ValueError as e:
        raise ValueError(f"unknown framing {name!r}: {e}; allowed are {', '.join(FRAMINGS)}") from e


def _parse(name: str) -> Framing:
    kind, colon, parameter = name.partition(":")
    if name in _TERMINATORS:
        return Terminated(_TERMINATORS[name])
    if name == "raw":
        return Raw()
    if not colon:
        raise ValueError("there is none of that name")
    match kind:
        case "hex":
            return Terminated(_from_digits(parameter))
        case "fixed":
            return FixedSize(int(parameter))
        case "len":
            return LengthPrefixed(parameter)
        case "struct":
            return Structured(_imported(parameter) if ":" in parameter else parameter)
        case _:
            raise ValueError("there is none of that kind")


def _from_digits(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"{text!r} is no bytes: each is two digits from 0 to f, as in hex:0d0a") from None


def _imported(path: str) -> type[ctypes.Structure]:
    """Return the structure that ``package.module:Class`` names."""
    module, _, names = path.partition(":")
    try:
        found: object = importlib.import_module(module)
        for name in names.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError, TypeError) as e:
        raise ValueError(f"{path} cannot be imported ({e})") from e
    if not (isinstance(found, type) and issubclass(found, ctypes.Structure)):
        raise ValueError(f"{path} is no ctypes.Structure")
    return found
