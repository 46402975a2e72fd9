"""Options that verbs share, and the settings that they fill."""

import codecs
import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import click
from click.shell_completion import CompletionItem

from ._payload import unescape
from ._profiles import Profile, find_profile, profile_names
from ._targets import Target, parse_address

__all__ = [
    "ENCODINGS",
    "FRAMINGS",
    "Duration",
    "FiniteRange",
    "Settings",
    "check_log_name",
    "debug_option",
    "json_option",
    "make_target",
    "messages_from",
    "parse_duration",
    "target_options",
]

FRAMINGS: Final = "crlf, lf, cr, nul, hex:0d0a, fixed:16, len:u8, len:u16be, len:u16le, len:u32be, len:u32le, struct:>HHf, struct:package.module:Class, raw"  # noqa: E501
"""Those of ``tcpip_testing.framing``, which is not imported only to print a help text."""

LONGEST: Final = 1e9
"""No time-out is longer: some 30 years (seconds)."""

ENCODINGS: Final = ("utf-8", "ascii", "latin-1", "utf-16", "cp1252")

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


if TYPE_CHECKING:
    SpanType = click.ParamType[float]
else:
    SpanType = click.ParamType  # It takes no argument before click 8.4.


class Duration(SpanType):
    """A span of time, such as ``1.5``, ``500ms``, ``1s``, ``2m`` or ``1h``; above 0."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return it in seconds, or fail with what is allowed."""
        try:
            return parse_duration(str(value))
        except ValueError as e:
            self.fail(str(e), param, ctx)


_UNITS: Final = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """Return a span of time in seconds.

    Parameters
    ----------
    text : str
        A number above 0, in seconds, or with one of the units ms, s, m, min, h.

    Raises
    ------
    ValueError
        If it is none, or is not above 0.
    """
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+) ?(\w*)", text.strip(), re.ASCII)
    if match is None or match[2] not in _UNITS or not 0 < (seconds := float(match[1]) * _UNITS[match[2]]) < 1e9:
        raise ValueError(f"{text!r} is no span of time; give one above 0, such as 1.5, 500ms, 1s, 2m or 1h")
    return seconds


def target_options(function: F) -> F:
    """Add the argument ``TARGET`` and the options of how to speak there; the verb gets one ``target``."""

    @functools.wraps(function)
    def call(*args: Any, target: str, **given: Any) -> Any:
        options = {name: given.pop(name) for name in _TARGET_OPTIONS}
        return function(*args, target=make_target(target, options), **given)

    decorated: Any = call
    for option in reversed(list(_TARGET_OPTIONS.values())):
        decorated = option(decorated)
    return cast("F", click.argument("target", shell_complete=_complete_target)(decorated))


def check_log_name(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    """Return the value of ``--log``, whose ending says what it is."""
    if name is not None and not name.endswith((".tcplog", ".tcplog.gz")):
        raise click.BadParameter(f"{name!r} must end with .tcplog or .tcplog.gz, by which others know what it is")
    return name


_TARGET_OPTIONS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "timeout": click.option("--timeout", type=Duration(), help="Wait so long for one thing.  [default: 5s]"),
    "framing": click.option("--framing", help=f"What tells messages apart: {FRAMINGS}.  [default: crlf]"),
    "encoding": click.option("--encoding", help="Of text, such as ascii or latin-1.  [default: utf-8]"),
    "tls": click.option("--tls", is_flag=True, default=None, help="Speak TLS."),
    "cafile": click.option(
        "--cafile",
        type=click.Path(exists=True, dir_okay=False),
        help="Trust the authorities in this file (PEM); implies --tls.",
    ),
    "insecure": click.option(
        "--insecure", is_flag=True, default=None, help="Take any certificate, also a forged one; implies --tls."
    ),
    "log": click.option(
        "--log",
        type=click.Path(dir_okay=False),
        callback=check_log_name,
        help="Record what goes over the link in this file, .tcplog or .tcplog.gz; see tcpip log.",
    ),
}


def make_target(text: str, options: dict[str, Any]) -> Target:
    """Return what an argument, options and a profile say together; an option is above a profile.

    Parameters
    ----------
    text : str
        ``HOST:PORT`` or ``@profile``.
    options : dict
        What was given; what is None was not.

    Raises
    ------
    click.UsageError
        If something is wrong with it.
    """
    try:
        profile = find_profile(text[1:], Path.cwd()) if text.startswith("@") else Profile(target=text)
        host, port = parse_address(profile.target)
    except ValueError as e:
        where = f"{text}: " if text.startswith("@") and text not in str(e) else ""
        raise click.BadParameter(f"{where}{e}", param_hint="TARGET") from e
    said = {name: getattr(profile, name, None) for name in _TARGET_OPTIONS} | {
        name: value for name, value in options.items() if value is not None
    }
    if said["tls"] is None and (said["cafile"] or said["insecure"]):
        said["tls"] = True
    target = Target(host=host, port=port, **{name: value for name, value in said.items() if value is not None})
    _check(target)
    return target


def _check(target: Target) -> None:
    from tcpip_testing.framing import parse_framing

    try:
        parse_framing(target.framing)
    except ValueError as e:
        raise click.BadParameter(str(e), param_hint="--framing") from e
    try:
        codecs.lookup(target.encoding)
        "".encode(target.encoding)
    except (LookupError, ValueError) as e:
        text = f"{target.encoding!r} is no encoding of text; there are {', '.join(ENCODINGS)} and many more"
        raise click.BadParameter(text, param_hint="--encoding") from e
    if not 0 < target.timeout <= LONGEST:
        raise click.BadParameter(f"must be above 0 seconds, not {target.timeout!r}", param_hint="timeout")


def messages_from(texts: Sequence[str], encoding: str, name: str) -> list[bytes]:
    """Return the bytes that texts on the command line stand for.

    Parameters
    ----------
    texts : sequence of str
        With escapes.
    encoding : str
        Of the rest.
    name : str
        Of the argument or option, for the error.

    Raises
    ------
    click.BadParameter
        If an escape is wrong, or a character cannot be encoded.
    """
    try:
        return [unescape(text, encoding) for text in texts]
    except ValueError as e:
        raise click.BadParameter(str(e), param_hint=name) from e


def _complete_target(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    names = (f"@{name}" for name in profile_names(Path.cwd()))
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


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
