"""``tcpip completion``: what a shell needs to complete verbs, options and profiles."""

from typing import Final

import click

from .._options import debug_option

__all__ = ["command"]

EPILOG: Final = """\
\b
Examples:
  eval "$(tcpip completion bash)"     in ~/.bashrc
  eval "$(tcpip completion zsh)"      in ~/.zshrc
  tcpip completion fish | source      in ~/.config/fish/config.fish
"""


@click.command("completion", epilog=EPILOG, short_help="Print what a shell needs for completion.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@debug_option
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the lines with which SHELL completes verbs, options and profiles."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None, shell
    click.echo(kind(context.find_root().command, {}, "tcpip", "_TCPIP_COMPLETE").source())
