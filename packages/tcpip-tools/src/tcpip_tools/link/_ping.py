"""Ask the same question over and over on one link, and measure how long the answer takes."""

import asyncio
import contextlib
import re
from dataclasses import dataclass, field

from .._exit_codes import ExitCode, Failure, exit_code_for_error, exit_code_for_loss
from .._guess import hint_for_framing
from .._lines import counted
from .._payload import quoted, shown
from .._report import Event, Report, Stopwatch
from .._targets import Target
from ._dial import dial, failure_to_connect, resolve
from ._hold import why
from ._link import Link, LinkLost, open_link
from ._statistics import histogram, in_words, summarise

__all__ = ["ConnectPing", "Ping"]


@dataclass
class Tally:
    """What was measured.

    Parameters
    ----------
    what : str
        What an answer is.
    """

    what: str
    watch: Stopwatch = field(default_factory=Stopwatch, init=False)
    asked: int = field(default=0, init=False)
    times: list[float] = field(default_factory=list[float], init=False)
    outages: list[float] = field(default_factory=list[float], init=False)
    silent_since: float | None = field(default=None, init=False)

    def answered(self, number: int, seconds: float, now: float, report: Report) -> None:
        """Note an answer; one after an outage ends that."""
        self.times.append(seconds)
        if self.silent_since is not None:
            self.outages.append(now - self.silent_since)
            text = f"{self.watch.stamp().clock}  * answers again after {in_words(self.outages[-1])}"
            report(Event("outage", text, "*", {"seconds": round(self.outages[-1], 6)}))
            self.silent_since = None
        text = f"{self.watch.stamp().clock}  < {self.what} {number} in {in_words(seconds)}"
        report(Event("reply", text, "<", {"number": number, "seconds": round(seconds, 9)}))

    def silent(self, number: int, since: float, why_not: str, report: Report) -> None:
        """Note that an answer did not come."""
        if self.silent_since is None:
            self.silent_since = since
        text = f"{self.watch.stamp().clock}  ! {self.what} {number}: {why_not}"
        report(Event("silent", text, "!", {"number": number, "why": why_not}))

    def end(self, now: float) -> None:
        """Note that nothing more will come: an outage that lasts counts up to now."""
        if self.silent_since is not None:
            self.outages.append(now - self.silent_since)

    def progress(self) -> str:
        """Return how far it is, for a terminal."""
        figures = summarise(self.times[-1000:])
        said = f", p50 {in_words(figures.p50)}, p99 {in_words(figures.p99)}" if figures else ""
        return f"{self.asked} asked, {len(self.times)} answered{said}"

    def summary(self, seconds: float, status: ExitCode, outcome: str) -> Event:
        """Return the last event."""
        figures = summarise(self.times)
        lost = self.asked - len(self.times)
        lines = [f"{outcome} after {seconds:.1f} s: {self.asked} asked, {len(self.times)} answered, {lost} not"]
        data: dict[str, object] = {"asked": self.asked, "answered": len(self.times), "lost": lost}
        if figures is not None:
            values = {
                "min": figures.least, "p50": figures.p50, "p90": figures.p90, "p99": figures.p99,
                "max": figures.most, "jitter": figures.jitter,
            }  # fmt: skip
            lines.append(", ".join(f"{name} {in_words(value)}" for name, value in values.items()))
            lines += histogram(self.times)
            data["times"] = {name: round(value, 9) for name, value in values.items()}
        if self.outages:
            lines.append(f"{counted(len(self.outages), 'outage')}, the longest {in_words(max(self.outages))}")
        data["outages"] = [round(one, 6) for one in self.outages]
        head = {"exit": status, "outcome": outcome, "seconds": round(seconds, 3)}
        return Event("summary", "\n".join(lines), "=", head | data)


