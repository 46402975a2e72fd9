"""Asyncio clients and one-client servers for instruments and controllers that talk TCP."""

from typing import TYPE_CHECKING

from . import tls, utils
from ._base import BaseClientOrServer, ConnectCallbackType
from ._client import Client
from ._heartbeat import Heartbeat
from ._json_text import JsonCodec, JSONEncodeError, MsgspecCodec
from ._limits import Keepalive, Limits
from ._loss import LossReason
from ._observer import LinkObserver, Observer
from ._one_client_server import OneClientServer
from ._read_loop_server import OneClientReadLoopServer
from ._slot import OnSecondClient
from ._transport import OpenConnectionKwargs, StartServerKwargs
from ._tuning import Tuning
from ._version import __version__
from .constants import (
    DEFAULT_ENCODING,
    DEFAULT_LOCALHOST,
    DEFAULT_MAX_HEARTBEAT_INTERVAL,
    DEFAULT_MONITOR_CONNECTION_INTERVAL,
    DEFAULT_TERMINATOR,
    HEARTBEAT,
    KEEPALIVE_INTERVAL,
    KEEPALIVE_PROBES,
    KEEPALIVE_TIME,
    KEEPALIVE_USER_TIMEOUT,
    LOCAL_HOST,
    LOCALHOST_IPV4,
    LOCALHOST_IPV6,
    TERMINATOR,
)
from .utils import close_stream_writer, read_into, set_socket_options, write_from

__all__ = [
    "DEFAULT_ENCODING",
    "DEFAULT_LOCALHOST",
    "DEFAULT_MAX_HEARTBEAT_INTERVAL",
    "DEFAULT_MONITOR_CONNECTION_INTERVAL",
    "DEFAULT_TERMINATOR",
    "HEARTBEAT",
    "KEEPALIVE_INTERVAL",
    "KEEPALIVE_PROBES",
    "KEEPALIVE_TIME",
    "KEEPALIVE_USER_TIMEOUT",
    "LOCALHOST_IPV4",
    "LOCALHOST_IPV6",
    "LOCAL_HOST",
    "TERMINATOR",
    "BaseClientOrServer",
    "Client",
    "ConnectCallbackType",
    "Heartbeat",
    "JSONEncodeError",
    "JsonCodec",
    "Keepalive",
    "Limits",
    "LinkObserver",
    "LossReason",
    "MsgspecCodec",
    "Observer",
    "OnSecondClient",
    "OneClientReadLoopServer",
    "OneClientServer",
    "OpenConnectionKwargs",
    "StartServerKwargs",
    "Tuning",
    "__version__",
    "close_stream_writer",
    "read_into",
    "set_socket_options",
    "tls",
    "utils",
    "write_from",
]

if not TYPE_CHECKING:

    def __getattr__(name):
        """Say where a name of the contract is that lives in another distribution."""
        if name in {"BaseOneClientServerTestCase", "TestOneClientReadLoopServer"}:
            raise AttributeError(f"{name} is in tcpip_testing: pip install 'tcpip-core[testing]'", name=name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
