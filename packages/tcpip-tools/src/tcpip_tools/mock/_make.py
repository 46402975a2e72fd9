"""From what was asked for to what serves it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tcpip_testing.framing import Raw, parse_framing

from .._exit_codes import ExitCode, Failure
from .._lines import counted
from .._report import Event, Report
from ..logs._showing import encoding_for, framing_for
from ..logs._source import events_of, open_log
from ._manners import Echo, Manner, Replay, Sink, Telemetry
from ._own_class import OwnClass
from ._script import TooMuch, scripts_of
from ._serving import Policy, Serving

if TYPE_CHECKING:
    from tcpip_core.transcript import Recorder

__all__ = ["Request", "make"]

_TELEMETRY: Final = re.compile(r"telemetry(?::(\d+(?:\.\d+)?)(?:hz)?)?", re.IGNORECASE)
_RATES: Final = (0.001, 10_000.0)
"""Between which telemetry may be (1/second)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to serve; the names are those of the options."""

    what: str
    host: str
    port: int
    policy: Policy | None
    pace: float
    framing: str | None
    encoding: str | None
    recorder: "Recorder | None"
    is_once: bool


def make(request: Request) -> "Serving | OwnClass | ServingLog":
    """Return what serves.

    Raises
    ------
    Failure
        If what was asked for is nothing that can be served.
    """
    what = request.what
    if what == "echo":
        return _serving(request, "an echo", Echo())
    if what == "sink":
        return _serving(request, "a sink", Sink())
    if match := _TELEMETRY.fullmatch(what):
        return _serving(request, "telemetry", _telemetry(match[1], request.framing))
    if what == "-" or what.endswith((".tcplog", ".tcplog.gz")) or Path(what).is_file():
        return ServingLog(request)
    if ":" in what:
        return _own_class(request)
    text = "is no transcript that is there, nor echo, sink, telemetry:10Hz or package.module:ServerClass"
    raise Failure(ExitCode.USAGE, f"{what!r} {text}")


def _serving(request: Request, name: str, manner: Manner) -> Serving:
    policy: Policy = request.policy or "reject"
    return Serving(request.host, request.port, name, manner, policy, request.recorder, request.is_once)


def _telemetry(rate: str | None, framing: str | None) -> Telemetry:
    number = float(rate or 10)
    if not _RATES[0] <= number <= _RATES[1]:
        raise Failure(ExitCode.USAGE, f"telemetry is from {_RATES[0]:g} to {_RATES[1]:g} Hz, not {number:g}")
    told = parse_framing(framing or "crlf")
    telemetry = Telemetry(number, told)
    try:
        _ = telemetry.message(0)
    except ValueError as e:
        raise Failure(ExitCode.USAGE, f"telemetry is text of any length: {e}") from e
    return telemetry


def _own_class(request: Request) -> OwnClass:
    if request.policy in {"queue", "multi"}:
        raise Failure(ExitCode.USAGE, f"a class has room for one client: --policy reject or kick, not {request.policy}")
    if request.is_once:
        raise Failure(ExitCode.USAGE, "--once does not go with a class: it decides itself when it ends")
    return OwnClass(request.host, request.port, request.what, request.policy == "kick", request.recorder)


class ServingLog:
    """Serve a transcript, which is read when that begins.

    Parameters
    ----------
    request : Request
        What was asked for.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._serving: Serving = _serving(request, request.what, Sink())

    async def __call__(self, report: Report) -> ExitCode:
        """Read the transcript, and serve.

        Raises
        ------
        Failure
            If it cannot be read, or served.
        """
        replay, links = self._read(report)
        self._serving.manner = replay
        self._serving.name = f"{self._request.what} ({counted(links, 'link')})"
        return await self._serving(report)

    def _read(self, report: Report) -> tuple[Replay, int]:
        request, name = self._request, self._request.what

        def warn(text: str) -> None:
            report(Event("warning", f"! {text}", "!", {"text": text}, is_aside=True))

        with open_log(name) as log:
            framing = framing_for(request.framing, log.header) or Raw()
            encoding = encoding_for(request.encoding, log.header)
            try:
                scripts, missing = scripts_of(events_of(log, name, warn), framing)
            except TooMuch as e:
                raise Failure(ExitCode.USAGE, f"{name} cannot be served: {e}") from e
        if not scripts:
            raise Failure(ExitCode.USAGE, f"{name} cannot be served: it has no link")
        if missing:
            warn(f"{name} has gaps: {missing} events are missing, and are not replayed")
        return Replay(scripts, framing, encoding, request.pace), len(scripts)

    def summary(self, seconds: float, status: ExitCode, outcome: str) -> Event:
        """Return the last event."""
        return self._serving.summary(seconds, status, outcome)
