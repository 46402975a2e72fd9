"""Dialogues that do not go as their script says: what is told, and that nobody waits for what will not come."""

from __future__ import annotations

import asyncio
import ctypes
import re
from typing import Any, cast

import pytest

from tcpip_core import close_stream_writer
from tcpip_testing.dialogue import (
    Dialogue,
    DialogueError,
    Exchange,
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
from tests.support import soon
from tests.testing.dialogue._worlds import World, on_sockets

SHORT = 0.3
"""How long a script waits that waits in vain (seconds)."""


def failure(
    world: World,
    *steps: Step | Exchange,
    says: bytes = b"",
    framing: str = "lf",
    waits: bool = True,
    connections: int = 1,
    is_half_closed: bool = False,
) -> str:
    """Play a script to a program that says something and then waits for ever, or goes on; return what is told."""
    told: list[str] = []

    async def body() -> None:
        writers: list[asyncio.StreamWriter] = []
        try:
            async with Dialogue(*steps, framing=framing, timeout=SHORT).serve() as peer:
                for _ in range(connections):
                    _, writer = await asyncio.open_connection(peer.host, peer.port)
                    writers.append(writer)
                    writer.write(says)
                    if is_half_closed:
                        writer.write_eof()
                if waits:
                    await asyncio.get_running_loop().create_future()
                await asyncio.sleep(0.1)
        except DialogueError as e:
            told.append(str(e))
        finally:
            for writer in writers:
                await close_stream_writer(writer)

    world(body)
    assert told, "nothing was found wrong"
    return told[0]


class Status(ctypes.LittleEndianStructure):
    """A structure."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("number", ctypes.c_uint16), ("axes", ctypes.c_uint8 * 2))


def test_an_unexpected_message(world: World) -> None:
    """The reader sees where in the script it was, what should have come, what came, and where they part."""
    told = failure(world, ("a",), ("SET 5",), ("SET 6",), says=b"a\nSET 6\n")
    assert "an unexpected message (step 2 of 3: expect 'SET 5')" in told
    assert "    expected  'SET 5'\n    got       'SET 6'\n                   ^ from here on\n" in told
    assert "it is what step 3 expects" in told
    assert "  < 'SET 6'" in told


def test_the_place_of_a_difference_in_a_long_message(world: World) -> None:
    """Of a thousand characters those around the difference are shown."""
    told = failure(world, ("x" * 500 + "y" * 500,), says=b"x" * 500 + b"z" * 500 + b"\n")
    expected, got, mark = told.splitlines()[1:4]
    assert ("y", "z") == (expected[mark.index("^")], got[mark.index("^")])
    assert len(got) < 200


def test_bytes_differ(world: World) -> None:
    """What is no text is shown as bytes."""
    assert "expected  b'\\xff\\x01'\n    got       b'\\xff\\x02'" in failure(
        world, (b"\xff\x01",), says=b"\xff\x02", framing="fixed:2"
    )


def test_json_differs(world: World) -> None:
    """Of two objects, the values that differ are named."""
    told = failure(world, ({"a": [1, 1], "b": {"c": 2}},), says=b'{"a": [1, true], "b": {"d": 3}}\n')
    assert "$.a[1]: expected 1, got True" in told
    assert "$.b.c: missing, expected 2" in told
    assert "$.b.d: not expected, got 3" in told
    assert "$.a: expected 2 values, got 1" in failure(world, ({"a": [1, 2]},), says=b'{"a": [1]}\n')
    assert "it is no JSON" in failure(world, ({"a": 1},), says=b"{a}\n")


def test_structures_differ(world: World) -> None:
    """Of two structures, the fields that differ are named."""
    axes = (ctypes.c_uint8 * 2)(1, 2)
    framing = f"struct:{__name__}:Status"
    told = failure(world, (Status(7, axes),), says=bytes(Status(8, axes)), framing=framing)
    assert "number: expected 7, got 8" in told
    assert "axes:" not in told
    assert "5 bytes instead of 4" in failure(world, (Status(7, axes),), says=b"12345\n")


def test_a_pattern_does_not_match(world: World) -> None:
    """The pattern and what came are both shown; text that cannot be decoded matches none."""
    assert "expected  a match of 'SET .*'\n    got       'GET'" in failure(
        world, (re.compile("SET .*"),), says=b"GET\n"
    )
    assert "got       b'\\xff'" in failure(world, (re.compile(".*"),), says=b"\xff\n")


def test_a_function_refuses(world: World) -> None:
    """A function is known by its name."""

    def is_even(received: Any) -> bool:
        return int(received.text) % 2 == 0

    assert "is_even accepts" in failure(world, (is_even,), says=b"3\n")


def test_a_missing_message(world: World) -> None:
    """Who never asks is not waited for without end, and the test ends although the program hangs."""
    told = failure(world, ("a",), ("b",), says=b"a\n")
    assert "nothing came within 0.3 s that was expected (step 2 of 2: expect 'b')" in told
    assert "missing   'b'" in told


def test_a_message_without_its_end(world: World) -> None:
    """The commonest mistake of all, the wrong terminator, is named."""
    told = failure(world, ("a",), says=b"a\n", framing="crlf")
    assert "missing   'a'" in told
    assert "b'a\\n' came, which is no whole message in the framing crlf" in told


def test_missing_of_any_order(world: World) -> None:
    """Only what did not come is missing."""
    told = failure(world, any_order(("a",), ("b",), ("c",)), says=b"b\n")
    assert ["'a'", "'c'"] == re.findall(r"missing   (.*)", told)


def test_left_over_messages(world: World) -> None:
    """What comes after all that was expected is wrong, too."""
    assert "left over, after all that was expected: 'b'" in failure(world, ("a",), says=b"a\nb\n")


def test_left_over_at_the_end_of_the_block(world: World) -> None:
    """It does not matter whether the program still waits, or half a message has come."""
    assert "left over" in failure(world, ("a",), says=b"a\nb\n", waits=False)
    assert "left over, after all that was expected: 'half'" in failure(world, ("a",), says=b"a\nhalf", waits=False)
    assert "left over, after all that was expected: 'b'" in failure(
        world, ("a",), says=b"ab", framing="raw", waits=False
    )


def test_left_over_before_a_close(world: World) -> None:
    """What nobody took when the script closes would be lost without a word."""
    assert "left over" in failure(world, ("a",), pause(0.2), close("fin"), says=b"a\nb\n")
    assert "left over" in failure(world, ("a",), hung_up(), says=b"a\nb\n", is_half_closed=True)


def test_raw_bytes_that_cannot_become_right_fail_at_once(world: World) -> None:
    """Nobody waits for more of a message that is wrong already."""
    assert "an unexpected message" in failure(world, ("SET 5",), says=b"SET 6", framing="raw")
    assert "nothing came" in failure(world, ("SET 5",), says=b"SET", framing="raw")


def test_a_program_that_ends_too_early(world: World) -> None:
    """Its end is no message, and no reason to wait."""
    told = failure(world, ("a",), ("b",), says=b"a\n", is_half_closed=True)
    assert "the program ended the connection too early (step 2 of 2: expect 'b')" in told


def test_nobody_connects(world: World) -> None:
    """A program that never comes is waited for as long as it says, no longer."""
    assert "nobody connected to 127.0.0.1 port" in failure(world, ("a",), connections=0)


def test_a_second_connection_is_left_over(world: World) -> None:
    """A program that leaks connections is found out."""
    assert "1 more connections than the script has" in failure(world, ("a",), says=b"a\n", connections=2, waits=False)


def test_a_program_that_does_not_reconnect(world: World) -> None:
    """It is named which connection was waited for."""
    assert "step 3 of 4: wait for the next connection" in failure(
        world, ("a",), close("fin"), reconnect(), ("b",), says=b"a\n"
    )


def test_a_program_that_does_not_hang_up(world: World) -> None:
    """So is what was waited for then."""
    assert "did not hang up within 0.3 s" in failure(world, ("a",), hung_up(), says=b"a\n")


def test_an_event_that_nobody_is_there_to_hear(world: World) -> None:
    """A delayed event that could not be sent is missing, not forgotten."""
    told = failure(world, ("a",), event("LATE", after=0.2), says=b"a\n", is_half_closed=True)
    assert "the program ended the connection before 'LATE' could be sent" in told


def test_a_program_that_reads_nothing() -> None:
    """A script that talks to a full pipe does not wait without end."""
    told = failure(on_sockets, greet(b"x" * 15_000_000))
    assert "could not be sent" in told
    assert "it took no data for 0.3 s" in told


def test_a_reply_that_raises(world: World) -> None:
    """A mistake in the test's own function is told as what it is."""
    told = failure(world, ("a", lambda got: got.group(1)), says=b"a\n")
    assert "no reply to 'a' could be made: IndexError" in told


def test_a_reply_that_the_framing_cannot_carry(world: World) -> None:
    """A reply that would arrive as two is a mistake of the script."""
    assert "cannot be sent in framing lf" in failure(world, (re.compile("(.*)"), "\\1\n"), says=b"a\n")


def test_the_block_is_cancelled_at_once() -> None:
    """A test does not run into its program's time-outs, once the dialogue has failed."""

    async def body() -> None:
        with pytest.raises(DialogueError):
            async with Dialogue(("a",), framing="lf", timeout=60).serve() as peer:
                _, writer = await asyncio.open_connection(peer.host, peer.port)
                writer.write(b"b\n")
                try:
                    await soon(asyncio.get_running_loop().create_future())
                finally:
                    writer.close()
        task = asyncio.current_task()
        assert task is not None
        assert not task.cancelling()

    on_sockets(body)


def test_a_program_sees_the_end_when_the_script_has_failed(world: World) -> None:
    """What comes out is the dialogue's error; the program's own, which follows from it, is its context."""

    async def body() -> None:
        with pytest.raises(DialogueError, match="unexpected"):
            async with Dialogue(("a",), framing="lf").serve() as peer:
                reader, writer = await asyncio.open_connection(peer.host, peer.port)
                writer.write(b"b\n")
                try:
                    await soon(asyncio.shield(reader.readexactly(1)))
                finally:
                    await close_stream_writer(writer)

    world(body)


def test_a_block_that_fails_keeps_its_error(world: World) -> None:
    """A failed assertion of the test itself comes out as it is, with the transcript."""

    async def body() -> None:
        with pytest.raises(LookupError, match="the test's own") as e:
            async with Dialogue(("a",), ("b",), framing="lf").serve() as peer:
                _, writer = await asyncio.open_connection(peer.host, peer.port)
                writer.write(b"a\n")
                await asyncio.sleep(0.2)
                writer.close()
                raise LookupError("the test's own")
        assert "the dialogue was at step 2 of 2: expect 'b'" in e.value.__notes__[0]
        assert "< 'a'" in e.value.__notes__[0]

    world(body)


def test_a_cancelled_block_is_cancelled(world: World) -> None:
    """A time-out around a dialogue is the time-out's business."""

    async def body() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2), Dialogue(("a",), framing="lf").serve():
                await asyncio.get_running_loop().create_future()

    world(body)


