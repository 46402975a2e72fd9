"""What the dome controller and its client say to each other."""

from __future__ import annotations

import ctypes

import hypothesis
import pytest
from hypothesis import strategies

from tcpip_tools.dome._protocol import (
    Command,
    CommandError,
    DomeStatus,
    ErrorCode,
    Telemetry,
    Verb,
    arc,
    check_reply,
    encode_status,
    format_error,
    is_telemetry,
    parse_command,
)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("OPEN", Command(Verb.OPEN)),
        ("close", Command(Verb.CLOSE)),
        ("  Stop ", Command(Verb.STOP)),
        ("STATUS", Command(Verb.STATUS)),
        ("DROP", Command(Verb.DROP)),
        ("MOVE 120.5", Command(Verb.MOVE, azimuth=120.5)),
        ("move   0", Command(Verb.MOVE, azimuth=0.0)),
        ("TELEMETRY ON", Command(Verb.TELEMETRY, on=True)),
        ("telemetry off", Command(Verb.TELEMETRY, on=False)),
    ],
)
def test_a_command_is_understood_in_either_case(line: str, command: Command) -> None:
    """People type commands by hand."""
    assert command == parse_command(line)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("", ErrorCode.UNKNOWN_COMMAND),
        ("DANCE", ErrorCode.UNKNOWN_COMMAND),
        ("OPEN wide", ErrorCode.BAD_ARGUMENT),
        ("MOVE", ErrorCode.BAD_ARGUMENT),
        ("MOVE east", ErrorCode.BAD_ARGUMENT),
        ("MOVE -1", ErrorCode.BAD_ARGUMENT),
        ("MOVE 360", ErrorCode.BAD_ARGUMENT),
        ("MOVE nan", ErrorCode.BAD_ARGUMENT),
        ("MOVE inf", ErrorCode.BAD_ARGUMENT),
        ("TELEMETRY", ErrorCode.BAD_ARGUMENT),
        ("TELEMETRY maybe", ErrorCode.BAD_ARGUMENT),
    ],
)
def test_a_line_that_means_nothing_is_refused_with_its_code(line: str, code: ErrorCode) -> None:
    """The client's program tells the reasons apart by number."""
    with pytest.raises(CommandError) as caught:
        parse_command(line)
    assert code == caught.value.code


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("dance", "no command 'dance'"),
        ("MOVE x", "but 'x' came"),
        ("MOVE", "but none came"),
        ("TELEMETRY maybe", "but 'maybe' came"),
        ("open Wide", "but 'Wide' came"),
    ],
)
def test_a_refusal_quotes_what_came(line: str, words: str) -> None:
    """Who looks for it in the own program must find it there."""
    with pytest.raises(CommandError, match=words):
        parse_command(line)


@hypothesis.given(strategies.text())
def test_any_text_is_understood_or_refused_in_one_line(line: str) -> None:
    """Whatever arrives, the controller has an answer, and the answer is one line of bounded length."""
    try:
        parse_command(line)
    except CommandError as e:
        reply = format_error(e)
        assert reply.isprintable()
        assert len(reply) < 600


def test_a_refusal_survives_the_way_to_the_client() -> None:
    """What the controller formats is what the client raises."""
    with pytest.raises(CommandError, match="no such thing") as caught:
        check_reply(format_error(CommandError(ErrorCode.BAD_ARGUMENT, "no such thing")))
    assert ErrorCode.BAD_ARGUMENT == caught.value.code


def test_an_error_without_a_number_is_still_an_error() -> None:
    """A controller that forgets the code must not pass for one that obeyed."""
    with pytest.raises(CommandError) as caught:
        check_reply("ERROR broken")
    assert 0 == caught.value.code


@pytest.mark.parametrize("reply", ["OK", "DATA 40"])
def test_another_reply_is_given_back(reply: str) -> None:
    """Only refusals are raised."""
    assert reply == check_reply(reply)


def test_telemetry_survives_the_way_to_the_client() -> None:
    """Both sides agree on the keys."""
    line = '{"azimuth": 1.25, "target": 2.0, "moving": true, "shutter_open": false}'
    telemetry = Telemetry.from_line(line)
    assert Telemetry(1.25, 2.0, moving=True, shutter_open=False) == telemetry
    assert telemetry == Telemetry(**telemetry.to_json())  # type: ignore[arg-type]  # the keys are those of the fields
    assert is_telemetry(line)
    assert not is_telemetry("OK")


@pytest.mark.parametrize("line", ["{", "[]", '{"azimuth": 1}'])
def test_what_is_no_telemetry_is_a_value_error(line: str) -> None:
    """A client sees one type of error, whatever is wrong with the line."""
    with pytest.raises(ValueError, match=r"."):
        Telemetry.from_line(line)


def test_the_status_has_the_size_that_is_promised_and_no_padding() -> None:
    """Another language reads it too, by the table in the documentation."""
    assert 40 == ctypes.sizeof(DomeStatus)
    assert 40 == sum(ctypes.sizeof(field[1]) for field in DomeStatus._fields_)


def test_the_answer_to_status_declares_the_size_of_what_follows() -> None:
    """The client knows how much to read before it reads it."""
    answer = encode_status(DomeStatus(azimuth=1.5, commands=3))
    line, _, rest = answer.partition(b"\r\n")
    assert (b"DATA 40", 40) == (line, len(rest))
    status = DomeStatus.from_buffer_copy(rest)
    assert (1.5, 3) == (status.azimuth, status.commands)


@pytest.mark.parametrize(
    ("start", "end", "way"), [(0, 120, 120), (120, 0, -120), (350, 10, 20), (10, 350, -20), (5, 5, 0), (0, 180, -180)]
)
def test_the_dome_takes_the_shorter_way(start: float, end: float, way: float) -> None:
    """Nobody turns a dome of tons the long way round."""
    assert way == arc(start, end)
