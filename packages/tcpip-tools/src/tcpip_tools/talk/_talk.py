"""The conversation, whoever types it: what is typed goes out, what comes is told with its time.

Rules of this file
------------------
* One task at most holds the link and tells what comes; one at most repeats a message. Both belong to `Talk`, and end
  with it.
* What is told may be bounded, what is sent never is: a peer that floods is counted, not shown.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, TypeAlias

from tcpip_core import LossReason
from tcpip_testing.framing import parse_framing

from .._exit_codes import ExitCode, Failure, exit_code_for_loss
from .._guess import hint_for_framing
from .._lines import counted
from .._payload import for_machines, hex_lines, quoted, shown, unescape
from .._report import Event, Report, Stopwatch
from .._targets import Target
from ..link._hold import why
from ..link._link import Link, LinkLost, open_link
from ..link._statistics import in_words
from ._flood import FloodGate
from ._orders import Order, help_lines, parse_bytes, parse_order, parse_repeat
from ._saving import save

__all__ = ["AT_ONCE", "Lines", "Talk", "TimeMode"]

TimeMode: TypeAlias = Literal["absolute", "relative", "delta", "off"]

KEPT: Final = 100_000
"""How many lines of the conversation can be saved."""

SHOWN_A_SECOND: Final = 200
"""How many messages a person is shown at most."""

PATIENCE: Final = 1.0
"""When a message has begun and does not end, say so after this time (seconds)."""

QUIET: Final = 0.3
"""After the last line of a pipe: a reply has ended when nothing came for so long (seconds)."""


AT_ONCE: Final = 0.02
"""A reply within this time is shown together with what it replies to (seconds)."""


class Lines(Protocol):
    """Where lines come from."""

    is_by_hand: bool
    """Somebody types them, and reads what is shown."""

    async def next_line(self) -> str | None:
        """Return the next line; None at the end.

        Raises
        ------
        InterruptedError
            If somebody pressed Ctrl-C. A `KeyboardInterrupt` would end the loop, and leave what is open.
        """
        ...

    async def close(self) -> None:
        """Give back what they come from."""
        ...


@dataclass
class Talk:
    """A conversation.

    Parameters
    ----------
    target : Target
        With whom.
    lines : Lines
        What is typed.
    time : str
        What stands before a line: ``"absolute"``, ``"relative"``, ``"delta"`` or ``"off"``.
    is_hex : bool
        Show bytes as digits too.
    """

    target: Target
    lines: Lines
    time: TimeMode = "absolute"
    is_hex: bool = False
    link: Link | None = field(default=None, init=False)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("sent", "received", "lost"), 0), init=False)

    def __post_init__(self) -> None:
        self._watch = Stopwatch()
        self._framing = parse_framing(self.target.framing)
        self._told: deque[str] = deque(maxlen=KEPT)
        self._gate = FloodGate(SHOWN_A_SECOND if self.lines.is_by_hand else None)
        self._sent_at: float | None = None
        self._heard = asyncio.Event()
        self._has_failed = False
        self._undrawn: deque[Event] = deque()
        self._drawing: asyncio.TimerHandle | None = None
        self._holding: asyncio.Task[ExitCode] | None = None
        self._repeating: asyncio.Task[None] | None = None

    async def __call__(self, report: Report) -> ExitCode:
        """Talk until the lines end.

        Raises
        ------
        Failure
            If the first connection cannot be made.
        """
        self._report = report
        try:
            return await self._talk()
        except InterruptedError:
            return ExitCode.INTERRUPTED
        finally:
            await self._end(self._repeating)
            await self._end(self._holding)
            self._draw()
            await self.lines.close()

    async def _talk(self) -> ExitCode:
        await self._connect()
        status = await self._take_lines()
        if status is ExitCode.OK and not self.lines.is_by_hand:
            return await self._wait_for_last_reply()
        return status

    @property
    def state(self) -> str:
        """How things stand, in a line."""
        link = f"connected to {self.link.address}" if self.link else "not connected, :reconnect"
        repeating = ", repeating" if self._repeating and not self._repeating.done() else ""
        return f"{self.target}: {link}; framing {self._framing}{', hex' if self.is_hex else ''}{repeating}; :help"

    # --- the link -----------------------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        """Start to hold a link; return once it is connected."""
        connected = asyncio.Event()
        self._holding = asyncio.create_task(self._hold(connected))
        waiting = asyncio.create_task(connected.wait())
        try:
            await asyncio.wait({self._holding, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._end(waiting)
        if self._holding.done():
            self._holding.result()

    async def _hold(self, connected: asyncio.Event) -> ExitCode:
        """Tell what comes over one link, until it is lost; return the status that belongs to that."""
        try:
            async with open_link(self.target) as link:
                link.use_framing(self._framing)
                self.link = link
                data = {"address": str(link.address), "seconds": round(link.connect_time, 6)}
                self._tell("connected", f"connected to {link.address} in {in_words(link.connect_time)}", "*", data)
                connected.set()
                await self._listen(link)
        except LinkLost as e:
            connected.set()
            return self._lost(e)
        except Failure as e:
            if not connected.is_set():
                raise
            return self._gave_up(e)
        finally:
            self.link = None
        return ExitCode.OK

    async def _listen(self, link: Link) -> None:
        has_hinted = False
        while True:
            try:
                async with asyncio.timeout(PATIENCE if link.pending and not has_hinted else None):
                    messages = await link.receive()
            except TimeoutError:
                has_hinted = True
                hint = (
                    f"{hint_for_framing(link.pending, str(link.framing))}: {quoted(link.pending, self.target.encoding)}"
                )
                self._tell("hint", f"{hint}; :framing chooses another one", "!", {"text": hint}, is_aside=True)
                continue
            has_hinted = has_hinted and not messages
            self._take(messages, link.received_at)

    def _take(self, messages: list[bytes], received_at: float) -> None:
        """Tell of messages that came."""
        for message in messages:
            self.counts["received"] += 1
            reply_time, self._sent_at = None if self._sent_at is None else received_at - self._sent_at, None
            if not self._gate.lets_through(received_at):
                continue
            if self._gate.held_back:
                self._tell("flood", f"{counted(self._gate.take_held_back(), 'message')} came too fast to be shown", "!")
            encoding = self.target.encoding
            text = shown(message, encoding, 2000) + (f"  ({in_words(reply_time)})" if reply_time is not None else "")
            data = for_machines(message, encoding, seconds=reply_time)
            self._tell("received", self._with_digits(text, self._framing.encode(message)), "<", data)
        if messages:
            self._heard.set()
            self._draw()

    def _lost(self, loss: LinkLost) -> ExitCode:
        self.counts["lost"] += 1
        reason = why(loss.reason, is_waited_for=self._sent_at is not None)
        hint = hint_for_framing(loss.pending, str(loss.framing))
        text = "; ".join(filter(None, (f"the link is lost: {reason}", hint, ":reconnect connects again")))
        self._tell("lost", text, "!", {"reason": loss.reason.name})
        self._heard.set()
        return exit_code_for_loss(loss.reason)

    def _gave_up(self, failure: Failure) -> ExitCode:
        """Tell why the link was closed here: nothing can be made of what comes."""
        self.counts["lost"] += 1
        text = f"the link is closed: {failure}; :reconnect connects again"
        self._tell("lost", text, "!", {"reason": LossReason.CLOSED_HERE.name})
        self._heard.set()
        return failure.code

    @staticmethod
    async def _end(task: asyncio.Task[Any] | None) -> None:
        """Cancel a task and wait for its end; what it ended with has been told."""
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # --- what is typed ------------------------------------------------------------------------------------------------

    async def _take_lines(self) -> ExitCode:
        """Obey and send, line by line; return why it is over."""
        while (line := await self.lines.next_line()) is not None:
            try:
                order = parse_order(line)
                if isinstance(order, str):
                    await self._send(unescape(order, self.target.encoding))
                elif order.name == ":quit":
                    break
                else:
                    await self._obey(order)
            except (ValueError, Failure) as e:
                self._tell("error", str(e), "!", {"text": str(e)}, is_aside=True)
                if not self.lines.is_by_hand:
                    self._has_failed = True
                    return e.code if isinstance(e, Failure) else ExitCode.USAGE
        return ExitCode.OK

    async def _send(self, message: bytes, *, is_framed: bool = True) -> None:
        if (link := self.link) is None:
            code = self._holding.result() if self._holding and self._holding.done() else ExitCode.PEER_CLOSED
            raise Failure(code, "not sent: there is no link; :reconnect makes one")
        framed = self._framing.encode(message) if is_framed else message
        self._put_drawing_off()
        try:
            self._heard.clear()
            self._sent_at = asyncio.get_running_loop().time()
            await link.client.write(framed)
        except ConnectionError:
            raise Failure(ExitCode.PEER_CLOSED, "not sent: the link is being lost") from None
        self.counts["sent"] += 1
        encoding = self.target.encoding
        data = for_machines(message, encoding)
        self._tell("sent", self._with_digits(shown(message, encoding, 2000), framed), ">", data)

    def _put_drawing_off(self) -> None:
        """Draw nothing until a prompt reply is there: drawing takes milliseconds, which would be added to its time."""
        if self.lines.is_by_hand and self._drawing is None:
            self._drawing = asyncio.get_running_loop().call_later(AT_ONCE, self._draw)

    def _draw(self) -> None:
        """Show what was put off."""
        if self._drawing is not None:
            self._drawing.cancel()
            self._drawing = None
        while self._undrawn:
            self._report(self._undrawn.popleft())

    async def _obey(self, order: Order) -> None:
        match order.name:
            case ":framing":
                self._use_framing(order.rest)
            case ":hex":
                self.is_hex = order.rest == "on" or (order.rest != "off" and not self.is_hex)
                self._note(f"hex {'on' if self.is_hex else 'off'}")
            case ":time":
                self.time = order.rest  # type: ignore[assignment]  # parse_order has checked it
            case ":repeat":
                await self._repeat(order.rest)
            case ":bytes":
                await self._send(parse_bytes(order.rest), is_framed=False)
            case ":mark":
                self._tell("mark", order.rest, "-", {"text": order.rest})
                if self.target.observer is not None:
                    self.target.observer.mark(order.rest)
            case ":save":
                self._save(order.rest)
            case ":reconnect":
                await self._end(self._holding)
                await self._connect()
            case _:
                self._note("\n".join(help_lines()))

    def _use_framing(self, name: str) -> None:
        self._framing = parse_framing(name)
        self._note(f"framing {self._framing}")
        if self.link is not None:
            self._take(self.link.use_framing(self._framing), self.link.received_at)

    async def _repeat(self, rest: str) -> None:
        repeat = parse_repeat(rest)
        message = b"" if repeat is None else unescape(repeat.text, self.target.encoding)
        await self._end(self._repeating)
        self._repeating = None
        if repeat is not None:
            self._repeating = asyncio.create_task(self._keep_sending(message, repeat.interval))

    async def _keep_sending(self, message: bytes, interval: float) -> None:
        try:
            while True:
                await self._send(message)
                await asyncio.sleep(interval)
        except (ValueError, Failure) as e:
            self._tell("error", f"{e}; no longer repeated", "!", {"text": str(e)}, is_aside=True)

    def _save(self, name: str) -> None:
        path = save(name, self._told)
        self._note(f"{path} has {counted(len(self._told), 'line')}")

    async def _wait_for_last_reply(self) -> ExitCode:
        """Wait until what was sent last is answered, and it is quiet again."""
        if self._holding is None or not self.counts["sent"]:
            return ExitCode.OK
        timeout = self.target.timeout
        while not self._holding.done():
            try:
                async with asyncio.timeout(timeout):
                    await self._heard.wait()
            except TimeoutError:
                break
            self._heard.clear()
            timeout = QUIET
        if self._holding.done():
            return self._holding.result()
        return ExitCode.OK if self.counts["received"] else ExitCode.NO_ANSWER

    # --- what is told -------------------------------------------------------------------------------------------------

    def _with_digits(self, text: str, data: bytes) -> str:
        return "\n".join((text, *(f"    {line}" for line in hex_lines(data)))) if self.is_hex else text

    def _note(self, text: str) -> None:
        self._tell("note", text, "-", {"text": text}, is_aside=True)

    def _tell(
        self, kind: str, text: str, mark: str, data: dict[str, Any] | None = None, *, is_aside: bool = False
    ) -> None:
        stamp = self._watch.stamp()
        times = {
            "absolute": stamp.clock,
            "relative": f"{stamp.elapsed:10.3f}",
            "delta": f"{stamp.delta:+10.3f}",
            "off": "",
        }
        line = (
            f"{times[self.time]}  {mark} {text}".lstrip()
            if self.time == "off"
            else f"{times[self.time]}  {mark} {text}"
        )
        self._told.append(f"{stamp.clock}  {mark} {text}")
        event = Event(kind, line, mark, data or {}, is_aside=is_aside)
        self._undrawn.append(event)
        if self._drawing is None:
            self._draw()

    def summary(self, seconds: float, status: ExitCode, outcome: str) -> Event:
        """Return the last event."""
        counts = ", ".join(f"{name} {count}" for name, count in self.counts.items())
        outcome = "failed" if self._has_failed else outcome
        head: dict[str, object] = {"exit": status, "outcome": outcome, "seconds": round(seconds, 3)}
        return Event("summary", f"{outcome} after {seconds:.1f} s: {counts}", "=", head | self.counts, is_aside=True)
