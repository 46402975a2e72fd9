"""``tcpip mock``: a server that stands in for a device."""

from typing import Final, Literal, cast

import click

from .._options import FRAMINGS, Settings, check_log_name, debug_option, json_option

__all__ = ["command"]

EPILOG: Final = """\
\b
Examples:
  tcpip mock night.tcplog --port 5000              what the device said that night
  tcpip mock night.tcplog --port 5000 --timing none --once
  tcpip mock echo --port 5000 --policy multi
  tcpip mock telemetry:10Hz --port 5000 --framing lf
  tcpip mock dome.mock:MockDome --port 5000        a tcpip_core.OneClientServer

A transcript is replayed in order: what the device said unasked is said when it was said, counted from what came before
it, and an answer follows its request. A request that was recorded elsewhere on the link moves the replay there. One
that was not recorded has no answer; the recorded one that is nearest to it is shown on stderr. A client that says it
sends no more gets the rest without waits, and gives up its place. Each client gets the next recorded link, after the
last one the first. Requests are told apart by --framing, else by the framing that the transcript names.

\b
Who comes second, while a client is there,
  reject   is closed at once        queue  waits until the first has left
  kick     gets the first's place   multi  is served too
With --once one that is kicked has not left: its place is another's.

\b
Exit status:
  0 ended by Ctrl-C, or --once      1 --once, and a request was not recorded
  2 nothing that can be served, or a port that cannot be listened on
"""


def _parse_timing(_: click.Context, __: click.Parameter, text: str) -> float:
    if text in {"real", "none"}:
        return float(text == "real")
    try:
        factor = float(text)
    except ValueError:
        factor = -1.0
    if not 0 <= factor <= 1000:
        raise click.BadParameter(f"{text!r} is not real, none, or a factor from 0 to 1000, such as 0.5")
    return factor


@click.command("mock", epilog=EPILOG, short_help="Stand in for a device: a recorded one, or an echo.")
@click.argument("what", metavar="WHAT")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Port to listen on; 0 takes any that is free.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--policy",
    type=click.Choice(["reject", "queue", "kick", "multi"]),
    help="What a second client meets.  [default: reject]",
)
@click.option(
    "--timing",
    default="real",
    show_default=True,
    callback=_parse_timing,
    metavar="real|none|FACTOR",
    help="How long the device waits: as recorded, not at all, or so many times as long.",
)
@click.option("--framing", help=f"What tells messages apart: {FRAMINGS}.  [default: that of the transcript]")
@click.option("--encoding", help="Of text.  [default: that of the transcript]")
@click.option("--once", is_flag=True, help="End when the client has left, and no other is served.")
@click.option(
    "--log",
    type=click.Path(dir_okay=False),
    callback=check_log_name,
    help="Record what goes over the links in this file, .tcplog or .tcplog.gz; see tcpip log.",
)
@json_option
@debug_option
@click.pass_obj
def command(
    settings: Settings,
    what: str,
    port: int,
    host: str,
    policy: str | None,
    timing: float,
    framing: str | None,
    encoding: str | None,
    once: bool,
    log: str | None,
    as_json: bool,
) -> int:
    """Serve WHAT on a port, as a device would.

    WHAT is a transcript, FILE.tcplog or - for stdin; echo, sink or telemetry:10Hz; or PKG.MOD:CLASS, a server class.
    """
    if not host:
        raise click.BadParameter("give an address or a name of this host, such as 127.0.0.1", param_hint="--host")
    from .. import _lines, _recording, _running
    from .._exit_codes import ExitCode
    from .._options import make_target
    from ..mock import _make

    # A port of 0 is none that one could connect to; it only names the recording.
    target = make_target(
        f"{f'[{host}]' if ':' in host else host}:{port or 1}", {"framing": framing, "encoding": encoding, "log": log}
    )
    with _recording.recorded(target) as recorded:
        request = _make.Request(
            what=what,
            host=host,
            port=port,
            policy=cast('Literal["reject", "queue", "kick", "multi"] | None', policy),
            pace=timing,
            framing=framing,
            encoding=encoding,
            recorder=recorded.observer,
            is_once=once,
        )
        status = ExitCode.INTERRUPTED if once else ExitCode.OK
        writer = _lines.make_writer(as_json=as_json)
        return _running.run(_make.make(request), writer, debug=settings.debug, interrupted_status=status)
