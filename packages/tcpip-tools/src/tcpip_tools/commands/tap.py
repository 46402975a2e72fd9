"""``tcpip tap``: a relay that records."""

from typing import Final

import click
from click.core import ParameterSource

from .._listening import parse_listen
from .._options import Settings, debug_option, json_option, target_options
from .._targets import Target

__all__ = ["command"]

EPILOG: Final = """\
\b
Examples:
  tcpip tap 5001 dome:5000 --log night.tcplog     then let the client connect to port 5001
  tcpip tap 0.0.0.0:5001 @dome --view hex
  tcpip tap 5001 dome:5000 --struct dome.protocol:Status
  tcpip tap 5001 dome:5000 --view none --log night.tcplog.gz
  tcpip tap 5001 dome:5000 --once --json | jq -r 'select(.event=="message").text'

The target is opened first, then one client is let in; others are refused. What goes over is not changed: bytes, the end
of one direction, the end of both, a reset, and a side that does not read. When the link is over the target is opened
again, and the next client may come. With --tls the target is spoken to by TLS, and clients speak plainly; as TLS knows
no end of one direction, that of one is the end of both.

\b
A line has the time, the number of the link, and
  >  client to device      <  device to client
  *  the link              !  a loss, or a client that was refused

Where messages come faster than they can be shown, some are left out, and it says how many. --log has them.

\b
Exit status:
  0 ended by Ctrl-C, or --once and the link was closed
  2 the port cannot be listened on    3 refused    4 no connection in time
  5 no such name, no way    11 no TLS: of the target, at the start
  9 reset, 10 silent: the link of --once    130 Ctrl-C with --once
"""


@click.command("tap", epilog=EPILOG, short_help="Pass a link on, show it, and record it.")
@click.argument("listen", metavar="LISTEN")
@target_options
@click.option(
    "--view",
    type=click.Choice(["text", "hex", "none"]),
    default="text",
    show_default=True,
    help="How messages are shown; none shows only how links begin and end.",
)
@click.option("--struct", metavar="PKG.MOD:CLASS", help="Show messages of its size as this ctypes.Structure.")
@click.option("--once", is_flag=True, help="End after one link.")
@json_option
@debug_option
@click.pass_context
def command(
    context: click.Context, listen: str, target: Target, view: str, struct: str | None, once: bool, as_json: bool
) -> int:
    """Pass on what goes between clients of LISTEN and TARGET, show it, and record it with --log.

    LISTEN is PORT, which only this host can reach, or HOST:PORT; port 0 takes any that is free. TARGET is HOST:PORT,
    such as 127.0.0.1:5000 or [::1]:5000, or @NAME for a profile in tcpip.toml.
    """
    try:
        address = parse_listen(listen)
    except ValueError as e:
        raise click.BadParameter(str(e), param_hint="LISTEN") from e
    from .. import _lines, _recording, _running
    from .._exit_codes import ExitCode
    from ..tap import _tap

    is_framing_told = context.get_parameter_source("framing") is not ParameterSource.DEFAULT
    shown = _tap.View(
        has_messages=view != "none", as_hex=view == "hex", structure=struct, cuts_structures=not is_framing_told
    )
    with _recording.recorded(target) as recorded:
        work = _tap.Tap(address, recorded, shown, once)
        status = ExitCode.INTERRUPTED if once else ExitCode.OK
        writer = _lines.make_writer(as_json=as_json)
        debug = context.ensure_object(Settings).debug
        return _running.run(work, writer, debug=debug, interrupted_status=status)
