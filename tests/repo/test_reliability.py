"""The page on reliability says of the code what is true of it: states, bounds, reasons."""

import re
from dataclasses import fields

from tcpip_core import Heartbeat, Keepalive, Limits, LossReason, _lobby, _publisher, _read_loop_server, _slot, _tasks
from tcpip_core._states import CONNECTED, State
from tests.repo._tree import ROOT
from tests.repo.test_architecture import diagram

PAGE = (ROOT / "docs/explanation/reliability.md").read_text(encoding="utf-8")
IN_BYTES = {"frame_size"}
PLAIN = {"probes"}


def section(title: str) -> str:
    """Give the text below a heading."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def shown(name: str, value: object) -> str:
    """Write a bound as the page does."""
    if value is None or isinstance(value, bool):
        return "none" if value is None else "on" if value else "off"
    unit = " bytes" if name in IN_BYTES else "" if name in PLAIN else " s"
    return f"{value:g}{unit}" if name not in IN_BYTES else f"{value}{unit}"


def bounds() -> list[tuple[str, str]]:
    """List each bound and its default, as the page does."""
    public = [
        (f"`{type(one).__name__}.{field.name}`", shown(field.name, getattr(one, field.name)))
        for one in (Limits(), Keepalive(), Heartbeat())
        for field in fields(one)
    ]
    return [
        *public,
        ("TLS handshake of a newcomer", f"{_lobby._HANDSHAKE_TIMEOUT:g} s"),
        ("newcomers in a TLS handshake", f"{_lobby._MOST_WAITING}"),
        ('a holder\'s answer to `on_second_client="probe"`', f"{_slot._PROBE_TIME:g} s"),
        ("an end of the holder that the kernel has seen and the event loop has not", f"{_slot._FEW_TURNS:g} s"),
        ("a task of ours that was cancelled", f"{_tasks.GRACE:g} s"),
        ("the read loop of a client that is gone", f"{_read_loop_server._END_TIMEOUT:g} s"),
        ("changes that the callback was not told yet", f"{_publisher._MOST_UNTOLD}"),
    ]


def test_the_state_diagram_is_that_of_the_code() -> None:
    """A reader who wonders what may follow must not be sent astray."""
    assert f"```text\n{diagram()}\n```" in section("The life of a connection")


def test_the_page_says_in_which_states_a_link_counts_as_connected() -> None:
    """It is the one attribute that every program asks."""
    rows = re.findall(r"^\| (\w+) \| (True|False) \|", section("The life of a connection"), re.MULTILINE)
    assert [(state.value, str(state in CONNECTED)) for state in State] == rows


def test_the_bounds_are_those_of_the_code() -> None:
    """A figure that one relies on must not be an old one, and none may be missing."""
    rows = re.findall(r"^\| (.+?) \| (.+?) \|", section("Bounds"), re.MULTILINE)
    assert bounds() == [row for row in rows if row != ("bound", "default") and not row[0].startswith("-")]


def test_each_reason_of_a_loss_is_explained() -> None:
    """A reason that a program prints can be looked up."""
    listed = re.findall(r"^\| `(\w+)` \|", section("How a loss is noticed"), re.MULTILINE)
    assert [reason.name for reason in LossReason] == listed
