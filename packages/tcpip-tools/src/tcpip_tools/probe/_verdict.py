"""What the facts mean, how sure that is, and what else it could be; pure.

How a server with one place shows that it is taken
--------------------------------------------------
* It accepts, and closes at once: by FIN, or by RST where it asks its kernel for that (``SO_LINGER`` 0).
* It says so in words first, then closes: terminal servers do.
* It accepts, asks its holder for a sign of life, and closes up to 2 s later.
* It does not accept while it serves: its kernel makes the connection all the same, as long as its queue has room, and
  nothing ever comes. From another host this looks like a device that waits for a question. The kernel of the same host
  knows: such a connection belongs to no program.
* Its queue has no room: its kernel does not answer at all, as a firewall that drops does.
* It throws its holder out, or serves both. Then the newcomer sees a place that is free.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from tcpip_core import LossReason

from .._exit_codes import ExitCode, exit_code_for_loss
from ._facts import Facts, PortState

__all__ = ["Confidence", "Slot", "Verdict", "judge"]

Slot: TypeAlias = Literal["free", "busy", "silent", "full", "none", "unknown"]
Confidence: TypeAlias = Literal["certain", "likely", "possible"]

AT_ONCE: Final = 0.25
"""A link that ends within this time of its beginning was not wanted (seconds)."""

_SAYS_BUSY: Final = re.compile(
    rb"\b(?:(?:in use|busy|too many|connection limit)\b|already (?:in use|connected|open)\b"
    rb"|max(?:imum|\.)? (?:number of )?(?:clients|connections|users)\b"
    rb"|no (?:more|free) (?:connections|sockets|sessions)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a port, if anything.

    Parameters
    ----------
    port : PortState
        What the network makes of it.
    slot : str
        ``"free"``; ``"busy"``: somebody else has the place; ``"silent"``: connected, and nothing comes; ``"full"``:
        the queue for the place has no room; ``"none"``: there is no server; ``"unknown"``.
    confidence : str
        ``"certain"``, ``"likely"`` or ``"possible"``.
    status : ExitCode
        What to exit with.
    because : str
        What it was read off.
    or_else : tuple of str
        What else it could be, and what would tell.
    """

    port: PortState
    slot: Slot
    confidence: Confidence
    status: ExitCode
    because: str
    or_else: tuple[str, ...] = ()


def judge(facts: Facts) -> Verdict:
    """Return the verdict.

    Parameters
    ----------
    facts : Facts
        All that was seen.
    """
    if facts.port is PortState.OPEN:
        return _judge_open(facts)
    if facts.port is PortState.REFUSED:
        return _judge_refused(facts)
    if facts.port is PortState.UNREACHABLE:
        because = facts.obstacle or "this host, or a router on the way, says that there is no way there"
        return Verdict(facts.port, "unknown", "certain", ExitCode.NAME_OR_ROUTE, because)
    if facts.port is PortState.FILTERED:
        return _judge_filtered(facts)
    return _judge_unseen(facts)


def _judge_refused(facts: Facts) -> Verdict:
    because = "its kernel answers that nobody listens"
    if facts.is_own:
        return Verdict(facts.port, "none", "certain", ExitCode.REFUSED, because)
    or_else = ("a firewall that refuses in its name",)
    return Verdict(facts.port, "none", "likely", ExitCode.REFUSED, because, or_else)


def _judge_filtered(facts: Facts) -> Verdict:
    if facts.here is not None and facts.here.is_full:
        because = f"{_queue(facts)}: the program accepts nobody, and the kernel leaves newcomers without an answer"
        return Verdict(PortState.OPEN, "full", "certain", ExitCode.CONNECT_TIMEOUT, because)
    if facts.here is not None and facts.here.listeners:
        because = "a program listens and its queue has room, but no connection comes about: a firewall of this host"
        return Verdict(facts.port, "unknown", "likely", ExitCode.CONNECT_TIMEOUT, because)
    because = "nothing answered, neither yes nor no"
    or_else = (
        "a firewall that drops, on either host or between",
        "a host that is off, or an address that nobody has",
        "a queue that is full, slot full: the program accepts nobody; tcpip who on that host tells",
    )
    return Verdict(facts.port, "unknown", "possible", ExitCode.CONNECT_TIMEOUT, because, or_else)


def _judge_unseen(facts: Facts) -> Verdict:
    """Judge by what this host knows, without a connection."""
    here = facts.here
    if here is None:
        because = "it is another host's port, and nothing was tried"
        or_else = ("tcpip probe without --no-connect tells",)
        return Verdict(facts.port, "unknown", "possible", ExitCode.EXPECTATION, because, or_else)
    if not here.listeners:
        return Verdict(PortState.REFUSED, "none", "certain", ExitCode.REFUSED, "no program of this host listens on it")
    if here.is_full:
        return Verdict(PortState.OPEN, "full", "certain", ExitCode.CONNECT_TIMEOUT, _queue(facts))
    if here.holders:
        because = f"a program has {_count(len(here.holders), 'connection')}"
        or_else = ("a server that serves several clients at once",)
        return Verdict(PortState.OPEN, "busy", "likely", ExitCode.SLOT_BUSY, because, or_else)
    if here.waiting:
        because = f"{_count(len(here.waiting), 'connection')} made, and accepted by no program"
        return Verdict(PortState.OPEN, "busy", "likely", ExitCode.SLOT_BUSY, because, ("a program that hangs",))
    return Verdict(PortState.OPEN, "free", "certain", ExitCode.OK, "a program listens, and nobody is connected")


