"""Name, route, connection, listening, question: each step says what it saw.

Rules of this file
------------------
* One connection at most, and nothing is sent over it but what was asked for: ``--send``, ``--tls``.
* The link is closed politely: FIN first, then what still comes is read, so that the other side sees no RST.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

from tcpip_core import Client, Limits, LossReason
from tcpip_testing.framing import parse_framing

from .._exit_codes import ExitCode, Failure, exit_code_for_error, sentence_of
from .._guess import Guess, guess_encoding, guess_terminator
from .._payload import for_machines, quoted
from .._report import Event, Report, address_of
from .._running import LOG
from .._targets import Target
from ..host._port import Port, port_of_this_host
from ..host._sockets import is_own_address, is_supported
from ..link._dial import Address, Dialled, dial, failure_to_connect, resolve
from ..link._link import tls_failure
from ..link._statistics import in_words
from ._facts import Facts, PortState
from ._verdict import Verdict, judge

__all__ = ["Probe"]

MOST_HEARD = 65_536
"""How much of what a server says is kept (bytes)."""

QUIET = 0.1
"""An answer has ended when nothing came for so long (seconds)."""

STREAM = 1.0
"""How much longer one is listened to that never pauses (seconds)."""

FAREWELL = 0.1
"""How long the other side may take to close too (seconds)."""

_PORT_STATES = {
    ExitCode.REFUSED: PortState.REFUSED,
    ExitCode.CONNECT_TIMEOUT: PortState.FILTERED,
    ExitCode.NAME_OR_ROUTE: PortState.UNREACHABLE,
}

_NO_MEANS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
"""This host cannot make a socket at all."""


class Caller(Client):
    """A client that can say that it is done, and still hear."""

    def write_eof(self) -> None:
        """Send FIN; nothing where TLS has a farewell of its own, or the link has ended."""
        if self._writer is not None and self._writer.can_write_eof():
            self._writer.write_eof()


@dataclass
class Probe:
    """Look what is wrong with a port.

    Parameters
    ----------
    target : Target
        Where to.
    messages : sequence of bytes
        What to ask once it was listened; empty asks nothing.
    listen : float or None
        How long to listen first (seconds); None is 20 times as long as the handshake took, 0.2 s at least and 3 s at
        most.
    is_connected : bool
        Connect; False asks only what this host knows.
    """

    target: Target
    messages: Sequence[bytes] = ()
    listen: float | None = None
    is_connected: bool = True
    facts: Facts = field(default_factory=Facts, init=False)
    verdict: Verdict | None = field(default=None, init=False)

    async def __call__(self, report: Report) -> ExitCode:
        """Go through the steps, and judge.

        Raises
        ------
        Failure
            If this host has no means to connect.
        """
        addresses = await self._resolve(report)
        if addresses:
            self._route(addresses, report)
        if self.is_connected and self.facts.port is not PortState.UNREACHABLE:
            await self._connect(addresses, report)
        self.verdict = judge(self.facts)
        report(_told(self.verdict, self.facts))
        return self.verdict.status

    async def _resolve(self, report: Report) -> list[Address]:
        loop = asyncio.get_running_loop()
        begun_at = loop.time()
        try:
            addresses = await resolve(self.target.host, self.target.port, self.target.timeout)
        except OSError as e:
            self.facts.port = PortState.UNREACHABLE
            self.facts.obstacle = f"there is no such name, or nobody to ask for it: {sentence_of(e)}"
            text = f"name     {self.target.host} cannot be resolved: {sentence_of(e)}"
            data = {"host": self.target.host, "addresses": list[str](), "error": sentence_of(e)}
            report(Event("name", text, "!", data))
            return []
        ips = [address.ip for address in addresses]
        seconds = loop.time() - begun_at
        text = f"name     {self.target.host} is {', '.join(ips)}"
        report(Event("name", text, "-", {"host": self.target.host, "addresses": ips, "seconds": round(seconds, 6)}))
        return addresses

    def _route(self, addresses: Sequence[Address], report: Report) -> None:
        """See from which address of this host the way leads there: the kernel tells, and nothing is sent."""
        sources = [(address, _source(address)) for address in addresses]
        address, here = next(((one, found) for one, found in sources if isinstance(found, str)), sources[0])
        if isinstance(here, OSError):
            if here.errno in _NO_MEANS:
                raise failure_to_connect(self.target, here) from here
            self.facts.port = PortState.UNREACHABLE
            report(Event("route", f"route    none: {sentence_of(here)}", "!", {"error": sentence_of(here)}))
            return
        self.facts.is_own = is_own_address(address.ip)
        self.facts.here = self._own_port(address)
        interface = None if self.facts.is_own else _interface(here)
        where = "this host itself" if self.facts.is_own else f"from {here} by {interface or 'an unknown interface'}"
        data = {"from": here, "interface": interface, "is_own": self.facts.is_own}
        report(Event("route", f"route    {where}", "-", data))
        if self.facts.here is not None:
            report(_own_port_told(self.facts.here))

    def _own_port(self, address: Address) -> Port | None:
        """Return what this host's kernel knows of a port of its own; None where it is another's, or not told."""
        if not (self.facts.is_own and is_supported()):
            return None
        try:
            return port_of_this_host(self.target.port, address.ip)
        except Failure:
            return None

    async def _connect(self, addresses: Sequence[Address], report: Report) -> None:
        try:
            dialled = await dial(addresses, self.target.timeout)
        except OSError as e:
            if self.target.observer is not None:
                self.target.observer.failed(e)
            code = exit_code_for_error(e)
            if code is ExitCode.RESET:
                # Before a connection is made an RST is a refusal; so this one was made, and reset before we looked.
                self.facts.port, self.facts.ended = PortState.OPEN, LossReason.RST
                report(Event("connect", "connect  open, and reset at once", "!", {"port": "open", "ended": "RST"}))
                return
            if code not in _PORT_STATES and e.errno not in {errno.EPERM, errno.EACCES}:
                # This host could not even try, for want of descriptors for instance: that says nothing of the port.
                raise failure_to_connect(self.target, e) from e
            self.facts.port = _PORT_STATES.get(code, PortState.FILTERED)
            text = f"connect  {self.facts.port.value}: {sentence_of(e)}"
            report(Event("connect", text, "!", {"port": self.facts.port.value, "error": sentence_of(e)}))
            return
        self.facts.port = PortState.OPEN
        text = f"connect  open: {dialled.address} in {in_words(dialled.seconds)}, by one connection, closed again below"
        data = {"port": "open", "address": str(dialled.address), "round_trip": round(dialled.seconds, 9)}
        report(Event("connect", text, "*", data))
        caller = dialled.sock.getsockname()[:2]
        client = self._client(dialled)
        try:
            if not await self._is_started(client, report):
                return
            await self._listen(client, dialled, report)
            self._look_from_here(dialled, caller)
            if self.messages and self.facts.ended is None:
                await self._ask(client, report)
            self._guess(report)
        finally:
            await _part(client)
            dialled.sock.close()

    def _client(self, dialled: Dialled) -> Caller:
        context = self.target.tls_context()
        self.facts.tls = context is not None
        limits = Limits(connect_timeout=self.target.timeout, write_timeout=self.target.timeout, close_timeout=0.5)
        name = self.target.host if context else None
        return Caller(
            None,
            None,
            LOG,
            sock=dialled.sock,
            ssl=context,
            server_hostname=name,
            limits=limits,
            observer=self.target.observer,
        )

    async def _is_started(self, client: Client, report: Report) -> bool:
        """Return whether the link can be used: TLS, if it is asked for, may fail."""
        try:
            await client.start_task
        except OSError as e:
            if not self.facts.tls:
                raise failure_to_connect(self.target, e) from e
            failure = tls_failure(self.target, e)
            self.facts.obstacle = str(failure)
            report(Event("tls", f"tls      failed: {sentence_of(e)}", "!", {"error": str(failure)}))
            return False
        if self.facts.tls:
            checked = "not checked" if self.target.insecure else "accepted"
            report(Event("tls", f"tls      its certificate is {checked}", "*", {"certificate": checked}))
        return True

    async def _listen(self, client: Client, dialled: Dialled, report: Report) -> None:
        listen = self.listen if self.listen is not None else min(3.0, max(0.2, 20 * dialled.seconds))
        self.facts.listened = listen
        self.facts.banner, seconds = await self._hear(client, listen, QUIET)
        if self.facts.banner:
            said = f"{quoted(self.facts.banner, self.target.encoding)} after {in_words(seconds or 0)}"
        else:
            said = "nothing" if self.facts.ended else f"nothing for {listen:.2g} s"
        if self.facts.ended is not None:
            said += f", then {self.facts.ended.value} after {in_words(self.facts.ended_after)}"
        data = for_machines(self.facts.banner, self.target.encoding)
        data["ended"] = self.facts.ended and self.facts.ended.name
        data |= {"seconds": seconds, "listened": listen}
        report(Event("listen", f"listen   {said}; nothing was sent", "<" if self.facts.banner else "-", data))

    async def _hear(self, client: Client, timeout: float, quiet: float) -> tuple[bytes, float | None]:
        """Return what comes until it is quiet, and when it began (seconds); note the end of the link."""
        loop = asyncio.get_running_loop()
        begun_at, first, heard = loop.time(), None, b""
        end = begun_at + timeout
        while len(heard) < MOST_HEARD:
            try:
                async with asyncio.timeout_at(end):
                    chunk = await client.read(MOST_HEARD)
            except TimeoutError:
                break
            except ConnectionError:
                chunk = b""
            if not chunk:
                self.facts.ended = client.loss_reason or LossReason.FIN
                self.facts.ended_after = loop.time() - begun_at
                break
            first = first if first is not None else loop.time() - begun_at
            heard += chunk
            end = min(begun_at + timeout + STREAM, loop.time() + quiet)
        return heard, first

    def _look_from_here(self, dialled: Dialled, caller: tuple[str, int]) -> None:
        """See in this host's tables whether a program has taken the connection."""
        here = self._own_port(dialled.address)
        if here is not None:
            self.facts.is_accepted = here.has_accepted(caller)
            self.facts.here = here.without(caller)

    async def _ask(self, client: Client, report: Report) -> None:
        framing, encoding = parse_framing(self.target.framing), self.target.encoding
        for message in self.messages:
            try:
                frame = framing.encode(message)
                await client.write(frame)
            except ValueError as e:
                raise Failure(ExitCode.USAGE, str(e)) from e
            except ConnectionError:
                self.facts.ended = client.loss_reason
                break
            self.facts.asked += 1
            data = for_machines(frame, encoding)
            report(Event("sent", f"send     {quoted(frame, encoding)}", ">", data))
            reply, seconds = await self._hear(client, self.target.timeout, QUIET)
            self.facts.reply += reply
            self.facts.reply_time = self.facts.reply_time if self.facts.reply_time is not None else seconds
            said = f"{quoted(reply, encoding)} after {in_words(seconds or 0)}" if reply else "nothing"
            data = for_machines(reply, encoding, seconds=seconds)
            report(Event("reply", f"reply    {said}", "<" if reply else "!", data))

    def _guess(self, report: Report) -> None:
        heard = self.facts.banner + self.facts.reply
        if not heard:
            return
        for what, guess in ("terminator", guess_terminator(heard)), ("encoding", guess_encoding(heard)):
            report(_guess_told(what, guess))

    def summary(self, seconds: float, status: ExitCode, outcome: str) -> Event:
        """Return the last event; for people the verdict was that, unless they cut it short."""
        verdict = self.verdict
        data: dict[str, object] = {"exit": status, "outcome": outcome, "seconds": round(seconds, 3)}
        data |= {"port": self.facts.port.value, "slot": verdict.slot if verdict else "unknown"}
        text = f"{outcome} after {seconds:.1f} s" if outcome == "interrupted" else ""
        return Event("summary", text, "=", data, is_aside=True)


