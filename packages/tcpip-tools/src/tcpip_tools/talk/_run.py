"""Choose where lines come from, and talk."""

import os
import sys
from typing import TextIO, cast

from .. import _lines, _running
from .._exit_codes import ExitCode, Failure
from .._targets import Target
from ._pipe import PipedLines
from ._talk import Talk, TimeMode

__all__ = ["run"]


def run(target: Target, time: str, *, is_hex: bool, as_json: bool, debug: bool) -> ExitCode:
    """Talk: at a terminal by hand, without a prompt where that cannot move its cursor, else with what stdin holds.

    Parameters
    ----------
    target : Target
        With whom.
    time : str
        What stands before a line.
    is_hex, as_json, debug : bool
        As the options.

    Returns
    -------
    ExitCode
        The status to exit with.

    Raises
    ------
    Failure
        If it went wrong.
    """
    stdin = cast("TextIO | None", sys.stdin)
    if stdin is None:
        raise Failure(ExitCode.USAGE, "stdin is closed: there is nothing to send")
    mode = cast("TimeMode", time)
    is_by_hand = stdin.isatty() and sys.stdout is not None and sys.stdout.isatty()
    if not is_by_hand or os.environ.get("TERM") in _lines.DUMB:
        piped = Talk(target, PipedLines(stdin, is_by_hand=is_by_hand), mode, is_hex=is_hex)
        return _running.run(piped, _lines.make_writer(as_json=as_json), debug=debug)
    from ._terminal import TypedLines, writer_above_the_prompt

    lines = TypedLines(target)
    talk = Talk(target, lines, mode, is_hex=is_hex)
    lines.state = lambda: talk.state
    with writer_above_the_prompt(as_json=as_json) as writer:
        return _running.run(talk, writer, debug=debug)
