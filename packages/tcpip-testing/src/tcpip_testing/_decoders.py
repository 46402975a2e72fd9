"""Take messages out of a stream that arrives in pieces; pure."""

import abc
import struct

__all__ = ["Decoder", "FixedSizeDecoder", "LengthPrefixedDecoder", "RawDecoder", "TerminatedDecoder"]


class Decoder(abc.ABC):
    """Takes messages out of a stream that arrives in pieces; made by `Framing.decoder`.

    Parameters
    ----------
    max_frame : int
        How long a message may be (bytes).
    """

    def __init__(self, max_frame: int) -> None:
        if max_frame < 1:
            raise ValueError(f"max_frame must be 1 byte or more, not {max_frame!r}")
        self._max_frame = max_frame
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take in the next piece of the stream.

        Parameters
        ----------
        data : bytes
            The piece, of any size.

        Returns
        -------
        list of bytes
            The messages that it completes, without what frames them; often none.

        Raises
        ------
        ValueError
            If a message is longer than the decoder's ``max_frame``. Messages that the same piece completes before it
            are returned first, and the next call raises. From then on each call raises: what follows such a message
            cannot be told apart.
        """
        self._buffer += data
        messages: list[bytes] = []
        try:
            while (message := self._take()) is not None:
                messages.append(message)
        except ValueError:
            if not messages:
                raise
        return messages

    @property
    def pending(self) -> bytes:
        """What has arrived and is no whole message yet, with what frames it."""
        return bytes(self._buffer)

    @abc.abstractmethod
    def _take(self) -> bytes | None:
        """Remove and return the next message; None if it is not complete."""

    def _check_size(self, size: int) -> None:
        if size > self._max_frame:
            raise ValueError(f"a message of at least {size} bytes came, but max_frame is {self._max_frame} bytes")

    def _remove(self, start: int, stop: int, end: int) -> bytes:
        message = bytes(memoryview(self._buffer)[start:stop])
        del self._buffer[:end]
        return message


class TerminatedDecoder(Decoder):
    """Looks for the bytes that end a message."""

    def __init__(self, terminator: bytes, max_frame: int) -> None:
        super().__init__(max_frame)
        self._terminator = terminator
        self._searched = 0  # Up to here no terminator begins: a long message is searched once, not for each piece.

    def _take(self) -> bytes | None:
        found = self._buffer.find(self._terminator, self._searched)
        if found < 0:
            self._searched = max(0, len(self._buffer) - len(self._terminator) + 1)
            self._check_size(self._searched)
            return None
        self._check_size(found)
        self._searched = 0
        return self._remove(0, found, found + len(self._terminator))


class LengthPrefixedDecoder(Decoder):
    """Reads how long a message is, then the message."""

    def __init__(self, length: struct.Struct, max_frame: int) -> None:
        super().__init__(max_frame)
        self._length = length

    def _take(self) -> bytes | None:
        start = self._length.size
        if len(self._buffer) < start:
            return None
        size: int = self._length.unpack_from(self._buffer)[0]
        self._check_size(size)
        end = start + size
        return self._remove(start, end, end) if len(self._buffer) >= end else None


class FixedSizeDecoder(Decoder):
    """Counts."""

    def __init__(self, size: int, max_frame: int) -> None:
        super().__init__(max_frame)
        self._size = size
        self._check_size(size)

    def _take(self) -> bytes | None:
        return self._remove(0, self._size, self._size) if len(self._buffer) >= self._size else None


class RawDecoder(Decoder):
    """Returns what arrives."""

    def _take(self) -> bytes | None:
        size = min(len(self._buffer), self._max_frame)
        return self._remove(0, size, size) if size else None
