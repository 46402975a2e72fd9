"""Which programs have a port's sockets."""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

import psutil

__all__ = ["End", "Owner", "owners", "user_name"]

End: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Owner:
    """A process.

    Parameters
    ----------
    pid : int
        Its number.
    name : str
        Of the program.
    user : str
        Who runs it.
    command : str
        The command line, as one text.
    age : float
        How long it has run (seconds).
    """

    pid: int
    name: str
    user: str
    command: str
    age: float

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid}, {self.user})"


def owners(port: int) -> Mapping[tuple[End, End | None], list[Owner]]:
    """Return the processes that have sockets with a port, at whichever end.

    Parameters
    ----------
    port : int
        The port.

    Returns
    -------
    mapping
        By the local and the remote end; the latter is None of a listener. Processes of others are left out where
        the system does not show them to this user.
    """
    found: dict[tuple[End, End | None], list[Owner]] = {}
    known: dict[int, Owner | None] = {}
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # macOS shows them to root only.
        return found
    for one in connections:
        local, remote = _end(one.laddr), _end(one.raddr)
        if one.pid is None or local is None or port not in (local[1], remote[1] if remote else None):
            continue
        if one.pid not in known:
            known[one.pid] = _owner(one.pid)
        if (owner := known[one.pid]) is not None and owner not in found.setdefault((local, remote), []):
            found[local, remote].append(owner)
    return found


def _end(address: object) -> End | None:
    """Return psutil's form of an address as ours; it has an empty tuple for none."""
    if not address:
        return None
    ip, port = cast("tuple[str, int]", address)
    return ip.removeprefix("::ffff:"), port


def _owner(pid: int) -> Owner | None:
    """Return a process; None if it has ended meanwhile."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        with process.oneshot():
            command = ""
            with contextlib.suppress(psutil.Error):
                command = " ".join(process.cmdline())
            age = max(0.0, time.time() - process.create_time())
            return Owner(pid, process.name(), process.username(), command, age)
    return None


def user_name(uid: int) -> str:
    """Return the name of a user; the number where there is none."""
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return str(uid)
