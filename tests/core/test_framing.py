"""The receive buffer against a plain model, with streams cut anywhere."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpip_core import _framing
from tcpip_core._framing import ReceiveBuffer

UNBOUNDED = 1 << 30

# Few different bytes, so that separators, parts of them and overlaps are everywhere.
streams = st.text(alphabet="ab\n", max_size=60).map(str.encode)
separators = st.text(alphabet="ab\n", min_size=1, max_size=4).map(str.encode)
limits = st.integers(min_value=1, max_value=20)


@st.composite
def cut_streams(draw: st.DrawFn) -> list[bytes]:
    """Give a stream as the chunks in which it arrives, empty ones included."""
    stream = draw(streams)
    places = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    return [stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True)]


def frames_of(stream: bytes, separator: bytes) -> Iterator[bytes]:
    """Cut whole frames off a stream: the model, one `bytes.find` a frame."""
    while (found := stream.find(separator)) >= 0:
        end = found + len(separator)
        yield stream[:end]
        stream = stream[end:]


def take_frames(buffer: ReceiveBuffer, separator: bytes, limit: int = UNBOUNDED) -> Iterator[bytes]:
    """Take every frame that is complete."""
    while (size := buffer.find_frame(separator, limit)) >= 0:
        yield buffer.take(size)


@given(cut_streams(), separators)
def test_frames_do_not_depend_on_where_the_stream_is_cut(chunks: list[bytes], separator: bytes) -> None:
    """Looking for a frame after each chunk finds what one look at the whole stream finds."""
    buffer = ReceiveBuffer()
    frames: list[bytes] = []
    for chunk in chunks:
        buffer.feed(chunk)
        frames += take_frames(buffer, separator)
    stream = b"".join(chunks)
    assert frames == list(frames_of(stream, separator))
    assert b"".join(frames) + buffer.take_all() == stream


@given(cut_streams(), separators, limits)
def test_limit_does_not_depend_on_where_the_stream_is_cut(chunks: list[bytes], separator: bytes, limit: int) -> None:
    """The same frames pass and the same frame is refused, however the stream arrives."""
    buffer = ReceiveBuffer()
    frames: list[bytes] = []
    refused = False
    for chunk in chunks:
        buffer.feed(chunk)
        try:
            frames += take_frames(buffer, separator, limit)
        except asyncio.LimitOverrunError:
            refused = True
            break
    stream = b"".join(chunks)
    passing: list[bytes] = []
    too_long = False
    for frame in frames_of(stream, separator):
        too_long = len(frame) - len(separator) > limit
        if too_long:
            break
        passing.append(frame)
    tail = len(stream) - sum(map(len, passing))
    assert refused == (too_long or tail + 1 - len(separator) > limit)
    assert frames == passing[: len(frames)] if refused else frames == passing


@given(cut_streams(), separators, limits)
def test_limit_overrun_removes_nothing(chunks: list[bytes], separator: bytes, limit: int) -> None:
    """What was refused can still be read another way, all of it."""
    buffer = ReceiveBuffer()
    taken = b""
    for chunk in chunks:
        buffer.feed(chunk)
        try:
            for frame in take_frames(buffer, separator, limit):
                taken += frame
        except asyncio.LimitOverrunError:
            pass
    assert taken + buffer.take_all() == b"".join(chunks)


@given(cut_streams(), separators, limits)
def test_limit_overrun_says_what_can_be_taken_without_missing_a_separator(
    chunks: list[bytes], separator: bytes, limit: int
) -> None:
    """Who takes what the error says, each time, ends each frame where it ends without a limit."""
    buffer = ReceiveBuffer()
    frames: list[bytes] = []
    piece = b""
    for chunk in chunks:
        buffer.feed(chunk)
        while True:
            try:
                size = buffer.find_frame(separator, limit)
            except asyncio.LimitOverrunError as error:
                piece += buffer.take(error.consumed)
                continue
            if size < 0:
                break
            frames.append(piece + buffer.take(size))
            piece = b""
    assert frames == list(frames_of(b"".join(chunks), separator))


operations = st.one_of(
    st.tuples(st.just("feed"), streams),
    st.tuples(st.just("take"), st.integers(0, 30)),
    st.tuples(st.just("find"), separators),
    st.tuples(st.just("frame"), separators),
)


@given(st.lists(operations, max_size=30))
def test_any_mix_of_operations_is_that_of_plain_bytes(steps: list[tuple[str, bytes | int]]) -> None:
    """A search that failed, for whichever separator, leaves no trace in what is found later."""
    buffer, model = ReceiveBuffer(), b""
    for name, argument in steps:
        if isinstance(argument, int):
            assert buffer.take(argument) == model[:argument]
            model = model[argument:]
        elif name == "feed":
            buffer.feed(argument)
            model += argument
        else:
            found = model.find(argument)
            expected = found + len(argument) if found >= 0 else -1
            assert buffer.find_frame(argument, UNBOUNDED) == expected
            if name == "frame" and expected > 0:
                assert buffer.take(expected) == model[:expected]
                model = model[expected:]
        assert len(buffer) == len(model)
    assert buffer.take_all() == model


class Triple(ctypes.Structure):
    """A structure with an odd size."""

    _fields_ = [("bytes", ctypes.c_uint8 * 3)]


class Pair(ctypes.Structure):
    """One of another class."""

    _fields_ = [("bytes", ctypes.c_uint8 * 2)]


def read_line(buffer: ReceiveBuffer, terminator: bytes, encoding: str, limit: int) -> str | None:
    """Read a line as the mixins do: one that was cut ahead, if the wish is still the same."""
    if buffer.lines and buffer.terminator is terminator and buffer.encoding is encoding:
        return buffer.lines.pop()
    return buffer.take_line(terminator, encoding, limit)


def read_structure(buffer: ReceiveBuffer, kind: type[ctypes.Structure]) -> bytes | None:
    """Read a structure as the mixins do."""
    struct = kind()
    if buffer.kind is kind and buffer.structures.readinto(struct):
        return bytes(struct)
    filled = buffer.fill(struct, ctypes.sizeof(struct))
    return None if filled is None else bytes(filled)


def expected_line(rest: bytes, terminator: bytes, encoding: str, limit: int) -> tuple[int, object]:
    """Say how much a line takes, and what comes of it: the text, or the class of the error."""
    found = rest.find(terminator)
    if found > limit or (found < 0 and len(rest) + 1 - len(terminator) > limit):
        return 0, asyncio.LimitOverrunError
    if found < 0:
        return 0, None
    try:
        return found + len(terminator), rest[:found].decode(encoding)
    except UnicodeDecodeError:
        return found + len(terminator), UnicodeDecodeError


lines = st.lists(st.sampled_from([b"", b"a", b"b\n", b"ab", b"\xc3\xa9", b"\xff", b"x" * 9]), max_size=12).map(
    b"\n".join
)
ends = st.sampled_from([b"\n", b"\n", b"\n", b"a\n", b"\n\n", b"aa", b"\xc3", b"\xa9\n"])
encodings = st.sampled_from(["utf-8", "utf-8", "utf-8", "latin-1", "ascii", "UTF8", "utf-16"])
reads = st.one_of(
    st.tuples(st.just("line"), st.tuples(ends, encodings)),
    st.tuples(st.just("structure"), st.sampled_from([Triple, Pair])),
    st.tuples(st.just("take"), st.integers(0, 6)),
)
mixed = st.lists(
    st.one_of(st.tuples(st.just("feed"), lines), st.tuples(st.just("times"), st.tuples(reads, st.integers(1, 8)))),
    max_size=12,
)


@settings(max_examples=2 * settings.default.max_examples)  # type: ignore[union-attr]  # There is a profile.
@given(mixed, st.sampled_from([5, 30, 1000]), st.booleans(), st.sampled_from([2, 8, 512]))
def test_what_is_cut_ahead_is_that_of_plain_bytes(
    script: list[tuple[str, Any]], limit: int, ended: bool, nearest: int
) -> None:
    """Lines and structures, in any mix with each other and with anything else: each byte once, in order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_framing, "_NEAREST", nearest)
        compare_with_plain_bytes(script, limit, ended)


