"""What a newcomer meets that finds the place taken: the holder is asked for a sign of life, or replaced."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from tcpip_core import Keepalive, Limits, LossReason, OneClientServer
from tcpip_core._states import State
from tests.contract._rigs import READ_LOOP_SERVER, SERVER, Rig, make, rigged
from tests.faults._faults import SLACK, blocked_write, die, errors, is_holder, needs_dead_peer, serves_on, timed
from tests.faults.conftest import Figure
from tests.support import IPV4, Peer, open_sockets, soon, turns, until

PROBE = 1.8
"""How long a holder has to answer (seconds)."""


@asynccontextmanager
async def waiting(rig: Rig) -> AsyncIterator[Peer]:
    """Let a newcomer come that has to wait."""
    async with Peer(rig.server.host or IPV4, rig.server.port) as newcomer:
        await until(lambda: rig.server._tcpip.slot._waiting is not None)
        yield newcomer


def server_rig_with(kind: str, log: logging.Logger, policy: str, **kwargs: Any) -> AbstractAsyncContextManager[Rig]:
    """Give a server with a policy for newcomers, connected to a holder."""
    return rigged(kind, IPV4, log, on_second_client=policy, **kwargs)


def keepalive_of(server: OneClientServer) -> tuple[int, ...]:
    """Return the options that the kernel has on a server's link: time, interval, probes, user time-out."""
    assert server._writer is not None
    sock = server._writer.get_extra_info("socket")
    names = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
    return tuple(sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in names)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the kernel does not tell when it heard of the peer")
async def test_probe_turns_a_newcomer_away_from_a_living_holder(
    server_kind: str, log: logging.Logger, figure: Figure, caplog: pytest.LogCaptureFixture
) -> None:
    """An idle client whose kernel answers keeps the place, and notices nothing."""
    async with server_rig_with(server_kind, log, "probe", keepalive=Keepalive(time=7)) as rig:
        before = keepalive_of(rig.server)
        with timed() as watch:
            async with waiting(rig) as newcomer:
                assert before != keepalive_of(rig.server)
                await newcomer.wait_hung_up()
        figure("probe: newcomer turned away from a living holder", watch.seconds, 2.0)
        assert PROBE - 0.1 < watch.seconds < 2.0 + SLACK
        await rig.write_reaches_peer()
        assert rig.changes.seen == [True]
        assert keepalive_of(rig.server) == before
        assert before[0] == 7
        assert len([line for line in errors(caplog) if "has answered" in line]) == 1


@pytest.mark.slow
@needs_dead_peer
@pytest.mark.parametrize("dead_for", [0.0, 0.3], ids=["died_just_now", "died_before"])
async def test_probe_gives_the_place_of_a_dead_holder_to_the_newcomer(
    dead_for: float, server_kind: str, log: logging.Logger, figure: Figure
) -> None:
    """A holder that lost its power is ended; the callback hears both in order. Its last words do not count."""
    async with server_rig_with(server_kind, log, "probe") as rig:
        die(rig.peer)
        await asyncio.sleep(dead_for)
        with timed() as watch:
            async with waiting(rig) as newcomer:
                assert [await rig.changes.next(), await rig.changes.next()] == [False, True]
                assert rig.subject.loss_reason is LossReason.SILENT
                await soon(rig.subject.write_str("welcome"))
                assert await newcomer.read_until(b"\r\n") == b"welcome\r\n"
        figure("probe: newcomer in the place of a dead holder", watch.seconds, 2.0)
        assert PROBE - 0.1 < watch.seconds < 2.0 + SLACK
        assert rig.changes.seen == [True, False, True]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the kernel does not tell when it heard of the peer")
async def test_probe_does_not_condemn_a_living_holder_that_does_not_read(log: logging.Logger) -> None:
    """While its window is closed the kernel sends no keepalive: there was no question that it left unanswered."""
    patient = Keepalive(user_timeout=60)
    limits = Limits(write_timeout=None)
    async with server_rig_with(SERVER, log, "probe", keepalive=patient, limits=limits) as rig:
        writing = await blocked_write(rig.subject)
        await asyncio.sleep(7)  # By then the kernel asks after the window every 6.4 s.
        async with waiting(rig) as newcomer:
            await newcomer.wait_hung_up()
        assert rig.changes.seen == [True]
        await soon(rig.server.close_client())
        with pytest.raises(ConnectionError):
            await soon(writing)


@pytest.mark.slow
@needs_dead_peer
async def test_probe_condemns_a_dead_holder_that_did_not_read(log: logging.Logger) -> None:
    """Once the kernel has asked after the window in vain, a newcomer gets the place."""
    limits = Limits(write_timeout=None)
    async with server_rig_with(SERVER, log, "probe", limits=limits) as rig:
        writing = await blocked_write(rig.subject)
        await asyncio.sleep(0.5)
        die(rig.peer)
        await asyncio.sleep(2.0)
        async with waiting(rig):
            assert [await rig.changes.next(), await rig.changes.next()] == [False, True]
        assert rig.subject.loss_reason is LossReason.SILENT
        with pytest.raises(ConnectionError):
            await soon(writing)


