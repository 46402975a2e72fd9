"""Test servers, test cases, pairs, dialogues and fixtures for programs that talk TCP."""

from ._lockstep import require_same_version
from ._version import __version__

require_same_version(__version__)  # before anything that an old or new tcpip-core may lack

from ._case import BaseOneClientServerTestCase  # noqa: E402
from ._read_loop_server import TestOneClientReadLoopServer  # noqa: E402
from ._waiting import ConnectEvent, ConnectEvents, wait_until  # noqa: E402

__all__ = [
    "BaseOneClientServerTestCase",
    "ConnectEvent",
    "ConnectEvents",
    "TestOneClientReadLoopServer",
    "__version__",
    "wait_until",
]
