"""Subjects that each break a behaviour in a way that people do, and the tests that must catch them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from tcpip_core import Client, Limits, OneClientServer
from tcpip_testing.conformance import AsyncioStream, ClientUnderTest, ConnectCallback, ServerUnderTest
from tests.testing.conformance._subjects import LOG, AsyncioStreams, Clients, Counting, ReadLoopServers, Servers

ENDS = (OSError, EOFError)

# Streams


class LosesTheLastByte(AsyncioStream):
    async def write(self, data: bytes, /) -> None:
        await super().write(data[:-1])


class TakesSegmentsForMessages(AsyncioStream):
    async def readuntil(self, separator: bytes, /) -> bytes:
        return await self.read(1000)


class WaitsForAllThatWasAskedFor(AsyncioStream):
    async def read(self, n: int, /) -> bytes:
        return await self.readexactly(n)


class WritesInParts(AsyncioStream):
    async def write(self, data: bytes, /) -> None:
        for at in range(0, len(data), 1000):
            await super().write(data[at : at + 1000])
            await asyncio.sleep(0)


class GivesUpAtTheFin(AsyncioStream):
    async def readuntil(self, separator: bytes, /) -> bytes:
        reader: Any = self._reader
        if reader._eof:
            raise ConnectionResetError("the peer is gone")
        return await super().readuntil(separator)


class TakesPartsForMessages(AsyncioStream):
    async def readuntil(self, separator: bytes, /) -> bytes:
        try:
            return await super().readuntil(separator)
        except asyncio.IncompleteReadError as e:
            return e.partial


class TriesForEver(AsyncioStream):
    async def readuntil(self, separator: bytes, /) -> bytes:
        while True:
            with contextlib.suppress(*ENDS):
                return await super().readuntil(separator)
            await asyncio.sleep(1)


class HidesFailedWrites(AsyncioStream):
    async def write(self, data: bytes, /) -> None:
        with contextlib.suppress(OSError):
            await super().write(data)


class RaisesInClose(AsyncioStream):
    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


class WaitsForTheFlush(AsyncioStream):
    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


class ReadsByteByByte(AsyncioStream):
    async def readuntil(self, separator: bytes, /) -> bytes:
        data = b""
        while not data.endswith(separator):
            data += await self.readexactly(1)
        return data


class ClosesAfterAWhile(AsyncioStream):
    is_closed = False

    async def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            await asyncio.sleep(0)
            await super().close()


class ClosesOnce(AsyncioStream):
    is_closed = False

    async def close(self) -> None:
        if self.is_closed:
            raise RuntimeError("closed already")
        self.is_closed = True
        await super().close()


class NeverDrains(AsyncioStream):
    async def write(self, data: bytes, /) -> None:
        self._writer.write(data)


class CutsInClose(AsyncioStream):
    async def close(self) -> None:
        self._writer.transport.abort()
        await super().close()


class ReadsAhead(AsyncioStream):
    """Keeps all that comes in a queue, and tells nobody who waits for it that it was closed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._pump = asyncio.get_running_loop().create_task(self._take())

    async def _take(self) -> None:
        with contextlib.suppress(OSError):
            while data := await self._reader.read(65536):
                self._queue.put_nowait(data)

    async def read(self, n: int, /) -> bytes:
        return await self._queue.get()

    async def close(self) -> None:
        self._pump.cancel()
        await super().close()


class KeepsATask(AsyncioStream):
    async def close(self) -> None:
        await super().close()
        self._kept = asyncio.get_running_loop().create_task(asyncio.sleep(1000))


