"""The base class of the contract for tests of a client and a server: `BaseOneClientServerTestCase`.

The classes here are such tests themselves, run by pytest as any user's are. Those that must fail are
run by hand, and their result looked at.
"""

from __future__ import annotations

import asyncio
import logging
import unittest
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import tcpip_core
import tcpip_testing
from tests.support import soon

HOST = "127.0.0.1"


class WithReadLoopServer(tcpip_testing.BaseOneClientServerTestCase[tcpip_testing.TestOneClientReadLoopServer]):
    """The mock as server class: what the base gives to a test."""

    server_class = tcpip_testing.TestOneClientReadLoopServer

    async def test_server_and_client_are_ready_to_use(self) -> None:
        """Inside both blocks the two are connected, and a line passes each way."""
        async with self.create_server() as server, self.create_client(server) as client:
            assert isinstance(server, tcpip_testing.TestOneClientReadLoopServer)
            assert isinstance(client, tcpip_core.Client)
            assert server.connected
            assert client.connected
            await soon(client.write_str("hello"))
            assert await soon(server.get_next_data()) == "hello"
            await soon(server.write_str("hello yourself"))
            assert await soon(client.read_str()) == "hello yourself"

    async def test_server_listens_on_a_free_port(self) -> None:
        """Tests that run at the same time must not meet."""
        async with self.create_server() as server:
            assert server.port != 0

    async def test_assert_next_connected_follows_the_callback(self) -> None:
        """Each change is looked at once, in order."""
        async with self.create_server() as server:
            async with self.create_client(server):
                await self.assert_next_connected(True)
            await self.assert_next_connected(False)

    async def test_connect_queue_has_what_the_callback_was_told(self) -> None:
        """A test with wishes of its own may look at the queue."""
        async with self.create_server() as server, self.create_client(server):
            assert await soon(self.connect_queue.get()) is True
            assert self.connect_queue.empty()

    async def test_assert_next_connected_fails_for_the_wrong_state(self) -> None:
        """Otherwise it would assert nothing."""
        async with self.create_server() as server, self.create_client(server):
            with self.assertRaises(AssertionError):
                await self.assert_next_connected(False)

    async def test_assert_next_connected_fails_where_nothing_changes(self) -> None:
        """A test that waits for a change that never comes ends, and soon."""
        async with self.create_server() as server, self.create_client(server):
            await self.assert_next_connected(True)
            with self.assertRaises((TimeoutError, AssertionError)):
                await self.assert_next_connected(False, timeout=0.01)

    async def test_assert_next_connected_before_a_server_is_a_runtime_error(self) -> None:
        """There is nothing to wait for, so waiting would only hide the mistake."""
        with self.assertRaises(RuntimeError):
            await self.assert_next_connected(True)

    async def test_server_is_closed_after_its_block(self) -> None:
        """Nothing listens on when the block has ended."""
        async with self.create_server() as server:
            pass
        assert server.done_task.done()
        with self.assertRaises(OSError):
            await asyncio.open_connection(HOST, server.port)

    async def test_client_is_closed_after_its_block(self) -> None:
        """A client does not outlive its block, so a second one may follow on one server."""
        async with self.create_server() as server:
            for number in range(3):
                async with self.create_client(server) as client:
                    await self.assert_next_connected(True)
                    await soon(client.write_str(f"client {number}"))
                    assert await soon(server.get_next_data()) == f"client {number}"
                assert client.done_task.done()
                await self.assert_next_connected(False)

    async def test_client_need_not_wait_until_the_server_knows(self) -> None:
        """`wait_connected=False` is for a client that the server is not going to accept."""
        async with self.create_server() as server:
            async with self.create_client(server):
                async with self.create_client(server, wait_connected=False) as rejected:
                    assert await soon(rejected.read(1)) == b""

    async def test_arguments_reach_server_and_client(self) -> None:
        """Any argument of the classes can be given."""
        async with self.create_server(name="mock", terminator=b";") as server:
            async with self.create_client(server, name="tester", terminator=b";") as client:
                assert (server.name, client.name) == ("mock", "tester")
                await soon(client.write_str("a"))
                assert await soon(server.get_next_data()) == "a"

    async def test_callback_can_be_replaced_by_an_argument(self) -> None:
        """A test with a callback of its own gives it to `create_server`."""
        told: asyncio.Queue[bool] = asyncio.Queue()

        async def callback(server: tcpip_core.BaseClientOrServer) -> None:
            told.put_nowait(server.connected)

        async with self.create_server(connect_callback=callback) as server:
            async with self.create_client(server):
                assert await soon(told.get()) is True
                assert self.connect_queue.empty()

    async def test_there_is_a_logger(self) -> None:
        """`self.log` is where server and client write."""
        assert isinstance(self.log, logging.Logger)
        async with self.create_server() as server:
            parent: logging.Logger | None = server.log
            while parent is not None and parent is not self.log:
                parent = parent.parent
            assert parent is self.log

    async def test_body_that_fails_closes_everything(self) -> None:
        """The error of a test comes out as it is, and no socket stays."""
        made: list[tcpip_core.BaseClientOrServer] = []
        with self.assertRaises(LookupError):
            async with self.create_server() as server, self.create_client(server) as client:
                made += server, client
                raise LookupError("the test's own")
        assert [one.done_task.done() for one in made] == [True, True]


