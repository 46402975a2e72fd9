"""``tcpip who``: who holds a port of this host."""

import socket
from typing import Final

import click

from .._options import Duration, Settings, debug_option, json_option
from .._targets import parse_address

__all__ = ["command"]

EPILOG: Final = """\
\b
Examples:
  tcpip who 5000                 who listens, who is connected, who waits
  tcpip who 127.0.0.1:5000       on this address only
  sudo tcpip who 5000            programs of other users too
  tcpip who 5000 --watch         and who comes and goes, until Ctrl-C
  ssh dome tcpip who 5000        on another host

It asks this host's kernel, and connects to nobody. Linux only.

\b
Of a connection it shows
  unread    what has come and the program has not read: it hangs, or is busy
  unsent    what the peer has not acknowledged: it does not read, or is gone
  heard, spoken to   since when nothing has come or gone
  NOT ACCEPTED       made by the kernel, and taken by no program yet
  CLOSE_WAIT         the peer is gone, and the program has not closed its side

The kernel does not note when a connection was made; for how long a program runs is shown, and with --watch for how
long a connection was seen.

\b
Exit status:
  0 somebody listens or holds it    1 this system does not tell    3 nobody    130 Ctrl-C
"""


@click.command("who", epilog=EPILOG, short_help="Who listens on a port of this host, and who holds it?")
@click.argument("port")
@click.option("--watch", is_flag=True, help="Go on, and tell who comes and goes.")
@click.option("--interval", type=Duration(), default="1s", show_default=True, help="With --watch: look so often.")
@json_option
@debug_option
@click.pass_obj
def command(settings: Settings, port: str, watch: bool, interval: float, as_json: bool) -> int:
    """Tell who listens on PORT of this host, who is connected, and who waits: program, user, age, queues.

    PORT is 5000, or 127.0.0.1:5000 for one address of this host.
    """
    host = ""
    try:
        host, number = parse_address(f"0.0.0.0:{port.removeprefix(':')}" if ":" not in port.removeprefix(":") else port)
    except ValueError as e:
        raise click.BadParameter(str(e), param_hint="PORT") from e
    ip = None if host in {"0.0.0.0", "::"} else own_address(host)
    from .. import _lines, _running
    from ..host import _who

    work = _who.Who(number, ip, interval if watch else None)
    return _running.run(work, _lines.make_writer(as_json=as_json), debug=settings.debug)


def own_address(host: str) -> str:
    """Return the address of a name of this host.

    Raises
    ------
    click.BadParameter
        If it is another host's, or nobody's.
    """
    from ..host._sockets import is_own_address

    try:
        ips = [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except OSError as e:
        raise click.BadParameter(f"{host!r} is no name or address of a host: {e.strerror}", param_hint="PORT") from e
    for ip in ips:
        if is_own_address(ip):
            return ip
    text = f"{host} is another host, and only its own kernel knows: run it there, as in ssh {host} tcpip who PORT"
    raise click.BadParameter(text, param_hint="PORT")
