"""JSON, one value a line, in both directions."""

from typing import Any

from .._json_text import decode_json, encode_json
from ._text import TextReaderMixin, TextWriterMixin

__all__ = ["JsonReaderMixin", "JsonWriterMixin"]


class JsonReaderMixin(TextReaderMixin):
    """Read JSON."""

    async def read_json(self) -> Any:
        """Read one line and return the value that it holds.

        Returns
        -------
        object
            What the JSON text says: a dict, list, str, int, float, bool or None. ``NaN`` and ``Infinity`` are read
            as floats; of a key that stands twice the last one counts.

        Raises
        ------
        ConnectionError
            If not connected, or the link is lost, or closed on this side, while waiting. Nothing was taken.
        asyncio.IncompleteReadError
            If the peer closed its side first; ``partial`` holds what came of the line.
        asyncio.LimitOverrunError
            If the line is longer than the limit. All of it stays readable, and the next call raises this again; see
            `readuntil`.
        json.JSONDecodeError
            If the line is not JSON, or nested too deep; its text shows the line. This line is gone; the link stays up.
        RuntimeError
            If another task is waiting to read.
        UnicodeError
            If the line is not valid in ``encoding``. This line is gone; the link stays up.

        Notes
        -----
        Cancel safe: what arrived stays readable.
        """
        return decode_json(await self.read_str(), self._tcpip_carrier.json_codec)


class JsonWriterMixin(TextWriterMixin):
    """Write JSON."""

    async def write_json(self, data: Any) -> None:
        """Write a value as JSON, on one line.

        Parameters
        ----------
        data : object
            Anything that the standard library's `json` can express, usually a dict. NaN is written as ``NaN``.

        Raises
        ------
        ConnectionError
            As for `write`.
        JSONEncodeError
            If JSON cannot express it, or it contains itself. It is a `TypeError` and a `ValueError`. Nothing was
            written.
        UnicodeError
            If ``encoding`` lacks a character. Nothing was written.

        Notes
        -----
        Cancelling is as for `write`.
        """
        carrier = self._tcpip_carrier
        if not carrier.connection.alive:
            await carrier.connection.refuse("write")
        await self.write_str(encode_json(data, carrier.json_codec))