def compare_with_plain_bytes(script: list[tuple[str, Any]], limit: int, ended: bool) -> None:
    """Do what a script says with a buffer and with bytes."""
    buffer, rest = ReceiveBuffer(), b""
    for name, argument in script:
        if name == "feed":
            buffer.feed(argument)
            rest += argument
            continue
        (kind, wish), times = argument
        for _ in range(times):
            taken = buffer.taken
            size = compare_read(buffer, rest, kind, (*wish, limit) if kind == "line" else wish)
            rest = rest[size:]
            assert buffer.taken == taken + (size > 0 or kind == "take")
    if ended:
        buffer.look_no_further()
        assert not buffer.lines
    assert len(buffer) == len(rest)
    assert buffer.take_all() == rest


def compare_read(buffer: ReceiveBuffer, rest: bytes, kind: str, wish: Any) -> int:
    """Read one thing, compare it, and return how many bytes it took."""
    if kind == "take":
        assert buffer.take(wish) == rest[:wish]
        return len(rest[:wish])
    if kind == "structure":
        size = ctypes.sizeof(wish)
        expected = rest[:size] if len(rest) >= size else None
        assert read_structure(buffer, wish) == expected
        return size if expected is not None else 0
    size, result = expected_line(rest, *wish)
    if isinstance(result, type):
        with pytest.raises(result):
            read_line(buffer, *wish)
    else:
        assert read_line(buffer, *wish) == result
    return size


