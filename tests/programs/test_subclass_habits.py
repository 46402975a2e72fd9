"""What callers and subclasses out there do with names and attributes of ours, one habit a test."""

from __future__ import annotations

import asyncio
import functools
import logging

import tcpip_core as tcpip
from tests.programs.controller import Controller
from tests.support import Peer, connected, listening, soon, started, turns, until


async def test_own_names_before_and_after_the_constructor_do_not_hurt(host: str, log: logging.Logger) -> None:
    """A subclass may use every name that a mock controller is likely to have."""
    async with Controller(host=host, log=log) as controller:
        async with Peer(host, controller.port) as peer:
            peer.send(b"switch on\r\nswitch off\r\n")
            assert await peer.read_exactly(9) == b"on\r\noff\r\n"
        await until(lambda: not controller.connected)
        assert controller._command_id == 2
        assert (controller._state, controller._connected, controller._closed) == ("own",) * 3


async def test_own_connect_callback_method_is_called(host: str, log: logging.Logger) -> None:
    """A method named `connect_callback`, handed in as the argument, collides with nothing."""

    class Server(tcpip.OneClientServer):
        def __init__(self, host: str, port: int, log: logging.Logger) -> None:
            super().__init__(host, port, log, self.connect_callback)
            self.told: asyncio.Queue[bool] = asyncio.Queue()

        async def connect_callback(self, server: Server) -> None:
            assert server is self
            self.told.put_nowait(self.connected)

    async with Server(host, 0, log) as server:
        async with Peer(host, server.port):
            assert await soon(server.told.get()) is True
        assert await soon(server.told.get()) is False


async def test_callback_of_a_half_built_object_waits_until_it_is_whole(host: str, log: logging.Logger) -> None:
    """A driver hands its own method to a client while it is itself still being built."""

    class Driver:
        def __init__(self, port: int) -> None:
            self.client = tcpip.Client(host, port, log, connect_callback=self.connect_callback)
            self.told: asyncio.Queue[bool] = asyncio.Queue()

        async def connect_callback(self, client: tcpip.Client) -> None:
            assert client is self.client
            self.told.put_nowait(client.connected)

    async with listening(host) as listener:
        driver = Driver(listener.port)
        assert await soon(driver.told.get()) is True
        await soon(driver.client.close())
        assert await soon(driver.told.get()) is False


async def test_public_attributes_can_be_assigned_from_outside(host: str, log: logging.Logger) -> None:
    """None of them is read-only, and the link works on."""
    async with Controller(host=host, log=log) as controller:
        port = controller.port
        async with Peer(host, port) as peer:
            await connected(controller)
            tasks = controller.start_task, controller.done_task, controller.read_loop_task
            controller.log = log.getChild("other")
            controller.start_task = asyncio.Future()
            controller.done_task = asyncio.Future()
            controller.read_loop_task = asyncio.Future()
            controller.should_be_connected = False
            controller.name, controller.host, controller.port = "other", "elsewhere", 1
            controller.terminator, controller.encoding = b";", "latin-1"
            peer.send(b"switch on;")
            assert await peer.read_exactly(3) == b"on;"
            controller.start_task, controller.done_task, controller.read_loop_task = tasks
            assert (controller.name, controller.host, controller.port) == ("other", "elsewhere", 1)


async def test_socket_is_reached_through_the_writer(host: str, log: logging.Logger) -> None:
    """Mocks look up the address of their client through `_writer`."""
    async with Controller(host=host, log=log) as controller, Peer(host, controller.port) as peer:
        await connected(controller)
        assert controller._writer is not None
        sock = controller._writer.get_extra_info("socket")
        assert sock.getpeername()[:2] == peer.address[:2]
        assert controller._writer.get_extra_info("peername")[:2] == peer.address[:2]


async def test_sockets_of_a_server_are_reached_through_the_server(host: str, log: logging.Logger) -> None:
    """Mocks look up where they listen through `_server.sockets`."""
    async with Controller(host=host, log=log) as controller:
        assert controller._server is not None
        (sock,) = controller._server.sockets
        assert sock.getsockname()[:2] == (host, controller.port)


