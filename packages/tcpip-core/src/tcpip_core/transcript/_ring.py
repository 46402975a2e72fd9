"""The other kind of flight recorder: keeps the latest events in memory, and writes them down when a link is lost."""

import asyncio
import atexit
import contextlib
import glob
import logging
import threading
from collections import deque
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from .._loss import LossReason
from .._observer import LinkObserver, Side
from ._backlog import size_of
from ._clocks import now, wall_clock_offset
from ._events import Close, Data, Event, Gap, Header, Open
from ._lines import checked_text_encoding, encode_event, encode_header, format_wall
from ._observing import Observing
from ._recorder import PRODUCER
from ._rotation import GrowingFile, inserted

__all__ = ["RingRecorder"]

_log = logging.getLogger("tcpip_core.transcript")


class RingRecorder:
    """Keeps what happened last in memory, and writes it to a file each time that a link is lost.

    A link is lost if it ends for any other reason than that this side closed it. Each loss makes a file of its own,
    named by its moment, such as ``dome-20260131T235959.123456Z.tcplog``. While one is written no other is begun: the
    ring goes on, and a line in the log says so.

    Parameters
    ----------
    path : str or Path
        Pattern of the files' names, such as ``logs/dome.tcplog``; with ``.gz`` at its end they are compressed.
    size : int
        How much memory the events may take (bytes).
    keep : int
        How many files there are at most; then the oldest is deleted.
    target : str
        What is talked to, for the header.
    framing : str
        How messages are told apart, for the header.
    encoding : str
        Text encoding of the payloads that can be written as text.
    log : logging.Logger, optional
        Is told of each file, and where one cannot be written.

    Raises
    ------
    ValueError
        If `encoding` is unknown, a number is out of range, or a text is too long.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        size: int = 4 * 1024 * 1024,
        keep: int = 10,
        target: str = "",
        framing: str = "",
        encoding: str = "utf-8",
        log: logging.Logger | None = None,
    ) -> None:
        if size < 1 or keep < 1:
            raise ValueError("size must be 1 byte or more, and keep 1 or more")
        self._header = Header(now() + wall_clock_offset(), target, framing, checked_text_encoding(encoding), PRODUCER)
        _ = encode_header(self._header)
        self._path = Path(path)
        self._most = size
        self._keep = keep
        self._log = log or _log
        self._observing = Observing(self._record, self._ended)
        self._lock = threading.Lock()
        self._events: deque[Event] = deque()
        self._size = 0
        self._left = Gap(0, 0, 0, "older events had to make room in the ring")
        # Links of which something is in the ring.
        self._links: dict[int, Open] = {}
        self._thread: threading.Thread | None = None
        # Who loses a link may end at once.
        _ = atexit.register(self.close)

    def connected(self, side: Side, local: str, peer: str) -> LinkObserver:
        """Note that a link was made; called by the client or server.

        Parameters
        ----------
        side : {"client", "device"}
            Which end of it this program is.
        local : str
            This end's address.
        peer : str
            The other end's address.

        Returns
        -------
        LinkObserver
            Keeps what happens on the link.
        """
        return self._observing.connected(side, local, peer)

    def failed(self, error: OSError) -> None:
        """Note that a client could not connect; called by the client.

        Parameters
        ----------
        error : OSError
            Why.
        """
        self._observing.failed(error)

    def mark(self, text: str) -> None:
        """Put a remark into the ring.

        Parameters
        ----------
        text : str
            What to remember; what goes beyond 10 000 characters is cut off.
        """
        self._observing.mark(text[:10_000])

    def dump(self) -> bool:
        """Begin to write what is in the ring to a file, whether a link was lost or not.

        Returns
        -------
        bool
            False if another file is being written; then nothing was begun.
        """
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return False
            events = self._snapshot()
            self._thread = threading.Thread(target=self._write, args=(events,), name=f"dump to {self._path}")
            self._thread.daemon = True
            self._thread.start()
            return True

    def close(self, timeout: float = 2.0) -> bool:
        """Wait until a file that is being written is whole; always safe.

        Parameters
        ----------
        timeout : float
            How long at most (seconds).

        Returns
        -------
        bool
            Whether it is.
        """
        atexit.unregister(self.close)
        thread = self._thread
        if thread is None:
            return True
        thread.join(timeout)
        return not thread.is_alive()

    def __enter__(self) -> Self:
        """Return this object."""
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        _ = self.close()

    async def __aenter__(self) -> Self:
        """Return this object."""
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close, without keeping the event loop."""
        _ = await asyncio.to_thread(self.close)

    def _ended(self, reason: LossReason) -> None:
        if reason is not LossReason.CLOSED_HERE and not self.dump():
            self._log.warning("a link was lost while an earlier loss is being written down: the ring goes on")

    def _record(self, event: Event) -> None:
        with self._lock:
            self._events.append(event)
            self._size += size_of(event)
            if isinstance(event, Open):
                self._links[event.connection] = event
            while self._size > self._most:
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        event = self._events.popleft()
        self._size -= size_of(event)
        payload = len(event.payload) if isinstance(event, Data) else 0
        left = self._left
        self._left = replace(left, time=left.time or event.time, events=left.events + 1, bytes=left.bytes + payload)
        if isinstance(event, Close):
            self._links.pop(event.connection, None)

    def _snapshot(self) -> list[Event]:
        """Return what a file gets: what is missing, the links that were open before, and the events."""
        events = list(self._events)
        begun = {event.connection for event in events if isinstance(event, Open)}
        start = events[0].time if events else now()
        earlier = [
            replace(link, time=start, continued=True) for number, link in self._links.items() if number not in begun
        ]
        gap = [replace(self._left, time=start)] if self._left.events else []
        return [*gap, *earlier, *events]

    def _write(self, events: list[Event]) -> None:
        offset = wall_clock_offset()
        start, wall = events[0].time if events else now(), now() + offset
        header = replace(self._header, start=start + offset)
        moment = format_wall(wall).replace("-", "").replace(":", "")[:-4]  # to the microsecond
        path = inserted(self._path, f"-{moment}Z")
        unfinished = path.with_name(f".{path.name}")
        lines = (encode_event(event, header.encoding, start=start) for event in events)
        try:
            file = GrowingFile(unfinished)
            try:
                file.append(encode_header(header) + b"".join(lines))
            finally:
                file.close()
            unfinished.rename(path)
            self._delete_older()
        except OSError as e:
            self._log.error("a loss could not be written to %s: %s", path, e)
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
        else:
            self._log.info("what came before a loss is in %s", path)

    def _delete_older(self) -> None:
        moment = "-" + "[0-9]" * 8 + "T" + "[0-9]" * 6 + "." + "[0-9]" * 6 + "Z"
        pattern = inserted(self._path.with_name(glob.escape(self._path.name)), moment).name
        for path in sorted(self._path.parent.glob(pattern))[: -self._keep]:
            path.unlink(missing_ok=True)
