"""``tcpip log``: what can be done with a transcript; one file per verb."""

from typing import Final

import click

from ..._lazy_group import LazyGroup

__all__ = ["VERBS", "command"]

VERBS: Final = ("show", "stats", "diff", "convert", "redact")
"""Each has a module of its name here."""

EPILOG: Final = """\
\b
Examples:
  tcpip log show night.tcplog --grep ERROR       what went wrong?
  tcpip log show night.tcplog -f                 and what goes on?
  tcpip log stats night.tcplog                   how fast, how often lost?
  tcpip log diff good.tcplog bad.tcplog          what was different?
  tcpip log convert night.tcplog night.pcapng    for Wireshark
  tcpip log redact night.tcplog out.tcplog --pattern 'PASS .*'

A transcript (.tcplog) is written by a program with observer=Recorder("night.tcplog"), see tcpip_core.transcript.
"""


@click.group(
    "log",
    cls=LazyGroup,
    package=__package__,
    verbs=VERBS,
    epilog=EPILOG,
    short_help="Read a transcript (.tcplog): show, stats, diff, convert, redact.",
)
def command() -> None:
    """Read transcripts of links, and turn them into other things."""