STREAMS: dict[type[AsyncioStream], tuple[str, ...]] = {
    LosesTheLastByte: ("test_bytes_arrive_whole_and_in_order_both_ways",),
    TakesSegmentsForMessages: ("test_message_is_split_at_every_byte", "test_messages_in_one_segment_come_one_by_one"),
    WaitsForAllThatWasAskedFor: ("test_read_gives_what_is_there",),
    WritesInParts: ("test_two_writers_are_not_mixed", "test_cancel_at_each_await_of_a_write"),
    GivesUpAtTheFin: ("test_what_came_before_the_end_is_read", "test_replies_reach_a_peer_that_has_half_closed"),
    TakesPartsForMessages: ("test_end_in_the_middle_of_a_message_is_told",),
    TriesForEver: (
        "test_waiting_read_ends_with_the_stream",
        "test_reset_at_each_await_of_a_read",
        "test_close_ends_a_waiting_read",
    ),
    HidesFailedWrites: (
        "test_reset_at_each_await_of_a_write",
        "test_write_to_a_peer_that_is_gone_fails",
        "test_nothing_is_read_or_written_after_close",
    ),
    RaisesInClose: ("test_reset_at_each_await_of_close", "test_close_of_what_was_reset"),
    WaitsForTheFlush: ("test_close_is_bounded",),
    ReadsByteByByte: ("test_cancel_at_each_await_of_a_read",),
    ClosesAfterAWhile: ("test_cancel_at_each_await_of_close",),
    ClosesOnce: ("test_close_again_does_nothing",),
    NeverDrains: ("test_write_waits_for_a_slow_reader",),
    ReadsAhead: ("test_peer_waits_while_nobody_reads", "test_close_ends_a_waiting_read"),
    CutsInClose: ("test_close_hands_over_what_was_written",),
    KeepsATask: ("test_read_gives_what_is_there",),
}


def stream_suite(broken: type[AsyncioStream]) -> type[AsyncioStreams]:
    """Make a suite of a broken stream."""
    return type(f"Test{broken.__name__}", (AsyncioStreams,), {"stream_class": broken})


# What tells a callback


class TellsTwice(Clients):
    async def make_client(self, host: str, port: int, connect_callback: ConnectCallback) -> ClientUnderTest:
        async def twice(who: Any) -> None:
            await connect_callback(who)
            await connect_callback(who)

        return await super().make_client(host, port, twice)


class TellsLater(Clients):
    async def make_client(self, host: str, port: int, connect_callback: ConnectCallback) -> ClientUnderTest:
        tasks: set[asyncio.Task[None]] = set()

        async def tell(who: Any) -> None:
            await asyncio.sleep(0.001)
            await connect_callback(who)

        async def later(who: Any) -> None:
            tasks.add(asyncio.get_running_loop().create_task(tell(who)))

        return await super().make_client(host, port, later)


class TellsNoLoss(Clients):
    async def make_client(self, host: str, port: int, connect_callback: ConnectCallback) -> ClientUnderTest:
        async def only_good_news(who: Any) -> None:
            if who.connected:
                await connect_callback(who)

        return await super().make_client(host, port, only_good_news)


class ClosesIfTheCallbackFails(Clients):
    async def make_client(self, host: str, port: int, connect_callback: ConnectCallback) -> ClientUnderTest:
        async def strict(who: Any) -> None:
            try:
                await connect_callback(who)
            except ValueError:
                asyncio.get_running_loop().call_soon(asyncio.ensure_future, who.close())

        return await super().make_client(host, port, strict)


class LocksTheCallback(Clients):
    async def make_client(self, host: str, port: int, connect_callback: ConnectCallback) -> ClientUnderTest:
        lock = asyncio.Lock()

        class Locking(Client):
            async def close(self) -> None:
                async with lock:
                    await super().close()

        async def locked(who: Any) -> None:
            async with lock:
                await connect_callback(who)

        client = Locking(host, port, LOG, locked, limits=Limits(callback_timeout=1000))
        await client.start_task
        return client


class NoticesNothing(Clients):
    async def make_client(self, host: str, port: int, connect_callback: ConnectCallback) -> ClientUnderTest:
        client = Client(host, port, LOG, connect_callback, monitor_connection_interval=0)
        await client.start_task
        return client


class ReadsNothingWhenLost(Clients):
    class client_class(Client):
        async def readuntil(self, separator: bytes = b"\n") -> bytes:
            try:
                return await super().readuntil(separator)
            except ConnectionError:
                return b""


class WaitsWhenLost(Clients):
    class client_class(Client):
        async def readuntil(self, separator: bytes = b"\n") -> bytes:
            try:
                return await super().readuntil(separator)
            except ConnectionError:
                await asyncio.sleep(1000)
                raise


class TellsInClose(Clients):
    class client_class(Client):
        async def close(self) -> None:
            await super().close()
            call: Any = self._tcpip.publisher
            await call._call()


