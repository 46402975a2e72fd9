"""Options that verbs share."""

from __future__ import annotations

import pytest

from tcpip_testing.framing import FRAMINGS as KNOWN
from tcpip_tools._options import FRAMINGS, parse_duration
from tests.support import IPV4, unused_port
from tests.tools._command import run


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1", 1.0), ("1.5", 1.5), (".5s", 0.5), ("500ms", 0.5), ("2 m", 120.0), ("1h", 3600.0), (" 3s ", 3.0)],
)
def test_a_span_of_time_has_a_unit_or_is_in_seconds(text: str, seconds: float) -> None:
    """As people write it."""
    assert seconds == pytest.approx(parse_duration(text))


@pytest.mark.parametrize("text", ["", "0", "0s", "-1", "1d", "nan", "inf", "1e3", "one", "1 s s", "9" * 400])
def test_what_is_no_span_of_time_is_refused(text: str) -> None:
    """With examples of one."""
    with pytest.raises(ValueError, match="500ms"):
        parse_duration(text)


def test_the_help_names_every_framing() -> None:
    """It is written down a second time only to keep ``--help`` fast."""
    assert ", ".join(KNOWN) == FRAMINGS


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--framing", "crfl"], "unknown framing 'crfl'"),
        (["--encoding", "utf-9"], "is no encoding of text"),
        (["--timeout", "soon"], "is no span of time"),
        (["--cafile", "nosuch.pem"], "does not exist"),
        (["--cafile", "README.md"], "no certificates"),
    ],
)
def test_an_option_that_makes_no_sense_is_a_usage_error(args: list[str], words: str) -> None:
    """Before anything is connected to."""
    done = run("send", f"{IPV4}:{unused_port()}", "STATUS", *args)
    assert (2, "") == (done.returncode, done.stdout)
    assert words in " ".join(done.stderr.split())
