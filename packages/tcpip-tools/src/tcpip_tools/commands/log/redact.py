"""``tcpip log redact``: a transcript without its secrets."""

from typing import Final

import click

from ..._options import Settings, debug_option

__all__ = ["command"]

EPILOG: Final = """\
\b
Examples:
  tcpip log redact night.tcplog clean.tcplog --pattern '(?<=PASS ).*?(?=\\r)'
  tcpip log redact night.tcplog - --pattern 'token=\\w+' --addresses | gzip > clean.tcplog.gz

Each byte that matches becomes x, so that sizes stay the same; a secret that was sent in two pieces is found too. Marks
and errors are cleaned like payloads. Look at the result before you give it away: what nothing matches is still there.

An OUTPUT that exists, also FILE itself, is replaced when all is written, and keeps its owner and mode; behind a
symbolic link it is the file there. What is no regular file, such as a FIFO, is written into.

\b
Exit status:
  0 written    2 no transcript, or damaged, or cannot be written; then nothing is
"""


@click.command("redact", epilog=EPILOG, short_help="Write a transcript again, without its secrets.")
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@click.argument("output", metavar="OUTPUT", type=click.Path(allow_dash=True))
@click.option("--pattern", "patterns", multiple=True, metavar="REGEX", help="Cover what matches this.  [several]")
@click.option("--addresses", is_flag=True, help="Take out addresses and names of hosts beside the payload too.")
@debug_option
@click.pass_obj
def command(_: Settings, file: str, output: str, patterns: tuple[str, ...], addresses: bool) -> None:
    """Write the transcript in FILE to OUTPUT, with its secrets covered; - is stdin, or stdout."""
    if not patterns and not addresses:
        raise click.UsageError("say what is secret, by --pattern or --addresses")
    from ...logs import _redacting

    secrets = _redacting.Secrets(patterns=patterns, addresses=addresses)
    places = _redacting.run(file, output, secrets, lambda text: click.echo(text, err=True))
    click.echo(f"places covered: {places}", err=True)
