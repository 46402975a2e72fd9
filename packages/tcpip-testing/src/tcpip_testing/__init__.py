"""Test servers and test cases for programs that use tcpip-core."""

from ._lockstep import require_same_version
from ._version import __version__

require_same_version(__version__)  # before anything that an old or new tcpip-core may lack

from ._case import BaseOneClientServerTestCase  # noqa: E402
from ._read_loop_server import TestOneClientReadLoopServer  # noqa: E402

__all__ = [
    "BaseOneClientServerTestCase",
    "TestOneClientReadLoopServer",
    "__version__",
]
