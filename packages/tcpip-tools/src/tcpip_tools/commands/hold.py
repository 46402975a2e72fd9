"""``tcpip hold``: how long a link stays, and why it drops."""

from typing import Final

import click

from .._options import Duration, Settings, debug_option, json_option, target_options
from .._targets import Target

__all__ = ["command"]

EPILOG: Final = """\
\b
Examples:
  tcpip hold dome:5000                  until it drops, or Ctrl-C
  tcpip hold dome:5000 --reconnect      a line for each drop, all night long
  tcpip hold dome:5000 --for 1h --json > night.json
  tcpip hold dome:5000 --reconnect --log night.tcplog
  tcpip hold dome:5000 --fast           notice a dead link within 6 s, not 15 s

It connects, says nothing, and reads what comes.

\b
Why a link dropped is
  FIN           the peer closed it           RST  the peer reset it
  keepalive     the peer, or the way to it, is gone without a word
  unreachable   a router, or this host, says that there is no way any more

\b
Exit status, of the last drop:
  0 none    3 refused    4 no connection in time    5 no such name, no way
  8 closed    9 reset    10 keepalive    11 no TLS    130 Ctrl-C
"""


@click.command("hold", epilog=EPILOG, short_help="How long does the link stay, and why did it drop?")
@target_options
@click.option("--for", "seconds", type=Duration(), help="End after so long.  [default: until Ctrl-C]")
@click.option("--reconnect", is_flag=True, help="Connect again after a drop, a second later.")
@click.option("--fast", is_flag=True, help="Ask a silent peer for a sign of life after 3 s, not 9 s.")
@json_option
@debug_option
@click.pass_obj
def command(
    settings: Settings, target: Target, seconds: float | None, reconnect: bool, fast: bool, as_json: bool
) -> int:
    """Hold a link without a word, and tell how long it stays and why it drops.

    TARGET is HOST:PORT, such as 127.0.0.1:5000 or [::1]:5000, or @NAME for a profile in tcpip.toml.
    """
    from tcpip_core import Keepalive

    from .. import _lines, _recording, _running
    from ..link import _hold

    keepalive = Keepalive.fast() if fast else Keepalive()
    with _recording.recorded(target) as recorded:
        work = _hold.Hold(recorded, keepalive, seconds, reconnect)
        return _running.run(work, _lines.make_writer(as_json=as_json), debug=settings.debug)
