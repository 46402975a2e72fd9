"""The command ``tcpip``: its tree of verbs, and how each way to end becomes an exit status."""

import logging
import sys
import traceback
from collections.abc import Sequence
from typing import Final, NoReturn

import click

from ._exit_codes import ExitCode, Failure, is_no_room, sentence_of
from ._lazy_group import LazyGroup
from ._options import Settings, debug_option
from ._version import __version__

__all__ = ["VERBS", "LazyGroup", "main", "run"]

VERBS: Final = ("probe", "who", "send", "talk", "ping", "hold", "tap", "mock", "log", "demo", "completion")
"""Each has a module of its name in ``commands``."""

EPILOG: Final = """\
\b
Examples:
  tcpip probe dome:5000               is the port open, and the place free?
  tcpip who 5000                      who holds the port of this host?
  tcpip send dome:5000 STATUS         one question, for scripts
  tcpip talk dome:5000                by hand
  tcpip ping dome:5000 STATUS         how fast does it answer?
  tcpip hold dome:5000 --reconnect    why does the link drop?
  tcpip tap 5001 dome:5000 --log night.tcplog     pass a link on, and record it
  tcpip mock night.tcplog --port 5000             be the device of that night
  tcpip log show night.tcplog         what went over the link
  tcpip demo                          watch a mock dome and its client talk

\b
TARGET is HOST:PORT, [::1]:5000, or @NAME for a profile. Profiles are read from tcpip.toml in this directory, in those
above it, and in the user's configuration directory; the first file that has the profile is taken:
  [profiles.dome]
  target = "dome.example:5000"
  framing = "lf"           # also: encoding, timeout (seconds), tls, cafile, insecure

\b
Exit status:
  0 done            1 not as expected, or out of time
  2 wrong usage, or a port that cannot be listened on
  3 connection refused         4 no connection in time: filtered, or full
  5 no such name, or no way    6 the place is taken    7 no answer in time
  8 the peer closed the link   9 the peer reset the link
  10 the peer is silent: keepalive or user time-out    11 TLS    130 interrupted
"""


@click.group(
    cls=LazyGroup,
    package=f"{__package__}.commands",
    verbs=VERBS,
    epilog=EPILOG,
    context_settings={"help_option_names": ["--help", "-h"]},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@debug_option
@click.pass_obj
def tree(settings: Settings) -> None:
    """See what is wrong with a TCP link to an instrument, and talk to it; each verb in one command."""
    # Without a handler of ours the logging module would print the library's warnings by itself.
    logging.getLogger("tcpip_tools").addHandler(logging.NullHandler())


def main(prog_name: str = "tcpip") -> NoReturn:
    """Run the command line and exit.

    Parameters
    ----------
    prog_name : str
        What the user typed, for usage messages.
    """
    sys.exit(run(sys.argv[1:], prog_name))


def run(args: Sequence[str], prog_name: str = "tcpip") -> int:
    """Run the command line.

    Parameters
    ----------
    args : sequence of str
        What was given after the command's name.
    prog_name : str
        The command's name.

    Returns
    -------
    int
        The exit status. What went wrong was said on stderr.
    """
    settings = Settings()
    try:
        status: object = tree.main(list(args), prog_name, standalone_mode=False, obj=settings)
    except click.ClickException as e:
        e.show()
        return e.exit_code
    except click.Abort:
        return ExitCode.INTERRUPTED
    except Failure as e:
        return _say(settings, prog_name, str(e), e.code)
    except Exception as e:  # noqa: BLE001  # nobody above us can handle it: say it, and exit
        if is_no_room(e):
            return _say(settings, prog_name, f"cannot write: {sentence_of(e)}", ExitCode.EXPECTATION)
        text = f"this is a bug in the command: {type(e).__name__}: {e}; --debug shows where"
        return _say(settings, prog_name, text, ExitCode.EXPECTATION)
    return status if isinstance(status, int) else ExitCode.OK


def _say(settings: Settings, prog_name: str, sentence: str, code: ExitCode) -> ExitCode:
    """Write a failure to stderr and return its status."""
    if settings.debug:
        traceback.print_exc()
    print(f"{prog_name}: {sentence}", file=sys.stderr)
    return code
