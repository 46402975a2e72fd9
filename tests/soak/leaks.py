"""Count what is left of many connections: objects by type, descriptors, tasks, timers, memory.

Each round is a connection to one server that lives through all of them, and each way to end one takes its turn. Run
it with::

    python -m tests.soak.leaks --connects 100000 --loop uvloop
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import platform
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import tcpip_core
from tests.arguments import count, minutes
from tests.fuzz._crowd import Progress
from tests.soak._gauge import growth, hold, left_behind, new_loop
from tests.support import IPV4, Peer, connected, describe_loop_error, soon, until

MEBI = 1 << 20
WARM_UP = 500
"""Connections before those that count: caches are full then, and the allocator has settled."""

MOST_OBJECTS = 10
MOST_MEMORY = 1 * MEBI


class Echo(tcpip_core.OneClientReadLoopServer):
    """Answers each line."""

    changes = 0

    async def note(self) -> None:
        """Count what the connect callback is told."""
        self.changes += 1

    async def read_and_dispatch(self) -> None:
        """Answer one line."""
        await self.write_str(await self.read_str())


async def end_with_fin(server: Echo) -> None:
    """The peer says a line and closes its side, then the rest."""
    async with Peer(IPV4, server.port) as peer:
        peer.send(b"a\r\n")
        peer.write_eof()
        assert await peer.read_to_eof() == b"a\r\n"


async def end_with_rst(server: Echo) -> None:
    """The peer resets in the middle of a line."""
    peer = Peer(IPV4, server.port)
    await connected(server)
    peer.send(b"a\r\nhalf a li")
    peer.reset()


async def end_here(server: Echo) -> None:
    """The server closes the client."""
    async with Peer(IPV4, server.port) as peer:
        await connected(server)
        await soon(server.close_client())
        await peer.wait_hung_up()


async def send_away(server: Echo) -> None:
    """A second client is turned away, and the first one notices nothing."""
    async with Peer(IPV4, server.port) as first:
        await connected(server)
        async with Peer(IPV4, server.port) as second:
            await second.wait_hung_up()
        first.send(b"a\r\n")
        assert await first.read_until(b"\r\n") == b"a\r\n"


async def use_our_client(server: Echo) -> None:
    """Our own client says a line, and closes."""
    async with tcpip_core.Client(IPV4, server.port, server.log) as client:
        await soon(client.write_str("a"))
        assert await soon(client.read_str()) == "a"


async def lose_our_client(server: Echo) -> None:
    """Our own client is hung up on while it reads."""
    async with tcpip_core.Client(IPV4, server.port, server.log) as client:
        await connected(server)
        await soon(server.close_client())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await soon(client.read_str())


ROUNDS: tuple[Callable[[Echo], Awaitable[None]], ...] = (
    end_with_fin,
    end_with_rst,
    end_here,
    send_away,
    use_our_client,
    lose_our_client,
)


@dataclass
class Figures:
    """What was measured."""

    connects: int = 0
    seconds: float = 0.0
    objects: int = 0
    grown: dict[str, int] = field(default_factory=dict[str, int])
    memory: int = 0
    findings: list[str] = field(default_factory=list[str])


async def measure(connects: int, figures: Figures, progress: Progress, minutes: float | None = None) -> None:
    """Connect and end that often, and note what is left."""
    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    log = logging.getLogger("tcpip_tests.leaks")
    log.setLevel(logging.CRITICAL)
    async with Echo(port=0, log=log) as server:  # A loop opens things at their first use, and keeps them.
        await all_rounds(server)
    outside = await hold()
    async with Echo(port=0, log=log, connect_callback=Echo.note) as server:
        for number in range(WARM_UP):
            await one_round(server, number)
        await all_rounds(server)
        before = await hold()
        server.changes = 0
        for number in range(connects):
            await one_round(server, number)
            figures.connects += 1
            progress.step(1)
            if minutes is not None and progress.seconds > 60 * minutes:
                break
        figures.seconds, told = progress.seconds, server.changes
        await all_rounds(server)
        after = await hold()
    figures.grown, figures.memory = growth(before, after), after.memory - before.memory
    figures.objects = after.objects.total() - before.objects.total()
    figures.findings += [*left_behind(before, after), *left_behind(outside, await hold())]
    figures.findings += [f"error in the loop: {describe_loop_error(one)}" for one in errors]
    if told != 2 * figures.connects:
        figures.findings.append(f"{figures.connects} connections, but the callback was told {told} changes")
    if figures.objects > MOST_OBJECTS:
        figures.findings.append(f"{figures.objects} objects more: more than {MOST_OBJECTS}")
    if figures.memory > MOST_MEMORY:
        figures.findings.append(f"{figures.memory} bytes more: more than {MOST_MEMORY}")


async def all_rounds(server: Echo) -> None:
    """Go through each way to end: the last connection leaves its error behind, so the last ones must be alike."""
    for number in range(len(ROUNDS)):
        await one_round(server, number)


async def one_round(server: Echo, number: int) -> None:
    """Make one connection, end it, and wait until the server has done so too."""
    await ROUNDS[number % len(ROUNDS)](server)
    await soon(asyncio.wait({server.read_loop_task}))
    await until(lambda: not server.connected)


def run(loop: str, connects: int, minutes: float | None = None) -> Figures:
    """Measure on a loop of that kind; Ctrl-C ends it with what there is."""
    figures, progress = Figures(), Progress(connects, "connects")
    with asyncio.Runner(debug=False, loop_factory=lambda: new_loop(loop)) as runner:
        try:
            runner.run(measure(connects, figures, progress, minutes))
        except KeyboardInterrupt:
            figures.findings.append("interrupted")
    progress.end()
    return figures


def report(figures: Figures, loop: str) -> str:
    """Put the figures into words."""
    grown = ", ".join(f"{kind} {more:+}" for kind, more in list(figures.grown.items())[:8])
    return (
        f"Python {platform.python_version()}, {loop}: {figures.connects:,} connects in {figures.seconds:.1f} s "
        f"({figures.connects / max(figures.seconds, 1e-9):,.0f}/s)\n"
        f"  {figures.objects:+} objects ({grown or 'none of any type'}), memory {figures.memory / MEBI:+.2f} MiB, "
        f"{len(figures.findings)} findings{''.join(f'{chr(10)}  {one}' for one in figures.findings)}"
    )


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="leaks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--connects", type=count, default=100_000, metavar="N", help="default 100 000")
    parser.add_argument("--minutes", type=minutes, metavar="M", help="stop after that time at the latest")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of words")
    given = parser.parse_args(arguments)
    figures = run(given.loop, given.connects, given.minutes)
    print(json.dumps(vars(figures)) if given.json else report(figures, given.loop))
    return 1 if figures.findings else 0


if __name__ == "__main__":
    sys.exit(main())
