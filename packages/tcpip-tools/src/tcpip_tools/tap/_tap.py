"""Open the target, let one client in, pass on until the link is over; then the next one."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tcpip_core.transcript import Data, Direction, Header
from tcpip_core.transcript import Event as Recorded
from tcpip_testing.framing import Framing, Structured, parse_framing

from .._exit_codes import ExitCode, Failure, exit_code_for_loss
from .._lines import counted, stamped
from .._listening import bound_address, cut, listen
from .._report import Event, Report, address_of
from .._targets import Target
from ..link._dial import dial, failure_to_connect, resolve
from ..link._link import tls_failure
from ..logs._decoding import structure_named
from ..logs._messages import messages_in
from ..logs._show import Decode, Viewer
from ._door import Door
from ._end import End
from ._relay import Relay
from ._screen import Screen

__all__ = ["Tap", "View"]

_FAREWELL: Final = 0.5
"""How long both ends have to close when the command ends (seconds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How it is shown.

    Parameters
    ----------
    has_messages : bool
        Show messages, not only how links begin and end.
    as_hex : bool
        Show messages as hexadecimal digits.
    structure : str or None
        A ctypes structure, as ``package.module:Class``.
    cuts_structures : bool
        What the device says is nothing but such structures.
    """

    has_messages: bool
    as_hex: bool
    structure: str | None
    cuts_structures: bool


@dataclass
class Tap:
    """Pass on between clients and a target.

    Parameters
    ----------
    listen_at : tuple of str and int
        Where clients come to.
    target : Target
        Where it goes to.
    view : View
        How it is shown.
    is_once : bool
        End after one link.
    """

    listen_at: tuple[str, int]
    target: Target
    view: View
    is_once: bool
    sizes: Counter[Direction] = field(default_factory=Counter[Direction], init=False)
    ends: Counter[str] = field(default_factory=Counter[str], init=False)
    links: int = field(default=0, init=False)
    refused: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.relay: Relay | None = None
        self._decode: Decode | None = None
        framing: Framing | None = parse_framing(self.target.framing)
        self._framings: dict[Direction, Framing | None] = {">": framing, "<": framing}
        if self.view.structure is not None:
            structure, self._decode = structure_named(self.view.structure)
            if self.view.cuts_structures:
                self._framings["<"] = Structured(structure)

    async def __call__(self, report: Report) -> ExitCode:
        """Pass on until there was one link, if one is wanted, or without an end.

        Raises
        ------
        Failure
            If the target cannot be opened, or the port cannot be listened on.
        """
        self._report = report
        header = Header(time.time_ns(), str(self.target), self.target.framing, self.target.encoding)
        with Screen(lambda events: self._show(header, events), time.monotonic_ns()) as screen:
            self._screen = screen
            device = await self._open_target()
            try:
                listener = await listen(*self.listen_at)
            except BaseException:
                device.abort()
                raise
            with listener:
                return await self._serve(listener, device)

    def _show(self, header: Header, events: Iterator[Recorded]) -> None:
        viewer = Viewer(header=header, encoding=header.encoding, as_hex=self.view.as_hex, decode=self._decode)
        for item in messages_in(events, self._framings):
            for line in viewer.lines(item):
                self._report(line)

    def _note(self, event: Recorded) -> None:
        if self.target.observer is not None:
            self.target.observer.record(event)
        if self.view.has_messages or not isinstance(event, Data):
            self._screen.put(event)

    async def _serve(self, listener: socket.socket, device: End | None) -> ExitCode:
        host, port = bound_address(listener)
        text = f"* {address_of(host, port)} is passed on to {self.target}, one client at a time; end it with Ctrl-C"
        self._report(Event("listening", text, "*", {"host": host, "port": port, "target": str(self.target)}))
        door = Door(listener, self._is_ending, self._was_refused, self.target.timeout)
        try:
            async with door.open():
                while True:
                    client = await door.next()
                    device = await self._fresh(device, client)
                    if device is not None:
                        status = await self._pass_on(client, device)
                        if self.is_once:
                            return status
                        device = None
                        device = await self._opened_again()
        finally:
            if device is not None:
                device.abort()

    def _is_ending(self) -> bool:
        return self.relay is None or self.relay.is_ending

    def _was_refused(self, who: str) -> None:
        self.refused += 1
        text = stamped(f"- ! {who} was refused: one client is served at a time")
        self._report(Event("refused", text, "!", {"client": who}, is_aside=True))

    async def _fresh(self, device: End | None, client: socket.socket) -> End | None:
        """Return an open target for a client; where there is none, the client is reset."""
        if device is not None and not device.is_stale:
            return device
        if device is not None:
            device.abort()
        try:
            device = await self._opened_again()
        except BaseException:
            client.close()
            raise
        if device is None:
            cut(client)
        return device

    async def _opened_again(self) -> End | None:
        try:
            return await self._open_target()
        except Failure as e:
            data = {"text": str(e), "exit": e.code}
            self._report(
                Event("unreachable", stamped(f"- ! {e}; the next client tries again"), "!", data, is_aside=True)
            )
            return None

    async def _open_target(self) -> End:
        target, context = self.target, self.target.tls_context()
        loop = asyncio.get_running_loop()
        try:
            dialled = await dial(await resolve(target.host, target.port, target.timeout), target.timeout)
        except OSError as e:
            if target.observer is not None:
                target.observer.failed(e)
            raise failure_to_connect(target, e) from e
        end = End(dialled.sock, "<")
        try:
            async with asyncio.timeout(target.timeout):
                name = target.host if context else None
                await loop.create_connection(lambda: end, sock=dialled.sock, ssl=context, server_hostname=name)
        except OSError as e:
            dialled.sock.close()
            raise tls_failure(target, e) if context else failure_to_connect(target, e) from e
        except BaseException:
            dialled.sock.close()
            raise
        return end

    async def _pass_on(self, sock: socket.socket, device: End) -> ExitCode:
        loop = asyncio.get_running_loop()
        self.links += 1
        client = End(sock, ">")
        try:
            await loop.connect_accepted_socket(lambda: client, sock)
        except BaseException:
            sock.close()
            raise
        relay = self.relay = Relay(self.links, client, device, self._note)
        try:
            relay.begin()
            await asyncio.wait({relay.over})  # Awaited itself, it would be cancelled with this task.
        finally:
            await self._end(relay)
        assert relay.reason is not None
        return ExitCode.OK if relay.reason.name in {"FIN", "CLOSED_HERE"} else exit_code_for_loss(relay.reason)

    async def _end(self, relay: Relay) -> None:
        if not relay.over.done():
            relay.stop()
            await asyncio.wait({relay.over}, timeout=_FAREWELL)
        if not relay.over.done():
            relay.abort()
            await asyncio.wait({relay.over})
        self.relay = None
        self.sizes.update(relay.size)
        self.ends[relay.reason.name if relay.reason else "ERROR"] += 1

    def summary(self, seconds: float, status: ExitCode, outcome: str) -> Event:
        """Return the last event."""
        words = {"CLOSED_HERE": "closed"}
        ends = ", ".join(f"{count} x {words.get(name, name)}" for name, count in self.ends.items()) or "none"
        text = (
            f"{outcome} after {seconds:.1f} s: {counted(self.links, 'link')}, "
            f"{counted(self.sizes['>'], 'byte')} to the device, {self.sizes['<']} to the client; "
            f"ends: {ends}; {self.refused} refused"
        )
        data = {"links": self.links, "sent": self.sizes[">"], "received": self.sizes["<"], "ends": dict(self.ends)}
        head = {"exit": status, "outcome": outcome, "seconds": round(seconds, 3)}
        return Event("summary", text, "=", head | data | {"refused": self.refused})