async def test_reader_and_writer_can_be_used_directly(host: str, log: logging.Logger) -> None:
    """Old drivers read and write through the asyncio objects themselves."""
    async with listening(host) as listener, tcpip.Client(host, listener.port, log) as client:
        peer = await listener.accept()
        assert client._reader is not None
        assert client._writer is not None
        peer.send(b"line\nexact")
        assert await soon(client._reader.readline()) == b"line\n"
        assert await soon(client._reader.readexactly(5)) == b"exact"
        assert not client._reader.at_eof()
        client._writer.write(b"direct")
        await soon(client._writer.drain())
        assert await peer.read_exactly(6) == b"direct"
        assert not client._writer.is_closing()


async def test_reader_is_at_eof_after_the_last_line(host: str, log: logging.Logger) -> None:
    """Loops out there ask `_reader.at_eof()` to learn whether the peer has finished."""
    async with listening(host) as listener:
        async with tcpip.Client(host, listener.port, log, monitor_connection_interval=0) as client:
            peer = await listener.accept()
            reader = client._reader
            assert reader is not None
            peer.send(b"last\n")
            peer.write_eof()
            assert await soon(reader.readline()) == b"last\n"
            assert await soon(reader.readline()) == b""
            assert reader.at_eof()


async def test_read_loop_task_can_be_awaited_and_cancelled(host: str, log: logging.Logger) -> None:
    """A test waits for the end of the loop, or ends it; the server serves on."""
    async with Controller(host=host, log=log) as controller:
        async with Peer(host, controller.port) as peer:
            await connected(controller)
            loop_task = controller.read_loop_task
            peer.close()
            await soon(asyncio.wait([loop_task]))
        async with Peer(host, controller.port) as peer:
            await connected(controller)
            await until(lambda: controller.read_loop_task is not loop_task)
            controller.read_loop_task.cancel()
            await soon(asyncio.wait([controller.read_loop_task]))
            await soon(controller.close_client())
        async with Peer(host, controller.port) as peer:
            peer.send(b"switch on\r\n")
            assert await peer.read_exactly(4) == b"on\r\n"


async def test_server_can_be_opened_on_the_port_of_one_just_closed(host: str, log: logging.Logger) -> None:
    """Suites restart their mock on the same port, with a client connected, without a pause."""
    port: int | None = 0
    for _ in range(5):
        server = await started(tcpip.OneClientServer(host, port, log))
        port = server.port
        async with Peer(host, port) as peer:
            await connected(server)
            await soon(server.close())
            await peer.wait_hung_up()


async def test_partial_of_a_coroutine_method_is_a_callback(host: str, log: logging.Logger) -> None:
    """One handler serves several servers, told apart by an argument that it was given before."""
    told: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()

    async def handler(kind: str, server: tcpip.BaseClientOrServer) -> None:
        told.put_nowait((kind, server.connected))

    async with tcpip.OneClientServer(host, 0, log, functools.partial(handler, "commands")) as server:
        async with Peer(host, server.port):
            assert await soon(told.get()) == ("commands", True)
        assert await soon(told.get()) == ("commands", False)


async def test_client_is_replaced_by_a_new_one_on_each_connect(host: str, log: logging.Logger) -> None:
    """A late callback of an old client must not say anything about the new one."""
    told: list[tuple[int, bool]] = []
    async with listening(host) as listener:
        for number in range(5):

            async def callback(client: tcpip.Client, number: int = number) -> None:
                told.append((number, client.connected))

            client = await started(tcpip.Client(host, listener.port, log, callback))
            (await listener.accept()).close()
            while len(told) < 2 * number + 2:
                await turns(1)
            await soon(client.close())
    assert told == [(number, state) for number in range(5) for state in (True, False)]


async def test_keywords_of_asyncio_are_passed_on(host: str, log: logging.Logger) -> None:
    """Constructors take what `asyncio.start_server` and `asyncio.open_connection` take."""
    async with tcpip.OneClientServer(host, 0, log, backlog=5, reuse_address=True, limit=64) as server:
        async with tcpip.Client(host, server.port, log, local_addr=(host, 0), limit=64) as client:
            await connected(server)
            await soon(client.write_str("hello"))
            assert await soon(server.read_str()) == "hello"
