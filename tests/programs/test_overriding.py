"""Methods of ours that subclasses out there override, mostly calling `super`."""

from __future__ import annotations

import asyncio
import ctypes
import functools
import logging
from collections.abc import Callable
from typing import Any

import pytest

import tcpip_core as tcpip
from tests.programs.controller import Controller
from tests.support import Changes, Peer, connected, listening, soon, started, turns


async def test_start_does_not_run_before_the_subclass_is_complete(host: str, log: logging.Logger) -> None:
    """An overridden `start` may use what the subclass's constructor sets last."""

    class Late(tcpip.OneClientServer):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.set_last = "complete"

        async def start(self, **kwargs: Any) -> None:
            self.seen = self.set_last
            await super().start(**kwargs)

    async with Late(host, 0, log) as server:
        assert server.seen == "complete"
        assert server.port != 0


async def test_overridden_start_of_a_client_runs_after_the_connection(host: str, log: logging.Logger) -> None:
    """A driver logs in as part of starting, and `start_task` waits for it."""

    class Driver(tcpip.Client):
        async def start(self, **kwargs: Any) -> None:
            await super().start(**kwargs)
            await self.write_str("login")
            self.banner = await self.read_str()

    async with listening(host) as listener:
        driver = Driver(host, listener.port, log)
        peer = await listener.accept()
        assert await peer.read_until(b"\r\n") == b"login\r\n"
        assert not driver.start_task.done()
        peer.send(b"welcome\r\n")
        await started(driver)
        assert driver.banner == "welcome"
        await soon(driver.close())


async def test_overridden_read_loop_is_used(host: str, log: logging.Logger) -> None:
    """A subclass may greet each client before the loop of ours runs."""

    class Greeting(Controller):
        async def read_loop(self) -> None:
            await self.write_str(self.config.greeting)
            await super().read_loop()

    async with Greeting(host=host, log=log) as controller:
        async with Peer(host, controller.port) as peer:
            assert await peer.read_until(b"\r\n") == b"hello\r\n"
            peer.send(b"switch on\r\n")
            assert await peer.read_until(b"\r\n") == b"on\r\n"


async def test_read_loop_of_ones_own_on_a_class_without_one(host: str, log: logging.Logger) -> None:
    """`read_loop` and `read_loop_task` are free names on a `OneClientServer`."""

    class Echo(tcpip.OneClientServer):
        read_loop_task: asyncio.Task[None]

        async def read_loop(self) -> None:
            while True:
                await self.write_str(await self.read_str())

        async def run(self) -> None:
            await self.connected_task
            self.read_loop_task = asyncio.create_task(self.read_loop())

    async with Echo(host, 0, log) as server:
        async with Peer(host, server.port) as peer:
            await soon(server.run())
            peer.send(b"echo\r\n")
            assert await peer.read_until(b"\r\n") == b"echo\r\n"
            peer.close()
            with pytest.raises(asyncio.IncompleteReadError):
                await soon(server.read_loop_task)


