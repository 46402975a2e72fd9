"""``tcpip probe``: what is wrong with a port, by one connection that says nothing."""

from typing import Final

import click

from .._options import Duration, Settings, debug_option, json_option, messages_from, target_options
from .._targets import Target

__all__ = ["command"]

EPILOG: Final = """\
\b
Examples:
  tcpip probe 10.0.0.7:5000                   is it open, and is its place free?
  tcpip probe dome:5000 --send '*IDN?'        ask a question too, ended by CR LF
  tcpip probe dome:5000 --framing lf --send '*IDN?'
  tcpip probe 127.0.0.1:5000 --no-connect     what this host knows of its own port
  tcpip probe dome:5000 --json | jq -c 'select(.event=="verdict")'

\b
The port is
  open         a connection came about      refused      nobody listens
  filtered     no answer at all             unreachable  no way there
The slot, the place of a server that serves one client at a time, is
  free     it spoke, it answered, or its host knows that a program took us in
  busy     somebody else has it: it accepted and closed, said so, or left us waiting
  silent   connected and nothing came: free and waiting for a question, or not
  full     the queue of those who wait for it is full
Each verdict says how sure it is, what it was read off, and what else it could be.

It connects once, and so takes the place for a moment; a server that serves the newest client throws its client out for
it. Nothing is sent unless --send or --tls asks for it. The link is closed politely.

\b
Exit status:
  0 open, free or silent    1 not known, by --no-connect    3 refused    4 filtered, or full    5 no such name, no way
  6 busy    7 no answer to --send    8, 9 closed, reset after --send    11 no TLS
"""


@click.command("probe", epilog=EPILOG, short_help="Is the port open, its place free, and how does it speak?")
@target_options
@click.option(
    "--send", "texts", multiple=True, metavar="TEXT", help=r"Send this message; may be repeated. \x02 is a byte."
)
@click.option("--listen", type=Duration(), help="Listen so long first.  [default: 20 round trips, from 0.2s to 3s]")
@click.option("--no-connect", is_flag=True, help="Do not connect: tell only what this host knows.")
@json_option
@debug_option
@click.pass_obj
def command(
    settings: Settings, target: Target, texts: tuple[str, ...], listen: float | None, no_connect: bool, as_json: bool
) -> int:
    """Find out what is wrong with a port: open, refused, filtered; its place free, busy, silent, full.

    TARGET is HOST:PORT, such as 127.0.0.1:5000 or [::1]:5000, or @NAME for a profile in tcpip.toml.
    """
    if no_connect and texts:
        raise click.UsageError("--send needs a connection: leave --no-connect out")
    messages = messages_from(texts, target.encoding, "--send")
    from .. import _lines, _recording, _running
    from ..probe import _steps

    with _recording.recorded(target) as recorded:
        work = _steps.Probe(recorded, messages, listen, is_connected=not no_connect)
        return _running.run(work, _lines.make_writer(as_json=as_json), debug=settings.debug)
