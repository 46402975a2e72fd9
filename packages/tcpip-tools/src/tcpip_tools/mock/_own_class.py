"""Serve with a server class of the user."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tcpip_core import BaseClientOrServer, LossReason, OneClientServer

from .._exit_codes import ExitCode, Failure
from .._lines import counted, stamped
from .._report import Event, Report, address_of, printable
from .._running import LOG
from ..logs._decoding import imported

if TYPE_CHECKING:
    from tcpip_core.transcript import Recorder

__all__ = ["OwnClass", "class_named"]


def class_named(name: str) -> type[OneClientServer]:
    """Return a server class; modules in the working directory are found too.

    Parameters
    ----------
    name : str
        ``package.module:Class``.

    Raises
    ------
    Failure
        If it cannot be imported, or is none.
    """
    found = imported(name)
    if not (isinstance(found, type) and issubclass(found, OneClientServer)):
        raise Failure(ExitCode.USAGE, f"{name} is no class of servers: it must inherit from tcpip_core.OneClientServer")
    return found


@dataclass
class OwnClass:
    """Serve with a class.

    Parameters
    ----------
    host, port
        Where to listen.
    name : str
        Of the class.
    is_kicking : bool
        A second client gets the place of the first one.
    recorder : Recorder or None
        Records the links.
    """

    host: str
    port: int
    name: str
    is_kicking: bool
    recorder: "Recorder | None"
    clients: int = field(default=0, init=False)

    async def __call__(self, report: Report) -> ExitCode:
        """Serve until the server closes itself.

        Raises
        ------
        Failure
            If there is no server of that class, or it raises while it starts.
        OSError
            If the port cannot be listened on.
        """

        async def told(server: BaseClientOrServer) -> None:
            report(self._visit(server))

        cls: Any = class_named(self.name)
        more: dict[str, object] = {"on_second_client": "replace"} if self.is_kicking else {}
        if self.recorder is not None:
            more["observer"] = self.recorder
        try:
            made = cls(port=self.port, host=self.host, log=LOG, connect_callback=told, **more)
        except Exception as e:  # it is the user's, and may raise anything
            told_what = ", ".join(["port", "host", "log", "connect_callback", *more])
            text = f"{self.name} cannot be made from {told_what}: {type(e).__name__}: {e}"
            raise Failure(ExitCode.USAGE, text) from e
        server: OneClientServer = made
        async with server:
            address = {"host": server.host, "port": server.port}
            where = address_of(str(server.host), server.port)
            report(Event("listening", f"* {self.name} listens on {where}; end it with Ctrl-C", "*", address))
            await asyncio.wait({server.done_task})
        return ExitCode.OK

    def _visit(self, server: BaseClientOrServer) -> Event:
        if server.connected:
            self.clients += 1
            return Event("connected", stamped(f"* client {self.clients} came"), "*", {"client": self.clients})
        reason = server.loss_reason or LossReason.CLOSED_HERE
        text = stamped(printable(f"* client {self.clients} is gone: {reason.value}"))
        return Event("ended", text, "*", {"client": self.clients, "reason": reason.name})

    def summary(self, seconds: float, status: ExitCode, outcome: str) -> Event:
        """Return the last event."""
        data = {"exit": status, "outcome": outcome, "seconds": round(seconds, 3), "clients": self.clients}
        return Event("summary", f"{outcome} after {seconds:.1f} s: {counted(self.clients, 'client')}", "=", data)
