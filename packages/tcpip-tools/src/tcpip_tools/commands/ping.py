"""``tcpip ping``: reply times over one held link."""

import re
from typing import Final

import click

from .._options import Duration, Settings, debug_option, json_option, messages_from, target_options
from .._targets import Target

__all__ = ["command"]

EPILOG: Final = """\
\b
Examples:
  tcpip ping dome:5000 STATUS                    every second, until Ctrl-C
  tcpip ping dome:5000 '*IDN?' --count 1000 --interval 10ms
  tcpip ping dome:5000 STATUS --expect '^DATA'   all else comes unasked
  tcpip ping dome:5000 --connect --count 10      how long a connection takes
  tcpip ping dome:5000 STATUS --json | jq 'select(.event=="reply").seconds'

One link is made and held. A question waits for the answer to the one before it, for --timeout; from the first that has
none in time to the next answer is an outage. An answer that comes late counts, until the next question is asked.
The summary has percentiles, the jitter (how much a time differs from the one before it, on average) and a histogram.

--connect asks nothing: it connects and closes each time, so it takes the place of a server of one client each time.

\b
Exit status:
  0 answers came    3 refused    4 no connection in time    5 no such name, no way
  7 none came    8, 9, 10 the link was closed, reset, or silent    11 no TLS    130 Ctrl-C
"""


@click.command("ping", epilog=EPILOG, short_help="How fast does it answer, on one held link?")
@target_options
@click.argument("text", required=False)
@click.option("--count", type=click.IntRange(min=1), help="Ask so often.  [default: until Ctrl-C]")
@click.option("--interval", type=Duration(), default="1s", show_default=True, help="From question to question.")
@click.option("--expect", metavar="REGEX", help="What an answer contains.  [default: every message is one]")
@click.option("--connect", is_flag=True, help="Measure how long a connection takes instead.")
@json_option
@debug_option
@click.pass_obj
def command(
    settings: Settings,
    target: Target,
    text: str | None,
    count: int | None,
    interval: float,
    expect: str | None,
    connect: bool,
    as_json: bool,
) -> int:
    """Ask TEXT over and over on one link, and measure how long the answers take.

    TARGET is HOST:PORT, such as 127.0.0.1:5000 or [::1]:5000, or @NAME for a profile in tcpip.toml.
    """
    if connect == (text is not None):
        raise click.UsageError("give a TEXT to ask, such as STATUS, or --connect, and not both")
    if connect and target.log is not None:
        raise click.UsageError("--log records a link that is held, and --connect holds none")
    messages = messages_from((text or "",), target.encoding, "TEXT")
    try:
        pattern = re.compile(expect) if expect is not None else None
    except re.error as e:
        raise click.BadParameter(f"is no regular expression: {e}", param_hint="--expect") from e
    from .. import _recording, _running
    from ..link import _ping, _progress

    with _recording.recorded(target) as recorded:
        work = (
            _ping.ConnectPing(recorded, count, interval)
            if connect
            else _ping.Ping(recorded, messages[0], count, interval, pattern)
        )
        writer = _progress.make_writer(work.tally.progress, as_json=as_json)
        return _running.run(work, writer, debug=settings.debug)