class HidesARefusal(Clients):
    async def make_client(self, host: str, port: int, connect_callback: ConnectCallback) -> ClientUnderTest:
        client = Client(host, port, LOG, connect_callback)
        with contextlib.suppress(OSError):
            await client.start_task
        return client


class ShieldsItsStart(Clients):
    async def make_client(self, host: str, port: int, connect_callback: ConnectCallback) -> ClientUnderTest:
        client = Client(host, port, LOG, connect_callback)
        await asyncio.shield(client.start_task)
        return client


class ReturnsTheSameClient(Clients):
    def __init__(self) -> None:
        self.clients: list[ClientUnderTest] = []

    async def make_client(self, host: str, port: int, connect_callback: ConnectCallback) -> ClientUnderTest:
        if not self.clients:
            self.clients.append(await super().make_client(host, port, connect_callback))
        return self.clients[0]


class Watched(AsyncioStream):
    """Looks for the end every now and then, and takes it that a connection that was lost needs no close."""

    connected = True

    def watch(self, connect_callback: ConnectCallback) -> None:
        self._watch = asyncio.get_running_loop().create_task(self._look(connect_callback))

    async def _look(self, connect_callback: ConnectCallback) -> None:
        await connect_callback(self)
        while not self._reader.at_eof():
            await asyncio.sleep(0.01)
        self.connected = False
        await connect_callback(self)

    async def close(self) -> None:
        self._watch.cancel()
        if self.connected:
            await super().close()


class KeepsTheSocket(Clients):
    async def make_client(self, host: str, port: int, connect_callback: ConnectCallback) -> ClientUnderTest:
        client = Watched(*await asyncio.open_connection(host, port))
        client.watch(connect_callback)
        return client


# Servers


class Replaces(Servers):
    async def make_server(self, port: int, connect_callback: ConnectCallback) -> ServerUnderTest:
        server = OneClientServer("127.0.0.1", port, LOG, connect_callback, on_second_client="replace")
        await server.start_task
        return server


class ServesOnce(Servers):
    async def make_server(self, port: int, connect_callback: ConnectCallback) -> ServerUnderTest:
        async def once(who: Any) -> None:
            await connect_callback(who)
            if not who.connected:
                await who.close()

        return await super().make_server(port, once)


class LocksTheServersCallback(Servers):
    async def make_server(self, port: int, connect_callback: ConnectCallback) -> ServerUnderTest:
        lock = asyncio.Lock()

        class Locking(OneClientServer):
            async def close(self) -> None:
                async with lock:
                    await super().close()

        async def locked(who: Any) -> None:
            async with lock:
                await connect_callback(who)

        server = Locking("127.0.0.1", port, LOG, locked, limits=Limits(callback_timeout=1000))
        await server.start_task
        return server


class KeepsItsClient(Servers):
    class server_class(OneClientServer):
        async def close_client(self) -> None:
            pass


class NeedsAClientToClose(Servers):
    class server_class(OneClientServer):
        async def close_client(self) -> None:
            if not self.connected:
                raise RuntimeError("there is no client")
            await super().close_client()


class ListensOn(Servers):
    class server_class(OneClientServer):
        async def close(self) -> None:
            await self.close_client()


class WaitsForAClientToClose(Servers):
    class server_class(OneClientServer):
        async def close(self) -> None:
            await self.connected_task
            await super().close()


class KeepsARest(Servers):
    class server_class(OneClientServer):
        rest = b""

        async def readuntil(self, separator: bytes = b"\n") -> bytes:
            while separator not in self.rest:
                if not (data := await self.read(1000)):
                    raise ConnectionResetError("the client is gone")
                self.rest += data
            line, _, self.rest = self.rest.partition(separator)
            return line + separator


class WaitsForAClientToRead(Servers):
    class server_class(OneClientServer):
        async def readuntil(self, separator: bytes = b"\n") -> bytes:
            await self.connected_task
            return await super().readuntil(separator)


# Read-loop servers


class AnswersSegments(ReadLoopServers):
    class server_class(Counting):
        async def read_and_dispatch(self) -> None:
            line = (await self.read(1000)).split(b"\r\n")[0]
            await self.write(b"%s is %d\r\n" % (line, self.count))
            self.count += 1


