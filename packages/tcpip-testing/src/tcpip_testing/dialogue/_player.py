"""Play a script over its connections, one step after the other; the one place that decides what is wrong.

Rules of this file
------------------
* There is one task, which reads, writes, and sends the events that are due. It never waits without a bound, but for
  what is left over, once the script is done: that wait ends with the block of the test.
* The first thing that is wrong ends the dialogue with a `DialogueError`, and the connection with it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from ..framing import Framing, Raw
from ._line import Line, NoMatch
from ._messages import Received, Reply, match_message, reply_bytes, to_bytes
from ._report import DialogueError, differences
from ._roles import Role
from ._steps import AnyOrder, AnyTime, Close, Event, Expect, HungUp, Pause, Reconnect, Send, Step
from ._transcript import Transcript
from ._words import describe_expected, shown

__all__ = ["Player", "Script"]


@dataclass(frozen=True)
class Script:
    """What is played.

    Parameters
    ----------
    steps : tuple of Step
        The steps, repetitions written out.
    framing : Framing
        How messages are told apart.
    encoding : str
        Text encoding.
    timeout : float
        How long each step may wait (seconds).
    """

    steps: tuple[Step, ...]
    framing: Framing
    encoding: str
    timeout: float


class Player:
    """Plays a script once.

    Parameters
    ----------
    script : Script
        What is played.
    role : Role
        Where connections come from.
    transcript : Transcript
        Where everything is noted.
    """

    def __init__(self, script: Script, role: Role, transcript: Transcript) -> None:
        self._script, self._role, self._transcript = script, role, transcript
        self._loop = asyncio.get_running_loop()
        self._at = 0
        self._missing: tuple[Expect, ...] = ()
        self._any_time: list[Expect] = []
        self._line: Line | None = None
        self.is_done: asyncio.Future[None] = self._loop.create_future()

    async def run(self) -> None:
        """Play everything, then look out for what is left over, until cancelled or the other side is done.

        Raises
        ------
        DialogueError
            If anything does not go as the script says.
        """
        try:
            await self._connect()
            for step in self._script.steps:
                self._at += 1
                await self._play(step)
            self._at += 1
            await self._send_events()
            self.is_done.set_result(None)
            await self._watch()
        except (OSError, ValueError) as e:
            raise self.error(f"the script cannot go on: {e}") from e
        finally:
            if not self.is_done.done() and self._line is not None:
                self._line.abort()  # The program must not wait for what will not come.

    async def close(self) -> None:
        """Close what is open, within 2 s."""
        if self._line is not None:
            await self._line.shut()

    async def _play(self, step: Step) -> None:
        match step:
            case Send(messages):
                for message in messages:
                    await self._say(to_bytes(message, self._script.encoding))
            case Expect():
                await self._expect((step,))
            case AnyOrder(expects):
                await self._expect(expects)
            case AnyTime(expects):
                self._any_time.extend(expects)
            case Event():
                self._open_line.add_event(step)
            case Pause(seconds):
                await self._pause(self._loop.time() + seconds)
            case _:
                await self._play_connection(step)

    async def _play_connection(self, step: Step) -> None:
        match step:
            case Close(kind):
                await self._send_events()
                self.check_leftover()
                await self._open_line.close(kind)
            case HungUp():
                await self._await_hang_up()
            case Reconnect():
                await self._connect()
            case _:
                raise TypeError(f"a step that nobody can play: {step!r}")

    @property
    def _open_line(self) -> Line:
        assert self._line is not None, "a script begins with a connection"
        return self._line

    def _deadline(self) -> float:
        return self._loop.time() + self._script.timeout

    # Steps

    async def _connect(self) -> None:
        script = self._script
        try:
            async with asyncio.timeout(script.timeout):
                reader, writer = await self._role.next()
        except TimeoutError:
            raise self.error(f"{self._role.waited_for()} within {script.timeout:g} s") from None
        except OSError as e:
            raise self.error(f"{self._role.waited_for()}: {e}") from e
        self._line = Line(reader, writer, script.framing, script.encoding, script.timeout, self._transcript)

    async def _say(self, data: bytes) -> None:
        try:
            await self._open_line.send(data)
        except ConnectionError as e:
            what = shown(data, self._script.encoding)
            raise self.error(f"{what} could not be sent: the program ended the connection, or {e}") from e

    async def _expect(self, expects: tuple[Expect, ...]) -> None:
        self._missing = expects
        while self._missing:
            found = await self._next_of(self._missing, self._deadline())
            place = self._missing.index(found)
            self._missing = self._missing[:place] + self._missing[place + 1 :]

    async def _next_of(self, expects: tuple[Expect, ...], deadline: float) -> Expect:
        """Wait until one of several messages was answered."""
        while not self._open_line.is_exhausted:
            try:
                found = await self._turn(expects, deadline)
            except TimeoutError:
                headline = f"nothing came within {self._script.timeout:g} s that was expected"
                raise self.error(headline, self.missing()) from None
            if found in expects:
                return found
        raise self.error("the program ended the connection too early", self.missing())

    async def _turn(self, expects: tuple[Expect, ...], deadline: float) -> Expect | None:
        """Answer a message that has arrived, and return what it was expected as; otherwise let something arrive."""
        try:
            taken = self._open_line.take([*expects, *self._any_time])
        except NoMatch as e:
            raise self._unexpected(e.data, expects) from None
        if taken is None:
            await self._open_line.more(deadline)
            return None
        found, received = taken
        for reply in found.replies:
            await self._reply(found, reply, received)
        return found

    async def _reply(self, exchange: Expect, reply: Reply, received: Received) -> None:
        try:
            data = reply_bytes(reply, received)
        except Exception as e:
            raise self.error(f"no reply to {describe_expected(exchange.expected)} could be made: {e!r}") from e
        if data is not None:
            await self._say(data)

    async def _pause(self, deadline: float) -> None:
        try:
            while not self._open_line.is_over:
                await self._open_line.more(deadline)
        except TimeoutError:
            pass

    async def _await_hang_up(self) -> None:
        await self._send_events()
        try:
            await self._watch(self._deadline())
        except TimeoutError:
            raise self.error(f"the program did not hang up within {self._script.timeout:g} s") from None
        await self._open_line.close("fin")

    async def _send_events(self) -> None:
        """Go on until all events are sent."""
        line = self._open_line
        while line.has_events:
            if line.is_exhausted:
                raise self.error(f"the program ended the connection before {', '.join(line.unsent)} could be sent")
            await self._turn((), inf)

    async def _watch(self, deadline: float = inf) -> None:
        """Go on until the other side is done; it has nothing to say any more."""
        while not self._open_line.is_exhausted:
            await self._turn((), deadline)
        self.check_leftover()

    # What is wrong

    def check_leftover(self) -> None:
        """Refuse what arrived and was not expected.

        Raises
        ------
        DialogueError
            If there is something.
        """
        if self._line is not None and (rest := self._line.leftover):
            raise self.error(f"left over, after all that was expected: {shown(rest, self._script.encoding)}")

    def check_connections(self) -> None:
        """Refuse connections that the script does not go on with.

        Raises
        ------
        DialogueError
            If there are any.
        """
        if self._role.waiting:
            raise self.error(f"left over: {self._role.waiting} more connections than the script has")

    def _unexpected(self, data: bytes, expects: tuple[Expect, ...]) -> DialogueError:
        encoding = self._script.encoding
        lines = [line for one in expects for line in differences(one.expected, data, encoding)]
        hints = [
            f"it is what step {number} expects"
            for number, step in enumerate(self._script.steps, 1)
            if number != self._at and isinstance(step, Expect) and self._fits(step, data)
        ]
        headline = (
            "an unexpected message" if expects else f"left over, after all that was expected: {shown(data, encoding)}"
        )
        return self.error(headline, [*lines, *hints[:1]])

    def _fits(self, step: Expect, data: bytes) -> bool:
        try:
            return match_message(step.expected, data, self._script.encoding) is not None
        except Exception:  # noqa: BLE001  It is a user's function, and only asked for a hint.
            return False

    def missing(self) -> list[str]:
        """Say what was waited for, and what came instead.

        Returns
        -------
        list of str
            Lines; none if nothing was waited for.
        """
        encoding = self._script.encoding
        rest = self._line.leftover if self._line is not None else b""
        if not rest:
            return [f"missing   {describe_expected(one.expected)}" for one in self._missing]
        if isinstance(self._script.framing, Raw):
            return [line for one in self._missing for line in differences(one.expected, rest, encoding)]
        return [
            *(f"missing   {describe_expected(one.expected)}" for one in self._missing),
            f"{rest!r} came, which is no whole message in the framing {self._script.framing}",
        ]

    def error(self, headline: str, lines: Sequence[str] = ()) -> DialogueError:
        """Return an error that says what is wrong, where, and what went before.

        Parameters
        ----------
        headline : str
            What is wrong.
        lines : sequence of str
            More of it.

        Returns
        -------
        DialogueError
            The error.
        """
        return DialogueError(
            "\n".join([f"{headline} ({self.place()})", *(f"    {one}" for one in lines), self.story()])
        )

    def place(self) -> str:
        """Say where in the script it is."""
        steps = self._script.steps
        if not self._at:
            return "before the first step"
        if self._at > len(steps):
            return f"after the last of {len(steps)} steps"
        return f"step {self._at} of {len(steps)}: {steps[self._at - 1]}"

    def story(self) -> str:
        """Tell what happened until now."""
        head = "transcript (seconds; < by the program, > by the script, * the connection):"
        return f"{head}\n{self._transcript}"
