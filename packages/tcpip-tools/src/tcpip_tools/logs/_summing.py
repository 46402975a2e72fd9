"""Sum up a transcript, and show the figures."""

from pathlib import Path

from .._exit_codes import ExitCode
from .._lines import make_writer
from .._report import Event as Report
from . import _ending
from ._messages import messages_in
from ._picture import lines
from ._showing import encoding_for, framing_for, warner
from ._source import events_of, open_log
from ._stats import of_items

__all__ = ["run"]


def run(name: str, framing: str | None, encoding: str | None, plot: Path | None, *, as_json: bool) -> ExitCode:
    """Show the figures of a transcript.

    Raises
    ------
    Failure
        If it cannot be read to its end, or the picture cannot be drawn.
    """
    writer = make_writer(as_json=as_json)

    def work() -> ExitCode:
        with open_log(name) as log:
            told = framing_for(framing, log.header)
            items = messages_in(events_of(log, name, warner(writer)), {">": told, "<": told})
            found = of_items(items, encoding_for(encoding, log.header))
        if plot is not None:
            from ._plot import draw

            draw(found, log.header, plot)
        if as_json:
            writer(Report("stats", "", "=", found.as_data()))
        else:
            for line in lines(found, log.header):
                writer.output.line(line)
        return ExitCode.OK

    return _ending.run(work, writer, {})
