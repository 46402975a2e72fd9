"""The exit status of every way to end."""

from __future__ import annotations

import errno
import re
import socket
import ssl

import pytest

from tcpip_core import LossReason
from tcpip_tools._cli import EPILOG
from tcpip_tools._exit_codes import ExitCode, exit_code_for_error, exit_code_for_loss, sentence_of


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "no"), 3),
        (TimeoutError(errno.ETIMEDOUT, "no"), 4),
        (TimeoutError(), 4),
        (socket.gaierror(socket.EAI_NONAME, "no"), 5),
        (OSError(errno.EHOSTUNREACH, "no"), 5),
        (OSError(errno.ENETUNREACH, "no"), 5),
        (ConnectionResetError(errno.ECONNRESET, "no"), 9),
        (ssl.SSLError(1, "no"), 11),
        (OSError(errno.EADDRINUSE, "no"), 2),
        (OSError(errno.EADDRNOTAVAIL, "no"), 2),
        (PermissionError(errno.EACCES, "no"), 2),
        (OSError(errno.EIO, "no"), 1),
        (OSError("no"), 1),
    ],
)
def test_an_error_of_the_system_has_its_status(error: OSError, code: int) -> None:
    """Scripts tell a refused connection from a name that does not exist."""
    assert code == exit_code_for_error(error)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (None, 0),
        (LossReason.CLOSED_HERE, 0),
        (LossReason.FIN, 8),
        (LossReason.RST, 9),
        (LossReason.SILENT, 10),
        (LossReason.UNREACHABLE, 5),
        (LossReason.HEARTBEAT, 7),
        (LossReason.WRITE_TIMEOUT, 7),
        (LossReason.TLS, 11),
        (LossReason.ERROR, 1),
        (LossReason.WRITE_CANCELLED, 1),
    ],
)
def test_a_loss_has_its_status(reason: LossReason | None, code: int) -> None:
    """So a script knows how a link ended."""
    assert code == exit_code_for_loss(reason)


def test_the_help_lists_the_statuses_that_a_verb_can_end_with() -> None:
    """What is not written down cannot be relied on, and what never comes is not worth a branch in a script."""
    listed = {int(number) for number in re.findall(r"(?:^|  )(\d+) (?=\w)", EPILOG.partition("Exit status:")[2], re.M)}
    assert set(ExitCode) == listed


def test_an_address_of_another_host_is_a_usage_error_with_and_without_a_number() -> None:
    """The number is missing from Python 3.13 on."""
    errors = [
        OSError(errno.EADDRNOTAVAIL, "x"),
        OSError("could not bind on any address out of [('192.0.2.1', 0)]"),
    ]
    assert [ExitCode.USAGE] * 2 == [exit_code_for_error(error) for error in errors]


def test_a_sentence_has_no_number() -> None:
    """The number is for programs, and they have the status."""
    assert "no route" == sentence_of(OSError(errno.EHOSTUNREACH, "no route"))
    assert "TimeoutError" == sentence_of(TimeoutError())
