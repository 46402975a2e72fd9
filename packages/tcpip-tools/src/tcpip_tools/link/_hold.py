"""Hold a link, say nothing, and tell how long it stays and why it drops."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tcpip_core import Keepalive, LossReason

from .._exit_codes import ExitCode, Failure, exit_code_for_loss
from .._lines import counted
from .._report import Event, Report, Stopwatch
from .._targets import Target
from ._link import Link, open_link
from ._statistics import in_words

__all__ = ["Hold", "why"]

PAUSE: Final = 1.0
"""Time between two attempts to connect again (seconds)."""

_HOW: Final[Mapping[LossReason, str]] = {
    LossReason.FIN: "FIN: the peer closed the connection",
    LossReason.RST: "RST: the peer reset the connection",
    LossReason.UNREACHABLE: "unreachable: a router or this host says that there is no way any more",
    LossReason.TLS: "TLS: its layer failed",
}


def why(reason: LossReason, *, is_waited_for: bool) -> str:
    """Return why a link dropped, with the name that network people know.

    Parameters
    ----------
    reason : LossReason
        As the library says.
    is_waited_for : bool
        Something was sent that may not have been acknowledged.
    """
    if reason is LossReason.SILENT:
        how = (
            "user time-out: nothing acknowledged what was sent" if is_waited_for else "keepalive: no probe was answered"
        )
        return f"{how}; the peer, or the way to it, is gone without a word"
    return _HOW.get(reason, str(reason.value))


@dataclass
class Hold:
    """Hold a link.

    Parameters
    ----------
    target : Target
        Where to.
    keepalive : Keepalive
        When the kernel gives up on a silent peer.
    seconds : float or None
        How long to hold it; None is until Ctrl-C (seconds).
    is_renewed : bool
        Connect again after a loss.
    """

    target: Target
    keepalive: Keepalive
    seconds: float | None = None
    is_renewed: bool = False
    watch: Stopwatch = field(default_factory=Stopwatch, init=False)
    links: list[float] = field(default_factory=list[float], init=False)
    drops: Counter[str] = field(default_factory=Counter[str], init=False)
    status: ExitCode = field(default=ExitCode.OK, init=False)
    size: int = field(default=0, init=False)
    trouble: str = field(default="", init=False)

    async def __call__(self, report: Report) -> ExitCode:
        """Hold the link, or one after the other, until the time is up.

        Raises
        ------
        Failure
            If the first connection cannot be made, and none is to follow.
        """
        try:
            async with asyncio.timeout(self.seconds):
                await self._hold_one(report)
                while self.is_renewed:
                    await asyncio.sleep(PAUSE)
                    await self._hold_one(report)
        except TimeoutError:
            if not self.links and self.status is ExitCode.OK:
                return ExitCode.CONNECT_TIMEOUT
        return self.status

    async def _hold_one(self, report: Report) -> None:
        try:
            async with open_link(self.target, self.keepalive) as link:
                await self._held(link, report)
        except Failure as e:
            if not self.is_renewed:
                raise
            self.status = e.code
            if str(e) != self.trouble:  # The same sentence every second says nothing new.
                self.trouble = str(e)
                data = {"exit": e.code, "reason": e.code.name, "text": self.trouble}
                self._tell(report, "unreachable", f"{e}; trying again every {PAUSE:g} s", "!", data)

    async def _held(self, link: Link, report: Report) -> None:
        self.trouble = ""
        loop = asyncio.get_running_loop()
        begun_at = loop.time()
        data = {"address": str(link.address), "seconds": round(link.connect_time, 6)}
        text = f"connected to {link.address} in {in_words(link.connect_time)}; the link is held and nothing is sent"
        self._tell(report, "connected", text, "*", data)
        try:
            while True:
                chunk = await link.client.read(65_536)
                if not chunk:
                    break
                self.size += len(chunk)
        except ConnectionError:
            pass
        finally:
            self.links.append(loop.time() - begun_at)
        await self._dropped(link, report)

    async def _dropped(self, link: Link, report: Report) -> None:
        reason = link.client.loss_reason or LossReason.FIN
        self.status = exit_code_for_loss(reason)
        self.drops[reason.name] += 1
        lasted = self.links[-1]
        words = why(reason, is_waited_for=False)
        data = {"reason": reason.name, "text": words, "seconds": round(lasted, 6)}
        self._tell(report, "lost", f"lost after {in_words(lasted)}: {words}", "!", data)

    def _tell(self, report: Report, kind: str, text: str, mark: str, data: Mapping[str, object]) -> None:
        report(Event(kind, f"{self.watch.stamp().clock}  {mark} {text}", mark, data))

    def summary(self, seconds: float, status: ExitCode, outcome: str) -> Event:
        """Return the last event."""
        held, longest = sum(self.links), max(self.links, default=0.0)
        reasons = ", ".join(f"{count} x {name}" for name, count in self.drops.items()) or "none"
        text = (
            f"{outcome} after {seconds:.1f} s: {counted(len(self.links), 'link')}, held for {held:.1f} s, "
            f"the longest for {longest:.1f} s; drops: {reasons}; {counted(self.size, 'byte')} came unasked"
        )
        data = {"links": len(self.links), "held": round(held, 3), "longest": round(longest, 3)}
        head = {"exit": status, "outcome": outcome, "seconds": round(seconds, 3)}
        return Event("summary", text, "=", head | data | {"drops": dict(self.drops), "bytes": self.size})
