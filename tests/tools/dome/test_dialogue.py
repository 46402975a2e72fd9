"""How the conversation looks: which lines there are, and what is in them."""

from __future__ import annotations

import io
import re

import pytest

from tcpip_tools._report import Event, Output
from tcpip_tools.dome._dialogue import LEGEND, ColourDialogue, Dialogue, Tally
from tcpip_tools.dome._overheard import messages_in

LINE = re.compile(r"\d\d:\d\d:\d\d\.\d{3}  \+\d+\.\d{3}  (.*)")


class Terminal(io.StringIO):
    """What rich takes for a terminal."""

    def isatty(self) -> bool:
        return True


def lines_of(*events: Event) -> list[str]:
    """Show events as plain lines and give these without their times."""
    stream = io.StringIO()
    dialogue = Dialogue(Output(stream))
    for event in events:
        dialogue(event)
    dialogue.close()
    found = [LINE.fullmatch(line) for line in stream.getvalue().splitlines()]
    return [line[1] for line in found if line]


def turning(*fractions: float) -> list[Event]:
    """Give the events of one turn."""
    return [
        Event("progress", f"{one:.0%}", data={"fraction": one, "azimuth": 1.0, "moving": one < 1}) for one in fractions
    ]


def said(text: str) -> Event:
    """Give the event of a line from the device."""
    (event,) = messages_in("<", text.encode() + b"\r\n")
    return event


def test_a_line_has_the_time_the_span_the_direction_and_the_message() -> None:
    """As the manual shows it."""
    stream = io.StringIO()
    Dialogue(Output(stream))(said("OK"))
    line = stream.getvalue().splitlines()[-1]
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}  \+0\.\d{3}  < OK", line)


def test_what_the_marks_mean_is_said_once_and_first() -> None:
    """Who sees the demo for the first time has not read its help."""
    stream = io.StringIO()
    dialogue = Dialogue(Output(stream))
    for _ in range(3):
        dialogue(said("OK"))
    assert list(LEGEND) == stream.getvalue().splitlines()[: len(LEGEND)]
    assert len(LEGEND) + 3 == len(stream.getvalue().splitlines())


def test_only_the_first_line_of_a_stream_of_telemetry_is_shown() -> None:
    """Ten lines a second would hide the conversation; a heartbeat in between changes nothing."""
    (heartbeat,) = messages_in(">", b"heartbeat\r\n")
    shown = lines_of(said("{1}"), said("{2}"), heartbeat, said("{3}"), said("OK"), said("{4}"))
    assert ["< {1}", "> heartbeat", "< OK", "< {4}"] == shown


def test_progress_is_a_line_a_quarter() -> None:
    """In a log file one wants to see that it goes on, not each step; and the second turn starts anew."""
    fractions = (0.0, 0.1, 0.3, 0.4, 0.6, 0.8, 0.9, 1.0)
    quarters = ["- 0%", "- 30%", "- 60%", "- 80%", "- 100%"]
    assert quarters * 2 == lines_of(*turning(*fractions), *turning(*fractions))


def test_a_summary_of_nothing_is_left_out() -> None:
    """Where the start failed, the sentence on stderr says it all."""
    summary = Tally().summary(0.0, 2, "failed")
    assert [] == lines_of(summary)
    assert 2 == len(lines_of(said("OK"), summary))


def test_the_tally_counts_each_kind() -> None:
    """The last line is what a script looks at."""
    tally = Tally()
    for event in (
        Event("connected", ""),
        Event("lost", ""),
        *messages_in(">", b"OPEN\r\nheartbeat\r\n"),
        *messages_in("<", b"OK\r\nERROR 1 no\r\n{1}\r\n"),
    ):
        tally.count(event)
    summary = tally.summary(1.5, 0, "done")
    expected = {"connections": 1, "lost": 1, "sent": 2, "received": 3, "telemetry": 1, "heartbeats": 1, "refused": 1}
    assert expected | {"exit": 0, "outcome": "done", "seconds": 1.5, "bytes": 28} == dict(summary.data)
    assert summary.text.startswith("done after 1.5 s: connections 1, lost 1; sent 2, received 3 (")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Give a terminal that knows colours."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    return Terminal()


def show(terminal: Terminal, *events: Event) -> str:
    """Show events on a terminal."""
    dialogue = ColourDialogue(Output(terminal))
    for event in events:
        dialogue(event)
    dialogue.close()
    return terminal.getvalue()


def test_a_terminal_gets_colours_and_a_bar(terminal: Terminal) -> None:
    """The bar goes away once the dome stands, and a line says that it does."""
    text = show(terminal, said("OK"), *turning(0.0, 0.5, 1.0))
    assert "\x1b[32m" in text
    assert "\u2501" in text
    assert text.rstrip().endswith("100%\x1b[0m")


def test_no_color_keeps_the_bar_and_leaves_the_colours_out(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is about colour only."""
    monkeypatch.setenv("NO_COLOR", "1")
    text = show(terminal, said("OK"), *turning(0.0, 0.5, 1.0))
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", text)
    assert "turning" in text


def test_what_a_device_says_is_never_taken_for_markup(terminal: Terminal) -> None:
    """Square brackets are text."""
    assert "[bold]x[/nonsense]" in show(terminal, said("[bold]x[/nonsense]"))


def test_a_bar_that_is_cut_off_leaves_the_terminal_as_it_was(terminal: Terminal) -> None:
    """Ctrl-C in the middle of a turn must not leave a terminal without a cursor."""
    text = show(terminal, *turning(0.0, 0.5))
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
