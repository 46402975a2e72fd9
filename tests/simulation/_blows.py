"""What each kind of fault does to a world."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from ._faults import KINDS, Fault
from ._subjects import ModelLoopServer, ModelServer, Subject, write_once

if TYPE_CHECKING:
    from ._peers import Peer
    from ._world import World

__all__ = ["apply"]


def apply(world: World, fault: Fault) -> None:
    """Let a fault happen."""
    _BLOWS[fault.kind](world, fault)


def _cut(world: World, fault: Fault) -> None:
    world.link.cut()


def _cut_and_restore(world: World, fault: Fault) -> None:
    world.link.cut()
    world.later(fault.duration, world.link.restore)


def _stall(world: World, fault: Fault) -> None:
    world.link.stall(fault.duration)


def _peer(world: World, fault: Fault) -> Peer | None:
    alive = [one for one in world.peers if one.alive]
    return alive[fault.number % len(alive)] if alive else None


def _reset_by_peer(world: World, fault: Fault) -> None:
    if peer := _peer(world, fault):
        peer.reset()
    else:
        _reset_between(world, fault)


def _reset_between(world: World, fault: Fault) -> None:
    ends = list(world.device.connections)
    if ends:
        end = ends[fault.number % len(ends)]
        world.sim.reset(end)


def _fin(world: World, fault: Fault) -> None:
    if peer := _peer(world, fault):
        peer.talk(fault.number % 4)
        peer.close()


def _half_close(world: World, fault: Fault) -> None:
    if peer := _peer(world, fault):
        peer.talk(fault.number % 4)
        peer.half_close()


def _mute(world: World, fault: Fault) -> None:
    if peer := _peer(world, fault):
        peer.mute()
        if fault.number % 2:
            world.later(fault.duration, peer.unmute)


def _talk(world: World, fault: Fault) -> None:
    if peer := _peer(world, fault):
        peer.talk(1 + fault.number % 30, 40)


def _partial_line(world: World, fault: Fault) -> None:
    if peer := _peer(world, fault):
        peer.send(b"half a li")


def _newcomers(world: World, fault: Fault) -> None:
    if world.server_role != "raw":
        for _ in range(1 + fault.number % 3):
            _ = world.connect_peer(lines=fault.number % 4)


def _cancel_reader(world: World, fault: Fault) -> None:
    if subject := world.current(fault.number):
        world.cancel_user(subject, 0, fault.duration)


def _cancel_writer(world: World, fault: Fault) -> None:
    if subject := world.current(fault.number):
        world.cancel_user(subject, 1, fault.duration)


async def _close(subject: Subject) -> None:
    await subject.close()


async def _close_and_cancel(subject: Subject, turns: int) -> None:
    closing = asyncio.get_running_loop().create_task(_close(subject))
    for _ in range(turns):
        await asyncio.sleep(0)
    closing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await closing


def _cancel_blocked_close(world: World, fault: Fault) -> None:
    if (subject := world.current(fault.number)) and fault.number % 3 == 0:
        _ = world.help(_close_and_cancel(subject, fault.number % 7))


def _callback(world: World, fault: Fault) -> None:
    how = ("slow", "hang", "raise", "cancelled", "close", "close_client", "write", "slow")[fault.number % 8]
    world.behaviours.append((how, fault.duration))


def _close_now(world: World, fault: Fault) -> None:
    if subject := world.current(fault.number):
        _ = world.help(_close(subject))


def _close_twice(world: World, fault: Fault) -> None:
    _close_now(world, fault)
    if subject := world.current(fault.number):
        world.later(fault.duration, lambda: world.help(_close(subject)))


async def _close_client_of(subject: ModelServer | ModelLoopServer) -> None:
    await subject.close_client()


def _close_client(world: World, fault: Fault) -> None:
    subject = world.current(fault.number)
    if isinstance(subject, ModelServer | ModelLoopServer):
        _ = world.help(_close_client_of(subject))


def _dispatch(world: World, fault: Fault) -> None:
    how = ("slow", "slow", "hang", "raise", "cancelled", "close", "close_client", "write")[fault.number % 8]
    world.dispatches.append((how, fault.duration))


def _cancel_read_loop(world: World, fault: Fault) -> None:
    subject = world.current(fault.number)
    if isinstance(subject, ModelLoopServer):
        # Who stops the reading closes the client too, or it would keep the place for as long as it likes.
        subject.read_loop_task.cancel()
        world.later(fault.duration, lambda: world.help(_close_client_of(subject)))


def _big_write(world: World, fault: Fault) -> None:
    if subject := world.current(fault.number):
        size = (1_000, 70_000, 300_000)[fault.number % 3]
        task = world.help(write_once(subject, size))
        if fault.number % 5 == 0:
            world.later(fault.duration, task.cancel)


def _slow_link(world: World, fault: Fault) -> None:
    world.link.settings = replace(world.link.settings, latency=0.2 * fault.duration, bandwidth=5_000.0)


def _small_window(world: World, fault: Fault) -> None:
    world.link.settings = replace(world.link.settings, window=1 + fault.number % 100, send_buffer=200)


def _slow_start(world: World, fault: Fault) -> None:
    world.link.settings = replace(world.link.settings, initial_window=50)


def _late_accept(world: World, fault: Fault) -> None:
    for listener in world.device.listeners.values():
        listener.stop_accepting()
        world.later(fault.duration, listener.resume_accepting)


def _cancel_start(world: World, fault: Fault) -> None:
    if subject := world.current(fault.number):
        subject.start_task.cancel()


def _close_writer(world: World, fault: Fault) -> None:
    subject = world.current(fault.number)
    if subject is not None and subject._writer is not None:
        subject._writer.close()


_BLOWS = {
    "cut": _cut,
    "cut_and_restore": _cut_and_restore,
    "stall": _stall,
    "reset_by_peer": _reset_by_peer,
    "reset_between": _reset_between,
    "fin": _fin,
    "half_close": _half_close,
    "mute": _mute,
    "talk": _talk,
    "partial_line": _partial_line,
    "newcomers": _newcomers,
    "cancel_reader": _cancel_reader,
    "cancel_writer": _cancel_writer,
    "cancel_blocked_close": _cancel_blocked_close,
    "callback": _callback,
    "close": _close_now,
    "close_twice": _close_twice,
    "close_client": _close_client,
    "dispatch": _dispatch,
    "cancel_read_loop": _cancel_read_loop,
    "big_write": _big_write,
    "slow_link": _slow_link,
    "small_window": _small_window,
    "slow_start": _slow_start,
    "late_accept": _late_accept,
    "cancel_start": _cancel_start,
    "close_writer": _close_writer,
}
if _BLOWS.keys() != KINDS.keys():
    raise AssertionError("each kind of fault needs its blow")