class WithOneClientServer(tcpip_testing.BaseOneClientServerTestCase):
    """A server class whose constructor has no default for the host."""

    server_class = tcpip_core.OneClientServer

    async def test_host_is_defaulted(self) -> None:
        """Nobody needs to say that a test runs on this machine."""
        async with self.create_server() as server, self.create_client(server) as client:
            assert server.host == tcpip_core.DEFAULT_LOCALHOST
            await soon(client.write_json({"az": 1}))
            assert await soon(server.read_json()) == {"az": 1}

    async def test_host_can_be_given(self) -> None:
        """A default is a default."""
        async with self.create_server(host="localhost") as server:
            assert server.host == "localhost"

    async def test_ipv6(self) -> None:
        """The client follows the server to its family."""
        try:
            made = self.create_server(host=tcpip_core.LOCALHOST_IPV6)
            async with made as server, self.create_client(server) as client:
                assert client.connected
        except OSError as error:
            raise unittest.SkipTest(f"this machine has no IPv6: {error}") from error


class UppercaseServer(tcpip_core.OneClientReadLoopServer):
    """A mock of a user's own, with a constructor of its own."""

    def __init__(self, port: int, log: logging.Logger, suffix: str = "!", **kwargs: Any) -> None:
        self.suffix = suffix
        super().__init__(port=port, log=log, **kwargs)

    async def read_and_dispatch(self) -> None:
        """Answer one line in upper case."""
        line = await self.read_str()
        await self.write_str(line.upper() + self.suffix)


class WithHabits(tcpip_testing.BaseOneClientServerTestCase):
    """Everything overridden that people override."""

    server_class = UppercaseServer

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """Set something up for the whole run, as suites with a simulator do."""
        self.set_in_run = "run"
        return super().run(result)

    def setUp(self) -> None:
        """Set attributes without calling `super`, as most do."""
        self.set_in_setup = "setUp"
        self.callbacks = 0

    async def asyncSetUp(self) -> None:
        """The loop runs already here."""
        self.set_in_async_setup = asyncio.get_running_loop()

    async def connect_callback(self, server: Any) -> None:
        """Count, and do what the base does."""
        self.callbacks += 1
        await super().connect_callback(server)

    @asynccontextmanager
    async def create_server(self, **kwargs: Any) -> AsyncIterator[Any]:
        """Always use the same suffix."""
        async with super().create_server(suffix="?", **kwargs) as server:
            yield server

    @asynccontextmanager
    async def create_client(self, server: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """Always send a greeting first."""
        async with super().create_client(server, **kwargs) as client:
            await client.write_str("hello")
            yield client

    async def test_all_of_it_works_together(self) -> None:
        """Each override runs, and so does what it calls."""
        async with self.create_server() as server, self.create_client(server) as client:
            await self.assert_next_connected(True)
            assert await soon(client.read_str()) == "HELLO?"
        assert (self.set_in_run, self.set_in_setup) == ("run", "setUp")
        assert self.set_in_async_setup is asyncio.get_running_loop()
        assert self.callbacks >= 1


class WithClientOfItsOwn(tcpip_testing.BaseOneClientServerTestCase):
    """`create_client` replaced altogether by one that makes another class."""

    server_class = UppercaseServer

    class MyClient(tcpip_core.Client):
        """A client with a command method, as drivers have."""

        async def command(self, text: str) -> str:
            """Send a command and return the answer."""
            await self.write_str(text)
            return await self.read_str()

    def create_client(  # type: ignore[override]  # habits out there do not keep the signature
        self, server: Any, **kwargs: Any
    ) -> AbstractAsyncContextManager[MyClient]:
        """Make a client of our own; it is a context manager itself."""
        return self.MyClient(host=server.host, port=server.port, log=self.log, **kwargs)

    async def test_own_client(self) -> None:
        """The server neither knows nor minds."""
        async with self.create_server() as server, self.create_client(server) as client:
            assert await soon(client.command("open")) == "OPEN!"


class Failing(tcpip_testing.BaseOneClientServerTestCase):
    """A broken subject: its test must not pass."""

    __test__ = False
    server_class = UppercaseServer

    async def test_expects_what_never_comes(self) -> None:
        """Wait for a client that nobody made."""
        async with self.create_server():
            await self.assert_next_connected(True, timeout=0.01)


def test_failing_test_fails_and_leaves_nothing() -> None:
    """A failure in the body reaches the test's result; the autouse check looks for sockets."""
    result = unittest.TestResult()
    Failing("test_expects_what_never_comes").run(result)
    assert result.testsRun == 1
    assert len(result.failures) + len(result.errors) == 1


def test_base_class_has_no_server_of_its_own() -> None:
    """The class of the server is what a subclass has to say."""
    assert issubclass(tcpip_testing.BaseOneClientServerTestCase, unittest.IsolatedAsyncioTestCase)