async def test_what_a_newcomer_sent_while_it_waited_is_read_once_it_is_in(log: logging.Logger) -> None:
    """The holder leaves by itself: the newcomer need not repeat itself."""
    async with server_rig_with(READ_LOOP_SERVER, log, "probe") as rig, waiting(rig) as newcomer:
        newcomer.send(b"first words\r\n")
        await turns()
        rig.peer.close()
        assert await newcomer.read_until(b"\r\n") == b"FIRST WORDS\r\n"
        assert [await rig.changes.next(), await rig.changes.next()] == [False, True]


async def test_newcomer_gets_in_at_once_when_the_holder_leaves(
    how: str, server_kind: str, log: logging.Logger, figure: Figure
) -> None:
    """It does not wait for the end of the probe."""
    async with server_rig_with(server_kind, log, "probe") as rig, waiting(rig) as newcomer:
        with timed() as watch:
            rig.lose(how)
            assert [await rig.changes.next(), await rig.changes.next()] == [False, True]
        figure("probe: newcomer in after the holder has left", watch.seconds)
        assert is_holder(rig.server, newcomer)


async def test_newcomer_gets_in_when_the_server_closes_the_holder(server_kind: str, log: logging.Logger) -> None:
    """``close_client`` is about the present client, not about the one that waits."""
    async with server_rig_with(server_kind, log, "probe") as rig, waiting(rig) as newcomer:
        await soon(rig.server.close_client())
        assert [await rig.changes.next(), await rig.changes.next()] == [False, True]
        await until(lambda: is_holder(rig.server, newcomer))


async def test_only_one_newcomer_waits(server_kind: str, log: logging.Logger) -> None:
    """A third one is closed at once, so that nobody can fill us with those who wait."""
    async with server_rig_with(server_kind, log, "probe") as rig, waiting(rig) as second:
        async with Peer(IPV4, rig.server.port) as third:
            await third.wait_hung_up()
        rig.peer.close()
        await until(lambda: is_holder(rig.server, second))


async def test_one_of_two_newcomers_gets_the_place_of_a_holder_that_drains(log: logging.Logger) -> None:
    """The holder has left, and its words wait to be read: the one that waited gets the place, the other is closed."""
    async with server_rig_with(SERVER, log, "probe") as rig, waiting(rig) as second:
        rig.peer.send(b"last words\r\n")
        rig.peer.close()
        await until(lambda: rig.server._tcpip.connection.state is State.DRAINING)
        async with Peer(IPV4, rig.server.port) as third:
            await third.wait_hung_up()
            assert is_holder(rig.server, second)
    assert rig.changes.seen == [True, False, True, False]


@pytest.mark.slow
async def test_newcomer_that_waits_gets_the_place_of_a_holder_that_drains(log: logging.Logger, figure: Figure) -> None:
    """Nobody reads the holder's last words: who waited fares no worse than who would come now."""
    async with server_rig_with(SERVER, log, "probe") as rig:
        with timed() as watch:
            async with waiting(rig) as newcomer:
                await asyncio.sleep(0.5)  # Let the probe be over first, and not the time for draining.
                rig.peer.send(b"last words\r\n")
                rig.peer.close()
                assert [await rig.changes.next(), await rig.changes.next()] == [False, True]
                assert is_holder(rig.server, newcomer)
        figure("probe: newcomer in the place of a holder that drains", watch.seconds, 2.0)
        assert watch.seconds < 2.0 + SLACK
        assert rig.subject.loss_reason is LossReason.FIN


async def test_newcomer_right_after_the_last_words_of_the_holder_gets_in(server_kind: str, log: logging.Logger) -> None:
    """What the kernel knows and the loop has not come to yet is no reason to turn anybody away."""
    async with server_rig_with(server_kind, log, "reject") as rig:
        rig.peer.send(b"last words\r\n" * 3)
        rig.peer.close()
        async with Peer(IPV4, rig.server.port) as newcomer:
            await until(lambda: is_holder(rig.server, newcomer))
            await soon(rig.server.write_str("welcome"))
            assert await newcomer.read_until(b"welcome\r\n") == b"welcome\r\n"


