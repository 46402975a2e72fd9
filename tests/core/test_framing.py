"""The receive buffer against a plain model, with streams cut anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

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


def test_taken_bytes_are_bytes() -> None:
    """What users get can be hashed, decoded and kept."""
    buffer = ReceiveBuffer()
    buffer.feed(b"abc")
    assert type(buffer.take(2)) is bytes
    assert type(buffer.take_all()) is bytes
