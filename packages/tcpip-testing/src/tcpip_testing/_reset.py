"""End a stream with RST, whatever is below it."""

import asyncio
import socket
import struct
import sys

from ._memory import MemoryTransport

__all__ = ["reset_stream"]


def reset_stream(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST, as a device does that loses its power and comes back.

    Parameters
    ----------
    writer : asyncio.StreamWriter
        The stream: of a TCP socket, in a simulation, or of a pair. One that is closed already is left as it is.

    Raises
    ------
    TypeError
        If it is no stream.

    Notes
    -----
    This side is closed a turn of the event loop later. The other side meets `ConnectionResetError`; data that are
    still on their way are lost.
    """
    transport: asyncio.WriteTransport | None = getattr(writer, "transport", None)
    if transport is None:
        raise TypeError(f"a stream to reset is an asyncio.StreamWriter, not {writer!r}")
    if isinstance(transport, MemoryTransport):
        transport.reset()
    elif not transport.is_closing():
        sock: socket.socket = writer.get_extra_info("socket")
        # Windows keeps this in two shorts.
        sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
        )
        transport.abort()
