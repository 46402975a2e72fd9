"""What the strategies draw: what they promise, all of it, and in the end the simplest."""

from __future__ import annotations

import asyncio
import ctypes
import math
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpip_testing.framing import parse_framing
from tcpip_testing.pairs import memory_pair
from tcpip_testing.sim import Simulation, sim_run
from tcpip_testing.strategies import Fault, Frame, chunkings, faults, frames, pieces, structures

NO_CONDITION = hypothesis.settings(max_examples=2000, derandomize=True, deadline=None, database=None)


def found(strategy: st.SearchStrategy[Any], condition: Callable[[Any], bool]) -> Any:
    """Return the simplest that meets a condition."""
    return hypothesis.find(strategy, condition, settings=NO_CONDITION)


# Chunks


@given(chunkings(max_size=5, max_length=3))
def test_chunkings_are_sizes(sizes: list[int]) -> None:
    assert 1 <= len(sizes) <= 3
    assert all(1 <= size <= 5 for size in sizes)


@given(st.binary(min_size=1, max_size=100), chunkings())
def test_chunkings_are_taken_by_a_pair(data: bytes, sizes: list[int]) -> None:
    async def send() -> bytes:
        async with memory_pair(chunks=sizes) as (near, far):
            near.writer.write(data)
            near.writer.write_eof()
            return await far.reader.read()

    assert data == sim_run(send)


def test_chunkings_shrink_to_few_cuts() -> None:
    """An example without a cut says that it is not the cuts."""
    assert [64] == found(chunkings(), lambda sizes: True)
    assert [1] == found(chunkings(), lambda sizes: sizes[0] == 1)


@given(st.data(), st.binary(max_size=20))
def test_pieces_are_the_data(data: st.DataObject, whole: bytes) -> None:
    cut = data.draw(pieces(whole))
    assert whole == b"".join(cut)
    assert all(cut)


def test_pieces_shrink_to_one() -> None:
    assert [b"abcd"] == found(pieces(b"abcd"), lambda cut: True)
    assert [b"ab", b"cd"] == found(pieces(b"abcd"), lambda cut: b"ab" in cut)
    assert [b"a", b"b", b"c", b"d"] == found(pieces(b"abcd"), lambda cut: len(cut) == 4)


# Frames


class Status(ctypes.BigEndianStructure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("code", ctypes.c_uint16), ("angle", ctypes.c_double)]


NAMES = ["crlf", "lf", "cr", "nul", "hex:aa", "fixed:3", "len:u8", "len:u16be", "len:u32le", "struct:>HHf", "raw"]


@pytest.mark.parametrize("name", [*NAMES, f"struct:{__name__}:Status"])
@hypothesis.settings(max_examples=25)
@given(data=st.data())
def test_frames_are_what_their_framing_carries(name: str, data: st.DataObject) -> None:
    """Also one after the other, and wherever the stream is cut."""
    drawn = data.draw(st.lists(frames(name, max_size=300), max_size=3))
    decoder = parse_framing(name).decoder()
    messages: list[bytes] = []
    for piece in data.draw(pieces(b"".join(frame.wire for frame in drawn))):
        messages += decoder.feed(piece)
    expected = [frame.message for frame in drawn]
    if name == "raw":
        messages, expected = [b"".join(messages)], [b"".join(expected)]
    assert expected == messages


@given(frames("len:u16be", max_size=5))
def test_messages_are_no_longer_than_asked_for(frame: Frame) -> None:
    assert len(frame.message) <= 5


# Structures


class Point(ctypes.LittleEndianStructure):
    _fields_ = [("x", ctypes.c_int8), ("y", ctypes.c_int64)]


class Either(ctypes.Union):
    _fields_ = [("number", ctypes.c_uint32), ("letters", ctypes.c_char * 4)]


class Everything(ctypes.Structure):
    _fields_ = [
        ("points", Point * 2),
        ("either", Either),
        ("name", ctypes.c_char * 8),
        ("label", ctypes.c_wchar * 3),
        ("letter", ctypes.c_char),
        ("wide", ctypes.c_wchar),
        ("flag", ctypes.c_bool),
        ("flags", ctypes.c_uint16, 3),
        ("level", ctypes.c_int16, 5),
        ("ratio", ctypes.c_float),
        ("long", ctypes.c_longdouble),
    ]


class More(Everything):
    _fields_ = [("matrix", (ctypes.c_uint8 * 2) * 2)]


@given(structures(More))
def test_all_kinds_of_fields_are_drawn(more: More) -> None:
    """Those of a base class too."""
    assert isinstance(more, More)
    assert 0 <= more.flags < 8
    assert -16 <= more.level < 16
    assert ctypes.sizeof(More) == len(bytes(more))


EXTREMES: list[tuple[Any, Any]] = [
    (ctypes.c_int64, -(2**63)),
    (ctypes.c_int8, 127),
    (ctypes.c_uint32, 2**32 - 1),
    (ctypes.c_float, math.inf),
    (ctypes.c_char, b"\xff"),
]


@pytest.mark.parametrize(("kind", "value"), EXTREMES)
@pytest.mark.parametrize("base", [ctypes.LittleEndianStructure, ctypes.BigEndianStructure])
def test_extreme_values_are_drawn(base: Any, kind: Any, value: Any) -> None:
    """Those are what breaks programs."""
    one_field = type("OneField", (base,), {"_fields_": [("field", kind)]})
    assert value == found(structures(one_field), lambda drawn: drawn.field == value).field


