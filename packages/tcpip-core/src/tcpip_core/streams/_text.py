"""Lines of text, in both directions."""

import asyncio

from .._codec import shown
from .._outgoing import FIXED_COST
from ._bytes import ByteReaderMixin, ByteWriterMixin

__all__ = ["TextReaderMixin", "TextWriterMixin"]


class TextReaderMixin(ByteReaderMixin):
    """Read lines of text."""

    encoding: str
    terminator: bytes

    async def read_str(self) -> str:
        """Read one line: through ``terminator``, which is stripped, decoded strictly as ``encoding``.

        Returns
        -------
        str
            The line, perhaps empty.

        Raises
        ------
        ConnectionError
            If not connected, or the link is lost, or closed on this side, while waiting. Nothing was taken.
        asyncio.IncompleteReadError
            If the peer closed its side first; ``partial`` holds what came of the line.
        asyncio.LimitOverrunError
            If the line is longer than the limit. All of it stays readable, and the next call raises this again; see
            `readuntil`.
        RuntimeError
            If another task is waiting to read.
        UnicodeError
            If the line is not valid in ``encoding``. This line is gone; the link stays up.

        Notes
        -----
        Cancel safe: what arrived stays readable. ``encoding`` and ``terminator`` may change between two reads.
        """
        incoming = self._tcpip_carrier.connection.incoming
        buffer, terminator, encoding = incoming.buffer, self.terminator, self.encoding
        if buffer.lines and buffer.terminator is terminator and buffer.encoding is encoding:
            return buffer.lines.pop()
        if not terminator or not self._tcpip_carrier.reads_plainly:
            data = await self.readuntil(terminator)
            return data[: -len(terminator)].decode(encoding)
        limit, has_waited = incoming.frame_size, False
        try:
            while incoming.is_plain and (has_waited or not incoming.waiter.is_busy):
                if buffer.front or buffer.tail:
                    line = buffer.take_line(terminator, encoding, limit)
                    if line is not None:
                        return line
                await incoming.waiter
                has_waited = True
        except asyncio.LimitOverrunError:
            await incoming.let_others_run()
            raise
        return await incoming.when_there(has_waited, None, buffer.take_line, terminator, encoding, limit)


class TextWriterMixin(ByteWriterMixin):
    """Write lines of text."""

    encoding: str
    terminator: bytes

    async def write_str(self, line: str) -> None:
        """Write one line: encoded strictly as ``encoding``, with ``terminator`` after it.

        Parameters
        ----------
        line : str
            The text, without a terminator. One that is inside it is sent as it is, and the peer sees two lines.

        Raises
        ------
        ConnectionError
            As for `write`.
        UnicodeError
            If ``encoding`` lacks a character. Nothing was written.
        ValueError
            If the line contains the terminator, and ``limits.strict_text`` is set. Nothing was written.

        Notes
        -----
        Cancelling is as for `write`.
        """
        carrier = self._tcpip_carrier
        connection = carrier.connection
        if not connection.alive:
            await connection.refuse("write")
        if type(line) is not str and not isinstance(line, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # Not everybody checks types.
            raise TypeError(f"expected str, got {type(line).__name__}: bytes go through write")
        data, terminator = line.encode(self.encoding), self.terminator
        if not carrier.writes_plainly and carrier.limits.strict_text and terminator in data:
            raise ValueError(
                f"the text contains the terminator {terminator!r}, and would arrive as two lines: {shown(line)}"
            )
        data += terminator
        if not carrier.writes_plainly:
            await self.write(data)
            return
        outgoing = connection.outgoing
        if outgoing.batch and outgoing.room > 0:
            outgoing.batch.append(data)
            outgoing.room -= FIXED_COST + len(data)
        elif not outgoing.hand_over(data):
            await outgoing.settle()
