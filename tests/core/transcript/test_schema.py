"""The published schema says of the lines what is true of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from tcpip_core.transcript import Event, Header
from tcpip_core.transcript._lines import decode_event, decode_header
from tests.core.transcript._logs import LOGS, written
from tests.repo._tree import ROOT

jsonschema = pytest.importorskip("jsonschema", reason="of the group tests in pyproject.toml, and not installed here")
SCHEMA: dict[str, Any] = json.loads((ROOT / "docs/reference/tcplog.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def is_valid(line: bytes) -> bool:
    return bool(VALIDATOR.is_valid(json.loads(line)))


def is_read(line: bytes) -> bool:
    try:
        decode_header(line) if b"tcplog" in line else decode_event(line, "utf-8")
    except ValueError:
        return False
    return True


def test_the_schema_is_one() -> None:
    """A validator that meets a misspelt keyword passes over it."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@given(LOGS)
def test_every_line_that_is_written_obeys_the_schema(log: tuple[Header, list[Event]]) -> None:
    """Programs of others are written by it."""
    for line in written(*log).splitlines():
        VALIDATOR.validate(json.loads(line))


@pytest.mark.parametrize(
    "line",
    [
        b'{"tcplog":1}',
        b'{"tcplog":2,"start":"2026-01-31T23:59:59Z"}',
        b'{"tcplog":1,"start":"now"}',
        b'{"tcplog":1,"start":"2026-01-31T23:59:59Z","unit":"s"}',
        b'{"t":1}',
        b'{"event":"mark","text":""}',
        b'{"t":-1,"event":"mark","text":""}',
        b'{"t":9223372036854775808,"event":"mark","text":""}',
        b'{"t":1,"event":"mark"}',
        b'{"t":1,"event":"data","conn":1,"dir":">"}',
        b'{"t":1,"event":"data","conn":1,"dir":"?","text":""}',
        b'{"t":1,"event":"data","conn":1,"dir":">","hex":"0"}',
        b'{"t":1,"event":"eof","conn":1}',
        b'{"t":1,"event":"close","conn":1}',
        b'{"t":1,"event":"clock"}',
    ],
)
def test_what_the_reader_refuses_the_schema_refuses(line: bytes) -> None:
    """Else a program written by the schema would make logs that we do not read."""
    assert (False, False) == (is_valid(line), is_read(line))


@pytest.mark.parametrize(
    "line",
    [
        b'{"tcplog":1,"start":"2026-01-31T23:59:59+01:00"}',
        b'{"t":1,"event":"weather"}',
        b'{"t":1,"event":"open","conn":1,"colour":"red"}',
        b'{"t":1,"event":"gap"}',
        b'{"t":1,"event":"error","text":"x"}',
    ],
)
def test_what_is_not_needed_may_be_left_out_and_more_may_be_there(line: bytes) -> None:
    """Both sides agree on what is optional."""
    assert (True, True) == (is_valid(line), is_read(line))
