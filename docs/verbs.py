"""Write a page for each verb of the command from its own help: ``python docs/verbs.py``.

A test compares the pages with the help, so neither can say what the other does not.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path

import click

from tcpip_tools import _cli

PAGES = Path(__file__).parent / "reference" / "verbs"
WIDTH = 100


def page(verb: str) -> str:
    """Return the page of a verb."""
    command: click.Command = importlib.import_module(f"tcpip_tools.commands.{verb}").command
    parent = click.Context(_cli.tree, info_name="tcpip", terminal_width=WIDTH, help_option_names=["--help", "-h"])
    return f"# tcpip {verb}\n\n{command.short_help}\n" + "".join(f"\n{one}" for one in help_of(command, verb, parent))


def help_of(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    """Yield the help of a command, and below it of those that it has."""
    context = click.Context(command, parent, info_name=name, terminal_width=WIDTH)
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    yield f"```text\n{text}\n```\n"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None, inner
            yield f"## tcpip {name} {inner}\n"
            yield from help_of(found, inner, context)


def main() -> None:
    """Write all pages."""
    PAGES.mkdir(exist_ok=True)
    for verb in _cli.VERBS:
        (PAGES / f"{verb}.md").write_text(page(verb), encoding="utf-8")


if __name__ == "__main__":
    main()
