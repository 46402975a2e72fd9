"""``tcpip log convert``: a transcript as something else."""

from typing import Final

import click

from ..._options import Settings, debug_option

__all__ = ["command"]

EPILOG: Final = """\
\b
Examples:
  tcpip log convert night.tcplog night.pcapng     for Wireshark
  tcpip log convert night.tcplog night.csv        for a spreadsheet
  tcpip log convert night.tcplog - --to text | less
  tcpip log convert night.tcplog dome.py          a program that plays the device
  tcpip log convert night.tcplog test_dome.py     a test of a client against it
  tcpip log convert dump.pcapng night.tcplog      from a capture, if tshark is installed

The name of OUTPUT says what it is to be: .pcapng, .txt, .csv, .tcplog, .tcplog.gz, test_NAME.py, NAME.py. The TCP in a
.pcapng is made up around the payloads, their times, FIN and RST; the file says so.

An OUTPUT that exists is replaced when all is written, and keeps its owner and mode; behind a symbolic link it is the
file there. What is no regular file, such as a FIFO, is written into.

\b
Exit status:
  0 written    2 cannot be read, converted, or written; then nothing is
"""


@click.command("convert", epilog=EPILOG, short_help="A capture for Wireshark, text, CSV, a script, a test.")
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@click.argument("output", metavar="OUTPUT", type=click.Path(allow_dash=True))
@click.option(
    "--to",
    type=click.Choice(["pcapng", "text", "csv", "dialogue", "pytest", "tcplog"]),
    help="What to write.  [default: what the name of OUTPUT says]",
)
@click.option("--framing", help="How messages are told apart.  [default: that of the transcript]")
@click.option("--encoding", help="Of text.  [default: that of the transcript]")
@debug_option
@click.pass_obj
def command(_: Settings, file: str, output: str, to: str | None, framing: str | None, encoding: str | None) -> None:
    """Convert the transcript, or the capture, in FILE to OUTPUT; - is stdin, or stdout."""
    from ...logs import _converting

    wanted = to or _converting.format_of(output)
    if wanted is None:
        raise click.UsageError(f"the name {output!r} does not say what to write: add --to")
    _converting.run(file, output, wanted, framing, encoding, lambda text: click.echo(text, err=True))
