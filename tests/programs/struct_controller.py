"""A binary controller, its structures, and the client that commands it."""

from __future__ import annotations

__all__ = ["CommandError", "ControllerClient", "MockController", "State", "Telemetry"]

import asyncio
import ctypes
import enum
import itertools
import logging
import typing

import tcpip_core as tcpip

SYNC = 0x5AA5
COMMAND_TIMEOUT = 5
"""How long to wait for the reply to a command (seconds)."""


class State(enum.IntEnum):
    """What the controller does."""

    OFFLINE = 0
    STANDBY = enum.auto()
    ENABLED = enum.auto()


class Code(enum.IntEnum):
    """Commands."""

    ENABLE = 1
    MOVE = enum.auto()
    DISABLE = enum.auto()


class FrameId(enum.IntEnum):
    """What follows a header."""

    REPLY = 1
    TELEMETRY = enum.auto()


class Command(ctypes.Structure):
    """A command, from the client to the controller."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [
        ("sync", ctypes.c_uint16),
        ("id", ctypes.c_uint32),
        ("code", ctypes.c_uint16),
        ("param", ctypes.c_double),
    ]


class Header(ctypes.Structure):
    """The start of each frame of the controller."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("sync", ctypes.c_uint16), ("frame_id", ctypes.c_uint16), ("counter", ctypes.c_uint32)]


class Reply(ctypes.Structure):
    """The controller's answer to a command."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("command_id", ctypes.c_uint32), ("ok", ctypes.c_uint8), ("reason", ctypes.c_char * 40)]


class Telemetry(ctypes.Structure):
    """The controller's state."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("state", ctypes.c_uint8), ("position", ctypes.c_double), ("target", ctypes.c_double)]


class CommandError(Exception):
    """The controller refused a command."""


class ControllerClient(tcpip.Client):
    """Send commands and follow telemetry of a controller.

    Parameters
    ----------
    host, port, log
        As for `tcpip.Client`.
    telemetry_callback : callable
        Coroutine function that gets this client when there is new telemetry.
    """

    def __init__(
        self,
        host: str,
        port: int | None,
        log: logging.Logger,
        telemetry_callback: typing.Callable[[ControllerClient], typing.Awaitable[None]],
    ) -> None:
        self.telemetry_callback = telemetry_callback
        self.header = Header()
        self.telemetry = Telemetry()
        self.commands: dict[int, asyncio.Future[None]] = {}
        self._command_id = itertools.count(1)
        self._monitor_loop_task: asyncio.Future[None] = asyncio.Future()
        super().__init__(host, port, log, name="controller client")

    async def start(self, **kwargs: typing.Any) -> None:
        """Connect, then start reading."""
        await super().start(**kwargs)
        self._monitor_loop_task = asyncio.create_task(self._monitor_loop())

    async def run_command(self, code: Code, param: float = 0) -> None:
        """Send a command and wait for its reply."""
        command_id = next(self._command_id)
        future = self.commands[command_id] = asyncio.Future()
        try:
            await self.write_from(Command(SYNC, command_id, code, param))
            await asyncio.wait_for(future, timeout=COMMAND_TIMEOUT)
        finally:
            del self.commands[command_id]

    async def _monitor_loop(self) -> None:
        try:
            while self.connected:
                await self.read_into(self.header)
                if self.header.sync != SYNC:
                    raise RuntimeError(f"Bad sync pattern {self.header.sync:#x}")
                if self.header.frame_id == FrameId.TELEMETRY:
                    await self.read_into(self.telemetry)
                    await self.telemetry_callback(self)
                else:
                    reply = Reply()
                    await self.read_into(reply)
                    self.handle_reply(reply)
        except (ConnectionError, asyncio.IncompleteReadError):
            if self.should_be_connected:
                self.log.warning("The controller has gone")
        except Exception:
            self.log.exception("Monitoring failed; closing")
            await self.basic_close()
        finally:
            for future in self.commands.values():
                if not future.done():
                    future.set_exception(ConnectionError("Connection lost while waiting for a reply"))

    def handle_reply(self, reply: Reply) -> None:
        """End the command that this is the reply to."""
        future = self.commands.get(reply.command_id)
        if future is None or future.done():
            return
        if reply.ok:
            future.set_result(None)
        else:
            future.set_exception(CommandError(reply.reason.decode()))


class MockController(tcpip.OneClientReadLoopServer):
    """A controller that moves in steps of 1 and sends telemetry after each."""

    def __init__(self, *, log: logging.Logger, port: int = 0, **kwargs: typing.Any) -> None:
        self.telemetry_loop_task: asyncio.Future[None] = asyncio.Future()
        self.telemetry_loop_task.set_result(None)
        super().__init__(port=port, log=log, connect_callback=self.connect_callback, **kwargs)
        self.status = Telemetry(state=State.STANDBY)
        self.command = Command()
        self.counter = itertools.count()
        self.dispatch_dict = {
            Code.ENABLE: self.do_enable,
            Code.MOVE: self.do_move,
            Code.DISABLE: self.do_disable,
        }

    async def connect_callback(self, server: tcpip.OneClientServer) -> None:
        """Send telemetry while somebody listens."""
        self.telemetry_loop_task.cancel()
        if self.connected:
            self.telemetry_loop_task = asyncio.create_task(self.telemetry_loop())

    async def read_and_dispatch(self) -> None:
        """Read a command, do it and reply."""
        await self.read_into(self.command)
        if self.command.sync != SYNC:
            raise RuntimeError(f"Bad sync pattern {self.command.sync:#x}")
        reply = Reply(command_id=self.command.id, ok=1)
        try:
            await self.dispatch_dict[Code(self.command.code)](self.command.param)
        except Exception as e:  # noqa: BLE001  # whatever goes wrong is the reply
            reply.ok = 0
            reply.reason = str(e).encode()[:40]
        await self.write_frame(FrameId.REPLY, reply)

    async def write_frame(self, frame_id: FrameId, data: ctypes.Structure) -> None:
        """Write a header and what follows it."""
        await self.write_from(Header(SYNC, frame_id, next(self.counter) & 0xFFFFFFFF), data)

    async def do_enable(self, _: float) -> None:
        """Enable motion."""
        if self.status.state != State.STANDBY:
            raise RuntimeError("not in STANDBY")
        self.status.state = State.ENABLED

    async def do_move(self, target: float) -> None:
        """Move to a target."""
        if self.status.state != State.ENABLED:
            raise RuntimeError("not ENABLED")
        self.status.target = target

    async def do_disable(self, _: float) -> None:
        """Disable motion."""
        self.status.state = State.STANDBY

    async def telemetry_loop(self) -> None:
        """Move a step and tell about it, again and again."""
        try:
            while self.connected:
                step = self.status.target - self.status.position
                self.status.position += max(-1.0, min(1.0, step))
                await self.write_frame(FrameId.TELEMETRY, self.status)
                await asyncio.sleep(0.001)
        except ConnectionError:
            pass

    async def close_client(self, cancel_read_loop_task: bool = True) -> None:
        """Stop telemetry first."""
        self.telemetry_loop_task.cancel()
        await super().close_client(cancel_read_loop_task=cancel_read_loop_task)

    async def close(self) -> None:
        """Stop telemetry first."""
        self.telemetry_loop_task.cancel()
        await super().close()
