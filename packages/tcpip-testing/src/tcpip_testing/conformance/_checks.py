"""How behaviours are judged, and the few messages and reads that all of them use."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from ._subjects import ByteStream
from ._world import ENDS, World

__all__ = ["LATER", "LINE", "READINGS", "Reading", "check", "must_end", "read_rest", "shown"]

LINE = b"status 12.5 ok\n"
LATER = b"last line\n"

Reading: TypeAlias = Callable[[ByteStream], Awaitable[bytes]]

READINGS: dict[str, Reading] = {
    "readuntil": lambda stream: stream.readuntil(b"\n"),
    "readexactly": lambda stream: stream.readexactly(len(LINE)),
    "read": lambda stream: stream.read(len(LINE)),
}


def check(expected: object, actual: object, what: str) -> None:
    """Fail unless two values are equal."""
    if expected != actual:
        raise AssertionError(f"{what}: {shown(expected)} was expected, not {shown(actual)}")


def shown(value: object) -> str:
    """Show a value, cut to what one reads."""
    text = repr(value)
    size = f" ({len(value)} bytes)" if isinstance(value, bytes) and len(text) > 120 else ""
    return (text[:80] + "..." if len(text) > 120 else text) + size


async def must_end(world: World, operation: Awaitable[bytes | None], what: str) -> bytes | None:
    """Await an operation on a link that is over: it may return, or raise what says so, and nothing else."""
    try:
        return await world.within(operation, what)
    except ENDS:
        return None


async def read_rest(world: World, stream: ByteStream, size: int) -> bytes:
    """Read until so much has come, or the end."""
    data = bytearray()
    with contextlib.suppress(*ENDS):
        while len(data) < size and (chunk := await world.within(stream.read(size - len(data)), "reading")):
            data += chunk
    return bytes(data)
