"""Suites of tests to inherit: one behaviour each, of streams, clients and one-client servers.

They need neither pytest nor Hypothesis. A test is a plain method, which runs its coroutine in a simulation of its own;
so pytest collects it as it is, with whatever plugins, and `unittest` in a class that derives from `TestCase` too.
"""

from ._clients import ClientTests
from ._read_loop_servers import OneClientReadLoopServerTests
from ._servers import OneClientServerTests
from ._streams import StreamTests
from ._subjects import (
    AsyncioStream,
    ByteStream,
    ClientUnderTest,
    ConnectCallback,
    HasConnected,
    ReadLoopServerUnderTest,
    ServerUnderTest,
)

__all__ = [
    "AsyncioStream",
    "ByteStream",
    "ClientTests",
    "ClientUnderTest",
    "ConnectCallback",
    "HasConnected",
    "OneClientReadLoopServerTests",
    "OneClientServerTests",
    "ReadLoopServerUnderTest",
    "ServerUnderTest",
    "StreamTests",
]
