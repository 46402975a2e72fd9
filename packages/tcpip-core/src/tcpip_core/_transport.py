"""Open a connection, listen for connections: keywords in, a `Connection` or an error that explains itself out."""

import asyncio
import contextlib
import difflib
import errno
import inspect
import operator
import re
import socket
import ssl as ssl_module
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn, cast

from ._connection import Connection
from ._limits import Limits

if TYPE_CHECKING:
    from typing_extensions import TypedDict
else:

    class TypedDict:
        """Stands in at run time, where Python before 3.15 knows no ``closed``."""

        def __init_subclass__(cls, total: bool = True, closed: bool = False) -> None:
            pass

        def __new__(cls, **items: object) -> dict[str, object]:
            return items


__all__ = [
    "OpenConnectionKwargs",
    "StartServerKwargs",
    "check_address",
    "check_keywords",
    "check_tls",
    "connect",
    "limits_from",
    "listen",
    "port_of",
    "stop_accepting",
]


class OpenConnectionKwargs(TypedDict, total=False, closed=True):
    """What `asyncio.open_connection` takes beyond host and port.

    Parameters
    ----------
    **items
        Any of the keywords below.
    """

    limit: int
    ssl: ssl_module.SSLContext | bool | None
    family: int
    proto: int
    flags: int
    sock: socket.socket | None
    local_addr: tuple[str, int] | None
    server_hostname: str | None
    ssl_handshake_timeout: float | None
    ssl_shutdown_timeout: float | None
    happy_eyeballs_delay: float | None
    interleave: int | None


class StartServerKwargs(TypedDict, total=False, closed=True):
    """What `asyncio.start_server` takes beyond host and port.

    Parameters
    ----------
    **items
        Any of the keywords below.
    """

    limit: int
    ssl: ssl_module.SSLContext | None
    family: int
    flags: int
    sock: socket.socket | None
    backlog: int
    reuse_address: bool | None
    reuse_port: bool | None
    ssl_handshake_timeout: float | None
    ssl_shutdown_timeout: float | None
    start_serving: bool


def check_keywords(cls: type, given: Iterable[str], allowed: type) -> None:
    """Refuse a keyword that neither a class nor asyncio takes.

    Parameters
    ----------
    cls : type
        Whose constructor was called.
    given : iterable of str
        The keywords that the constructor passes on.
    allowed : type
        `OpenConnectionKwargs` or `StartServerKwargs`.

    Raises
    ------
    TypeError
        Names the keyword, and the one that was meant if one is like it.
    """
    for name in given:
        if name not in allowed.__annotations__:
            constructors = (vars(base).get("__init__") for base in cls.__mro__)
            ours = {
                known for one in constructors if inspect.isfunction(one) for known in inspect.signature(one).parameters
            }
            like = difflib.get_close_matches(name, ours | set(allowed.__annotations__), n=1)
            hint = (
                f"did you mean {like[0]!r}?" if like else f"asyncio takes {', '.join(sorted(allowed.__annotations__))}"
            )
            raise TypeError(f"{cls.__name__}() got an unexpected keyword argument {name!r}: {hint}")


def check_tls(keywords: Mapping[str, object], *, server: bool) -> None:
    """Refuse TLS keywords that would fail late: after there is a socket, or with the first handshake.

    Parameters
    ----------
    keywords : mapping
        Those of ``start_server``, or of ``open_connection``.
    server : bool
        Which of them.

    Raises
    ------
    TypeError
        If ``ssl`` is neither a context nor, for a client, a bool.
    ValueError
        If ``ssl`` is a context for the other end, or a time-out is not above 0.
    """
    context = keywords.get("ssl")
    maker, wrong = ("server_context", "client") if server else ("client_context", "server")
    if isinstance(context, ssl_module.SSLContext):
        foreign = ssl_module.PROTOCOL_TLS_CLIENT if server else ssl_module.PROTOCOL_TLS_SERVER
        if context.protocol is foreign:
            raise ValueError(f"ssl is a context for a {wrong}: make this end's with tls.{maker}")
    elif context is not None and (server or not isinstance(context, bool)):
        choice = "" if server else ", or a bool"
        raise TypeError(f"ssl must be an ssl.SSLContext, such as tls.{maker} makes{choice}, not {context!r}")
    for name in ("ssl_handshake_timeout", "ssl_shutdown_timeout"):
        timeout = keywords.get(name)
        if timeout is not None and not (isinstance(timeout, int | float) and timeout > 0):
            raise ValueError(f"{name} must be above 0 seconds, not {timeout!r}")


