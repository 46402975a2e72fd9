"""JSON that is deep, huge, repeated or no JSON: an error that shows it, in a bounded time, and the link stays up."""

from __future__ import annotations

import json
import logging
import math
from typing import Any

import pytest

from tcpip_core import JSONEncodeError, Limits, LossReason, OneClientReadLoopServer
from tests.contract._links import Side, linked
from tests.contract._rigs import rigged
from tests.faults._faults import SLACK, errors, timed
from tests.faults.conftest import Figure
from tests.support import IPV4, Changes, Peer, soon

SIDES = pytest.mark.parametrize("side", ["client", "server"])

REFUSED = {
    "deep lists": b"[" * 60_000,
    "deep lists, closed": b"[" * 30_000 + b"]" * 30_000,
    "deep objects": b'{"a":' * 12_000,
    "deep objects, closed": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "an integer of 60 000 digits": b"1" * 60_000,
    "a negative one in a list": b"[-" + b"1" * 60_000 + b"]",
    "nothing": b"",
    "spaces": b" " * 60_000,
    "no JSON": b"move 10",
    "two values": b"{} {}",
    "a mark of the byte order": "\ufeff{}".encode(),
    "a NUL": b"\x00",
    "a bad escape": rb'"\x"',
    "single quotes": b"{'a': 1}",
    "control character in a string": b'"a\x01b"',
}


@pytest.mark.parametrize("line", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("strict", [False, True])
@SIDES
async def test_bad_json_costs_its_line_only(
    strict: bool, line: bytes, side: Side, log: logging.Logger, figure: Figure
) -> None:
    """A JSONDecodeError that shows what came, cut short; never a RecursionError, never a hang."""
    async with linked(side, IPV4, log, limits=Limits(strict_json=strict)) as link:
        await link.peer.send_all(line + b'\r\n{"ok": 1}\r\n')
        with timed() as watch:
            with pytest.raises(json.JSONDecodeError) as caught:
                await soon(link.subject.read_json())
        figure("60 kB of hostile JSON", watch.seconds)
        assert watch.seconds < SLACK
        assert len(str(caught.value)) < 400
        assert await soon(link.subject.read_json()) == {"ok": 1}
        assert link.told == [True]


@SIDES
@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b"[Infinity, -Infinity]", [math.inf, -math.inf]),
        (b'{"x": {"a": 1, "b": 2, "a": 3}}', {"x": {"a": 3, "b": 2}}),
    ],
)
async def test_json_that_devices_send_is_read_unless_strict(
    line: bytes, value: object, side: Side, log: logging.Logger
) -> None:
    """By default the last of two keys counts and infinities are floats; strict refuses both."""
    async with linked(side, IPV4, log) as link:
        link.send(line + b"\r\n")
        assert await soon(link.subject.read_json()) == value
    async with linked(side, IPV4, log, limits=Limits(strict_json=True)) as link:
        link.send(line + b'\r\n{"ok": 1}\r\n')
        with pytest.raises(json.JSONDecodeError):
            await soon(link.subject.read_json())
        assert await soon(link.subject.read_json()) == {"ok": 1}


@SIDES
async def test_nan_is_read_and_written_unless_strict(side: Side, log: logging.Logger) -> None:
    """A sensor without a value says NaN; strict refuses it both ways, and writes nothing."""
    async with linked(side, IPV4, log) as link:
        link.send(b"[NaN]\r\n")
        (value,) = await soon(link.subject.read_json())
        assert math.isnan(value)
        await soon(link.subject.write_json([math.nan]))
        assert await link.peer.read_until(b"\r\n") == b"[NaN]\r\n"
    async with linked(side, IPV4, log, limits=Limits(strict_json=True)) as link:
        link.send(b"[NaN]\r\n")
        with pytest.raises(json.JSONDecodeError):
            await soon(link.subject.read_json())
        with pytest.raises(JSONEncodeError):
            await soon(link.subject.write_json([math.nan]))
        await soon(link.subject.write_json([1]))
        assert await link.peer.read_until(b"\r\n") == b"[1]\r\n"


@SIDES
async def test_lone_surrogate_in_json_is_read_and_written_as_ascii(side: Side, log: logging.Logger) -> None:
    r"""``"\ud800"`` is legal JSON; written it is escaped again, so no encoding is in its way."""
    async with linked(side, IPV4, log) as link:
        link.send(rb'"\ud800"' + b"\r\n")
        value = await soon(link.subject.read_json())
        assert value == "\ud800"
        await soon(link.subject.write_json(value))
        assert await link.peer.read_until(b"\r\n") == rb'"\ud800"' + b"\r\n"


def _endless() -> list[Any]:
    data: list[Any] = []
    data.append(data)
    return data


def _deep() -> list[Any]:
    data: list[Any] = []
    for _ in range(100_000):
        data = [data]
    return data


@pytest.mark.parametrize("make_data", [_endless, _deep, lambda: {1, 2}, lambda: {(1, 2): 3}, lambda: b"bytes"])
async def test_data_that_json_cannot_express_write_nothing(make_data: Any, kind: str, log: logging.Logger) -> None:
    """Our own mistake is told to us, and costs no link."""
    async with rigged(kind, IPV4, log) as rig:
        with pytest.raises(JSONEncodeError):
            await soon(rig.subject.write_json(make_data()))
        await soon(rig.subject.write_json({"ok": 1}))
        assert await rig.peer.read_until(b"\r\n") == b'{"ok": 1}\r\n'


class JsonServer(OneClientReadLoopServer):
    """Answer a JSON value with itself."""

    async def read_and_dispatch(self) -> None:
        """Read and answer one value."""
        await self.write_json(await self.read_json())


@pytest.mark.parametrize("line", REFUSED.values(), ids=REFUSED.keys())
async def test_bad_json_ends_the_client_of_a_read_loop(
    line: bytes, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """One short error in the log, with the reason; the server serves on."""
    changes = Changes()
    async with JsonServer(host=IPV4, port=0, log=log, connect_callback=changes.callback) as server:
        async with Peer(IPV4, server.port) as peer:
            await peer.send_all(line + b"\r\n")
            await peer.wait_hung_up()
        assert [await changes.next(), await changes.next()] == [True, False]
        assert server.loss_reason is LossReason.BAD_MESSAGE
        (message,) = errors(caplog)
        assert message.isprintable()
        assert len(message) <= 300
        async with Peer(IPV4, server.port) as peer:
            peer.send(b"[1]\r\n")
            assert await peer.read_until(b"\r\n") == b"[1]\r\n"
