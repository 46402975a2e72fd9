"""Options that verbs share, and the settings that they fill."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

__all__ = ["FiniteRange", "Settings", "debug_option", "json_option"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class Settings:
    """What holds for the whole command, whichever side of the verb it was given on.

    Parameters
    ----------
    debug : bool
        Show the library's log and, where something fails, the traceback.
    """

    debug: bool = False


class FiniteRange(click.FloatRange):
    """A range of numbers. Click's own lets ``nan`` through, because it is not below the least one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or fail with what is allowed."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


def debug_option(function: F) -> F:
    """Add ``--debug``."""
    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        callback=_note_debug,
        help="Show the library's log, and the traceback of a failure, on stderr.",
    )(function)


def json_option(function: F) -> F:
    """Add ``--json``, as ``as_json``."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="For machines: one JSON object a line, and a summary at the end.",
    )(function)


def _note_debug(context: click.Context, _: click.Parameter, debug: bool) -> None:
    settings = context.ensure_object(Settings)
    settings.debug = settings.debug or debug
