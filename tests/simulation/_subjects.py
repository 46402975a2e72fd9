"""The real classes, made to report to a witness, and what their users do with them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from tcpip_core import BaseClientOrServer, Client, OneClientReadLoopServer, OneClientServer

if TYPE_CHECKING:
    from tcpip_core._connection import Connection

    from ._witness import Witness

__all__ = ["ModelClient", "ModelLoopServer", "ModelServer", "Subject", "read_once", "write_once"]


class Reporting(BaseClientOrServer):
    """Reports to a witness what becomes of its connections, and what it is asked to write."""

    witness: Witness
    rng: random.Random
    behaviours: list[tuple[str, float]]
    """What the next calls of the callback do."""

    def watch(self) -> None:
        """Begin to report; right after the constructor."""
        self.done_task.add_done_callback(self.witness.done)
        self.start_task.add_done_callback(lambda task: task.cancelled() or task.exception())

    def _tcpip_connected(self, connection: Connection) -> None:
        self.witness.admitted(connection)
        super()._tcpip_connected(connection)

    def _tcpip_lost(self, connection: Connection) -> None:
        super()._tcpip_lost(connection)
        self.witness.ended(connection)

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        connection = self._tcpip.connection
        record = self.witness.record_of(connection)
        if record is not None and connection.alive:
            record.offered += data
        try:
            await super().write(data)
        except ConnectionError:
            self.witness.loss_reported(connection, "write")
            raise

    async def close(self) -> None:
        began = self.witness.close_begins()
        await super().close()  # type: ignore[safe-super]  # The real classes come next.
        self.witness.close_ended(began)

    async def told(self, _: object) -> None:
        """Be the callback."""
        self.witness.callback_begins(self.connected)
        try:
            if self.behaviours:
                await self._behave(*self.behaviours.pop(0))
        finally:
            self.witness.callback_ends()

    async def _behave(self, how: str, duration: float) -> None:
        match how:
            case "slow":
                await asyncio.sleep(duration)
            case "hang":
                await asyncio.sleep(1000)
            case "raise":
                raise ValueError("the callback fails")
            case "cancelled":
                raise asyncio.CancelledError
            case "close":
                await self.close()
                await asyncio.sleep(duration)
            case "close_client" if isinstance(self, OneClientServer):
                await self.close_client()
            case "write" if self.connected:
                await write_once(self, 10)
            case _:
                pass


class ModelClient(Reporting, Client):
    """A client that reports."""


class ModelServer(Reporting, OneClientServer):
    """A server that reports."""


class ModelLoopServer(Reporting, OneClientReadLoopServer):
    """A read-loop server that reports, and may be told to misbehave."""

    dispatches: list[tuple[str, float]]
    """What the next messages do."""

    async def read_and_dispatch(self) -> None:
        data = await read_once(self)
        if data.endswith(b"heartbeat\r\n") and self.run_heartbeat_monitor_task:
            await self.handle_received_heartbeat()
        if self.dispatches:
            await self._dispatch(*self.dispatches.pop(0))
        elif data.endswith(b"\n") and self.rng.random() < 0.5:
            await self.write_str("ok")

    async def _dispatch(self, how: str, duration: float) -> None:
        match how:
            case "slow":
                await asyncio.sleep(duration)
            case "hang":
                await asyncio.sleep(20)
            case "raise":
                raise ValueError("the dispatch fails")
            case "cancelled":
                raise asyncio.CancelledError
            case "close":
                await self.close()
            case "close_client":
                await self.close_client()
            case _:
                await self.write_str("x" * 100)


Subject = ModelClient | ModelServer | ModelLoopServer


async def _read_str(subject: Reporting, _: int) -> bytes:
    return (await subject.read_str()).encode() + b"\r\n"


async def _readline(subject: Reporting, _: int) -> bytes:
    return await subject.readline()


async def _readuntil(subject: Reporting, _: int) -> bytes:
    return await subject.readuntil(b"\r\n")


async def _readexactly(subject: Reporting, size: int) -> bytes:
    return await subject.readexactly(size)


async def _read(subject: Reporting, size: int) -> bytes:
    return await subject.read(1 + size)


_Read = Callable[[Reporting, int], Coroutine[Any, Any, bytes]]
_HasFrame = Callable[[bytes, int], bool]

_READS: tuple[tuple[_Read, _HasFrame], ...] = (
    (_read_str, lambda rest, _: b"\r\n" in rest),
    (_read_str, lambda rest, _: b"\r\n" in rest),
    (_readline, lambda rest, _: b"\n" in rest),
    (_readuntil, lambda rest, _: b"\r\n" in rest),
    (_readexactly, lambda rest, size: len(rest) >= size),
    (_read, lambda rest, _: bool(rest)),
)
"""All ways to read, and whether what arrived has a complete frame for one that waits."""


async def read_once(subject: Reporting) -> bytes:
    """Read one item, in one of all ways, and report it."""
    connection, witness = subject._tcpip.connection, subject.witness
    record = witness.record_of(connection)
    read, has_frame = subject.rng.choice(_READS)
    size = subject.rng.randint(0, 40)
    if record is not None:
        record.has_frame = lambda rest: has_frame(rest, size)
    try:
        data = await read(subject, size)
    except asyncio.IncompleteReadError as e:
        if record is not None:
            record.delivered += e.partial
        witness.loss_reported(connection, read.__name__)
        raise
    except ConnectionError:
        witness.loss_reported(connection, read.__name__)
        raise
    finally:
        if record is not None:
            record.has_frame = None
    if record is not None:
        record.delivered += data
        record.last_read = witness.loop.time()
    if (read is _read and not data) or (read is _readline and not data.endswith(b"\n")):
        witness.loss_reported(connection, read.__name__)
    return data


async def write_once(subject: Reporting, size: int) -> None:
    """Write one line, or as many as it takes."""
    if size > 300:
        await subject.writelines([b"%d:%s\r\n" % (number, b"z" * 190) for number in range(size // 200)])
        return
    line = f"{subject.rng.randint(0, 999)}:{'y' * size}"
    if subject.rng.random() < 0.3:
        await subject.writelines([line.encode(), b"\r\n"])
    else:
        await subject.write_str(line)