def noted(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a method of ours as programs do, so that it still looks like ours."""

    @functools.wraps(method)
    async def noting(self: Any, *args: Any) -> Any:
        self.calls.append(method.__name__)
        return await method(self, *args)

    return noting


async def test_decorated_method_of_ours_sees_every_item(host: str, log: logging.Logger) -> None:
    """A decorator that keeps the name, module and text of what it wraps makes a method of the subclass all the same."""

    class Point(ctypes.Structure):
        _fields_ = [("x", ctypes.c_uint8)]

    class Noting(tcpip.Client):
        write = noted(tcpip.Client.write)
        readuntil = noted(tcpip.Client.readuntil)
        readexactly = noted(tcpip.Client.readexactly)

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.calls: list[str] = []
            super().__init__(*args, **kwargs)

    async with listening(host) as listener, Noting(host, listener.port, log) as client:
        peer = await listener.accept()
        peer.send(b"line\r\n\x05")
        assert await soon(client.read_str()) == "line"
        assert (await soon(client.read_into(Point()))).x == 5
        await soon(client.write_str("line"))
        await soon(client.write_from(Point(6)))
        assert client.calls == ["readuntil", "readexactly", "write", "write"]


async def test_overridden_write_sees_every_text_and_json_line(host: str, log: logging.Logger) -> None:
    """A driver that records what it sends overrides `write` and calls `super`."""

    class Recording(tcpip.Client):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.sent = b""
            super().__init__(*args, **kwargs)

        async def write(self, data: bytes) -> None:  # type: ignore[override]  # as the contract has it
            self.sent += data
            await super().write(data)

    async with listening(host) as listener, Recording(host, listener.port, log) as client:
        peer = await listener.accept()
        await soon(client.write(b"raw "))
        await soon(client.write_str("text"))
        await soon(client.write_json({"az": 1}))
        expected = b'raw text\r\n{"az": 1}\r\n'
        assert client.sent == expected
        assert await peer.read_exactly(len(expected)) == expected


async def test_overridden_write_str_sees_every_json_line(host: str, log: logging.Logger) -> None:
    """A driver that adds a checksum to each line overrides `write_str`."""

    class Checked(tcpip.Client):
        async def write_str(self, line: str) -> None:
            await super().write_str(f"{line}*{len(line)}")

    async with listening(host) as listener, Checked(host, listener.port, log) as client:
        peer = await listener.accept()
        await soon(client.write_json([1, 2]))
        assert await peer.read_until(b"\r\n") == b"[1, 2]*6\r\n"


async def test_overridden_read_str_is_used_by_read_json(host: str, log: logging.Logger) -> None:
    """A driver that strips a prefix from each line overrides `read_str`."""

    class Stripping(tcpip.Client):
        async def read_str(self) -> str:
            return (await super().read_str()).removeprefix("data: ")

    async with listening(host) as listener, Stripping(host, listener.port, log) as client:
        peer = await listener.accept()
        peer.send(b"data: [1, 2]\r\n")
        assert await soon(client.read_json()) == [1, 2]


async def test_overridden_readuntil_sees_every_line(host: str, log: logging.Logger) -> None:
    """A driver that records what it gets overrides the read below; lines that came together pass it one by one."""

    class Recording(tcpip.Client):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.got: list[bytes] = []
            super().__init__(*args, **kwargs)

        async def readuntil(self, separator: bytes = b"\n") -> bytes:
            data = await super().readuntil(separator)
            self.got.append(data)
            return data

    async with listening(host) as listener, Recording(host, listener.port, log) as client:
        peer = await listener.accept()
        peer.send(b"one\r\ntwo\r\n[3]\r\n")
        assert [await soon(client.read_str()) for _ in range(2)] == ["one", "two"]
        assert await soon(client.read_json()) == [3]
        assert client.got == [b"one\r\n", b"two\r\n", b"[3]\r\n"]


async def test_overridden_readexactly_and_write_see_every_structure(host: str, log: logging.Logger) -> None:
    """The same for structures, in a class below the one that overrides."""

    class Pair(ctypes.LittleEndianStructure):
        _fields_ = [("a", ctypes.c_uint8), ("b", ctypes.c_uint8)]

    class Recording(tcpip.Client):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.seen: list[bytes] = []
            super().__init__(*args, **kwargs)

        async def readexactly(self, n: int) -> bytes:
            data = await super().readexactly(n)
            self.seen.append(data)
            return data

        async def write(self, data: bytes) -> None:  # type: ignore[override]  # as the contract has it
            self.seen.append(data)
            await super().write(data)

    class Driver(Recording):
        pass

    async with listening(host) as listener, Driver(host, listener.port, log) as client:
        peer = await listener.accept()
        peer.send(b"abcd")
        assert [bytes(await soon(client.read_into(Pair()))) for _ in range(2)] == [b"ab", b"cd"]
        await soon(client.write_from(Pair(1, 2), Pair(3, 4)))
        await soon(client.writelines([b"x", b"y"]))
        assert client.seen == [b"ab", b"cd", b"\1\2\3\4", b"xy"]


async def test_overridden_read_may_call_super(host: str, log: logging.Logger) -> None:
    """A driver that counts what it reads overrides `read`."""

    class Counting(tcpip.OneClientServer):
        count = 0

        async def read(self, n: int) -> bytes:
            data = await super().read(n)
            self.count += len(data)
            return data

    async with Counting(host, 0, log) as server, Peer(host, server.port) as peer:
        await connected(server)
        peer.send(b"12345")
        assert await soon(server.read(100)) == b"12345"
        assert server.count == 5


async def test_overridden_close_and_close_client_may_call_super(host: str, log: logging.Logger) -> None:
    """A mock stops its own tasks in them, and everything is closed after it."""

    class Closing(Controller):
        calls: list[str]

        async def close_client(self, cancel_read_loop_task: bool = True) -> None:
            self.calls.append("close_client")
            await super().close_client(cancel_read_loop_task=cancel_read_loop_task)

        async def close(self) -> None:
            self.calls.append("close")
            await super().close()

    changes = Changes()
    controller = await started(Closing(host=host, log=log, connect_callback=changes.callback))
    controller.calls = []
    async with Peer(host, controller.port) as peer:
        assert await changes.next() is True
        await soon(controller.close_client())
        await peer.wait_hung_up()
        assert await changes.next() is False
    await soon(controller.close())
    assert controller.done_task.done()
    assert controller.calls[0] == "close_client"
    assert controller.calls.count("close") == 1


async def test_closing_from_read_and_dispatch_ends_the_server(host: str, log: logging.Logger) -> None:
    """A mock with a command "exit" closes itself, with `super` in between."""

    class Exiting(Controller):
        async def read_and_dispatch(self) -> None:
            await self.write_str(f"bye {await self.read_str()}")
            await self.close()

        async def close(self) -> None:
            await turns(2)
            await super().close()

    controller = await started(Exiting(host=host, log=log))
    async with Peer(host, controller.port) as peer:
        peer.send(b"now\r\n")
        assert await peer.read_to_eof() == b"bye now\r\n"
    await soon(controller.done_task)
