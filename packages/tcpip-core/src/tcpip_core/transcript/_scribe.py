"""Writes what was recorded to files, in a thread of its own; the only place where recording meets a disk."""

import contextlib
import logging
from dataclasses import replace
from pathlib import Path

from ._backlog import Backlog, Entry, Missing
from ._clocks import now, wall_clock_offset
from ._events import Clock, Close, Event, Header, Open
from ._lines import encode_event, encode_header
from ._rotation import GrowingFile, shift

__all__ = ["Scribe"]

_COLLECTING = 0.05
"""How long events are collected before they are written (seconds)."""

_NEXT_TRY = 1_000_000_000
"""How long to wait before a file that cannot be written is tried again (nanoseconds)."""

_CLOCK_STEP = 10_000_000
"""How far the clock on the wall must have gone off to be told (nanoseconds)."""

_AT_ONCE = 256
"""How many events are appended at once, at most."""

_BYTES_AT_ONCE = 256 * 1024
"""How much is appended at once, but for the last event of it (bytes)."""


class Scribe:
    """Takes events out of a backlog and writes them down.

    Parameters
    ----------
    path : Path
        The file.
    header : Header
        Its first line; each further file gets a start of its own.
    max_size : int or None
        Begin a new file after so much (bytes); one event may go beyond.
    keep : int or None
        How many older files to keep; None keeps all.
    backlog : Backlog
        Where events come from.
    log : logging.Logger
        Is told when that begins and ends.
    """

    def __init__(
        self, path: Path, header: Header, max_size: int | None, keep: int | None, backlog: Backlog, log: logging.Logger
    ) -> None:
        self._path = path
        self._header = header
        self._max_size = max_size
        self._keep = keep
        self._backlog = backlog
        self._log = log
        self._file: GrowingFile | None = None
        # The present file's start on both clocks (nanoseconds).
        self._start = now()
        self._offset = wall_clock_offset()
        # As they were after the last event that was dealt with, whether it was written or not.
        self._links: dict[int, Open] = {}
        # What could not be written since the last event that was.
        self._unwritten = Missing()
        self._trouble: OSError | None = None
        self._next_try = 0

    def run(self) -> None:
        """Write until the backlog is closed and empty; then end the file."""
        try:
            self._write_all()
        except Exception:  # noqa: BLE001  # it is logged
            # A mistake of ours must not let the backlog fill up behind it without a word.
            self._log.exception("the recorder of %s has failed, and records no more", self._path)
            self._backlog.close()
        self._end()

    def _write_all(self) -> None:
        self._try_to_write([])
        while (batch := self._backlog.take(_COLLECTING)) is not None:
            is_last_try = self._backlog.is_closed
            for begin in range(0, len(batch), _AT_ONCE):
                self._try_to_write(batch[begin : begin + _AT_ONCE], insist=is_last_try)
            self._backlog.done()
        if self._unwritten.events:
            self._try_to_write([], insist=True)

    def _try_to_write(self, entries: list[Entry], *, insist: bool = False) -> None:
        if self._trouble is not None and now() < self._next_try and not insist:
            self._give_up(entries, self._trouble)
            return
        if self._unwritten.events:
            entries, self._unwritten = [self._unwritten, *entries], Missing()
        try:
            self._write_some(entries)
            while entries:
                self._write_some(entries)
        except OSError as e:
            if self._trouble is None:
                self._log.error("cannot write %s: %s; links go on, and what happens is counted", self._path, e)
            self._trouble, self._next_try = e, now() + _NEXT_TRY
            self._give_up(entries, e)
        else:
            if self._trouble is not None:
                self._log.info("%s can be written again", self._path)
            self._trouble = None

    def _give_up(self, entries: list[Entry], error: OSError) -> None:
        for entry in entries:
            self._unwritten.add(entry, f"the file could not be written: {error.strerror}")
            self._note(entry)

    def _write_some(self, entries: list[Entry]) -> None:
        """Append as many entries as there is room for, but at least one, and take them out of the list."""
        if self._file is not None and self._max_size is not None and self._file.size >= self._max_size:
            full, self._file = self._file, None
            self._start = entries[0].time if entries else now()
            full.close()
        if self._file is None:
            self._file = self._begin()
        room = _BYTES_AT_ONCE if self._max_size is None else min(self._max_size - self._file.size, _BYTES_AT_ONCE)
        lines: list[bytes] = []
        for entry in entries:
            lines.append(self._encoded(entry))
            room -= len(lines[-1])
            if room <= 0:
                break
        written = entries[: len(lines)]
        lines += [self._encoded(clock) for clock in self._clock_set(written)]
        self._file.append(b"".join(lines))
        for entry in written:
            self._note(entry)
        del entries[: len(written)]

    def _note(self, entry: Entry) -> None:
        """Keep the table of open links."""
        if isinstance(entry, Open):
            self._links[entry.connection] = entry
        elif isinstance(entry, Close):
            self._links.pop(entry.connection, None)
        elif isinstance(entry, Missing):
            for number, link in entry.links.items():
                if link is None:
                    self._links.pop(number, None)
                else:
                    self._links[number] = link

    def _begin(self) -> GrowingFile:
        """Begin a file: its header, and the links that are open already."""
        shift(self._path, self._keep)
        self._offset = wall_clock_offset()
        file = GrowingFile(self._path)
        header = replace(self._header, start=self._start + self._offset)
        links = [replace(link, time=self._start, continued=True) for link in self._links.values()]
        try:
            file.append(encode_header(header) + b"".join(map(self._encoded, links)))
        except OSError:
            with contextlib.suppress(OSError):
                file.close()
            self._path.unlink(missing_ok=True)
            raise
        return file

    def _encoded(self, entry: Entry) -> bytes:
        event: Event = entry.gap() if isinstance(entry, Missing) else entry
        return encode_event(event, self._header.encoding, start=self._start)

    def _clock_set(self, entries: list[Entry]) -> list[Clock]:
        """Return what tells, behind some entries, that somebody has set the clock on the wall."""
        offset = wall_clock_offset()
        if not entries or abs(offset - self._offset) < _CLOCK_STEP:
            return []
        self._offset = offset
        # Not now: what is written next happened before.
        moment = entries[-1].time
        return [Clock(moment, moment + offset)]

    def _end(self) -> None:
        if missing := self._unwritten.events:
            what = f"{missing} events, {self._unwritten.bytes} bytes"
            self._log.error("the last of what happened is missing in %s: %s", self._path, what)
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