class StopsAtTheFin(ReadLoopServers):
    class server_class(Counting):
        async def read_and_dispatch(self) -> None:
            if self._tcpip.connection.peer_is_done:
                await self.close_client()
            else:
                await super().read_and_dispatch()
                await asyncio.sleep(0.1)


class TellsNoLossOfAClient(ReadLoopServers):
    async def make_server(self, port: int, connect_callback: ConnectCallback) -> Any:
        async def only_good_news(who: Any) -> None:
            if who.connected:
                await connect_callback(who)

        return await super().make_server(port, only_good_news)


class KeepsHalfARequest(ReadLoopServers):
    class server_class(Counting):
        rest = b""

        async def read_and_dispatch(self) -> None:
            while b"\r\n" not in self.rest:
                if not (data := await self.read(1000)):
                    return
                self.rest += data
            line, _, self.rest = self.rest.partition(b"\r\n")
            await self.write(b"%s is %d\r\n" % (line, self.count))
            self.count += 1


class EndsWithItsClient(ReadLoopServers):
    class server_class(Counting):
        async def read_and_dispatch(self) -> None:
            try:
                await super().read_and_dispatch()
            except (OSError, EOFError):
                await self.close()


class WaitsForItsClient(ReadLoopServers):
    class server_class(Counting):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(limits=Limits(write_timeout=1000), **kwargs)

        async def close_client(self, cancel_read_loop_task: bool = True) -> None:
            if not self.read_loop_task.done():
                await asyncio.wait({self.read_loop_task})
            await super().close_client(cancel_read_loop_task)


class EndsWithABadRequest(ReadLoopServers):
    class server_class(Counting):
        async def read_and_dispatch(self) -> None:
            try:
                await super().read_and_dispatch()
            except ValueError:
                await self.close()


OTHERS: dict[type[Any], tuple[str, ...]] = {
    TellsTwice: ("test_connection_is_told_once",),
    TellsLater: ("test_loss_is_told_before_a_read_reports_it", "test_loss_is_told_before_a_write_reports_it"),
    TellsNoLoss: ("test_loss_is_told_while_nobody_reads", "test_close_is_told_and_final"),
    ClosesIfTheCallbackFails: ("test_callback_that_fails_changes_nothing",),
    LocksTheCallback: ("test_callback_may_close_what_was_lost",),
    NoticesNothing: ("test_loss_is_told_while_nobody_reads",),
    ReadsNothingWhenLost: ("test_operations_fail_once_the_link_is_lost", "test_close_is_told_and_final"),
    WaitsWhenLost: ("test_close_at_each_await_of_a_read",),
    TellsInClose: ("test_close_after_a_loss_tells_nothing_new",),
    HidesARefusal: ("test_refused_connection_is_an_error",),
    ShieldsItsStart: ("test_cancel_at_each_await_of_connecting",),
    ReturnsTheSameClient: ("test_reconnect", "test_two_clients_at_once"),
    KeepsTheSocket: ("test_client_that_was_lost_leaves_nothing_open",),
    Replaces: ("test_second_client_is_turned_away", "test_one_of_two_newcomers_is_admitted"),
    ServesOnce: ("test_next_client_is_served",),
    LocksTheServersCallback: ("test_callback_may_close_the_server",),
    KeepsItsClient: ("test_close_client_makes_room",),
    NeedsAClientToClose: ("test_close_client_without_one_does_nothing",),
    ListensOn: ("test_close_stops_listening",),
    WaitsForAClientToClose: ("test_close_without_a_client",),
    KeepsARest: ("test_rest_of_a_lost_client_is_not_the_next_ones",),
    WaitsForAClientToRead: ("test_operations_without_a_client_fail",),
    AnswersSegments: ("test_requests_are_answered_in_order", "test_request_is_split_at_every_byte"),
    StopsAtTheFin: ("test_requests_before_a_half_close_are_answered",),
    TellsNoLossOfAClient: ("test_loss_is_told",),
    KeepsHalfARequest: ("test_half_a_request_is_not_the_next_clients",),
    EndsWithItsClient: ("test_reset_while_it_answers",),
    WaitsForItsClient: ("test_client_that_does_not_read_is_closed",),
    EndsWithABadRequest: ("test_bad_request_closes_its_client_only",),
}
