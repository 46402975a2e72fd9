"""ctypes structures, in both directions."""

import ctypes
import os

from .._codec import structure_size, structures_to_bytes
from .._framing import StructureT
from ._bytes import ByteReaderMixin, ByteWriterMixin

__all__ = ["StructReaderMixin", "StructWriterMixin"]


class StructReaderMixin(ByteReaderMixin):
    """Read structures."""

    async def read_into(self, struct: StructureT) -> StructureT:
        """Fill a structure with the next bytes.

        Parameters
        ----------
        struct : ctypes.Structure
            What to fill, all ``ctypes.sizeof(struct)`` bytes of it. Layout and byte order are what its class says:
            set ``_pack_`` and derive from `ctypes.LittleEndianStructure` or its counterpart for a fixed protocol.

        Returns
        -------
        ctypes.Structure
            The same object.

        Raises
        ------
        ConnectionError
            If not connected, or the link is lost, or closed on this side, while waiting. Nothing was taken.
        asyncio.IncompleteReadError
            If the peer closed its side first; ``partial`` holds what came. The structure is as it was.
        RuntimeError
            If another task is waiting to read.
        TypeError
            If it is not a structure, or holds pointers: the peer would choose addresses in this process.

        Notes
        -----
        Cancel safe: what arrived stays readable, and the structure is as it was.
        """
        connection = self._tcpip_carrier.connection
        incoming, buffer = connection.incoming, connection.incoming.buffer
        if buffer.kind is type(struct) and (got := buffer.structures.readinto(struct)):
            if got == buffer.size:
                return struct
            buffer.structures.seek(-got, os.SEEK_CUR)  # One that was made larger: `ctypes.resize`.
        if not connection.alive:
            await connection.refuse("read")
        size = structure_size(struct)
        if not self._tcpip_carrier.reads_plainly:
            ctypes.memmove(ctypes.addressof(struct), await self.readexactly(size), size)
            return struct
        has_waited = False
        while incoming.is_plain and (has_waited or not incoming.waiter.is_busy):
            if (buffer.front or buffer.tail or not size) and buffer.fill(struct, size) is not None:
                return struct
            await incoming.waiter
            has_waited = True
        return await incoming.when_there(has_waited, size, buffer.fill, struct, size)


class StructWriterMixin(ByteWriterMixin):
    """Write structures."""

    async def write_from(self, *structs: ctypes.Structure) -> None:
        """Write structures one after the other, as one write.

        Parameters
        ----------
        *structs : ctypes.Structure
            What to send, such as a header and its payload.

        Raises
        ------
        ConnectionError
            As for `write`.
        TypeError
            If one is not a structure, or holds pointers. Nothing was written.

        Notes
        -----
        Cancelling is as for `write`. Other tasks' writes cannot come in between.
        """
        carrier = self._tcpip_carrier
        connection = carrier.connection
        if not connection.alive:
            await connection.refuse("write")
        data = structures_to_bytes(structs)
        if not carrier.writes_plainly:
            await self.write(data)
        elif not connection.outgoing.hand_over(data):
            await connection.outgoing.settle()
