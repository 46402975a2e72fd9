"""A command with verbs of its own, each of which is imported when it is asked for."""

import importlib
from collections.abc import Sequence
from typing import Any

import click

__all__ = ["LazyGroup"]


class LazyGroup(click.Group):
    """A group that imports a verb's module when the verb is asked for.

    Parameters
    ----------
    *args
        As for `click.Group`.
    package : str
        Where the modules are; each has a command named ``command``.
    verbs : sequence of str
        Their names, in the order in which they are shown.
    **kwargs
        As for `click.Group`.
    """

    def __init__(self, *args: Any, package: str, verbs: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._package = package
        self._verbs = tuple(verbs)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the verbs."""
        return list(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb; None if there is no such one."""
        if cmd_name not in self._verbs:
            return None
        command: click.Command = importlib.import_module(f"{self._package}.{cmd_name}").command
        return command
