"""The conversation on a screen: a line an event; on a terminal in colour, with a progress bar.

``12:00:01.234  +0.012  > OPEN`` is the time, the time since the line before (seconds), the direction, the message.
"""

from typing import TYPE_CHECKING, Final

from .._report import Event, Output, Stopwatch
from ._protocol import is_telemetry

if TYPE_CHECKING:
    from rich.progress import TaskID

__all__ = ["ColourDialogue", "Dialogue", "Tally"]

LEGEND: Final = (
    "time, seconds since the line before, then > client to device, < device to client, * the link, ! wrong, - a note",
    "of the telemetry of a turn only the first line is shown; --json shows each",
)

_STEP: Final = 0.25
"""How much of a turn goes by between two lines of progress, where there is no bar."""


class Tally:
    """Counts what was said."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(
            ("connections", "lost", "sent", "received", "telemetry", "heartbeats", "refused", "bytes"), 0
        )

    def count(self, event: Event) -> None:
        """Count one event."""
        counts = self.counts
        if event.kind == "connected":
            counts["connections"] += 1
        elif event.kind == "lost":
            counts["lost"] += 1
        elif event.kind == "message":
            text = str(event.data.get("text", ""))
            counts["sent" if event.mark == ">" else "received"] += 1
            counts["telemetry"] += is_telemetry(text)
            counts["heartbeats"] += text == "heartbeat"
            counts["refused"] += text.startswith("ERROR")
            counts["bytes"] += int(str(event.data["size"]))

    def summary(self, elapsed: float, status: int, outcome: str) -> Event:
        """Return the last event.

        Parameters
        ----------
        elapsed : float
            How long it all took (seconds).
        status : int
            What the command exits with.
        outcome : str
            How it ended, for a person.
        """
        counts = self.counts
        text = (
            f"{outcome} after {elapsed:.1f} s: connections {counts['connections']}, lost {counts['lost']}; "
            f"sent {counts['sent']}, received {counts['received']} "
            f"(heartbeats {counts['heartbeats']}, telemetry {counts['telemetry']}, refusals {counts['refused']})"
        )
        return Event("summary", text, "=", {"exit": status, "outcome": outcome, "seconds": round(elapsed, 3)} | counts)


class Dialogue:
    """Plain lines, for a pipe or a file.

    What the marks mean comes first. Of the telemetry of a turn only the first line is shown, and a line of progress
    for each quarter of the way. A summary of nothing is left out.

    Parameters
    ----------
    output : Output
        Where to.
    """

    def __init__(self, output: Output) -> None:
        self.output = output
        self._stopwatch = Stopwatch()
        self._is_empty = True
        self._in_telemetry = False
        self._next_step = 0.0

    def __call__(self, event: Event) -> None:
        """Show one event, or leave it out."""
        if self._is_empty and event.kind != "summary":
            self.show_legend()
        if event.kind == "progress":
            self.show_progress(event, float(str(event.data["fraction"])))
        elif not self._is_repetition(event) and not (event.kind == "summary" and self._is_empty):
            self.show_line(event)
        self._is_empty = False

    def _is_repetition(self, event: Event) -> bool:
        """Tell whether it is one more line of a stream of telemetry."""
        if event.kind != "message" or event.data.get("text") == "heartbeat":
            return False
        again, self._in_telemetry = self._in_telemetry, is_telemetry(event.text)
        return again and self._in_telemetry

    def show_progress(self, event: Event, fraction: float) -> None:
        """Show how far a turn is."""
        if fraction >= self._next_step:
            self._next_step = (fraction // _STEP + 1) * _STEP
            self.show_line(event)
        if not event.data["moving"]:
            self._next_step = 0.0

    def show_legend(self) -> None:
        """Write what the columns and marks mean."""
        for line in LEGEND:
            self.output.line(line)

    def show_line(self, event: Event) -> None:
        """Write a line."""
        self.output.line(self.prefix() + f"{event.mark} {event.text}")

    def prefix(self) -> str:
        """Return the time of a line that is written now."""
        stamp = self._stopwatch.stamp()
        return f"{stamp.clock}  {stamp.delta:+.3f}  "

    def close(self) -> None:
        """Do nothing: every line was flushed."""


class ColourDialogue(Dialogue):
    """Lines in colour and a progress bar, for a terminal.

    Parameters
    ----------
    output : Output
        A terminal. ``NO_COLOR`` in the environment keeps the bar and leaves the colours out.
    """

    STYLES: Final = {">": "cyan", "<": "green", "*": "yellow", "!": "bold red", "-": "dim", "=": "bold"}

    def __init__(self, output: Output) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        super().__init__(output)
        self._console = Console(file=output.stream, highlight=False, soft_wrap=True)
        # No thread of its own: each line of telemetry moves the bar.
        self._bar = Progress(
            TextColumn(" " * 23 + "turning"),
            BarColumn(bar_width=40),
            TextColumn("{task.fields[azimuth]:5.1f} deg"),
            console=self._console,
            auto_refresh=False,
            transient=True,
        )
        self._turn: TaskID | None = None

    def show_progress(self, event: Event, fraction: float) -> None:
        """Move the bar; it goes away when the dome stands."""
        azimuth = event.data["azimuth"]
        if self._turn is None:
            self._bar.start()
            self._turn = self._bar.add_task("", total=1.0, azimuth=azimuth)
        self._bar.update(self._turn, completed=fraction, azimuth=azimuth)
        self.output.guard(self._bar.refresh)
        if not event.data["moving"]:
            self.close()
            self.show_line(event)

    def show_legend(self) -> None:
        """Write what the columns and marks mean, less bright than the rest."""
        self.output.guard(lambda: self._console.print("\n".join(LEGEND), style="dim", markup=False))

    def show_line(self, event: Event) -> None:
        """Write a line, above the bar if there is one."""
        from rich.text import Text

        style = "red" if event.text.startswith("ERROR") else self.STYLES.get(event.mark, "")
        line = Text.assemble((self.prefix(), "dim"), (f"{event.mark} ", "bold"), (event.text, style))
        self.output.guard(lambda: self._console.print(line))

    def close(self) -> None:
        """Take the bar away."""
        if self._turn is not None:
            self._bar.remove_task(self._turn)
            self._turn = None
            self.output.guard(self._bar.stop)
