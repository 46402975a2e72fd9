"""Take the pictures of the command that the docs show: ``python -m tests.tools.screenshots docs/images``.

The command runs at a terminal of its own, against a device of plain sockets, and what a person would see is drawn.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import pyte.screens
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.support import IPV4
from tests.tools._devices import device, lines
from tests.tools._terminal import COLUMNS, Terminal, terminal

ROOT = Path(__file__).resolve().parents[2]


def draw(shown: Terminal, title: str, path: Path) -> None:
    """Draw what is on a terminal."""
    with Path("/dev/null").open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True, color_system="truecolor")
        for row in shown.rows():
            console.print(styled(row))
        path.write_text(console.export_svg(title=title, theme=MONOKAI, unique_id=path.stem), encoding="utf-8")


def styled(row: list[pyte.screens.Char]) -> Text:
    """Give a row of a screen its colours."""
    text = Text(no_wrap=True)
    for char in row:
        words = [word for word in ("bold", "reverse", "underscore") if getattr(char, word)]
        style = " ".join("underline" if word == "underscore" else word for word in words)
        if char.fg != "default":
            style += f" {'#' if len(char.fg) == 6 and char.fg.isalnum() and not char.fg.isalpha() else ''}{char.fg}"
        text.append(char.data, style.replace("brown", "yellow").strip() or None)
    text.rstrip()
    return text


def talk(images: Path) -> None:
    """A conversation with a dome: a reply, a line that comes unasked, a drop, and the link again."""
    answers = lines(b"\r\n", STATUS=b"azimuth 41.5 shutter closed", OPEN=b"ok", HALT="fin")
    with tempfile.TemporaryDirectory() as home, device(answers) as dome:
        target = f"{IPV4}:{dome.port}"
        with terminal("talk", target, "--time", "relative", HOME=home, XDG_STATE_HOME=home) as shown:
            shown.wait_for(">")
            shown.type("STATUS\r")
            shown.wait_for("azimuth 41.5")
            shown.type("OPEN\r")
            shown.wait_for(lambda rows: any(row.endswith("ok") or " ok " in row for row in rows))
            shown.type("STA")
            dome.tell(b"event: shutter open\r\n")
            shown.wait_for("event: shutter open")
            shown.type("\x15HALT\r")
            shown.wait_for("FIN")
            shown.wait_for(lambda rows: rows[-1].startswith(f"{target}: not connected"))
            shown.type(":reconnect\r")
            shown.wait_for(lambda rows: sum("* connected to" in row for row in rows) > 1)
            shown.wait_for(lambda rows: rows[-1].startswith(f"{target}: connected"))
            shown.type("S")
            shown.wait_for(lambda _: shown.before_cursor().endswith("> S"))
            draw(shown, f"tcpip talk {target}", images / "talk.svg")


def log_stats(images: Path) -> None:
    """What the command says of a night."""
    night = ROOT / "docs/examples/night.tcplog"
    with terminal("log", "stats", str(night)) as shown:
        shown.wait_end()
        draw(shown, "tcpip log stats night.tcplog", images / "log-stats-terminal.svg")


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path)
    images: Path = parser.parse_args().images
    talk(images)
    log_stats(images)


if __name__ == "__main__":
    main()
