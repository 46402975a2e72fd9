"""``tcpip log show``: a transcript, message by message."""

import re
from typing import Final, Literal, cast

import click

from ..._options import Settings, debug_option, json_option

__all__ = ["command"]

EPILOG: Final = """\
\b
Examples:
  tcpip log show night.tcplog
  tcpip log show night.tcplog.gz --grep '^ERROR|closed' --time delta
  tcpip log show night.tcplog --hex --direction '<'
  tcpip log show night.tcplog --struct dome.protocol:Status
  tcpip log show night.tcplog --decode dome.protocol:explain
  tcpip log show night.tcplog -f | tee look.txt
  tcpip log show - --json < night.tcplog | jq -r 'select(.event=="message").text'

\b
A line has the time, the number of the link, and
  >  client to device      <  device to client      -  a mark
  *  the link              !  a loss, an error, a gap

Messages are told apart by --framing, else by the framing that the transcript names; without one, pieces are shown as
they were sent and received. With --struct alone, what the device says is cut into such structures.

\b
Exit status:
  0 shown    1 nothing matches, no such link, or the decode function raised
  2 no transcript, or damaged    130 interrupted or terminated, as one ends -f
"""


@click.command("show", epilog=EPILOG, short_help="Show a transcript, message by message.")
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("-f", "--follow", is_flag=True, help="Go on as the file grows, until Ctrl-C.")
@click.option("--hex", "as_hex", is_flag=True, help="Show messages as hexadecimal digits.")
@click.option("--grep", metavar="REGEX", help="Only what contains this, as text or as it is shown.")
@click.option("--struct", metavar="PKG.MOD:CLASS", help="Show messages of its size as this ctypes.Structure.")
@click.option("--decode", metavar="PKG.MOD:FUNC", help="Show what this function returns for the bytes of a message.")
@click.option("--framing", help="How messages are told apart, such as crlf, lf, len:u16be, raw.")
@click.option("--encoding", help="Of text.  [default: that of the transcript]")
@click.option("--connection", type=click.IntRange(1), help="Only this link.")
@click.option("--direction", type=click.Choice([">", "<"]), help="Only messages that go this way.")
@click.option(
    "--time",
    "times",
    type=click.Choice(["wall", "utc", "start", "delta"]),
    default="wall",
    show_default=True,
    help="Local time, UTC, seconds since the start, or since the line before.",
)
@json_option
@debug_option
@click.pass_obj
def command(
    _: Settings,
    file: str,
    follow: bool,
    as_hex: bool,
    grep: str | None,
    struct: str | None,
    decode: str | None,
    framing: str | None,
    encoding: str | None,
    connection: int | None,
    direction: str | None,
    times: str,
    as_json: bool,
) -> int:
    """Show the transcript in FILE, message by message; - reads it from stdin."""
    if struct is not None and decode is not None:
        raise click.UsageError("--struct and --decode both say how messages are shown: give one of them")
    if follow and file == "-":
        raise click.UsageError("stdin is followed anyway: leave out -f")
    try:
        pattern = re.compile(grep) if grep is not None else None
    except re.error as e:
        raise click.BadParameter(f"is no regular expression: {e}", param_hint="--grep") from e
    from ...logs import _showing

    return _showing.run(
        _showing.Request(
            name=file,
            follow=follow,
            as_hex=as_hex,
            grep=pattern,
            structure=struct,
            function=decode,
            framing=framing,
            encoding=encoding,
            connection=connection,
            direction=cast('Literal[">", "<"] | None', direction),
            times=cast('Literal["wall", "utc", "start", "delta"]', times),
        ),
        as_json=as_json,
    )