async def _part(client: Caller) -> None:
    """Say that we are done, and read on for a moment, so that our kernel has no reason for an RST."""
    with contextlib.suppress(TimeoutError, OSError):
        if client.connected:
            client.write_eof()
            async with asyncio.timeout(FAREWELL):
                while await client.read(MOST_HEARD):
                    pass
    await client.close()


def _source(address: Address) -> str | OSError:
    """Return the address of this host from which the way leads there, or why there is none."""
    try:
        with socket.socket(address.family, socket.SOCK_DGRAM) as trial:
            trial.connect(address.sockaddr)
            return str(trial.getsockname()[0])
    except OSError as e:
        return e


def _interface(ip: str) -> str | None:
    """Return the name of the interface that has an address."""
    import psutil

    for name, addresses in psutil.net_if_addrs().items():
        if any(one.address.partition("%")[0] == ip for one in addresses):
            return name
    return None


def _own_port_told(here: Port) -> Event:
    counts = {"listeners": len(here.listeners), "holders": len(here.holders), "waiting": len(here.waiting)}
    peers = [address_of(*one.remote) for one in here.holders]
    text = f"here     {counts['listeners']} listening, {counts['holders']} connected, {counts['waiting']} not accepted"
    return Event("here", text, "-", counts | {"peers": peers})


def _guess_told(what: str, guess: Guess) -> Event:
    said = f"{guess.name}, {guess.confidence}" if guess.name else "cannot be told"
    data = {"name": guess.name, "confidence": guess.confidence, "evidence": guess.evidence}
    return Event(what, f"{what if len(what) < 9 else 'ends by':8} {said}: {guess.evidence}", "-", data)


def _told(verdict: Verdict, facts: Facts) -> Event:
    slot = f", slot {verdict.slot}" if verdict.slot != "none" else ""
    lines = [f"verdict  {verdict.port.value}{slot}, {verdict.confidence}: {verdict.because}"]
    lines += [f"or else  {one}" for one in verdict.or_else]
    data: dict[str, object] = {"port": verdict.port.value, "slot": verdict.slot, "confidence": verdict.confidence}
    data |= {"because": verdict.because, "or_else": list(verdict.or_else), "sent": facts.asked}
    return Event("verdict", "\n".join(lines), "!" if verdict.status else "=", data)