def check_address(host: object, port: object) -> None:
    """Refuse a host or port that cannot be one.

    Raises
    ------
    TypeError
        If the host is no string, or the port no whole number; None is for the caller to judge.
    ValueError
        If the port is out of range.
    """
    if host is not None and not isinstance(host, str):
        raise TypeError(f"host must be a name or an address such as '192.168.1.5', or None, not {host!r}")
    if port is None:
        return
    try:
        number = operator.index(port)  # type: ignore[arg-type]  # It says so if it is none.
    except TypeError:
        raise TypeError(f"port must be a whole number, or None, not {port!r}") from None
    if not 0 <= number <= 65_535:
        raise ValueError(f"port must be 0 to 65535, not {port!r}")


def limits_from(limits: Limits, keywords: dict[str, object]) -> Limits:
    """Take asyncio's ``limit`` out of keywords and return the limits with it as ``frame_size``.

    Raises
    ------
    ValueError
        If it is not a whole number above zero.
    """
    limit = keywords.pop("limit", None)
    return limits if limit is None else replace(limits, frame_size=cast("int", limit))


async def connect(
    make: Callable[[], Connection],
    host: str | None,
    port: int | None,
    timeout: float | None,
    keywords: Mapping[str, object],
) -> Connection:
    """Open a connection.

    Parameters
    ----------
    make : callable
        Makes the connection; called once.
    host, port
        Where to; both None with a ``sock`` among the keywords.
    timeout : float or None
        Bound on all of it: name look-up, every address that is tried, TLS (seconds).
    keywords : mapping
        For ``loop.create_connection``.

    Raises
    ------
    TimeoutError
        If the time is up.
    OSError
        If no connection could be made; of the type and ``errno`` that the system gave. Nothing stays open.
    """
    if keywords.get("sock") is not None:
        host = port = None
    clock = asyncio.timeout(timeout)
    try:
        async with clock:
            return await _create_connection(make, host, port, keywords)
    except OSError as e:
        if clock.expired():
            what = "no TLS connection: does the server speak TLS?" if keywords.get("ssl") else "no connection"
            raise TimeoutError(
                errno.ETIMEDOUT, f"cannot connect to {_address(host, port)} within {timeout:g} s: {what}"
            ) from e
        _explain(e, f"cannot connect to {_address(host, port)}", _CONNECT_HINTS)


async def _create_connection(
    make: Callable[[], Connection], host: str | None, port: int | None, keywords: Mapping[str, object]
) -> Connection:
    """Call ``loop.create_connection``; give up what it has made if it is cancelled."""
    made: list[Connection] = []

    def make_and_keep() -> Connection:
        made.append(make())
        return made[-1]

    # The keywords were checked against OpenConnectionKwargs; the overloads of typeshed cannot see that.
    create = cast("Callable[..., Awaitable[tuple[object, Connection]]]", asyncio.get_running_loop().create_connection)
    try:
        _, connection = await create(make_and_keep, host, port, **keywords)
    except BaseException:
        for half_made in made:
            half_made.discard()
        raise
    return connection


