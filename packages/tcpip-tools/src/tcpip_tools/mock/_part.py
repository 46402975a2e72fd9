"""Where in a recorded link a client is: what it says, looked up there, and what the device does next; pure."""

import difflib
from collections import deque
from dataclasses import dataclass
from typing import Final, TypeAlias

from tcpip_testing.framing import Framing, Raw

from ._script import End, Finish, Request, Say, Script

__all__ = ["Move", "Moved", "Part", "Unknown", "nearest"]

_COMPARED: Final = 200
"""With how many recorded requests an unknown one is compared at most."""
_SOUGHT: Final = 100
"""For how many unknown requests of a client the nearest one is looked for: comparing takes long."""
_LETTERS: Final = 200
"""How many bytes of each are compared."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A request came that is recorded elsewhere, and the replay goes on there.

    Parameters
    ----------
    payload : bytes
        The request.
    """

    payload: bytes


@dataclass(frozen=True, slots=True)
class Unknown:
    """A request came that was not recorded on this link.

    Parameters
    ----------
    payload : bytes
        The request.
    nearest : bytes or None
        The recorded one that is most like it; None where there is none at all.
    likeness : float
        0 to 1.
    """

    payload: bytes
    nearest: bytes | None
    likeness: float


Move: TypeAlias = Say | Finish | End | Moved | Unknown


class Part:
    """The part that the device of a recorded link plays for one client.

    Parameters
    ----------
    script : Script
        The link.
    framing : Framing
        How requests are told apart that are not as expected.
    """

    def __init__(self, script: Script, framing: Framing) -> None:
        self._steps = script.steps
        self._framing = framing
        self._buffer = bytearray()
        self._at = 0
        # Requests at the head of the buffer that were cut already: many unknown ones may come at once.
        self._cut_ahead: deque[bytes] = deque()
        self._unknown = 0
        self.known = 0
        """How many requests were as recorded."""
        self._places: dict[bytes, list[int]] = {}
        for place, step in enumerate(self._steps):
            if isinstance(step, Request):
                self._places.setdefault(step.frame, []).append(place)

    @property
    def pending(self) -> bytes:
        """What the client has said and is no whole request yet."""
        return bytes(self._buffer)

    def hear(self, data: bytes) -> None:
        """Take in what the client says."""
        self._buffer += data

    def next(self) -> Move | None:
        """Return what the device does next; None if it waits for the client.

        Raises
        ------
        ValueError
            If a request is too long.
        """
        while True:
            step = self._steps[self._at] if self._at < len(self._steps) else None
            if step is not None and not isinstance(step, Request):
                self._at += 1
                return step
            if step is None or not self._buffer.startswith(step.frame):
                if not self._buffer or (step is not None and step.frame.startswith(self._buffer)):
                    return None
                return self._look_up()
            self._consume(step.frame)
            self.known += 1
            self._at += 1

    def _consume(self, frame: bytes) -> None:
        del self._buffer[: len(frame)]
        if self._cut_ahead and self._framing.encode(self._cut_ahead.popleft()) != frame:
            self._cut_ahead.clear()

    def _look_up(self) -> Move | None:
        frame = self._cut()
        if frame is None:
            return None
        payload, data = frame
        self._consume(data)
        places = self._places.get(data, ())
        if not places:
            self._unknown += 1
            return Unknown(payload, *nearest(payload, self._requests() if self._unknown <= _SOUGHT else []))
        # The next time that it was asked; after the last time, the first.
        self._at = next((place for place in places if place > self._at), places[0]) + 1
        self.known += 1
        return Moved(payload)

    def _cut(self) -> tuple[bytes, bytes] | None:
        """Return the first request in what was heard, and as it went over the link."""
        if isinstance(self._framing, Raw):
            frames = (frame for frame in self._places if self._buffer.startswith(frame))
            known = max(frames, key=len, default=b"")
            if not known and any(frame.startswith(self._buffer) for frame in self._places):
                return None  # The rest may come in the next segment.
            known = known or self.pending
            return known, known
        if not self._cut_ahead:
            self._cut_ahead.extend(self._framing.decoder().feed(self.pending))
        return (self._cut_ahead[0], self._framing.encode(self._cut_ahead[0])) if self._cut_ahead else None

    def _requests(self) -> list[bytes]:
        return list(dict.fromkeys(step.payload for step in self._steps if isinstance(step, Request)))


def nearest(payload: bytes, known: list[bytes]) -> tuple[bytes | None, float]:
    """Return of some requests the one that is most like another, and how much: 0 to 1.

    Parameters
    ----------
    payload : bytes
        The other.
    known : list of bytes
        May be empty.
    """
    best, most = None, -1.0
    matcher = difflib.SequenceMatcher(None, autojunk=False)
    matcher.set_seq2(payload[:_LETTERS].decode("latin-1"))
    for one in known[:_COMPARED]:
        matcher.set_seq1(one[:_LETTERS].decode("latin-1"))
        if matcher.real_quick_ratio() > most and matcher.quick_ratio() > most and (likeness := matcher.ratio()) > most:
            best, most = one, likeness
    return best, max(most, 0.0)
