"""Who listens on a port of this host, and who holds it."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .._exit_codes import ExitCode
from .._report import Event, Report, Stopwatch, address_of, printable
from ._owners import End, Owner, owners, user_name
from ._port import Port, port_of_this_host
from ._sockets import CLOSE_WAIT, LISTEN, Socket

__all__ = ["Who"]


def _describe_holder(one: Socket, known: Mapping[tuple[End, End | None], list[Owner]]) -> str:
    """Return in words who is at the other end of a holder, and how quiet it is there."""
    theirs = known.get((one.remote, one.local), [])
    peer = f"{address_of(*one.remote)}{f' {_join(theirs)}' if theirs else ''}"
    quiet = ""
    if one.received_ago is not None and one.sent_ago is not None:
        quiet = f", heard {_span(one.received_ago)} ago, spoken to {_span(one.sent_ago)} ago"
    return f"{peer}{quiet}, unread {one.received} bytes, unsent {one.sent} bytes"


def _span(seconds: float) -> str:
    """Return a span of time in its largest units, such as ``3 h 5 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = int(seconds) // 60
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min {int(seconds) % 60} s"


def _join(owners_of_one: Iterable[Owner]) -> str:
    return printable(", ".join(map(str, owners_of_one)))


@dataclass
class Who:
    """Look at a port of this host.

    Parameters
    ----------
    port : int
        The port.
    ip : str or None
        One of this host's addresses; None is all.
    interval : float or None
        Look again so often, and tell of changes, until Ctrl-C (seconds); None looks once.
    """

    port: int
    ip: str | None
    interval: float | None = None
    watch: Stopwatch = field(default_factory=Stopwatch, init=False)
    seen: dict[tuple[str, End, End], float] = field(default_factory=dict[tuple[str, End, End], float], init=False)
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("listeners", "holders", "waiting"), 0), init=False
    )

    async def __call__(self, report: Report) -> ExitCode:
        """Look, once or until interrupted.

        Raises
        ------
        Failure
            If this platform does not tell.
        """
        port = self._look(report)
        if not (port.listeners or port.holders or port.waiting):
            text = f"nobody listens on port {self.port} of this host, and nobody holds it"
            report(Event("nobody", text, "!", {"port": self.port}))
            if self.interval is None:
                return ExitCode.REFUSED
        while self.interval is not None:
            await asyncio.sleep(self.interval)
            self._look(report)
        return ExitCode.OK

    def _look(self, report: Report) -> Port:
        """Tell what is new, and what has gone."""
        port = port_of_this_host(self.port, self.ip)
        served = (*port.listeners, *port.holders, *port.waiting)
        self.counts = {name: len(getattr(port, name)) for name in self.counts}
        new = [one for one in served if _key(one) not in self.seen]
        known: Mapping[tuple[End, End | None], list[Owner]] = owners(self.port) if new else {}
        for one in new:
            self._tell(one, known, report)
        for key in self.seen.keys() - {_key(one) for one in served}:
            self._tell_gone(key, report)
        return port

    def _tell(self, one: Socket, known: Mapping[tuple[End, End | None], list[Owner]], report: Report) -> None:
        self.seen[_key(one)] = self.watch.elapsed()
        is_listener = one.state == LISTEN
        ours = known.get((one.local, None if is_listener else one.remote), [])
        local = address_of(*one.local)
        if is_listener:
            program = _join(ours) or f"a program of {user_name(one.uid)}, not shown to this user"
            queue = f"{one.received} of {one.sent} places of the queue are taken"
            if one.received > one.sent:
                queue = f"its queue is full, with {one.received} in it"
            lines = [f"{local}  LISTEN  {program}: {queue}"]
            lines += [f"    {printable(owner.command)}, for {_span(owner.age)}" for owner in ours]
            self._report("listener", lines, one, {"queue": one.received, "backlog": one.sent}, ours, [], report)
            return
        theirs = known.get((one.remote, one.local), [])
        state = one.state if one.inode else "NOT ACCEPTED" + (", AND LEFT" if one.state == CLOSE_WAIT else "")
        lines = [f"{local}  {state}  {_join(ours)} <- {_describe_holder(one, known)}".replace("  <-", " <-")]
        lines += [f"    {printable(owner.command)}, for {_span(owner.age)}" for owner in theirs]
        data: dict[str, object] = {
            "unread": one.received,
            "unsent": one.sent,
            "received_ago": one.received_ago,
            "sent_ago": one.sent_ago,
        }
        self._report("holder" if one.inode else "waiting", lines, one, data, ours, theirs, report)

    def _report(
        self,
        kind: str,
        lines: list[str],
        one: Socket,
        data: dict[str, object],
        ours: list[Owner],
        theirs: list[Owner],
        report: Report,
    ) -> None:
        ends = {"local": address_of(*one.local), "remote": None if one.state == LISTEN else address_of(*one.remote)}
        head = ends | {"state": one.state, "user": user_name(one.uid), "inode": one.inode}
        who = {"owners": [_as_data(owner) for owner in ours], "peers": [_as_data(owner) for owner in theirs]}
        report(Event(kind, self._stamped("\n".join(lines)), "*" if kind == "listener" else "<", head | data | who))

    def _tell_gone(self, key: tuple[str, End, End], report: Report) -> None:
        kind, local, remote = key
        lasted = self.watch.elapsed() - self.seen.pop(key)
        who = f"the listener on {address_of(*local)}" if kind == LISTEN else address_of(*remote)
        data = {"local": address_of(*local), "remote": address_of(*remote), "seconds": round(lasted, 3)}
        report(Event("gone", self._stamped(f"{who} is gone; it was seen for {_span(lasted)}"), "!", data))

    def _stamped(self, text: str) -> str:
        return text if self.interval is None else f"{self.watch.stamp().clock}  {text}"

    def summary(self, seconds: float, status: ExitCode, outcome: str) -> Event:
        """Return the last event; people see it only where they watched."""
        counts = ", ".join(f"{name} {count}" for name, count in self.counts.items())
        text = f"{outcome} after {_span(seconds)}: {counts}" if self.interval is not None else ""
        head: dict[str, object] = {"exit": status, "outcome": outcome, "seconds": round(seconds, 3)}
        return Event("summary", text, "=", head | self.counts, is_aside=True)


def _key(one: Socket) -> tuple[str, End, End]:
    """Tell one socket from the next; a connection that is accepted becomes another one."""
    kind = LISTEN if one.state == LISTEN else "accepted" if one.inode else "waiting"
    return kind, one.local, one.remote


def _as_data(owner: Owner) -> dict[str, object]:
    return {
        "pid": owner.pid, "name": owner.name, "user": owner.user, "command": owner.command, "age": round(owner.age, 1),
    }  # fmt: skip
