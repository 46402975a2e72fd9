"""One conversation for scripts: send, wait for the replies, compare."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from .._exit_codes import ExitCode, Failure
from .._guess import hint_for_framing
from .._lines import Lines
from .._payload import for_machines, quoted, shown
from .._report import Event, Report
from .._targets import Target
from ._link import Link, LinkLost, open_link

__all__ = ["RawReplies", "Send"]

AT_ONCE: Final = 0.5
"""A server that has no place for a client closes its connection within this time (seconds)."""


@dataclass(frozen=True, slots=True)
class Reply(Event):
    """A message that came, byte for byte.

    Parameters
    ----------
    raw : bytes
        With what frames it.
    """

    raw: bytes = b""


class RawReplies(Lines):
    """Replies byte for byte, or, on a terminal, as text that cannot harm it."""

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if not isinstance(event, Reply) or self.output.stream.isatty():
            super().__call__(event)
            return
        stream = self.output.stream

        def write() -> None:
            stream.flush()
            stream.buffer.write(event.raw)
            stream.buffer.flush()

        self.output.guard(write)


@dataclass
class Send:
    """Send messages, and wait for the reply to each.

    Parameters
    ----------
    target : Target
        Where to.
    messages : sequence of bytes
        What to send, one after the other.
    lines : int or None
        How many messages are the reply to each; None is one, or with `expect` as many as come until one matches.
    expect : re.Pattern or None
        What one of them must contain.
    """

    target: Target
    messages: Sequence[bytes]
    lines: int | None = None
    expect: re.Pattern[str] | None = None
    sent: int = field(default=0, init=False)
    received: int = field(default=0, init=False)
    begun_at: float = field(default=0.0, init=False)
    """When the link was there, by the loop's clock (seconds)."""

    async def __call__(self, report: Report) -> ExitCode:
        """Send everything.

        Raises
        ------
        Failure
            If there is no connection, no reply in time, or another one than was expected.
        """
        async with open_link(self.target) as link:
            self.begun_at = asyncio.get_running_loop().time()
            data = {"address": str(link.address), "seconds": round(link.connect_time, 6)}
            report(Event("connected", "", "*", data))
            spare: list[bytes] = []
            for message in self.messages:
                await self._exchange(link, message, spare, report)
        return ExitCode.OK

    async def _exchange(self, link: Link, message: bytes, spare: list[bytes], report: Report) -> None:
        """Send one message and take its replies, from those that came too early first."""
        try:
            await link.send(message)
            self.sent += 1
            report(Event("sent", "", ">", for_machines(message, self.target.encoding)))
            await self._take_replies(link, message, spare, report)
        except ValueError as e:
            raise Failure(ExitCode.USAGE, str(e)) from e
        except LinkLost as e:
            raise e.as_failure(self._missing(message) + self._may_be_busy(e)) from e

    def _may_be_busy(self, loss: LinkLost) -> str:
        """Return what to add where it looks as if there was no place: the link ended at once, and nothing came."""
        age = asyncio.get_running_loop().time() - self.begun_at
        if self.received or loss.pending or age > AT_ONCE:
            return ""
        return ", and it may be busy with another client: see tcpip probe"

    def _missing(self, message: bytes) -> str:
        return f"no whole reply to {quoted(message, self.target.encoding, 60)}"

    async def _take_replies(self, link: Link, message: bytes, spare: list[bytes], report: Report) -> None:
        wanted = self.lines if self.lines is not None else None if self.expect else 1
        loop = asyncio.get_running_loop()
        begun_at, count, matches = loop.time(), 0, self.expect is None
        try:
            async with asyncio.timeout(self.target.timeout):
                while (count < wanted) if wanted is not None else not matches:
                    if not spare:
                        spare += await link.receive()
                        continue
                    reply = spare.pop(0)
                    count += 1
                    self._show(link, reply, loop.time() - begun_at, report)
                    matches = matches or bool(self.expect and self.expect.search(self._text(reply)))
        except TimeoutError as e:
            raise self._out_of_time(link, message, count, wanted) from e
        if not matches and self.expect is not None:
            raise Failure(ExitCode.EXPECTATION, f"no reply matches {self.expect.pattern!r}")

    def _out_of_time(self, link: Link, message: bytes, count: int, wanted: int | None) -> Failure:
        within = f"within {self.target.timeout:g} s"
        if count and wanted is None and self.expect is not None:
            return Failure(ExitCode.EXPECTATION, f"none of {count} replies {within} matches {self.expect.pattern!r}")
        said = f"{count} of {wanted} replies came" if count else self._missing(message)
        hint = hint_for_framing(link.pending, self.target.framing)
        if not count and not link.pending:
            hint = "nothing came at all: another --framing, such as lf or cr, may be what it waits for"
        return Failure(ExitCode.NO_ANSWER, "; ".join(filter(None, (f"{said} {within}", hint))))

    def _show(self, link: Link, reply: bytes, seconds: float, report: Report) -> None:
        self.received += 1
        encoding = self.target.encoding
        data = for_machines(reply, encoding, seconds=round(seconds, 6))
        report(Reply("reply", shown(reply, encoding, 2000), "<", data, raw=link.framing.encode(reply)))

    def _text(self, reply: bytes) -> str:
        return reply.decode(self.target.encoding, errors="backslashreplace")

    def summary(self, seconds: float, status: ExitCode, outcome: str) -> Event:
        """Return the last event; people see it only where the work was cut short."""
        text = f"{outcome}: {self.sent} sent, {self.received} received" if status is ExitCode.INTERRUPTED else ""
        counts = {"sent": self.sent, "received": self.received}
        data = {"exit": status, "outcome": outcome, "seconds": round(seconds, 3)} | counts
        return Event("summary", text, "=", data, is_aside=True)