MESSAGES = 1000


@pytest.mark.parametrize("lines_in_a_row", [1, 3])
def test_lines_between_other_messages_are_not_cut_again_and_again(lines_in_a_row: int) -> None:
    """A line and then so many bytes is a common protocol: what waits behind must not make each message dearer."""
    buffer = ReceiveBuffer()
    buffer.feed((b"10\n" * lines_in_a_row + b"0123456789") * MESSAGES)
    cut: list[int] = []
    for _ in range(MESSAGES):
        for _ in range(lines_in_a_row):
            before = len(buffer.lines)
            assert read_line(buffer, b"\n", "utf-8", UNBOUNDED) == "10"
            cut.append(max(0, len(buffer.lines) + 1 - before))
        assert buffer.take(10) == b"0123456789"
    assert sum(cut[1:]) < 100 * len(cut)


def test_structures_between_other_messages_are_not_cut_again_and_again() -> None:
    """The same for structures, of which two in a row look like a stream."""
    buffer = ReceiveBuffer()
    buffer.feed(b"aaabbb0" * MESSAGES)
    cut = 0
    for number in range(MESSAGES):
        assert read_structure(buffer, Triple) == b"aaa"
        assert read_structure(buffer, Triple) == b"bbb"
        cut += len(buffer.structures.getbuffer()) * (number > 0)
        assert buffer.take(1) == b"0"
    assert cut < 1000 * MESSAGES


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_what_arrives_later_does_not_move_what_is_there(encoding: str) -> None:
    """With each line that is taken something small arrives, while much waits."""
    buffer, terminator = ReceiveBuffer(), "\n".encode(encoding)
    buffer.feed("line\n".encode(encoding) * MESSAGES)
    front = buffer.front
    for number in range(MESSAGES - 1):
        assert read_line(buffer, terminator, encoding, 20) == "line"
        buffer.feed("line\n".encode(encoding))
        assert buffer.front is front, f"copied with line {number}"
    for _ in range(MESSAGES):
        assert read_line(buffer, terminator, encoding, 20) == "line"
    assert read_line(buffer, terminator, encoding, 20) is None


@pytest.mark.parametrize("chunk", [b"one;", b"one;two;"])
def test_unknown_encoding_costs_one_line_wherever_the_data_were_cut(chunk: bytes) -> None:
    """An encoding is checked where it is given, but may be changed to anything later."""
    buffer = ReceiveBuffer()
    buffer.feed(chunk)
    with pytest.raises(LookupError):
        buffer.take_line(b";", "no such encoding", UNBOUNDED)
    assert buffer.take_all() == chunk[4:]


def test_taken_bytes_are_bytes() -> None:
    """What users get can be hashed, decoded and kept."""
    buffer = ReceiveBuffer()
    buffer.feed(b"abc")
    assert type(buffer.take(2)) is bytes
    assert type(buffer.take_all()) is bytes
