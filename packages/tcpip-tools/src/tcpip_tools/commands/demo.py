"""``tcpip demo``: a mock dome controller, and a client that talks to it."""

from typing import Final

import click

from .._options import FiniteRange, Settings, debug_option, json_option

__all__ = ["command"]

EPILOG: Final = """\
\b
Examples:
  tcpip demo                         the conversation, some seven seconds
  tcpip demo --speed 100             the same, in a hurry
  tcpip demo --json | jq -c .event   for machines
  tcpip demo --serve --port 5000     leave the mock running; end it with Ctrl-C
  printf 'STATUS\\r\\n' | nc -N 127.0.0.1 5000 | xxd

\b
Each line of the dialogue has the time, the time since the line before, and
  >  client to device      <  device to client        -  what the client does
  *  the link              !  a loss or an error      =  the summary

Of the telemetry of a turn only the first line is shown; --json shows each.

Ctrl-C or SIGTERM is how one ends --serve: a summary is printed and the status is 0. It interrupts the conversation
with a summary and status 130. A port that cannot be listened on is a usage error, status 2.
"""


def _check(host: str, serve: bool, timeout: float | None, seconds: float | None) -> None:
    if not host:
        raise click.BadParameter("give an address or a name of this host, such as 127.0.0.1", param_hint="--host")
    if serve and timeout is not None:
        raise click.UsageError("--timeout bounds the conversation; with --serve say how long by --seconds")
    if seconds is not None and not serve:
        raise click.UsageError("--seconds says how long to --serve; the conversation is bounded by --timeout")


@click.command("demo", epilog=EPILOG, short_help="Talk to a mock dome controller, and print the dialogue.")
@click.option("--serve", is_flag=True, help="Only serve the mock, for other programs, until Ctrl-C.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address that the mock listens on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Port that the mock listens on; 0 takes any that is free.",
)
@click.option("--seconds", type=FiniteRange(min=0, min_open=True), help="End --serve after so long, with status 0.")
@click.option(
    "--speed",
    type=FiniteRange(0.25, 1000),
    default=1.0,
    show_default=True,
    help="How fast the dome's clock runs; at 1 it turns 40 degrees a second.",
)
@click.option(
    "--timeout",
    type=FiniteRange(min=0, min_open=True),
    help="Give the conversation up after so many seconds, 60 unless given, with status 1.",
)
@click.option(
    "--heartbeat-timeout",
    type=FiniteRange(min=0),
    help="The mock drops a client that sends no line 'heartbeat' for so many seconds. 0 is never. "
    "Unless given it is 5, and with --serve 0.",
)
@json_option
@debug_option
@click.pass_obj
def command(
    settings: Settings,
    serve: bool,
    host: str,
    port: int,
    seconds: float | None,
    speed: float,
    timeout: float | None,
    heartbeat_timeout: float | None,
    as_json: bool,
) -> int:
    """Talk to a mock dome controller over real TCP, and print the dialogue.

    The controller answers text commands, sends telemetry as JSON while the dome turns, gives its status as a binary
    structure, and watches heartbeats. The client opens the shutter, turns the dome, survives a bad command, loses the
    link, comes back, and closes up.
    """
    _check(host, serve, timeout, seconds)
    from ..dome import _session

    if heartbeat_timeout is None:
        heartbeat_timeout = 0.0 if serve else 5.0
    mock = _session.Mock(host=host, port=port, speed=speed, heartbeat_timeout=heartbeat_timeout)
    work = (
        _session.Serving(mock, seconds) if serve else _session.Conversation(mock, 60.0 if timeout is None else timeout)
    )
    return _session.run(work, as_json=as_json, debug=settings.debug)