async def test_newcomer_that_leaves_while_it_waits_is_forgotten(
    how: str, server_kind: str, log: logging.Logger
) -> None:
    """It is not let in later, and was never told."""
    async with server_rig_with(server_kind, log, "probe") as rig:
        before = len(open_sockets())
        async with waiting(rig) as newcomer:
            newcomer.send(b"too late\r\n")
            {"fin": newcomer.close, "rst": newcomer.reset}[how]()
            await until(lambda: len(open_sockets()) == before)
        rig.peer.close()
        assert await rig.changes.next() is False
        await serves_on(rig.server)
        assert rig.changes.seen[:3] == [True, False, True]


async def test_newcomer_may_wait_after_one_that_left(how: str, log: logging.Logger) -> None:
    """Who left keeps nobody from waiting: a client that tries again gets in when the holder goes."""
    async with server_rig_with("server", log, "probe") as rig:
        before = len(open_sockets())
        async with waiting(rig) as second:
            {"fin": second.close, "rst": second.reset}[how]()
            await until(lambda: len(open_sockets()) == before)
        async with Peer(IPV4, rig.server.port) as third:
            await turns()
            rig.peer.close()
            assert [await rig.changes.next(), await rig.changes.next()] == [False, True]
            assert is_holder(rig.server, third)


async def test_newcomer_that_waits_is_closed_with_the_server(
    server_kind: str, log: logging.Logger, figure: Figure
) -> None:
    """It is not left in the dark, and holds nothing up."""
    async with server_rig_with(server_kind, log, "probe") as rig, waiting(rig) as newcomer:
        with timed() as watch:
            await soon(rig.server.close())
        figure("probe: close while a newcomer waits", watch.seconds, 2.5)
        assert watch.seconds < SLACK
        await newcomer.wait_hung_up()
        assert rig.changes.seen == [True, False]


async def test_replace_gives_the_place_to_the_newcomer(server_kind: str, log: logging.Logger, figure: Figure) -> None:
    """The holder is closed and told nothing but that; the callback hears both in order."""
    async with server_rig_with(server_kind, log, "replace") as rig:
        with timed() as watch:
            async with Peer(IPV4, rig.server.port) as newcomer:
                assert [await rig.changes.next(), await rig.changes.next()] == [False, True]
                await rig.peer.wait_hung_up()
                assert rig.subject.loss_reason is LossReason.REPLACED
                await soon(rig.subject.write_str("welcome"))
                assert await newcomer.read_until(b"\r\n") == b"welcome\r\n"
        figure("replace: newcomer in the place of the holder", watch.seconds)


async def test_replace_lets_the_last_of_many_have_the_place(server_kind: str, log: logging.Logger) -> None:
    """Everybody else is closed, and no two are ever connected."""
    async with server_rig_with(server_kind, log, "replace") as rig:
        newcomers = [Peer(IPV4, rig.server.port) for _ in range(20)]
        for peer in newcomers[:-1]:
            await peer.wait_hung_up()
            peer.close()
        last = newcomers[-1]
        await until(lambda: is_holder(rig.server, last))
        await soon(rig.subject.write_str("welcome"))
        assert await last.read_until(b"\r\n") == b"welcome\r\n"
        assert rig.changes.seen == [True] + [False, True] * (len(rig.changes.seen) // 2)
        last.close()


@needs_dead_peer
async def test_replace_does_not_wait_for_a_dead_holder(server_kind: str, log: logging.Logger) -> None:
    """Nothing is asked of the one that goes."""
    async with server_rig_with(server_kind, log, "replace") as rig:
        die(rig.peer)
        await serves_on(rig.server)
        assert rig.changes.seen[:3] == [True, False, True]


@pytest.mark.parametrize("policy", ["", "Reject", "evict", None, 1, ["probe"]])
async def test_unknown_policy_is_refused_before_anything_exists(
    policy: Any, server_kind: str, log: logging.Logger
) -> None:
    """No task, no socket; the message says what there is."""
    before = open_sockets()
    with pytest.raises(ValueError, match="reject, probe, replace"):
        make(server_kind, IPV4, 0, log, on_second_client=policy)
    assert open_sockets() == before


@pytest.mark.slow
@needs_dead_peer
@pytest.mark.parametrize("writing", [False, True], ids=["idle", "writing"])
async def test_kernel_gives_up_a_dead_peer(writing: bool, kind: str, log: logging.Logger, figure: Figure) -> None:
    """Keepalive and the user time-out end the link as told, without anybody's reading."""
    keepalive = Keepalive(time=1, interval=1, probes=1, user_timeout=1.0)
    async with rigged(kind, IPV4, log, keepalive=keepalive) as rig:
        die(rig.peer)
        with timed() as watch:
            if writing:
                await soon(rig.subject.write_str("hello?"))
            assert await rig.changes.next() is False
        state = "writing" if writing else "idle"
        figure(f"dead peer, {state}, keepalive 1 s + 1 s, user time-out 1 s", watch.seconds)
        assert watch.seconds < 3 + SLACK
        assert rig.subject.loss_reason is LossReason.SILENT
