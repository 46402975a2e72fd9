"""Fuzz a living server with hostile messages, and look whether it serves, delivers, forgets and stays small.

One server lives through all of it; each session with it comes from a seed. Every 25th goes to a second server that
speaks TLS. Run it, and replay a finding, with::

    python -m tests.fuzz.server --messages 1000000 --loop uvloop
    python -m tests.fuzz.server --seed SEED --replay SESSION
"""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import logging
import platform
import random
import ssl
import sys
from typing import Any

from tests.fuzz._crowd import Progress
from tests.fuzz._grammar import FRAME_SIZE, choose_dialect
from tests.fuzz._options import new_parser
from tests.fuzz._peers import LEAVINGS, Session
from tests.fuzz._subject import Logbook, Parser
from tests.fuzz._tls import Garbage, contexts
from tests.soak._gauge import Busy, hold, left_behind, new_loop
from tests.support import IPV4, Peer, connected, describe_loop_error, soon

MEBI = 1 << 20
TLS_EVERY = 25
WARM_UP = 0.1
"""Part of the messages that comes before what a process holds is measured first: caches are full then, and the
allocator has settled."""

LONGEST_GREETING = 1.0
"""How long a well-behaved client may need (seconds): half of what a link may drain, or flush."""

LONGEST_BUSY = 0.1
"""How long the loop may go without a turn for others (seconds of its own work)."""

MOST_MEMORY = 8 * MEBI
MOST_BUFFERED = 2 * FRAME_SIZE + 2 * 256 * 1024
"""What pauses a peer, and beyond it one receive call, or two of uvloop, which may receive again before a reader that
was waiting has had its turn (bytes)."""

FLOOD = 128 * 1024
"""Empty lines that one receive call takes."""

LONGEST_LOG = 500
"""Longest text of a log record: 200 characters of the peer's, and words of ours."""


@dataclasses.dataclass
class Figures:
    """What was measured."""

    messages: int = 0
    sessions: int = 0
    seconds: float = 0.0
    greetings: list[float] = dataclasses.field(default_factory=list[float])
    knocks: int = 0
    busy: float = 0.0
    busy_in_flood: float = 0.0
    buffered: int = 0
    memory: int = 0
    records: int = 0
    findings: list[str] = dataclasses.field(default_factory=list[str])


