"""Write a page for each verb of the command from its own help: ``python docs/verbs.py``.

A test compares the pages with the help, so neither can say what the other does not.
"""

import importlib
from pathlib import Path

import click

from tcpip_tools import _cli

PAGES = Path(__file__).parent / "reference" / "verbs"
WIDTH = 100


def page(verb: str) -> str:
    """Return the page of a verb."""
    command: click.Command = importlib.import_module(f"tcpip_tools.commands.{verb}").command
    parent = click.Context(_cli.tree, info_name="tcpip", terminal_width=WIDTH)
    context = click.Context(command, parent, info_name=verb, terminal_width=WIDTH, help_option_names=["--help", "-h"])
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    return f"# tcpip {verb}\n\n{command.short_help}\n\n```text\n{text}\n```\n"


def main() -> None:
    """Write all pages."""
    PAGES.mkdir(exist_ok=True)
    for verb in _cli.VERBS:
        (PAGES / f"{verb}.md").write_text(page(verb), encoding="utf-8")


if __name__ == "__main__":
    main()
