"""``tcpip log diff``: what two nights have not in common."""

import re
from typing import Final

import click

from ..._options import Settings, debug_option, json_option

__all__ = ["command"]

EPILOG: Final = """\
\b
Examples:
  tcpip log diff good.tcplog bad.tcplog
  tcpip log diff good.tcplog bad.tcplog --ignore '[0-9.]+'
  tcpip log diff good.tcplog bad.tcplog --skip heartbeat && echo the same

Compared are messages, link by link in the order in which they were made, and how links ended; not times, addresses,
marks and gaps.

\b
Exit status:
  0 no difference    1 there are some    2 no transcript, or damaged
"""


def _patterns(context: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> "list[re.Pattern[str]]":
    try:
        return [re.compile(text) for text in texts]
    except re.error as e:
        raise click.BadParameter(f"is no regular expression: {e}", context, option) from e


@click.command("diff", epilog=EPILOG, short_help="Compare two transcripts, but for what changes anyway.")
@click.argument("before", type=click.Path(allow_dash=True))
@click.argument("after", type=click.Path(allow_dash=True))
@click.option(
    "--ignore", multiple=True, callback=_patterns, metavar="REGEX", help="What matches this is the same.  [several]"
)
@click.option(
    "--skip", multiple=True, callback=_patterns, metavar="REGEX", help="Leave out messages with this.  [several]"
)
@click.option("--framing", help="How messages are told apart.  [default: that of each transcript]")
@click.option("--encoding", help="Of text.  [default: that of each transcript]")
@json_option
@debug_option
@click.pass_obj
def command(
    _: Settings,
    before: str,
    after: str,
    ignore: "list[re.Pattern[str]]",
    skip: "list[re.Pattern[str]]",
    framing: str | None,
    encoding: str | None,
    as_json: bool,
) -> int:
    """Compare the transcripts BEFORE and AFTER."""
    from ...logs import _comparing

    rules = _comparing.Rules(framing=framing, encoding=encoding, ignore=ignore, skip=skip)
    return _comparing.compare(before, after, rules, as_json=as_json)
