"""What follows from what was seen on another host, whose tables nobody shows us; the rest is tried on real sockets."""

from __future__ import annotations

import pytest

from tcpip_core import LossReason
from tcpip_tools._exit_codes import ExitCode
from tcpip_tools.host._port import Port
from tcpip_tools.host._sockets import Socket
from tcpip_tools.probe._facts import Facts, PortState
from tcpip_tools.probe._verdict import judge


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(PortState.REFUSED), ("none", "likely", 3)),
        (Facts(PortState.FILTERED), ("unknown", "possible", 4)),
        (Facts(PortState.UNREACHABLE), ("unknown", "certain", 5)),
        (Facts(PortState.UNKNOWN), ("unknown", "possible", 1)),
        (Facts(PortState.OPEN, tls=True, obstacle="no TLS"), ("unknown", "certain", 11)),
        (Facts(PortState.OPEN, listened=0.2), ("silent", "likely", 0)),
        (Facts(PortState.OPEN, banner=b"220 ready\r\n"), ("free", "certain", 0)),
        (Facts(PortState.OPEN, banner=b"22 Nov 2026\r\n", ended=LossReason.FIN), ("free", "likely", 0)),
        (Facts(PortState.OPEN, banner=b"all ports busy\r\n"), ("busy", "likely", 6)),
        (Facts(PortState.OPEN, banner=b"BusyBox v1.30.1 () built-in shell (ash)\r\n"), ("free", "certain", 0)),
        (Facts(PortState.OPEN, banner=b"Main user console\r\n"), ("free", "certain", 0)),
        (Facts(PortState.OPEN, banner=b"Too many connections", ended=LossReason.FIN), ("busy", "certain", 6)),
        (Facts(PortState.OPEN, ended=LossReason.FIN, ended_after=0.001), ("busy", "likely", 6)),
        (Facts(PortState.OPEN, ended=LossReason.FIN, ended_after=1.8), ("busy", "possible", 6)),
        (Facts(PortState.OPEN, ended=LossReason.RST, ended_after=0.001), ("busy", "possible", 6)),
        (Facts(PortState.OPEN, asked=1, reply=b"OK\r\n"), ("free", "certain", 0)),
        (Facts(PortState.OPEN, asked=1), ("silent", "certain", 7)),
        (Facts(PortState.OPEN, asked=1, ended=LossReason.FIN), ("free", "possible", 8)),
        (Facts(PortState.OPEN, asked=1, ended=LossReason.RST), ("free", "possible", 9)),
        (Facts(PortState.OPEN, asked=1, is_accepted=False), ("busy", "certain", 6)),
    ],
)
def test_what_was_seen_from_afar_has_its_verdict(facts: Facts, expected: tuple[str, str, int]) -> None:
    """Without the tables of the host the confidence is less, and what else it could be is more."""
    verdict = judge(facts)
    assert expected == (verdict.slot, verdict.confidence, verdict.status)


def test_silence_from_afar_names_the_queue_and_the_ways_to_tell() -> None:
    """A server that does not accept while it serves looks like one that waits for a question."""
    or_else = " ".join(judge(Facts(PortState.OPEN, listened=0.2)).or_else)
    for word in ("--send", "queue", "--listen", "--tls", "tcpip who"):
        assert word in or_else


def listener(queue: int, backlog: int) -> Port:
    """Give a port with one listener."""
    return Port((Socket("LISTEN", ("10.0.0.7", 5000), ("0.0.0.0", 0), queue, backlog, 0, 1),), (), (), ())


def test_no_answer_from_a_port_of_this_host_that_has_room_is_a_firewall() -> None:
    """The queue is not full, and a program listens."""
    verdict = judge(Facts(PortState.FILTERED, is_own=True, here=listener(0, 10)))
    assert (PortState.FILTERED, "likely", ExitCode.CONNECT_TIMEOUT) == (
        verdict.port,
        verdict.confidence,
        verdict.status,
    )
    assert "firewall of this host" in verdict.because


def test_a_full_queue_is_seen_without_a_connection() -> None:
    """Linux takes one more than was asked for."""
    verdicts = [judge(Facts(is_own=True, here=listener(queue, 10))).slot for queue in (0, 10, 11)]
    assert ["free", "free", "full"] == verdicts
