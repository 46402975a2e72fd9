"""Figures of a transcript as a picture in a file; needs matplotlib, the extra ``plot``."""

import importlib
import warnings
from pathlib import Path
from typing import Any

from tcpip_core.transcript import Header

from .._exit_codes import ExitCode, Failure
from ._files import whole_file
from ._stats import Statistics

__all__ = ["draw"]

_PARTS = 400


def draw(found: Statistics, header: Header, path: Path) -> None:
    """Draw traffic over time and a histogram of reply times.

    Parameters
    ----------
    found : Statistics
        The figures.
    header : Header
        Of the transcript.
    path : Path
        The file; its suffix, .png or .svg, says which kind.

    Raises
    ------
    Failure
        If matplotlib is not installed, or the file cannot be written.
    """
    with warnings.catch_warnings():
        # What matplotlib and its own requirements think of each other helps nobody here.
        warnings.simplefilter("ignore", DeprecationWarning)
        _draw(found, header, path)


def _draw(found: Statistics, header: Header, path: Path) -> None:
    try:
        # It is not installed where types are checked.
        module: Any = importlib.import_module("matplotlib.figure")
    except ImportError as e:
        text = "a picture in a file needs matplotlib: pip install 'tcpip-tools[plot]'"
        raise Failure(ExitCode.USAGE, text) from e
    figure: Any = module.Figure(figsize=(9, 6), layout="constrained")
    over_time, times = figure.subplots(2, 1)
    seconds = found.end / 1e9
    step = seconds / _PARTS or 1.0
    rates = [part / step for part in found.traffic.parts(found.end, _PARTS)]
    over_time.step([number * step for number in range(_PARTS)], rates, where="post")
    over_time.set(title=header.target or path.stem, xlabel="seconds since the start", ylabel="bytes/s")
    for link in found.links.values():
        if link.closed is not None and not link.reason.startswith("CLOSED_HERE"):
            over_time.axvline(link.closed / 1e9, color="red", linewidth=0.8)
    if replies := found.reply_times:
        times.hist([time * 1e3 for time in replies], bins=60)
    times.set(xlabel="reply time (ms)", ylabel="replies")
    with whole_file(path) as file:
        figure.savefig(file, format=path.suffix.removeprefix(".").lower())
