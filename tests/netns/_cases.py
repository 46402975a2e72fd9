"""What happens to a link, and how long each end may take: each case has a network of its own.

Times begin when the fault is made, right after both ends have heard each other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tcpip_core import Client, Heartbeat, Keepalive, LossReason, OneClientServer
from tests.netns._ends import (
    Link,
    Memory,
    Settings,
    flood,
    get_in,
    keep_writing,
    link,
)
from tests.netns._network import Fault, Network

__all__ = ["CLOSES", "COMES_BACK", "GETS_IN", "SILENCE", "Case", "Measurement"]


@dataclass(frozen=True)
class Measurement:
    """How long something took, how long it may take, and what came with it."""

    what: str
    seconds: float
    bound: float
    slack: float
    remark: str = ""


@dataclass(frozen=True)
class Case:
    """Something that happens to a link; `run` returns what was measured, and takes about `patience` seconds."""

    name: str
    patience: float
    run: Callable[[Network], Awaitable[list[Measurement]]]


BUSY_TIME = 0.3
"""How long the ends write before the link dies (seconds)."""

AFTER_TIME = 0.3
"""How long to wait for something that must not come (seconds)."""

# --- silence ----------------------------------------------------------------------------------------------------------

DEFAULT, FAST = ("default", Keepalive(), 15.0), ("fast", Keepalive.fast(), 6.0)
SLACK = 1.0
"""The kernel rounds its timers up, by as much as an eighth, and a retransmission comes before it counts (seconds)."""

ANSWERS = {LossReason.SILENT, LossReason.UNREACHABLE}
OVERDUE = {LossReason.HEARTBEAT}
BLOCKED = {*ANSWERS, LossReason.WRITE_TIMEOUT}
GIVEN_UP = {*ANSWERS, LossReason.RST}
"""The other end gave up first, and could say so."""


@asynccontextmanager
async def busy(a_link: Link, how: Callable[[Client | OneClientServer], Awaitable[None]] | None) -> AsyncIterator[None]:
    """Let both ends write while the block runs."""
    tasks: list[asyncio.Task[None]] = []
    for host, who in (a_link.net.client, a_link.client), (a_link.net.server, a_link.server):
        if how is not None:
            tasks.append(asyncio.create_task(host.run(_awaited(how(who)))))
    if tasks:
        await asyncio.sleep(BUSY_TIME)
    yield
    await asyncio.gather(*tasks)


async def _awaited(awaitable: Awaitable[None]) -> None:
    await awaitable


def silence(
    name: str,
    fault: Fault,
    settings: Settings,
    bound: float,
    *,
    slack: float = SLACK,
    reasons: Iterable[LossReason] = ANSWERS,
    writing: Callable[[Client | OneClientServer], Awaitable[None]] | None = None,
) -> Case:
    """Make a case of a link that dies without a word."""

    async def run(net: Network) -> list[Measurement]:
        async with link(net, settings) as a_link:
            async with busy(a_link, writing):
                cut_at = await net.cut(fault)
                notices = await a_link.notices()
        for end, notice in notices.items():
            assert [True, False] == notice.told, f"the {end}'s callback was told {notice.told}"
            assert notice.reason in set(reasons), f"the {end} gave {notice.reason} as the reason"
        return [
            Measurement(f"noticed by the {end}", notice.at - cut_at, bound, slack, notice.reason.name)
            for end, notice in notices.items()
            if notice.reason is not None
        ]

    return Case(name, bound, run)


def _silence_cases() -> list[Case]:
    cases: list[Case] = []
    for figures, keepalive, bound in DEFAULT, FAST:
        settings = Settings(keepalive)
        for fault in Fault:
            reasons = GIVEN_UP if fault is Fault.ONE_WAY else ANSWERS
            name = f"{fault.value}, {figures}"
            cases += [
                silence(f"{name}, idle", fault, settings, bound, reasons=reasons),
                silence(f"{name}, writing", fault, settings, bound, reasons=reasons, writing=keep_writing),
            ]
        deaf = Settings(keepalive, is_read=False)
        fault = Fault.NO_FORWARDING
        cases += [
            silence(f"{fault.value}, {figures}, nobody reads", fault, deaf, bound),
            silence(f"{fault.value}, {figures}, flooding", fault, deaf, bound, reasons=BLOCKED, writing=flood),
        ]
    for heartbeat in Heartbeat(), Heartbeat(interval=0.25, timeout=1.0):
        for what, writing in ("idle", None), ("writing", keep_writing):
            name = f"heartbeat of {heartbeat.timeout:g} s, {what}"
            settings, bound = Settings(heartbeat=heartbeat), heartbeat.timeout * 1.25
            cases.append(silence(name, Fault.BLACK_HOLE, settings, bound, slack=0.25, reasons=OVERDUE, writing=writing))
    return cases


def _writing_late(figures: str, keepalive: Keepalive, bound: float, *, delay: float) -> Case:
    """Make a case of ends that write for the first time when the link has been dead for a while."""

    async def write_late(who: Client | OneClientServer) -> None:
        await asyncio.sleep(delay + BUSY_TIME)
        await who.write_str("late")

    name = f"{Fault.NO_FORWARDING.value}, {figures}, first write {delay:g} s after"
    return silence(name, Fault.NO_FORWARDING, Settings(keepalive), bound, writing=write_late)


SILENCE = [*_silence_cases(), _writing_late(*DEFAULT, delay=8.0), _writing_late(*FAST, delay=2.5)]


# --- power cycles -----------------------------------------------------------------------------------------------------

OFF_TIME = 0.3
"""How long the client's host is off (seconds)."""