@dataclass
class Ping:
    """Ask over one held link.

    An answer that comes late, but before the next question, still counts; nobody can tell to which question a later one
    belongs, so it counts for the one that waits.

    Parameters
    ----------
    target : Target
        Where to.
    message : bytes
        The question.
    count : int or None
        How often; None is until Ctrl-C.
    interval : float
        From question to question (seconds).
    expect : re.Pattern or None
        What an answer contains; all else came unasked. None takes every message for an answer.
    """

    target: Target
    message: bytes
    count: int | None
    interval: float
    expect: re.Pattern[str] | None
    tally: Tally = field(default_factory=lambda: Tally("reply"), init=False)
    waiting: tuple[int, float] | None = field(default=None, init=False)
    """The question without an answer: its number, and when it was asked."""
    is_answered: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    has_hinted: bool = field(default=False, init=False)

    async def __call__(self, report: Report) -> ExitCode:
        """Ask, until all was asked.

        Raises
        ------
        Failure
            If there is no connection, or it is lost.
        """
        loop = asyncio.get_running_loop()
        async with open_link(self.target) as link:
            text = f"{self.tally.watch.stamp().clock}  * connected to {link.address} in {in_words(link.connect_time)}"
            data = {"address": str(link.address), "seconds": round(link.connect_time, 6)}
            report(Event("connected", text, "*", data, is_aside=True))
            listening = asyncio.create_task(self._listen(link, report))
            listening.add_done_callback(lambda _: self.is_answered.set())
            try:
                await self._ask(link, listening, report)
            except ValueError as e:
                raise Failure(ExitCode.USAGE, str(e)) from e
            except LinkLost as e:
                raise self._lost(e, report) from e
            finally:
                self.tally.end(loop.time())
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
        return ExitCode.OK if self.tally.times else ExitCode.NO_ANSWER

    def _lost(self, loss: LinkLost, report: Report) -> Failure:
        text = f"the link is lost: {why(loss.reason, is_waited_for=self.is_waiting)}"
        report(Event("lost", "", "!", {"reason": loss.reason.name, "text": text}))
        return Failure(exit_code_for_loss(loss.reason), text)

    @property
    def is_waiting(self) -> bool:
        """Whether a question has no answer yet."""
        return self.waiting is not None

    async def _listen(self, link: Link, report: Report) -> None:
        """Take answers until the link is lost."""
        while True:
            for message in await link.receive():
                text = message.decode(self.target.encoding, errors="backslashreplace")
                if self.waiting is not None and (self.expect is None or self.expect.search(text)):
                    number, sent_at = self.waiting
                    self.waiting = None
                    self.tally.answered(number, link.received_at - sent_at, link.received_at, report)
                    self.is_answered.set()
                else:
                    report(Event("unasked", "", "<", {"text": shown(message, self.target.encoding)}))

    async def _ask(self, link: Link, listening: "asyncio.Task[None]", report: Report) -> None:
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while self.count is None or self.tally.asked < self.count:
            self.tally.asked += 1
            number, sent_at = self.tally.asked, loop.time()
            self.is_answered.clear()
            self.waiting = (number, sent_at)
            await link.send(self.message)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.target.timeout):
                    await self.is_answered.wait()
            if listening.done():
                listening.result()
            if self.is_waiting:
                self.tally.silent(number, sent_at, f"no answer within {self.target.timeout:g} s", report)
                self._hint(link, report)
            next_at = max(next_at + self.interval, loop.time())
            if self.count is None or self.tally.asked < self.count:
                await asyncio.wait({listening}, timeout=next_at - loop.time())
            if listening.done():
                listening.result()

    def _hint(self, link: Link, report: Report) -> None:
        """Say once what may be wrong where something came that is no whole message."""
        if self.has_hinted or not link.pending:
            return
        self.has_hinted = True
        text = f"{hint_for_framing(link.pending, self.target.framing)}: {quoted(link.pending, self.target.encoding)}"
        report(Event("hint", f"{self.tally.watch.stamp().clock}  ! {text}", "!", {"text": text}, is_aside=True))

    def summary(self, seconds: float, status: ExitCode, outcome: str) -> Event:
        """Return the last event."""
        return self.tally.summary(seconds, status, outcome)


@dataclass
class ConnectPing:
    """Connect and close, over and over; a server of one client has no place for others meanwhile.

    Parameters
    ----------
    target : Target
        Where to.
    count : int or None
        How often; None is until Ctrl-C.
    interval : float
        From connection to connection (seconds).
    """

    target: Target
    count: int | None
    interval: float
    tally: Tally = field(default_factory=lambda: Tally("connection"), init=False)

    async def __call__(self, report: Report) -> ExitCode:
        """Connect, until all was done.

        Raises
        ------
        Failure
            If the name cannot be resolved.
        """
        loop = asyncio.get_running_loop()
        text = (
            "--connect takes the place of a server of one client each time, for a moment, and may throw its client out"
        )
        report(Event("warning", text, "!", {"text": text}, is_aside=True))
        try:
            addresses = await resolve(self.target.host, self.target.port, self.target.timeout)
        except OSError as e:
            raise failure_to_connect(self.target, e) from e
        status = ExitCode.OK
        try:
            while self.count is None or self.tally.asked < self.count:
                begun_at = loop.time()
                self.tally.asked += 1
                try:
                    dialled = await dial(addresses, self.target.timeout)
                except OSError as e:
                    status = exit_code_for_error(e)
                    self.tally.silent(self.tally.asked, begun_at, str(failure_to_connect(self.target, e)), report)
                else:
                    dialled.sock.close()
                    self.tally.answered(self.tally.asked, dialled.seconds, loop.time(), report)
                if self.count is None or self.tally.asked < self.count:
                    await asyncio.sleep(max(0.0, begun_at + self.interval - loop.time()))
        finally:
            self.tally.end(loop.time())
        return ExitCode.OK if self.tally.times else status

    def summary(self, seconds: float, status: ExitCode, outcome: str) -> Event:
        """Return the last event."""
        return self.tally.summary(seconds, status, outcome)
