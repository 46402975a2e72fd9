"""The model catches subjects that break a promise: a check that cannot fail is a defect."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest

from tcpip_core._connection import Connection
from tests.simulation._seeds import explain, run_block, run_seed, shrink
from tests.simulation._subjects import ModelClient, ModelLoopServer, ModelServer
from tests.simulation._world import Cast

MOST_SEEDS = 300
"""How many seeds it may take to find a mistake."""

LOST = "messages unread|what was read is not what arrived"


def violations(cast: Cast) -> str:
    """Run seeds until one fails, and return what is found wrong."""
    for seed in range(MOST_SEEDS):
        if found := run_seed(seed, cast=cast).violations:
            return "\n".join(found)
    return ""


class LosesOnCancel(ModelClient):
    """Takes data off the buffer before it is sure to return them."""

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        data = await super().readuntil(separator)
        await asyncio.sleep(0.001)
        return data


class LosesOnCancelToo(ModelServer):
    """The same, on a server."""

    async def readline(self) -> bytes:
        data = await super().readline()
        await asyncio.sleep(0.05)
        return data


class ReadsTwice(ModelServer):
    """Delivers a message again."""

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        data = await super().readuntil(separator)
        return data + data if self.rng.random() < 0.1 else data


class TellsLate(ModelServer):
    """Reports a loss before the callback knows."""

    def watch(self) -> None:
        super().watch()

        async def at_once() -> None:
            await asyncio.sleep(0)

        endpoint: Any = self._tcpip
        endpoint.told = at_once


class TellsTwice(ModelServer):
    """Calls the callback again with what it knows."""

    async def told(self, _: object) -> None:
        await super().told(self)
        await super().told(self)


class LeaksATask(ModelClient):
    """Leaves a task behind when it closes."""

    async def close(self) -> None:
        await super().close()
        self._leaked = self._tcpip.tasks.spawn(asyncio.sleep(3), "left behind")


class LeaksATimer(ModelServer):
    """Leaves a timer behind when it closes."""

    async def close(self) -> None:
        await super().close()
        asyncio.get_running_loop().call_later(100, print)


class KeepsListening(ModelServer):
    """Forgets to close its port."""

    def _tcpip_stopped(self) -> None:
        if self._server is not None:
            asyncio.get_running_loop().call_later(1.0, self._server.close)


class ClosesSlowly(ModelClient):
    """Takes longer than it promises."""

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.witness.close_begins()
        await asyncio.sleep(3)
        await super().close()


class DropsAtClose(ModelServer):
    """Does not hand over what was written before it was closed."""

    async def close(self) -> None:
        self._tcpip.connection.abort()
        await super().close()


class TakesTwo(ModelLoopServer):
    """Lets a second client in beside the first."""

    def watch(self) -> None:
        super().watch()
        endpoint: Any = self._tcpip

        def arrived(connection: Connection) -> None:
            endpoint._open.append(connection)
            endpoint.take(connection)

        endpoint.arrived = arrived


class WritesHalf(ModelServer):
    """Writes only a part of what it was given."""

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        record = self.witness.record_of(self._tcpip.connection)
        if self.rng.random() < 0.2 and len(data) > 4 and record is not None and self.connected:
            record.offered += data[3:]
            data = data[:3]
        await super().write(data)


class RaisesUnseen(ModelClient):
    """Leaves an exception that nobody looks at."""

    async def close(self) -> None:
        await super().close()
        asyncio.get_running_loop().create_future().set_exception(ValueError("unseen"))


class KeepsThePlace(ModelServer):
    """Never gives up a place once it was taken."""

    def watch(self) -> None:
        super().watch()
        endpoint: Any = self._tcpip
        admit: Callable[[Connection], bool] = endpoint.admit

        def admit_once(connection: Connection) -> bool:
            return not self.witness.records and admit(connection)

        endpoint.admit = admit_once


@pytest.mark.parametrize(
    ("broken", "word"),
    [
        (LosesOnCancel, LOST),
        (LosesOnCancelToo, LOST),
        (ReadsTwice, "what was read is not what arrived"),
        (TellsLate, "when the callback had been told"),
        (TellsTwice, "twice"),
        (LeaksATask, "left"),
        (LeaksATimer, "timers are left"),
        (KeepsListening, "listen"),
        (ClosesSlowly, "after close was called first"),
        (DropsAtClose, "bytes were written before close"),
        (TakesTwo, "was admitted beside"),
        (WritesHalf, "got what was not written"),
        (RaisesUnseen, "never retrieved"),
        (KeepsThePlace, "no newcomer is served"),
    ],
)
def test_a_broken_subject_is_caught(broken: type, word: str) -> None:
    """Each promise has a subject that breaks it, and is found out within a few hundred seeds."""
    cast = Cast()
    role = next(name for name, base in BASES.items() if issubclass(broken, base))
    setattr(cast, role, broken)
    assert re.search(word, violations(cast))


BASES: dict[str, type] = {"client": ModelClient, "loop": ModelLoopServer, "server": ModelServer}


def test_a_failing_seed_is_shrunk_and_can_be_seen_again() -> None:
    """Who finds a failure gets the faults that it takes, and a command."""
    cast = Cast()
    cast.client = LosesOnCancel
    failing = next(one for one in (run_seed(seed, cast=cast) for seed in range(MOST_SEEDS)) if one.violations)
    small = shrink(failing, cast)
    assert small.violations
    assert len(small.faults) < len(failing.faults)
    text = explain(small)
    assert f"python -m tests.simulation --replay {failing.seed} --faults " in text
    assert re.search(LOST, text)


def test_seeds_can_be_run_in_a_process_of_a_pool() -> None:
    """What a pool hands back is text, and a count."""
    assert (3, []) == run_block(range(3))