def power_cycle(
    name: str, settings: Settings, bound: float, slack: float, *, mute: bool, writing: bool, from_boot: bool
) -> Case:
    """Make a case of a client whose host loses power and starts again with the same address.

    The time is that until the server has answered a question of the new client.
    """

    async def run(net: Network) -> list[Measurement]:
        async with link(net, settings) as a_link:
            task = asyncio.create_task(net.server.run(keep_writing(a_link.server))) if writing else None
            if writing:
                await asyncio.sleep(BUSY_TIME)
            old_port = a_link.client_port
            off_at = await net.power_off()
            await asyncio.sleep(OFF_TIME)
            await net.boot(mute_port=old_port if mute else None)
            boot_at = time.monotonic()
            async with asyncio.timeout(bound + slack + 2):
                newcomer, in_at, attempts = await net.client.run(get_in(settings))
            told = list(a_link.server_memory.told)
            reason = a_link.server_memory.reason
            await net.client.run(newcomer.close())
            if task is not None:
                await task
        assert [True, False, True] == told, f"the server's callback was told {told}"
        seconds = in_at - (boot_at if from_boot else off_at)
        remark = f"{reason.name if reason else 'no reason'}, attempt {attempts}"
        return [Measurement("in again", seconds, bound, slack, remark)]

    return Case(name, bound, run)


def _power_cycle_cases() -> list[Case]:
    cases: list[Case] = []
    policies = (
        ("reject, default", Settings(Keepalive()), 15.0, SLACK, False),
        ("reject, fast", Settings(Keepalive.fast()), 6.0, SLACK, False),
        ("probe, default", Settings(on_second_client="probe"), 2.0, 0.5, True),
    )
    for policy, settings, bound, slack, from_boot in policies:
        for how, mute in ("RST for the old link", False), ("nothing for the old link", True):
            for what, writing in ("idle", False), ("writing", True):
                name = f"power cycle, {policy}, {what}, {how}"
                case = power_cycle(name, settings, bound, slack, mute=mute, writing=writing, from_boot=from_boot)
                cases.append(case)
    return cases


GETS_IN = _power_cycle_cases()


# --- close ------------------------------------------------------------------------------------------------------------

CLOSE_BOUND = 2.5


def closing(name: str, unsent: bytes) -> Case:
    """Make a case of two ends that are closed, with unsent data, while the link is dead."""

    async def close(who: Client | OneClientServer) -> float:
        writing = asyncio.create_task(who.write(unsent))
        await asyncio.sleep(0.2)
        begun_at = time.monotonic()
        await who.close()
        took = time.monotonic() - begun_at
        assert who.done_task.done()
        await asyncio.wait({writing})
        error = writing.exception()
        assert error is None or isinstance(error, ConnectionError)
        return took

    async def reopen(server: OneClientServer) -> None:
        async with OneClientServer(server.host, server.port, server.log):
            pass

    async def run(net: Network) -> list[Measurement]:
        async with link(net, Settings(is_read=False)) as a_link:
            await net.cut(Fault.NO_FORWARDING)
            client, server = await asyncio.gather(
                net.client.run(close(a_link.client)), net.server.run(close(a_link.server))
            )
            await net.server.run(reopen(a_link.server))
        return [
            Measurement("close() of the client", client, CLOSE_BOUND, 0.0),
            Measurement("close() of the server", server, CLOSE_BOUND, 0.0),
        ]

    return Case(name, CLOSE_BOUND, run)


CLOSES = [
    closing("close, a write is blocked", bytes(32 * 1024 * 1024)),
    closing("close, unsent data in the kernel", bytes(1000)),
]


# --- a link that comes back -------------------------------------------------------------------------------------------


def coming_back(fault: Fault, figures: str, keepalive: Keepalive, outage: float, bound: float) -> Case:
    """Make a case of a link that is dead for a while, shorter than what the ends wait, while both write."""

    async def collected(memory: Memory, count: int) -> tuple[list[str], float]:
        while len(memory.lines) < count and not memory.lost.is_set():
            await asyncio.sleep(0.02)
        at = time.monotonic()
        await asyncio.sleep(AFTER_TIME)
        return list(memory.lines), at

    async def run(net: Network) -> list[Measurement]:
        count = round((outage + 1) * 10)
        async with link(net, Settings(keepalive)) as a_link:
            reading = asyncio.create_task(net.client.run(a_link.client.keep_reading()))
            writing = [
                asyncio.create_task(net.client.run(keep_writing(a_link.client, count=count))),
                asyncio.create_task(net.server.run(keep_writing(a_link.server, count=count))),
            ]
            await asyncio.sleep(BUSY_TIME)
            cut_at = await net.cut(fault)
            await asyncio.sleep(outage - (time.monotonic() - cut_at))
            await net.mend(fault)
            got = await asyncio.gather(
                net.client.run(collected(a_link.client_memory, count)),
                net.server.run(collected(a_link.server_memory, count)),
            )
            took = max(at for _, at in got) - cut_at
            told = [a_link.client_memory.told[:], a_link.server_memory.told[:]]
            await asyncio.gather(*writing)
        await reading
        expected = [f"line {number}" for number in range(count)]
        assert [expected, expected] == [lines for lines, _ in got]
        assert [[True], [True]] == told
        remark = f"{2 * count} lines, each once, in order"
        return [Measurement("all there", took, bound, SLACK, remark)]

    return Case(f"dead for {outage:g} s: {fault.value}, {figures}", bound, run)


COMES_BACK = [
    coming_back(fault, figures, keepalive, outage, bound)
    for fault in (Fault.NO_FORWARDING, Fault.CLIENT_DOWN, Fault.ROUTER_DOWN, Fault.UNREACHABLE)
    for (figures, keepalive, bound), outage in ((DEFAULT, 6.0), (FAST, 2.5))
]