async def listen(
    make: Callable[[], asyncio.BaseProtocol], host: str | None, port: int | None, keywords: Mapping[str, object]
) -> asyncio.Server:
    """Listen for connections.

    Parameters
    ----------
    make : callable
        Makes the protocol of a newcomer, which has no TLS yet.
    host, port
        Where; host None means all interfaces, port 0 any port.
    keywords : mapping
        For ``loop.create_server``.

    Raises
    ------
    OSError
        If that is not possible; of the type and ``errno`` that the system gave. Nothing stays open.
    """
    keywords = dict(keywords)
    if keywords.get("sock") is not None:
        host = port = None
    create = cast("Callable[..., Awaitable[asyncio.Server]]", asyncio.get_running_loop().create_server)
    serve = keywords.pop("start_serving", True)
    try:
        # In two steps: if create_server is cancelled after it began to serve, it forgets its sockets (asyncio, 3.13).
        server = await create(make, host, port, start_serving=False, **keywords)
        if serve:
            try:
                await server.start_serving()
            except BaseException:
                server.close()
                raise
        if not server.sockets:
            # asyncio before 3.12 takes the want of descriptors for an address family that is not there.
            raise OSError(errno.EMFILE, "no socket could be opened")
    except OSError as e:
        _explain(e, f"cannot listen on {_address(host, port)}", _LISTEN_HINTS)
    return server


def port_of(server: asyncio.Server, wanted: int) -> int:
    """Return the port that a server listens on; `wanted` if it has several sockets, or none with a port."""
    names: list[object] = [sock.getsockname() for sock in server.sockets]
    if len(names) != 1 or not isinstance(names[0], tuple):
        return wanted
    return cast("tuple[str, int]", names[0])[1]


def stop_accepting(server: asyncio.Server) -> None:
    """Take in nobody any more, but keep the port; ``close`` gives it up.

    On uvloop this does nothing, and need not: there no connection is lost between accept and close.
    """
    loop = asyncio.get_running_loop()
    for sock in server.sockets:
        with contextlib.suppress(RuntimeError, ValueError, NotImplementedError):
            loop.remove_reader(sock.fileno())


_CONNECT_HINTS = {
    errno.ECONNREFUSED: "nothing listens there: is the device's server running, and is this its port?",
    errno.ETIMEDOUT: "no answer: is the host up, and does a firewall let this port through?",
    errno.EHOSTUNREACH: "no route to this host: check the address and the network",
    errno.ENETUNREACH: "no route to this network: check the address and this host's network",
}

_LISTEN_HINTS = {
    errno.EADDRINUSE: "another program, or another server in this one, has the port: close it or take another port",
    errno.EADDRNOTAVAIL: "this host does not have that address: use one of its own, or host=None for all",
    errno.EACCES: "this port needs more rights: take one above 1023",
}


def _explain(error: OSError, what: str, hints: Mapping[int, str]) -> NoReturn:
    """Raise an error again with a sentence that says what was tried, what went wrong, and what to do."""
    number = error.errno
    if number is None:
        # Several addresses failed, and asyncio has put what each said into one text.
        numbers = set(re.findall(r"\[Errno (\d+)\]", str(error)))
        number = int(numbers.pop()) if len(numbers) == 1 else None
    if isinstance(error, socket.gaierror):
        text = (
            f"{what}: the name cannot be resolved ({error.strerror}); check its spelling and this host's name service"
        )
    else:
        hint = hints.get(number) if number is not None else None
        text = f"{what}: {hint or error.strerror or error}"
    if isinstance(error, ssl_module.SSLError) or number is None:
        error.add_note(text)
        raise error
    # OSError gives the subclass that belongs to the number; a name that cannot be resolved has numbers of its own.
    raise (socket.gaierror if isinstance(error, socket.gaierror) else OSError)(number, text) from error


def _address(host: str | None, port: int | None) -> str:
    if host is None and port is None:
        return "the given socket"
    shown = "*" if host is None else f"[{host}]" if ":" in host else host
    return f"{shown}:{port}"
