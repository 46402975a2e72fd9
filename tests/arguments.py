"""Figures on the command lines of the long runs: one that makes no sense is refused in a sentence, with exit status 2.

A run of no rounds finds nothing, and would pass for a good one.
"""

from __future__ import annotations

import argparse
import math

__all__ = ["count", "minutes"]


def count(text: str) -> int:
    """Read how many, 1 or more; for ``type=`` of an argument."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number, 1 or more, not {text!r}")
    return number


def minutes(text: str) -> float:
    """Read a time, above 0; for ``type=`` of an argument."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number of minutes, above 0, not {text!r}")
    return number
