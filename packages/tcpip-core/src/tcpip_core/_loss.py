"""Why a connection ended: the reasons, how an operating system's error becomes one, and how one becomes an error.

Pure: no loop, no socket.
"""

import asyncio
import enum
import errno
import json
import ssl

__all__ = ["LossReason", "described", "error_for", "reason_for", "reason_for_message"]


class LossReason(enum.Enum):
    """Why a connection ended; the value is what a person reads."""

    CLOSED_HERE = "closed on this side"
    FIN = "the peer closed the connection"
    RST = "the peer reset the connection"
    SILENT = "the peer did not answer in time"
    UNREACHABLE = "the peer cannot be reached any more"
    HEARTBEAT = "no sign of life from the peer in time"
    REPLACED = "another client took the place"
    LIMIT = "the peer exceeded a limit"
    BAD_MESSAGE = "the peer sent what cannot be understood"
    WRITE_TIMEOUT = "the peer took no data in time"
    WRITE_CANCELLED = "a write was cancelled half way"
    TLS = "the TLS layer failed"
    ERROR = "the operating system reported an error"


_BY_ERRNO = {
    errno.ECONNRESET: LossReason.RST,
    errno.EPIPE: LossReason.RST,
    errno.ESHUTDOWN: LossReason.RST,
    errno.ECONNABORTED: LossReason.RST,
    # Both the keepalive probes and the user time-out end like this; the kernel does not say which it was.
    errno.ETIMEDOUT: LossReason.SILENT,
    errno.EHOSTUNREACH: LossReason.UNREACHABLE,
    errno.ENETUNREACH: LossReason.UNREACHABLE,
    errno.ENETDOWN: LossReason.UNREACHABLE,
    errno.EHOSTDOWN: LossReason.UNREACHABLE,
}

_RESET_BY_PEER = frozenset({LossReason.RST, LossReason.FIN})


def reason_for(error: BaseException) -> LossReason:
    """Return the reason behind the error that a transport gave to ``connection_lost``."""
    if isinstance(error, ssl.SSLError):
        return LossReason.TLS
    if isinstance(error, OSError) and error.errno is not None:
        return _BY_ERRNO.get(error.errno, LossReason.ERROR)
    if isinstance(error, ConnectionError):
        return LossReason.RST
    return LossReason.ERROR


def reason_for_message(error: BaseException) -> LossReason | None:
    """Return the reason if it is the peer's message that an exception is about, or None."""
    if isinstance(error, asyncio.LimitOverrunError):
        return LossReason.LIMIT
    if isinstance(error, UnicodeError | json.JSONDecodeError):
        return LossReason.BAD_MESSAGE
    return None


def described(reason: LossReason, cause: BaseException | None) -> str:
    """Return the reason as a person reads it, with the limit that was exceeded if the cause is of ours."""
    return f"{reason.value}: {cause}" if reason is LossReason.LIMIT and cause is not None else reason.value


def error_for(
    reason: LossReason | None, attempt: str, cause: BaseException | None, *, never: bool = False
) -> ConnectionError:
    """Return the error that an operation raises which cannot be done.

    Parameters
    ----------
    reason : LossReason or None
        Why the connection ended; None where there was none yet.
    attempt : str
        What was asked for, such as ``"read"``.
    cause : BaseException or None
        The error behind the reason, if any.
    never : bool
        There never was a connection.
    """
    if reason is None:
        return ConnectionError(f"cannot {attempt}: not connected yet; await start_task, or on a server connected_task")
    if never:
        return ConnectionError(
            f"cannot {attempt}: never connected, and {reason.value}; start_task says why, if it failed"
        )
    text = f"cannot {attempt}: not connected, {described(reason, cause)}"
    if reason in _RESET_BY_PEER:
        return ConnectionResetError(text)
    return ConnectionError(text) if reason is LossReason.CLOSED_HERE else ConnectionAbortedError(text)
