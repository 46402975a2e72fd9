"""Measure tcpip-core and its peers: ``python -m tests.benchmarks --help``, or ``nox -s bench``."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks import _chart, _report
from tests.benchmarks._arguments import parse
from tests.benchmarks._compare import NoSuchRevisionError, revision
from tests.benchmarks._progress import Watcher
from tests.benchmarks._result import Result
from tests.benchmarks._rounds import Row
from tests.benchmarks._run import Run


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write, and return the exit status."""
    request = parse(arguments)
    if sys.platform != "linux":
        sys.stderr.write("bench: it asks the kernel of Linux for CPU times and memory, and runs nowhere else\n")
        return 2
    with contextlib.ExitStack() as stack:
        try:
            other = stack.enter_context(revision(request.compare)) if request.compare is not None else None
            if request.output is not None:
                request.output.mkdir(parents=True, exist_ok=True)
        except (NoSuchRevisionError, OSError) as e:
            sys.stderr.write(f"bench: {e}\n")
            return 2
        with Watcher() as watcher:
            run = Run(request, watcher, other)
            try:
                run.measure()
            except KeyboardInterrupt:
                watcher.tell("interrupted: what was measured so far follows, and nothing is written")
                is_whole = False
            else:
                is_whole = True
    brief, full = (_report.brief, _report.full) if request.compare is None else (_report.exact, _report.exact)
    print("\n".join(_report.tables(run.result, brief)))
    if is_whole and request.output is not None:
        write(run.result, request.output, full)
    return 0 if is_whole else 130


def write(result: Result, place: Path, cell: Callable[[Row], str]) -> None:
    """Write the result, the tables and the charts into a directory."""
    files = {"result.json": result.to_json(), "tables.md": "\n".join([*_report.tables(result, cell), ""])}
    for name, text in {**files, **_chart.charts(result)}.items():
        (place / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # workers are ended, whoever ends us
    sys.exit(main())
