"""Let clients in by a policy, and serve each."""

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from tcpip_core import LossReason

from .._exit_codes import ExitCode
from .._lines import counted, stamped
from .._listening import bound_address, listen, turn_away
from .._report import Event, Report, address_of
from ._line import Line
from ._manners import Manner

if TYPE_CHECKING:
    from tcpip_core.transcript import Recorder

__all__ = ["POLICIES", "Policy", "Serving"]

Policy: TypeAlias = Literal["reject", "queue", "kick", "multi"]
POLICIES: Final = ("reject", "queue", "kick", "multi")
_GRACE: Final = 0.05
"""How long a newcomer waits for an end of the link before it that has not been noticed yet (seconds)."""


@dataclass
class Serving:
    """Serve clients.

    Parameters
    ----------
    host, port
        Where to listen.
    name : str
        What is served, for people.
    manner : Manner
        What a client meets.
    policy : {"reject", "queue", "kick", "multi"}
        What a second client meets.
    recorder : Recorder or None
        Records the links.
    is_once : bool
        End as soon as a client has left and no other is served; one that is kicked hands that on to its successor.
    """

    host: str
    port: int
    name: str
    manner: Manner
    policy: Policy
    recorder: "Recorder | None"
    is_once: bool
    clients: int = field(default=0, init=False)
    refused: int = field(default=0, init=False)
    received: int = field(default=0, init=False)
    sent: int = field(default=0, init=False)

    async def __call__(self, report: Report) -> ExitCode:
        """Serve until no client is left, if that is wanted, or without an end.

        Raises
        ------
        Failure
            If the port cannot be listened on.
        """
        self._report = report
        self._tasks: set[asyncio.Task[None]] = set()
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with await listen(self.host, self.port) as listener:
            host, port = bound_address(listener)
            text = f"* {self.name} listens on {address_of(host, port)}, policy {self.policy}; end it with Ctrl-C"
            report(Event("listening", text, "*", {"host": host, "port": port, "policy": self.policy}))
            accepting = asyncio.create_task(self._accept(listener), name="accepting")
            try:
                await asyncio.wait({accepting, self._over}, return_when=asyncio.FIRST_COMPLETED)
                if accepting.done():
                    await accepting
            finally:
                accepting.cancel()
                await asyncio.wait({accepting})
                await self._end_all()
        return ExitCode.EXPECTATION if self.manner.unknown else ExitCode.OK

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while not self._over.done():
            if self.policy == "queue" and self._tasks:
                await asyncio.wait(self._tasks)
            try:
                sock, (host, port, *_) = await loop.sock_accept(listener)
            except OSError:  # It left before it was let in, or this program has too many files open.
                await asyncio.sleep(_GRACE)
                continue
            who = address_of(str(host), port)
            if (line := await self._let_in(sock, who)) is not None:
                task = asyncio.create_task(self._serve(line, who), name="client")
                self._tasks.add(task)
                task.add_done_callback(self._served)
                await asyncio.sleep(0)  # A task that is cancelled before its first step would not close the line.

    async def _let_in(self, sock: socket.socket, who: str) -> Line | None:
        """Return the line to a newcomer; None if it is turned away, or has left."""
        try:
            if not await self._is_welcome(sock, who):
                return None
            reader, writer = await asyncio.open_connection(sock=sock)
        except BaseException:
            sock.close()
            raise
        self.clients += 1
        here = address_of(*bound_address(sock))
        observer = None if self.recorder is None else self.recorder.connected("device", here, who)
        return Line(reader, writer, observer, self.clients)

    def _served(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self.is_once and not (self._tasks or task.cancelled() or self._over.done()):
            self._over.set_result(None)

    async def _is_welcome(self, sock: socket.socket, who: str) -> bool:
        """Make room for a newcomer, or turn it away."""
        if self.policy == "kick":
            await self._end_all()
        elif self.policy == "reject" and self._tasks:
            await asyncio.wait(self._tasks, timeout=_GRACE)
            if self._tasks:
                turn_away(sock)
                self.refused += 1
                text = stamped(f"! {who} was refused: one client is served at a time")
                self._report(Event("refused", text, "!", {"client": who}, is_aside=True))
                return False
        return True

    async def _end_all(self) -> None:
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _serve(self, line: Line, who: str) -> None:
        try:
            text = stamped(f"* client {line.number} came: {who}")
            self._report(Event("connected", text, "*", {"client": line.number, "address": who}))
            await self.manner(line, self._report)
            line.end(LossReason.FIN if line.has_ended else LossReason.CLOSED_HERE)
        except OSError:
            line.end(LossReason.RST)
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await line.close()
            self._left(line)

    def _left(self, line: Line) -> None:
        self.received += line.received
        self.sent += line.sent
        reason = line.reason or LossReason.CLOSED_HERE
        sizes = f"{counted(line.received, 'byte')} came, {line.sent} said"
        text = stamped(f"* client {line.number} is gone: {reason.value}; {sizes}")
        data = {"client": line.number, "reason": reason.name, "received": line.received, "sent": line.sent}
        self._report(Event("ended", text, "*", data))

    def summary(self, seconds: float, status: ExitCode, outcome: str) -> Event:
        """Return the last event."""
        unknown = self.manner.unknown
        text = (
            f"{outcome} after {seconds:.1f} s: {counted(self.clients, 'client')}, {self.refused} refused; "
            f"{counted(self.received, 'byte')} came, {self.sent} said; not recorded: {counted(unknown, 'request')}"
        )
        head = {"exit": status, "outcome": outcome, "seconds": round(seconds, 3), "clients": self.clients}
        data = {"refused": self.refused, "received": self.received, "sent": self.sent, "unknown": unknown}
        return Event("summary", text, "=", head | data)
