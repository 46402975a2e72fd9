"""The flight recorder of a program: an observer that writes a transcript while the links go on undisturbed.

Rules of this file
------------------
* Nothing that a link calls waits for the disk, or raises. A thread of the recorder's own does the writing.
* What cannot be written is counted, and told by a `Gap` as soon as something can be.
"""

import asyncio
import atexit
import logging
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from .._observer import LinkObserver, Side
from .._version import __version__
from ._backlog import Backlog
from ._clocks import now, wall_clock_offset
from ._events import Event, Header
from ._lines import checked_text_encoding, encode_header
from ._observing import Observing
from ._scribe import Scribe

__all__ = ["PRODUCER", "Recorder"]

PRODUCER = f"tcpip-core {__version__}"
"""Who wrote it, in the headers of files of ours."""

_log = logging.getLogger("tcpip_core.transcript")


class Recorder:
    """Records the links of a program in a file: give it as ``observer=`` to a client or a server, or to several.

    The file is begun when the recorder is made, and has what happened some 0.05 s later, also if the program crashes
    then. Where the disk is full, slow or away, links go on; a line is logged, and the transcript gets a `Gap` that
    says how much is missing.

    Parameters
    ----------
    path : str or Path
        The file. If its name ends with ``.gz`` it is compressed. One that exists is kept, as ``name.1.tcplog``.
    target : str
        What is talked to, for the header.
    framing : str
        How messages are told apart, such as ``crlf``, for the header: tools show messages by it.
    encoding : str
        Text encoding of the payloads that can be written as text.
    max_file_size : int or None
        Begin a new file after so much (bytes). Only the last event of a file goes beyond, with up to six bytes for each
        of its payload. Each file stands alone. None never begins another.
    keep : int or None
        How many older files are kept, as ``name.1.tcplog`` (the latest), ``name.2.tcplog`` and so on. None keeps all.
    max_backlog : int
        How much memory events may take that are not written yet (bytes).
    log : logging.Logger, optional
        Is told when the file cannot be written.

    Raises
    ------
    ValueError
        If `encoding` is unknown, a number is out of range, or a text is too long. Nothing was begun then.

    Notes
    -----
    Each piece is kept in memory until it is written. Close the recorder after the links: what happens later is not
    recorded.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        target: str = "",
        framing: str = "",
        encoding: str = "utf-8",
        max_file_size: int | None = None,
        keep: int | None = 5,
        max_backlog: int = 64 * 1024 * 1024,
        log: logging.Logger | None = None,
    ) -> None:
        if (max_file_size is not None and max_file_size < 1) or (keep or 0) < 0 or max_backlog < 1:
            raise ValueError("max_file_size and max_backlog must be 1 byte or more, and keep 0 or more")
        header = Header(now() + wall_clock_offset(), target, framing, checked_text_encoding(encoding), PRODUCER)
        _ = encode_header(header)
        self._backlog = Backlog(max_backlog)
        self._observing = Observing(self._backlog.put)
        scribe = Scribe(Path(path), header, max_file_size, keep, self._backlog, log or _log)
        # A program that ends in a hurry must not wait for a disk that hangs: hence a daemon, and a bounded farewell.
        self._thread = threading.Thread(target=scribe.run, name=f"recorder of {path}", daemon=True)
        self._log = log or _log
        self._thread.start()
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
            Records what happens on the link.
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
        """Put a remark into the transcript.

        Parameters
        ----------
        text : str
            What to remember (10 000 characters at most).

        Raises
        ------
        ValueError
            If it is longer.
        """
        if len(text) > 10_000:
            raise ValueError(f"a mark has 10000 characters at most, not {len(text)}")
        self._observing.mark(text)

    def record(self, event: Event) -> None:
        """Put an event in that the program has made itself, such as one of a link that it only passes on.

        Parameters
        ----------
        event : Event
            What happened. Its time is of ``time.monotonic_ns``, and not before that of the event before it; the numbers
            of links are the program's, which then records no client or server of the library with this recorder.
        """
        self._backlog.put(event)

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait until the file has everything that happened so far.

        Parameters
        ----------
        timeout : float
            How long at most (seconds).

        Returns
        -------
        bool
            Whether all was dealt with in time: written, or counted as missing.
        """
        return self._backlog.flush(timeout)

    def close(self, timeout: float = 2.0) -> bool:
        """Write what is left, and end the file; always safe.

        Parameters
        ----------
        timeout : float
            How long to wait for the disk (seconds).

        Returns
        -------
        bool
            Whether all was dealt with in time. If not, what is left may be lost, and the log says so.
        """
        atexit.unregister(self.close)
        self._backlog.close()
        self._thread.join(timeout)
        if self._thread.is_alive():
            self._log.error("%s did not end within %g s: its last events may be lost", self._thread.name, timeout)
            return False
        return True

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