def test_finished_raises_what_went_wrong(world: World) -> None:
    """A test can ask in the middle; played out of a block it is the only way."""

    async def body() -> None:
        peer = Dialogue(("a",), framing="lf", timeout=SHORT).serve()
        with pytest.raises(RuntimeError, match="async with"):
            await peer.finished()
        assert peer.transcript == ""
        await peer.start()
        with pytest.raises(RuntimeError, match="played once"):
            await peer.start()
        _, writer = await asyncio.open_connection(peer.host, peer.port)
        writer.write(b"b\n")
        with pytest.raises(DialogueError, match="unexpected"):
            await peer.finished()
        with pytest.raises(DialogueError, match="unexpected"):
            await peer.stop()
        await close_stream_writer(writer)

    world(body)


def test_a_long_script_ends_within_the_timeout(world: World) -> None:
    """The end of the block does not wait for each step in turn."""
    told = failure(world, event("e", after=60), waits=False)
    assert "the script is not through within 0.3 s" in told


def test_a_client_that_cannot_connect(world: World) -> None:
    """The system's own words are in the error."""

    async def body() -> None:
        with pytest.raises(DialogueError, match=r"there was no connection to 127\.0\.0\.1 port 1: "):
            async with Dialogue(("a",), framing="lf", timeout=SHORT).connect("127.0.0.1", 1) as peer:
                assert ("127.0.0.1", 1) == (peer.host, peer.port)
                await peer.finished()

    world(body)


