"""Dialogues that go as their script says, on real sockets and in the simulator."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tcpip_core import Client, OneClientReadLoopServer, close_stream_writer
from tcpip_testing.dialogue import (
    Dialogue,
    Exchange,
    Json,
    Received,
    Step,
    any_order,
    any_time,
    close,
    event,
    expect,
    greet,
    hung_up,
    pause,
    reconnect,
    repeat,
    send,
)
from tcpip_testing.framing import parse_framing
from tests.support import soon
from tests.testing.dialogue._worlds import World, on_sockets

FRAMINGS = ["crlf", "lf", "cr", "nul", "hex:0d0a0d0a", "len:u8", "len:u16be", "len:u32le", "fixed:6", "struct:>HI"]


class Program:
    """A program under test that can be told what to send, in whatever pieces."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, *pieces: bytes) -> None:
        """Send pieces, each in a turn of its own."""
        for piece in pieces:
            self.writer.write(piece)
            await soon(self.writer.drain())
            await asyncio.sleep(0.001)  # Let it travel alone.

    async def hear(self, size: int) -> bytes:
        """Receive so many bytes."""
        return await soon(self.reader.readexactly(size))

    async def hear_all(self) -> bytes:
        """Receive everything until the end."""
        return await soon(self.reader.read())


@asynccontextmanager
async def connected(host: str, port: int) -> AsyncIterator[Program]:
    """Connect a program, and close it at the end."""
    reader, writer = await soon(asyncio.open_connection(host, port))
    try:
        yield Program(reader, writer)
    finally:
        await close_stream_writer(writer)


@asynccontextmanager
async def played(*steps: Step | Exchange, framing: str = "crlf", timeout: float = 5.0) -> AsyncIterator[Program]:
    """Play a script as a server, to a program."""
    async with Dialogue(*steps, framing=framing, timeout=timeout).serve() as peer:
        async with connected(peer.host, peer.port) as program:
            yield program


def test_a_greeting_then_questions_and_answers(world: World) -> None:
    """The script reads as the conversation goes."""

    async def body() -> None:
        async with played(greet("READY"), ("*IDN?", "ACME,42"), ("RUN", "started", "done"), ("BYE",)) as program:
            assert b"READY\r\n" == await program.hear(7)
            await program.say(b"*IDN?\r\n")
            assert b"ACME,42\r\n" == await program.hear(9)
            await program.say(b"RUN\r\nBYE\r\n")
            assert b"started\r\ndone\r\n" == await program.hear(15)

    world(body)


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_it_does_not_matter_how_messages_are_cut(world: World, framing: str, size: int) -> None:
    """A command in two segments, and two in one, are what they are in every framing."""
    messages = [b"answer", b"\0\0\0\0\0\1", b"secret"]
    if framing == "nul":
        messages = [b"answer", b"", b"secret"]
    encode = parse_framing(framing).encode

    async def body() -> None:
        async with played(*((one, one[::-1]) for one in messages), framing=framing) as program:
            stream = b"".join(map(encode, messages))
            await program.say(*(stream[at : at + size] for at in range(0, len(stream), size)))
            answer = b"".join(encode(one[::-1]) for one in messages)
            assert answer == await program.hear(len(answer))

    world(body)


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_without_framing_bytes_are_what_counts(world: World, size: int) -> None:
    """Raw has no messages, so what is expected is the beginning of what came."""

    async def body() -> None:
        script = ("ABC", "1"), (re.compile(r"set (\d+);"), r"\1!"), (re.compile(rb"(..)END"), rb"<\1>")
        async with played(*script, framing="raw") as program:
            stream = b"ABCset 42;\xff\0END"
            await program.say(*(stream[at : at + size] for at in range(0, len(stream), size)))
            assert b"142!<\xff\0>" == await program.hear(8)

    world(body)


