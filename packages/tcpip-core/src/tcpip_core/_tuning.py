"""How messages are handed over, where speed and habits part: `Tuning`.

Pure data: no loop, no logging.
"""

from dataclasses import dataclass

from ._json_text import JsonCodec

__all__ = ["Tuning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What to trade for speed. Give one to any client or server as ``tuning=``.

    Parameters
    ----------
    batch_writes : bool
        Send small writes of one turn of the event loop together, at its end: many short messages then cost a fraction.
        A write returns before its data reached the kernel, so code that writes and then blocks the thread is not
        heard while it blocks. Order, `close`, bounds and errors are the same.
    wake_at_once : bool
        Let a task that waits to read go on within the event in which its data arrive. False lets it go on in the
        next turn of the event loop, as asyncio does, which takes longer; for code that relies on that order.
    json_codec : JsonCodec or None
        What ``read_json`` and ``write_json`` use, such as `MsgspecCodec`. None is the standard library.

    Raises
    ------
    ValueError
        If a switch is no bool.
    TypeError
        If `json_codec` has no methods ``encode`` and ``decode``.
    """

    batch_writes: bool = False
    wake_at_once: bool = True
    json_codec: JsonCodec | None = None

    def __post_init__(self) -> None:
        for name in ("batch_writes", "wake_at_once"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"Tuning.{name} must be True or False, not {getattr(self, name)!r}")
        methods = (getattr(self.json_codec, name, None) for name in ("encode", "decode"))
        if self.json_codec is not None and not all(map(callable, methods)):
            raise TypeError(f"Tuning.json_codec must have methods encode and decode; {self.json_codec!r} has not")
