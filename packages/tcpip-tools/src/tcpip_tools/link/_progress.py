"""Lines, and below them, on a terminal, one that says how far it is."""

from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.text import Text

from .._lines import Lines, stderr
from .._report import Event, JsonLines, Output, Writer, stdout

__all__ = ["make_writer"]


class LiveLines(Lines):
    """Lines above one that changes; for a terminal.

    Parameters
    ----------
    output : Output
        The terminal.
    asides : Output
        Where asides go.
    status : callable
        Returns the line that changes.
    """

    def __init__(self, output: Output, asides: Output, status: Callable[[], str]) -> None:
        super().__init__(output, asides)
        self._status = status
        self._console = Console(file=output.stream, highlight=False, soft_wrap=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)

    def __call__(self, event: Event) -> None:
        """Show one event, and how far it is."""
        if event.kind == "summary" or event.is_aside:
            self.close()
            super().__call__(event)
            return
        if not self._live.is_started:
            self._live.start()
        if event.text:
            styled = Text.from_ansi(self.styled(event.text, event.mark))
            self.output.guard(lambda: self._console.print(styled))
        self._live.update(Text(self._status(), style="dim"))
        self.output.guard(self._live.refresh)

    def close(self) -> None:
        """Take the last line away."""
        if self._live.is_started:
            self.output.guard(self._live.stop)


def make_writer(status: Callable[[], str], *, as_json: bool) -> Writer:
    """Return what shows events, and how far it is where that can be shown.

    Parameters
    ----------
    status : callable
        Returns a line.
    as_json : bool
        For a machine.
    """
    output = stdout()
    if as_json:
        return JsonLines(output)
    return LiveLines(output, stderr(), status) if output.stream.isatty() else Lines(output, stderr())