class Status(ctypes.LittleEndianStructure):
    """A structure."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("number", ctypes.c_uint16), ("azimuth", ctypes.c_double))


KINDS: list[tuple[Exchange, bytes, bytes]] = [
    (("text", "ünï"), b"text", "ünï".encode()),
    ((b"\xff", b"\xfe"), b"\xff", b"\xfe"),
    (({"a": [1, 2.5], "b": None}, {"ok": True}), b'{ "b":null, "a":[1,2.5]}', b'{"ok": true}'),
    ((Json([1, "x"]), Json(7)), b'[1, "x"]', b"7"),
    ((Status(7, 1.5), Status(8, 2.5)), bytes(Status(7, 1.5)), bytes(Status(8, 2.5))),
    ((re.compile(r"(?P<axis>az|el) (\d+)"), r"\2 \g<axis>"), b"az 12", b"12 az"),
    ((re.compile(r"(?x) a  # a comment"), "b"), b"a", b"b"),
    ((re.compile(rb"x(.)"), rb"\1y"), b"x\xff", b"\xffy"),
    ((re.compile(rb"x(.)"), r"y\1"), b"xz", b"yz"),
    ((re.compile(r"x(\d)"), rb"y\1"), b"x1", b"y1"),
    ((re.compile(r"n=(\d+)"), lambda got: str(int(got.group(1)) * 2)), b"n=21", b"42"),
    ((lambda got: got.text.startswith("log"), lambda got: got.data[::-1]), b"log it", b"ti gol"),
    (({"id": 3}, lambda got: {"ack": got.json()["id"]}), b'{"id": 3}', b'{"ack": 3}'),
    ((re.compile("quiet"), lambda got: None, "then"), b"quiet", b"then"),
    (("quiet", None, "then"), b"quiet", b"then"),
]


@pytest.mark.parametrize(("exchange", "sent", "answer"), KINDS)
def test_each_kind_of_message(world: World, exchange: Exchange, sent: bytes, answer: bytes) -> None:
    """Text, bytes, JSON, structures, patterns and functions can be expected and answered."""
    encode = parse_framing("len:u16be").encode

    async def body() -> None:
        async with played(exchange, framing="len:u16be") as program:
            await program.say(encode(sent))
            assert encode(answer) == await program.hear(len(encode(answer)))

    world(body)


def test_other_encodings(world: World) -> None:
    """Devices older than UTF-8 talk, too."""

    async def body() -> None:
        async with Dialogue((re.compile("(ä)"), r"\1ö"), framing="lf", encoding="latin-1").serve() as peer:
            async with connected(peer.host, peer.port) as program:
                await program.say(b"\xe4\n")
                assert b"\xe4\xf6\n" == await program.hear(3)

    world(body)


def test_any_order(world: World) -> None:
    """What a program asks at once may come in any order, and each thing once."""

    async def body() -> None:
        async with played(any_order(("a", "1"), ("b", "2"), ("a", "3")), ("c", "4"), framing="lf") as program:
            await program.say(b"b\na\na\nc\n")
            assert b"2\n1\n3\n4\n" == await program.hear(8)

    world(body)


def test_repetition(world: World) -> None:
    """What happens three times is written once."""

    async def body() -> None:
        async with played(repeat(2, ("a", "1"), repeat(2, ("b", "2"))), framing="lf") as program:
            await program.say(b"a\nb\nb\n" * 2)
            assert b"1\n2\n2\n" * 2 == await program.hear(12)

    world(body)


def test_any_time(world: World) -> None:
    """Polling and heartbeats do not disturb the order of the rest, and may be missing."""

    async def body() -> None:
        script = any_time(("?", "ok"), (re.compile("beat.*"),)), ("a", "1"), ("?", "special"), ("b", "2")
        async with played(*script, framing="lf") as program:
            await program.say(b"?\nbeat1\na\n?\n?\nbeat2\nb\n?\n")
            assert b"ok\n1\nspecial\nok\n2\nok\n" == await program.hear(21)

    world(body)


def test_delayed_events_come_meanwhile(world: World) -> None:
    """An alarm comes when its time has come, whatever is being said."""

    async def body() -> None:
        loop = asyncio.get_running_loop()
        script = greet("hi"), event("LATE", after=0.3), event("SOON", after=0.1), any_time(("a", "1"))
        async with played(*script, framing="lf") as program:
            assert b"hi\n" == await program.hear(3)
            began = loop.time()
            await program.say(b"a\n")
            assert b"1\nSOON\nLATE\n" == await program.hear(12)
            assert 0.15 < loop.time() - began < 5

    world(body)


def test_a_pause_keeps_what_comes_meanwhile(world: World) -> None:
    """A slow device forgets nothing."""

    async def body() -> None:
        async with played(("a",), pause(0.1), send("slow"), ("b", "2"), framing="lf") as program:
            await program.say(b"a\nb\n")
            assert b"slow\n2\n" == await program.hear(7)

    world(body)


def test_close_by_fin(world: World) -> None:
    """The program reads everything, then the end."""

    async def body() -> None:
        async with played(("a", "1"), close("fin"), framing="lf") as program:
            await program.say(b"a\n")
            assert b"1\n" == await program.hear_all()

    world(body)


def test_close_by_rst(world: World) -> None:
    """The program meets a reset, as of a device that lost its power."""

    async def body() -> None:
        async with played(("a",), close("rst"), framing="lf") as program:
            await program.say(b"a\n")
            with pytest.raises(ConnectionResetError):
                await program.hear_all()

    world(body)


def test_a_program_that_hangs_up_is_expected(world: World) -> None:
    """The end of the conversation is a part of it."""

    async def body() -> None:
        async with Dialogue(("BYE",), hung_up(), framing="lf").serve() as peer:
            async with connected(peer.host, peer.port) as program:
                await program.say(b"BYE\n")
            await peer.finished()

    world(body)


def test_a_reset_counts_as_hung_up() -> None:
    """A program that is killed hangs up, too."""

    async def body() -> None:
        async with Dialogue(greet("hi"), hung_up(), framing="lf").serve() as peer:
            async with connected(peer.host, peer.port) as program:
                sock: socket.socket = program.writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                program.writer.transport.abort()

    on_sockets(body)


def test_a_half_closed_program_gets_its_answers(world: World) -> None:
    """What pipes of a shell do: say all, shut down, read the answers."""

    async def body() -> None:
        async with played(("a", "1"), ("b", "2"), close("fin"), framing="lf") as program:
            program.writer.write(b"a\nb\n")
            program.writer.write_eof()
            assert b"1\n2\n" == await program.hear_all()

    world(body)


def test_a_program_that_reconnects(world: World) -> None:
    """A device that loses its power comes back, and is asked again."""

    async def body() -> None:
        script = ("a",), close("fin"), reconnect(), greet("again"), ("a", "1"), hung_up(), reconnect(), ("b", "2")
        async with Dialogue(*script, framing="lf").serve() as peer:
            async with connected(peer.host, peer.port) as program:
                await program.say(b"a\n")
                assert b"" == await program.hear_all()
            async with connected(peer.host, peer.port) as program:
                assert b"again\n" == await program.hear(6)
                await program.say(b"a\n")
                assert b"1\n" == await program.hear(2)
            async with connected(peer.host, peer.port) as program:
                await program.say(b"b\n")
                assert b"2\n" == await program.hear(2)

    world(body)


class Shutter(OneClientReadLoopServer):
    """A server under test."""

    async def read_and_dispatch(self) -> None:
        """Answer."""
        await self.write_str(f"{await self.read_str()} done")


def test_a_dialogue_as_a_client(world: World) -> None:
    """A server is tested by a script that connects to it, as often as it says."""

    async def body() -> None:
        async with Shutter(port=0, log=logging.getLogger()) as server:
            script = greet("open"), ("open done",), close("fin"), reconnect(), send("shut"), ("shut done",)
            async with Dialogue(*script, framing="crlf").connect(server.host or "", server.port or 0) as peer:
                await peer.finished()

    world(body)


def test_our_own_client(world: World) -> None:
    """The class that people use against the peer that they write."""

    async def body() -> None:
        async with Dialogue(({"id": 1}, {"id": 1, "ack": True}), framing="crlf").serve() as peer:
            async with Client(peer.host, peer.port, logging.getLogger()) as client:
                await client.write_json({"id": 1})
                assert {"id": 1, "ack": True} == await soon(client.read_json())

    world(body)


def test_a_script_is_a_value(world: World) -> None:
    """One script serves many tests: each time it is played from its start."""
    script = Dialogue(("a", "1"), framing="lf")

    async def body() -> None:
        for _ in range(2):
            async with script.serve() as peer, connected(peer.host, peer.port) as program:
                await program.say(b"a\n")
                assert b"1\n" == await program.hear(2)

    world(body)
    world(body)


def test_the_transcript_tells_what_was_said(world: World) -> None:
    """Who wants to see what happened need not wait for a failure."""

    async def body() -> None:
        async with Dialogue(("a", "1"), framing="lf").serve() as peer:
            async with connected(peer.host, peer.port) as program:
                await program.say(b"a\n")
                await program.hear(2)
            await peer.finished()
        marks = [line.split()[1:] for line in peer.transcript.splitlines()]
        assert ["a", "connection"] == marks[0][1:3]
        assert [["<", "'a'"], [">", "'1'"]] == marks[1:3]

    world(body)


def test_a_transcript_is_bounded() -> None:
    """A program that chatters for an hour does not fill the memory."""

    async def body() -> None:
        async with Dialogue(any_time(("a",)), framing="lf").serve() as peer:
            async with connected(peer.host, peer.port) as program:
                await program.say(b"a\n" * 1000)
            await soon(peer.finished())
        assert "lines before this" in peer.transcript
        assert len(peer.transcript.splitlines()) == 501

    on_sockets(body)


def test_received_tells_what_came() -> None:
    """What a function of a script is called with has the message in each form."""
    match = re.fullmatch(r"(\w)=(\w)?", "a=")
    received = Received(b"a=\xff", match=match)
    assert ("a=\\xff", "a=", "a", "") == (received.text, received.group(), received.group(1), received.group(2))
    with pytest.raises(IndexError):
        received.group(3)
    with pytest.raises(IndexError, match="no pattern"):
        Received(b"a").group()
    assert [1] == Received(b"[1]").json()
    assert expect("a", "b") == expect("a", "b")