class Run:
    """One server and those that fuzz it."""

    def __init__(self, seed: int, messages: int, minutes: float | None) -> None:
        self.figures = Figures()
        self.progress = Progress(messages, "messages")
        self._seed, self._messages = seed, messages
        self._seconds = None if minutes is None else 60 * minutes
        self._log = logging.getLogger("tcpip_tests.fuzz")
        self._log.setLevel(logging.DEBUG)
        self._log.propagate = False
        self._logbook = Logbook()

    async def all(self) -> None:
        """Fuzz, and note what is wrong."""
        errors: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        busy = Busy()
        self._log.addHandler(self._logbook)
        try:
            await self._fuzz(busy)
        finally:
            busy.stop()
            self._log.removeHandler(self._logbook)
            figures = self.figures
            figures.busy, figures.seconds, figures.records = busy.longest, self.progress.seconds, self._logbook.count
        gc.collect()
        await asyncio.sleep(0)
        figures.findings += [f"error in the loop: {describe_loop_error(one)}" for one in errors]
        self._judge()

    async def _fuzz(self, busy: Busy) -> None:
        at_server, at_client = contexts()
        # A first life of everything, so that what is made once does not count as left behind.
        await self._live(WARM_UP * self._messages, at_server, at_client)
        before = await hold()
        busy.longest = 0.0
        await self._live(self._messages, at_server, at_client)
        settled = await hold()
        self.figures.memory = settled.memory - before.memory
        self.figures.findings += list(left_behind(before, settled))
        busy.stop()
        await self._flood()

    async def _flood(self) -> None:
        """Send the shortest lines there are, as many as one receive call takes, and look how long others wait."""
        async with Parser(self._log) as server, Peer(IPV4, server.port) as peer:
            server.speak(dataclasses.replace(server.dialect, replies=False))
            await connected(server)
            busy = Busy()
            await peer.send_all(b"\r\n" * FLOOD)
            peer.write_eof()
            await soon(asyncio.wait({server.read_loop_task}))
            busy.stop()
            if len(server.events) != FLOOD:
                self.figures.findings.append(f"{len(server.events)} events instead of {FLOOD} in a flood")
            self.figures.busy_in_flood = busy.longest

    async def _live(self, messages: float, at_server: ssl.SSLContext, at_client: ssl.SSLContext) -> None:
        async with Parser(self._log) as server, Parser(self._log, ssl=at_server) as secure:
            garbage = Garbage(secure, at_client)
            try:
                while not self._is_over(messages):
                    await self._session(server, garbage)
                    if self.figures.findings:
                        return
            finally:
                garbage.close()

    def _is_over(self, messages: float) -> bool:
        is_late = self._seconds is not None and self.progress.seconds > self._seconds
        return is_late or self.figures.messages >= messages

    async def _session(self, server: Parser, garbage: Garbage) -> None:
        figures, number = self.figures, self.figures.sessions
        figures.sessions += 1
        try:
            if number % TLS_EVERY == TLS_EVERY - 1:
                count = await soon(garbage.send(random.Random(f"{self._seed}:{number}")), 60)
            else:
                count = await self._plain_session(server, number)
        except Exception as e:  # noqa: BLE001  Whatever it is, it is a finding, and the session belongs to it.
            figures.findings.append(
                f"session {number}: {type(e).__name__}: {e}\n"
                f"  replay: python -m tests.fuzz.server --seed {self._seed} --replay {number}"
            )
            return
        figures.messages += count
        self.progress.step(count)

    async def _plain_session(self, server: Parser, number: int) -> int:
        figures = self.figures
        session = make_session(server, self._seed, number)
        count, greeting = await soon(session.run(), 60)
        figures.greetings.append(greeting.seconds)
        figures.knocks += greeting.knocks - 1
        figures.buffered = max(figures.buffered, session.most_buffered)
        # Each connection is told once, and so is its loss: the hostile one, the well-behaved one.
        told = server.changes
        assert told == [True, False] * (len(told) // 2), f"the callback was told {told}"
        told.clear()
        return count

    def _judge(self) -> None:
        figures, logbook = self.figures, self._logbook
        bounds = (
            ("a well-behaved client waited, in seconds,", max(figures.greetings, default=0), LONGEST_GREETING),
            ("the loop was kept busy, in seconds,", figures.busy, LONGEST_BUSY),
            ("memory has grown, in bytes,", figures.memory, MOST_MEMORY),
            ("received and not read were, in bytes,", figures.buffered, MOST_BUFFERED),
            ("the longest log record has, in characters,", len(logbook.longest), LONGEST_LOG),
        )
        figures.findings += [f"{what} {figure}: more than {most}" for what, figure, most in bounds if figure > most]
        figures.findings += [f"in the log: {one}" for one in logbook.strange]


def make_session(server: Parser, seed: int, number: int) -> Session:
    """Make a session from its seed."""
    rng = random.Random(f"{seed}:{number}")
    return Session(rng, server, choose_dialect(rng), rng.choice(LEAVINGS))


def report(figures: Figures, loop: str) -> str:
    """Put the figures into words."""
    waits = sorted(figures.greetings) or [0.0]
    p99 = waits[len(waits) * 99 // 100]
    return (
        f"Python {platform.python_version()}, {loop}: {figures.messages:,} hostile messages in {figures.sessions:,} "
        f"sessions: {figures.seconds:.1f} s, {figures.messages / max(figures.seconds, 1e-9):,.0f} messages/s\n"
        f"  a well-behaved client was served within {waits[-1] * 1e3:.1f} ms (p99 {p99 * 1e3:.1f} ms), "
        f"turned away first {figures.knocks} times\n"
        f"  loop busy for {figures.busy * 1e3:.1f} ms at most ({figures.busy_in_flood * 1e3:.0f} ms in a flood of "
        f"{FLOOD:,} empty lines), {figures.buffered:,} bytes buffered at most, "
        f"memory {figures.memory / MEBI:+.2f} MiB, {figures.records:,} log records, {len(figures.findings)} findings"
    )


def fuzz(loop: str, messages: int, seed: int, minutes: float | None = None) -> Figures:
    """Fuzz a server on a loop of that kind."""
    run: list[Run] = []

    async def main() -> None:
        run.append(Run(seed, messages, minutes))
        await run[0].all()

    with asyncio.Runner(debug=False, loop_factory=lambda: new_loop(loop)) as runner:
        try:
            runner.run(main())
        except KeyboardInterrupt:
            run[0].figures.findings.append("interrupted")
    run[0].progress.end()
    return run[0].figures


async def replay(seed: int, number: int) -> None:
    """Run one session, with the server's log."""
    log = logging.getLogger("tcpip_tests.fuzz")
    log.setLevel(logging.DEBUG)
    log.addHandler(logging.StreamHandler())
    if number % TLS_EVERY == TLS_EVERY - 1:
        at_server, at_client = contexts()
        async with Parser(log, ssl=at_server) as server:
            garbage = Garbage(server, at_client)
            await garbage.send(random.Random(f"{seed}:{number}"))
            garbage.close()
        return
    async with Parser(log) as server:
        session = make_session(server, seed, number)
        print(f"{session.dialect}, {session.leaving}")
        print(await session.run())


def main(arguments: list[str] | None = None) -> int:
    """Fuzz, or replay one session."""
    parser = new_parser("server", (__doc__ or "").partition("\n")[0])
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    parser.add_argument("--replay", type=int, metavar="SESSION", help="run this one session, with the server's log")
    given = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(1 << 40) if given.seed is None else given.seed
    print(f"seed: {seed}", flush=True)
    if given.replay is not None:
        with asyncio.Runner(loop_factory=lambda: new_loop(given.loop)) as runner:
            runner.run(replay(seed, given.replay))
        return 0
    figures = fuzz(given.loop, given.messages, seed, given.minutes)
    print(report(figures, given.loop))
    for line in figures.findings:
        print(f"  {line}")
    return 1 if figures.findings else 0


if __name__ == "__main__":
    sys.exit(main())
