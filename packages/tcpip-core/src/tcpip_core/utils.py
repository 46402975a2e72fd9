"""The contract's helpers for plain asyncio streams, for programs that open their own.

They work on any `asyncio.StreamReader` and `asyncio.StreamWriter`, those of our clients and servers included.
"""

import asyncio
import contextlib
import ctypes

from ._codec import checked_structure, structures_to_bytes
from ._framing import StructureT
from ._limits import Keepalive, Limits
from .constants import KEEPALIVE_INTERVAL, KEEPALIVE_PROBES, KEEPALIVE_TIME, KEEPALIVE_USER_TIMEOUT

__all__ = [
    "KEEPALIVE_INTERVAL",
    "KEEPALIVE_PROBES",
    "KEEPALIVE_TIME",
    "KEEPALIVE_USER_TIMEOUT",
    "close_stream_writer",
    "read_into",
    "set_socket_options",
    "write_from",
]


async def close_stream_writer(writer: asyncio.StreamWriter) -> None:
    """Close a stream and return once its socket is gone, within 2 s.

    Parameters
    ----------
    writer : asyncio.StreamWriter
        The stream; closing one that is closed, or whose link is lost, is harmless.

    Notes
    -----
    What was written is flushed for as long as the bound allows; then the link is cut. If this is cancelled the link
    is cut at once.
    """
    if not writer.is_closing():
        writer.close()
    try:
        # wait_closed raises the error that ended the link, and has no bound of its own (gh-83939). If it were
        # cancelled, so would be the future that every later one waits for.
        async with asyncio.timeout(Limits().close_timeout):
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await asyncio.shield(writer.wait_closed())
    except TimeoutError:
        writer.transport.abort()
    except asyncio.CancelledError:
        writer.transport.abort()
        raise


async def read_into(reader: asyncio.StreamReader, struct: StructureT) -> StructureT:
    """Fill a structure with the next bytes of a stream.

    Parameters
    ----------
    reader : asyncio.StreamReader
        Where the bytes come from.
    struct : ctypes.Structure
        What to fill, all of it.

    Returns
    -------
    ctypes.Structure
        The same object.

    Raises
    ------
    ConnectionError
        If the link is lost while reading.
    asyncio.IncompleteReadError
        If the peer closed its side first; ``partial`` holds what came. The structure is as it was.
    TypeError
        If it is not a structure, or holds pointers.

    Notes
    -----
    Cancel safe: what arrived stays readable.
    """
    size = ctypes.sizeof(checked_structure(struct))
    ctypes.memmove(ctypes.addressof(struct), await reader.readexactly(size), size)
    return struct


async def write_from(writer: asyncio.StreamWriter, *structs: ctypes.Structure) -> None:
    """Write structures to a stream as one write, and drain.

    Parameters
    ----------
    writer : asyncio.StreamWriter
        Where they go.
    *structs : ctypes.Structure
        What to send.

    Raises
    ------
    ConnectionError
        If the link is lost, or was closed on this side.
    TypeError
        If one is not a structure, or holds pointers. Nothing was written.

    Notes
    -----
    A cancellation may come after the data were handed over.
    """
    data = structures_to_bytes(structs)
    if writer.is_closing():
        raise ConnectionError("cannot write: the stream is closed")
    writer.write(data)
    await writer.drain()


async def set_socket_options(writer: asyncio.StreamWriter) -> None:
    """Turn on keepalive on a stream's socket, with the figures of ``KEEPALIVE_*``.

    Parameters
    ----------
    writer : asyncio.StreamWriter
        The stream. One that is not TCP, or has no socket any more, is left as it is.

    Raises
    ------
    OSError
        If the kernel refuses a value.
    """
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        Keepalive().apply(sock)
