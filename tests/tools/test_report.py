"""Events as JSON lines, and streams whose reader leaves."""

from __future__ import annotations

import io
import json
import os
from datetime import datetime

import pytest

from tcpip_tools._report import Event, JsonLines, Output, Stopwatch, printable


def test_a_json_line_has_a_version_the_kind_and_both_times() -> None:
    """A machine finds out what it reads before it reads it."""
    stream = io.StringIO()
    JsonLines(Output(stream))(Event("message", "for people", ">", {"text": "OPEN"}))
    line = json.loads(stream.getvalue())
    assert (1, "message", "OPEN") == (line["version"], line["event"], line["text"])
    assert datetime.fromisoformat(line["time"]).utcoffset() is not None
    assert line["elapsed"] >= 0


def test_spans_are_measured_from_the_start_and_from_the_line_before() -> None:
    """Reply times are what one reads a dialogue for."""
    clock = iter((10.0, 10.5, 12.0, 13.0))
    watch = Stopwatch(lambda: next(clock))
    stamps = [watch.stamp(), watch.stamp()]
    assert [(0.5, 0.5), (2.0, 1.5)] == [(stamp.elapsed, stamp.delta) for stamp in stamps]
    assert 3.0 == watch.elapsed()


def test_each_line_is_flushed_and_a_reader_that_leaves_is_no_error() -> None:
    """``| head -1``: the writer is told once, and drops the rest."""
    reading, writing = os.pipe()
    told: list[bool] = []
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        output = Output(stream)
        output.on_gone = lambda: told.append(True)
        output.line("one")
        assert b"one\n" == os.read(reading, 100)
        os.close(reading)
        output.line("two")
        output.line("three")
    assert output.gone
    assert [True] == told


def test_a_character_that_the_stream_lacks_is_escaped() -> None:
    """An old terminal shows a code, not a traceback."""
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii") as stream:
        Output(stream).line("caf\xe9")
        assert b"caf\\xe9\n" == raw.getvalue()


def test_a_picture_is_drawn_with_what_the_stream_has() -> None:
    """An instrument's console often knows ASCII alone."""
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii") as stream:
        Output(stream).line("▁▄█ ██▌ é")
        assert b".=# ##| \\xe9\n" == raw.getvalue()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain caf\xe9", "plain caf\xe9"),
        ("\x1b[2J\x07\r\n", r"\x1b[2J\x07\r\n"),
        ("\u202egnp", r"\u202egnp"),
        ("x" * 20, "xxxxxxxxxx... (20 characters)"),
    ],
)
def test_what_a_peer_says_cannot_move_the_cursor(text: str, shown: str) -> None:
    """Terminals obey escape sequences, whoever sent them."""
    assert shown == printable(text, 10 if len(text) == 20 else 200)