@pytest.mark.parametrize(("kind", "value"), [(ctypes.c_uint16, 7), (ctypes.c_int16, -4), (ctypes.c_int16, 3)])
def test_bit_fields_are_drawn_in_full(kind: Any, value: int) -> None:
    three_bits = type("ThreeBits", (ctypes.Structure,), {"_fields_": [("field", kind, 3)]})
    assert value == found(structures(three_bits), lambda drawn: drawn.field == value).field


def test_structures_shrink_to_zeros() -> None:
    status: Status = found(structures(Status), lambda status: True)
    assert bytes(ctypes.sizeof(Status)) == bytes(status)


def test_structures_are_printed_with_their_fields() -> None:
    """Their own repr is an address."""

    @hypothesis.settings(NO_CONDITION, max_examples=50)
    @given(structures(Status))
    def fails(status: Status) -> None:
        assert status.code < 5

    with pytest.raises(AssertionError) as caught:
        fails()
    assert re.search(r"Status\(\s*code=5,\s*angle=0\.0", "\n".join(caught.value.__notes__))


class HasPointer(ctypes.Structure):
    _fields_ = [("where", ctypes.c_void_p)]


class HasObject(ctypes.Structure):
    _fields_ = [("what", ctypes.py_object)]


class HasTypedPointer(ctypes.Structure):
    _fields_ = [("where", ctypes.POINTER(ctypes.c_int) * 2)]


@pytest.mark.parametrize("kind", [HasPointer, HasObject, HasTypedPointer])
def test_structures_with_addresses_are_refused(kind: type[ctypes.Structure]) -> None:
    """They mean nothing to a peer; and a drawn address would crash the process that looks."""
    with pytest.raises(TypeError, match="holds an address or a Python object"):
        structures(kind)


# Faults


@given(faults(max_at=3, max_duration=2))
def test_faults_are_in_their_bounds(fault: Fault) -> None:
    assert 0 <= fault.at <= 3
    assert 0 <= fault.duration <= (2 if fault.kind in {"stall", "outage"} else 0)


@pytest.mark.parametrize("kind", ["reset", "stall", "outage", "cut"])
def test_each_kind_is_drawn(kind: str) -> None:
    assert Fault(kind, 0.0) == found(faults(), lambda fault: fault.kind == kind)  # type: ignore[arg-type]


def outcome(fault: Fault) -> tuple[str, float]:
    """Return what a client that waits for a line meets, and when."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2)
        writer.write(b"line\n")
        writer.close()

    async def main(sim: Simulation) -> tuple[str, float]:
        server = await asyncio.start_server(serve, "127.0.0.1", 5000)
        reader, writer = await asyncio.open_connection("127.0.0.1", 5000)
        fault.schedule(sim, lambda: writer)
        try:
            async with asyncio.timeout(100):
                got = (await reader.readline()).decode()
        except OSError as e:
            got = type(e).__name__
        writer.close()
        server.close()
        return got, round(sim.time, 1)

    return sim_run(main)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault("reset", 1), ("ConnectionResetError", 1.0)),
        (Fault("stall", 1, 5), ("line\n", 6.0)),
        (Fault("outage", 1, 5), ("line\n", 8.2)),  # when TCP tries again
        (Fault("cut", 1), ("TimeoutError", 100.0)),
        (Fault("reset", 3), ("line\n", 2.0)),
    ],
    ids=str,
)
def test_a_fault_happens_when_it_is_due(fault: Fault, expected: tuple[str, float]) -> None:
    assert expected == outcome(fault)


@pytest.mark.parametrize("kind", ["reset", "stall", "outage", "cut"])
def test_a_fault_without_a_victim_does_nothing(kind: Any) -> None:
    """A client that has just lost its link is not there to be hit."""

    async def main(sim: Simulation) -> None:
        async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 5000):
            _, writer = await asyncio.open_connection("127.0.0.1", 5000)
            writer.close()
            await writer.wait_closed()
            Fault(kind, 1, 1).schedule(sim, lambda: None)
            Fault(kind, 1, 1).schedule(sim, lambda: writer)
            await sim.advance(10)

    sim_run(main)


# What is wrong


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (lambda: chunkings(max_size=0), ValueError, "1 or more"),
        (lambda: chunkings(max_length=0), ValueError, "1 or more"),
        (lambda: frames("clrf"), ValueError, "allowed are crlf"),
        (lambda: frames("crlf", max_size=-1), ValueError, "0 bytes or more"),
        (lambda: structures(int), TypeError, "subclass of ctypes.Structure"),  # type: ignore[type-var]
        (lambda: faults(["rest"]), ValueError, "some of reset, stall, outage, cut"),  # type: ignore[list-item]
        (lambda: faults([]), ValueError, "some of reset"),
        (lambda: faults(max_at=-1), ValueError, "0 s or more"),
    ],
)
def test_wrong_arguments_say_what_is_allowed(draw: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        draw()


def test_without_hypothesis_the_import_says_what_to_install() -> None:
    """The extra is optional, and its name is what one needs."""
    code = "import sys; sys.modules['hypothesis'] = None; import tcpip_testing.strategies"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (
        "ImportError: tcpip_testing.strategies needs Hypothesis: python -m pip install 'tcpip-testing[h" in done.stderr
    )


def test_suites_need_neither_pytest_nor_hypothesis() -> None:
    """Who tests with unittest inherits them too."""
    code = (
        "import sys; sys.modules['hypothesis'] = sys.modules['pytest'] = sys.modules['pytest_asyncio'] = None; "
        "import tcpip_testing.conformance"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
