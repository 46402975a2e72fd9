"""``tcpip talk``: a conversation by hand."""

from typing import Final

import click

from .._options import Settings, debug_option, json_option, target_options
from .._targets import Target

__all__ = ["command"]

EPILOG: Final = """\
\b
Examples:
  tcpip talk dome:5000                        type STATUS, see the reply and how long it took
  tcpip talk lamp:23 --framing cr --hex       bytes as digits too
  tcpip talk dome:5000 --time delta           seconds since the line before
  printf 'OPEN\\nSTATUS\\n' | tcpip talk dome:5000
  tcpip talk dome:5000 --json < commands.txt > replies.jsonl
  tcpip talk dome:5000 --log dome.tcplog      with a record that tcpip log shows, compares, converts

\b
Each line is one message; at a terminal Enter alone sends nothing, from a pipe an empty line is an empty message.
\\x02 is a byte, and so are \\n, \\r, \\t, \\0, \\e and \\\\.
A line that begins with a colon is an order; two begin a message with one:
  :framing lf     tell messages apart in another way; what has come is looked at again
  :hex            show bytes as digits too, or not
  :time delta     absolute, relative, delta or off
  :repeat 1s STATUS      send that every second, until :repeat off
  :bytes 02 41    send these bytes and nothing else
  :mark TEXT      a note of your own       :save FILE    the conversation so far
  :reconnect      a new link               :help, :quit

\b
Up and Ctrl-R find earlier lines to this target, Tab and Right complete
from them, Ctrl-D ends, Ctrl-C interrupts. What arrives unasked appears
above the line that is being typed.

From a pipe, lines are sent at once; after the last one it waits for the reply, until nothing more comes.

\b
Exit status:
  0 done    2 a wrong line in a pipe    3 refused    4 no connection in time    5 no such name, no way
  7 to a pipe's lines nothing came      8, 9 closed, reset meanwhile            11 no TLS    130 Ctrl-C
"""


@click.command("talk", epilog=EPILOG, short_help="Talk to it by hand, with history, times and bytes.")
@target_options
@click.option(
    "--time",
    type=click.Choice(["absolute", "relative", "delta", "off"]),
    default="absolute",
    show_default=True,
    help="What stands before a line.",
)
@click.option("--hex", "is_hex", is_flag=True, help="Show bytes as digits too.")
@json_option
@debug_option
@click.pass_obj
def command(settings: Settings, target: Target, time: str, is_hex: bool, as_json: bool) -> int:
    """Talk to a device by hand: each line that is typed is one message.

    TARGET is HOST:PORT, such as 127.0.0.1:5000 or [::1]:5000, or @NAME for a profile in tcpip.toml.
    """
    from .. import _recording
    from ..talk import _run

    with _recording.recorded(target) as recorded:
        return _run.run(recorded, time, is_hex=is_hex, as_json=as_json, debug=settings.debug)