def test_a_port_that_is_taken() -> None:
    """A server that cannot listen says so at once."""

    async def body() -> None:
        async with Dialogue(any_time(("a",)), framing="lf").serve() as peer:
            with pytest.raises(OSError, match="in use"):
                async with Dialogue(framing="lf").serve(port=peer.port):
                    pass
            _, writer = await asyncio.open_connection(peer.host, peer.port)
            writer.close()

    on_sockets(body)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: Dialogue(("a",), framing="clrf"), ValueError, "allowed are crlf, lf"),
        (lambda: Dialogue(("a",), framing="lf", encoding="no such"), ValueError, "unknown encoding"),
        (lambda: Dialogue(("a",), framing="lf", timeout=0), ValueError, "timeout"),
        (lambda: Dialogue(("a",), framing="lf", timeout=float("inf")), ValueError, "timeout"),
        (lambda: Dialogue(("a\n",), framing="lf"), ValueError, "framing lf"),
        (lambda: Dialogue(("a", "b\n"), framing="lf"), ValueError, "framing lf"),
        (lambda: Dialogue(send("abc"), framing="fixed:2"), ValueError, "2 bytes"),
        (lambda: Dialogue(event("abc", after=1), framing="fixed:2"), ValueError, "2 bytes"),
        (lambda: Dialogue(("ä",), framing="lf", encoding="ascii"), ValueError, "ascii"),
        (lambda: Dialogue((re.compile("(a)"), r"\2"), framing="lf"), ValueError, "does not fit the pattern"),
        (lambda: Dialogue((re.compile("(?i)(a)"), r"\g<x>"), framing="lf"), ValueError, "does not fit the pattern"),
        (lambda: Dialogue((re.compile(b"(a)"), r"\q"), framing="lf"), ValueError, "does not fit the pattern"),
        (lambda: Dialogue("a", framing="lf"), TypeError, "a step is"),  # type: ignore[arg-type]
        (lambda: Dialogue((), framing="lf"), TypeError, "a step is"),  # type: ignore[arg-type]
        (lambda: Dialogue((5,), framing="lf"), TypeError, "what is expected is"),  # type: ignore[arg-type]
        (lambda: Dialogue(("a", 5), framing="lf"), TypeError, "a message is"),  # type: ignore[arg-type]
        (lambda: Dialogue(any_order(("a", 5)), framing="lf"), TypeError, "a message is"),  # type: ignore[arg-type]
        (lambda: Dialogue(send(5), framing="lf"), TypeError, "a message is"),  # type: ignore[arg-type]
        (lambda: Dialogue(({"a": {1}},), framing="lf"), TypeError, "set"),
        (lambda: Dialogue(close("fin"), ("a",), framing="lf"), ValueError, r"only reconnect\(\)"),
        (lambda: Dialogue(reconnect(), framing="lf"), ValueError, "follows close"),
        (lambda: close("fni"), ValueError, '"fin" or "rst"'),  # type: ignore[arg-type]
        (lambda: repeat(0, ("a",)), ValueError, "any_time"),
        (lambda: repeat(cast("int", 1.5), ("a",)), ValueError, "1 or more, and whole"),
        (lambda: repeat(2), TypeError, "one or more steps"),
        (any_order, TypeError, "any_order takes"),
        (lambda: any_time(pause(1)), TypeError, "any_time takes"),  # type: ignore[arg-type]
        (lambda: pause(-1), ValueError, "seconds must be 0 s or more"),
        (lambda: event("a", after=float("nan")), ValueError, "after must be 0 s or more"),
    ],
)
def test_a_script_that_makes_no_sense_is_refused(make: Any, error: type[Exception], match: str) -> None:
    """A mistake in a script is told where it is written, before anything is played."""
    with pytest.raises(error, match=match):
        make()


def test_steps_have_words() -> None:
    """What stands in error messages says what a step does."""
    steps = [greet("a"), expect("b", "c"), any_order(("d",), ("e",)), any_time(("f",)), event("g", after=1), pause(2)]
    assert [
        "send 'a'",
        "expect 'b'",
        "in any order expect 'd', expect 'e'",
        "at any time expect 'f'",
        "send 'g' after 1 s",
        "pause for 2 s",
    ] == list(map(str, steps))