def _judge_open(facts: Facts) -> Verdict:
    if facts.obstacle:
        return Verdict(facts.port, "unknown", "certain", ExitCode.TLS, facts.obstacle)
    if not facts.reply and _SAYS_BUSY.search(facts.banner):
        because = "it says so itself"
        confidence: Confidence = "certain" if facts.ended else "likely"
        return Verdict(
            facts.port, "busy", confidence, ExitCode.SLOT_BUSY, because, ("a greeting that talks of something else",)
        )
    if facts.reply:
        because = "it answered" + ("" if facts.ended is None else f", then {facts.ended.value}")
        return Verdict(facts.port, "free", "certain", ExitCode.OK, because)
    if facts.asked:
        return _judge_no_answer(facts)
    if facts.banner:
        because = "it spoke" + ("" if facts.ended is None else f", then {facts.ended.value}")
        return Verdict(facts.port, "free", "certain" if facts.ended is None else "likely", ExitCode.OK, because)
    return _judge_ended(facts) if facts.ended else _judge_silent(facts)


def _judge_ended(facts: Facts) -> Verdict:
    """Judge a link that the other side ended, though nothing was said on either."""
    how = "RST" if facts.ended is LossReason.RST else "FIN"
    because = (
        f"it accepted and ended the link by {how} after {facts.ended_after * 1000:.0f} ms, though nothing was sent"
    )
    or_else = (
        "a server that lets in certain addresses only",
        "a proxy or port forwarding whose target does not answer",
        "a server that wants TLS or a question at once, or that failed: its log tells",
    )
    if facts.here is not None and facts.here.holders:
        return Verdict(facts.port, "busy", "likely", ExitCode.SLOT_BUSY, f"{because}; {_holders(facts)}", or_else[:1])
    confidence: Confidence = "likely" if how == "FIN" and facts.ended_after < AT_ONCE else "possible"
    return Verdict(facts.port, "busy", confidence, ExitCode.SLOT_BUSY, because, or_else)


def _judge_silent(facts: Facts) -> Verdict:
    for_so_long = f"connected, and nothing came for {facts.listened:.2g} s"
    if facts.is_accepted is False:
        because = f"{for_so_long}; the kernel has made the connection, but no program has accepted it"
        if facts.here is not None and facts.here.holders:
            return Verdict(facts.port, "busy", "certain", ExitCode.SLOT_BUSY, f"{because}; {_holders(facts)}")
        return Verdict(facts.port, "busy", "likely", ExitCode.SLOT_BUSY, because, ("a program that hangs",))
    or_else = [
        "a device that waits for a question, and is free: --send asks one",
        "a server that asks its holder for a sign of life first: --listen 3s would see it close",
    ]
    if not facts.tls:
        or_else.append("a server that waits for TLS: --tls")
    if facts.is_accepted:
        because = f"{for_so_long}; a program of this host has accepted the connection and has not closed it"
        if facts.here is not None and facts.here.holders:
            because += f"; {_holders(facts)} too"
            return Verdict(facts.port, "silent", "likely", ExitCode.OK, because, tuple(or_else))
        return Verdict(
            facts.port, "free", "likely", ExitCode.OK, because, ("a program that hangs: --send asks", *or_else[2:])
        )
    or_else.insert(
        1, "a server that serves another client, and has put this one into its queue: tcpip who on that host tells"
    )
    or_else.append("a program that hangs")
    return Verdict(facts.port, "silent", "likely", ExitCode.OK, for_so_long, tuple(or_else))


def _judge_no_answer(facts: Facts) -> Verdict:
    """Judge a link on which a question was asked in vain."""
    if facts.ended is not None:
        because = f"it took the question, and {facts.ended.value}"
        or_else = (
            "a command that ends the link",
            "another framing than it knows",
            "a busy server that was asked early",
        )
        return Verdict(facts.port, "free", "possible", exit_code_for_loss(facts.ended), because, or_else)
    if facts.is_accepted is False:
        because = "no answer: no program has accepted the connection"
        return Verdict(facts.port, "busy", "certain", ExitCode.SLOT_BUSY, because)
    or_else = (
        "another --framing than it knows, such as lf or cr, or another command",
        "a server that serves another client, and has put this one into its queue",
        "a program that hangs",
    )
    return Verdict(facts.port, "silent", "certain", ExitCode.NO_ANSWER, "no answer in time", or_else)


def _holders(facts: Facts) -> str:
    assert facts.here is not None
    peers = ", ".join(f"{ip} port {port}" for ip, port in sorted({one.remote for one in facts.here.holders})[:3])
    return f"a program of this host is connected to {peers}"


def _queue(facts: Facts) -> str:
    assert facts.here is not None
    one = facts.here.listeners[0]
    return f"{one.received} connections wait in a queue for {one.sent}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
