"""``tcpip log stats``: how fast, how much, how often lost."""

from pathlib import Path
from typing import Final

import click

from ..._options import Settings, debug_option, json_option

__all__ = ["command"]

EPILOG: Final = """\
\b
Examples:
  tcpip log stats night.tcplog
  tcpip log stats night.tcplog --framing lf --plot night.svg
  tcpip log stats night.tcplog --json | jq 'select(.event=="stats").commands.STATUS.p99'

A command is what the client sent; its name is its first word. Its reply time is from the end of it to the end of the
first message after it; without a framing, pieces are taken for messages.

\b
Exit status:
  0 done    2 no transcript, or damaged; no matplotlib for --plot
"""


@click.command("stats", epilog=EPILOG, short_help="Reply times, rates, gaps, losses, with a picture.")
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("--framing", help="How messages are told apart.  [default: that of the transcript]")
@click.option("--encoding", help="Of text.  [default: that of the transcript]")
@click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Draw it too, as .png or .svg."
)
@json_option
@debug_option
@click.pass_obj
def command(_: Settings, file: str, framing: str | None, encoding: str | None, plot: Path | None, as_json: bool) -> int:
    """Sum up the transcript in FILE; - reads it from stdin."""
    if plot is not None and plot.suffix.lower() not in {".png", ".svg"}:
        raise click.BadParameter("is neither .png nor .svg", param_hint="--plot")
    from ...logs import _summing

    return _summing.run(file, framing, encoding, plot, as_json=as_json)
