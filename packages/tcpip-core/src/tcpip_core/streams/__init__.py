"""What one can say over a connection: bytes, text, JSON and structures, a class for each direction.

The classes hold no state. Each finds its connection through the object that it is mixed into.
"""

from ._bytes import ByteReaderMixin, ByteWriterMixin
from ._json import JsonReaderMixin, JsonWriterMixin
from ._struct import StructReaderMixin, StructWriterMixin
from ._text import TextReaderMixin, TextWriterMixin

__all__ = [
    "ByteReaderMixin",
    "ByteWriterMixin",
    "JsonReaderMixin",
    "JsonWriterMixin",
    "StreamReaderMixin",
    "StreamWriterMixin",
    "StructReaderMixin",
    "StructWriterMixin",
    "TextReaderMixin",
    "TextWriterMixin",
]


class StreamReaderMixin(JsonReaderMixin, StructReaderMixin):
    """Read bytes, text, JSON and structures."""


class StreamWriterMixin(JsonWriterMixin, StructWriterMixin):
    """Write bytes, text, JSON and structures."""
