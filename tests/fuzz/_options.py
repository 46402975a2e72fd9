"""What the command lines of both fuzzers have in common: ``nox -s fuzz`` gives its arguments to each of them."""

from __future__ import annotations

import argparse

from tests.arguments import count, minutes

__all__ = ["new_parser"]


def new_parser(prog: str, description: str) -> argparse.ArgumentParser:
    """Return a parser that knows the arguments of both; each looks at its own."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--frames", type=count, default=10_000_000, metavar="N", help="without I/O; default 10 000 000")
    parser.add_argument(
        "--messages", type=count, default=1_000_000, metavar="N", help="at a living server; default 1 000 000"
    )
    parser.add_argument("--minutes", type=minutes, metavar="M", help="stop after that time at the latest")
    parser.add_argument("--seed", type=int, metavar="N", help="the first; default: a random one, which is printed")
    return parser
