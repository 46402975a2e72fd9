"""``tcpip send``: one message for a script, and the reply to it."""

import re
from typing import Final

import click

from .._options import Settings, debug_option, json_option, messages_from, target_options
from .._targets import Target

__all__ = ["command"]

EPILOG: Final = """\
\b
Examples:
  tcpip send dome:5000 STATUS                        print the reply, one message
  tcpip send dome:5000 '*IDN?' --expect '^ACME' --lines 1
  tcpip send dome:5000 OPEN 'MOVE 120' --timeout 2s  one after the other
  tcpip send lamp:23 '\\x02ON\\x03' --framing raw      bytes as they are
  tcpip send mail:25 QUIT --lines 2                  a greeting counts as a reply
  tcpip send dome:5000 STATUS --lines 3 | xxd

The reply goes to stdout byte for byte, with what ends its messages; to a terminal it goes as text that cannot harm it.
In TEXT \\n, \\r, \\t, \\0, \\e, \\\\ and \\x02 are bytes. With --framing raw a message is what arrives at once.

\b
Exit status:
  0 all came    1 not what was expected    3 refused    4 no connection in time
  5 no such name, no way    7 no whole reply in time    8, 9 closed, reset before    11 no TLS
"""


@click.command("send", epilog=EPILOG, short_help="Send a message, print the reply, compare: for scripts.")
@target_options
@click.argument("texts", nargs=-1, required=True, metavar="TEXT...")
@click.option("--lines", type=click.IntRange(min=0), help="Wait for so many messages for each TEXT.  [default: 1]")
@click.option("--expect", metavar="REGEX", help="One of them must contain this; without --lines, wait until one does.")
@json_option
@debug_option
@click.pass_obj
def command(
    settings: Settings, target: Target, texts: tuple[str, ...], lines: int | None, expect: str | None, as_json: bool
) -> int:
    """Send each TEXT as one message, wait for the reply, print it.

    TARGET is HOST:PORT, such as 127.0.0.1:5000 or [::1]:5000, or @NAME for a profile in tcpip.toml.
    """
    if lines == 0 and expect is not None:
        raise click.UsageError("--expect looks at replies, and --lines 0 waits for none")
    messages = messages_from(texts, target.encoding, "TEXT")
    try:
        pattern = re.compile(expect) if expect is not None else None
    except re.error as e:
        raise click.BadParameter(f"is no regular expression: {e}", param_hint="--expect") from e
    from .. import _lines, _recording, _running
    from .._report import JsonLines, stdout
    from ..link import _send

    output = stdout()
    writer = JsonLines(output) if as_json else _send.RawReplies(output, _lines.stderr())
    with _recording.recorded(target) as recorded:
        return _running.run(_send.Send(recorded, messages, lines, pattern), writer, debug=settings.debug)
