"""The exit status of every verb: what each number means, and how an error or a loss becomes one.

Pure: nothing is printed and nothing exits here.
"""

import enum
import errno
import socket
import ssl
from typing import TypeGuard

from tcpip_core import LossReason

__all__ = [
    "ExitCode",
    "Failure",
    "exit_code_for_error",
    "exit_code_for_loss",
    "is_address_of_another_host",
    "is_no_room",
    "sentence_of",
]


class ExitCode(enum.IntEnum):
    """What a script learns from ``$?``."""

    OK = 0
    EXPECTATION = 1
    """Something else came than was expected."""
    USAGE = 2
    """What was asked for cannot be done: a wrong argument, a port that is taken."""
    REFUSED = 3
    CONNECT_TIMEOUT = 4
    NAME_OR_ROUTE = 5
    SLOT_BUSY = 6
    """The device serves one client, and has one."""
    NO_ANSWER = 7
    PEER_CLOSED = 8
    RESET = 9
    SILENT = 10
    """The kernel gave up on the peer: keepalive, or data that it did not acknowledge in time."""
    TLS = 11
    INTERRUPTED = 130


class Failure(Exception):  # noqa: N818  # it is reported as a sentence and a status, not caught by its name
    """A verb could not do what it was asked for.

    Parameters
    ----------
    code : ExitCode
        The status to exit with.
    sentence : str
        What went wrong and what to do, for a person.
    """

    def __init__(self, code: ExitCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


_BY_LOSS = {
    LossReason.CLOSED_HERE: ExitCode.OK,
    LossReason.FIN: ExitCode.PEER_CLOSED,
    LossReason.RST: ExitCode.RESET,
    LossReason.SILENT: ExitCode.SILENT,
    LossReason.UNREACHABLE: ExitCode.NAME_OR_ROUTE,
    LossReason.HEARTBEAT: ExitCode.NO_ANSWER,
    LossReason.WRITE_TIMEOUT: ExitCode.NO_ANSWER,
    LossReason.TLS: ExitCode.TLS,
}

_BY_ERRNO = {
    errno.ECONNREFUSED: ExitCode.REFUSED,
    errno.ETIMEDOUT: ExitCode.CONNECT_TIMEOUT,
    errno.EHOSTUNREACH: ExitCode.NAME_OR_ROUTE,
    errno.ENETUNREACH: ExitCode.NAME_OR_ROUTE,
    errno.ENETDOWN: ExitCode.NAME_OR_ROUTE,
    errno.ECONNRESET: ExitCode.RESET,
    errno.EPIPE: ExitCode.RESET,
    # Listening: the address, the port or the right to it is not there, so another argument is needed.
    errno.EADDRINUSE: ExitCode.USAGE,
    errno.EACCES: ExitCode.USAGE,
}


def exit_code_for_loss(reason: LossReason | None) -> ExitCode:
    """Return the status for a link that ended.

    Parameters
    ----------
    reason : LossReason or None
        Why it ended; None where it did not.
    """
    return ExitCode.OK if reason is None else _BY_LOSS.get(reason, ExitCode.EXPECTATION)


def exit_code_for_error(error: OSError) -> ExitCode:
    """Return the status for an error of connecting or listening."""
    if isinstance(error, ssl.SSLError):
        return ExitCode.TLS
    if isinstance(error, socket.gaierror):
        return ExitCode.NAME_OR_ROUTE
    if is_address_of_another_host(error):
        return ExitCode.USAGE
    if error.errno is None:
        return ExitCode.CONNECT_TIMEOUT if isinstance(error, TimeoutError) else ExitCode.EXPECTATION
    return _BY_ERRNO.get(error.errno, ExitCode.EXPECTATION)


def is_address_of_another_host(error: OSError) -> bool:
    """Return whether it could not be listened on because this host does not have the address."""
    # From Python 3.13 on asyncio gives no number, but this text.
    return error.errno == errno.EADDRNOTAVAIL or "could not bind on any address" in str(error)


def is_no_room(error: Exception) -> TypeGuard[OSError]:
    """Return whether what was written found no room: the disk is full, or what one may have of it is used up."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def sentence_of(error: OSError) -> str:
    """Return what an error says to a person, without its number."""
    return error.strerror or str(error) or type(error).__name__
