"""How soon the state machine finds two planted bugs: ``python -m tests.benchmarks.planted_bugs``.

Each bug is looked for from several seeds of Hypothesis, with its usual settings. What is printed is the CPU time of the
whole search, with the shrinking of the example, and how many runs of the machine it took.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
import time
import warnings

import hypothesis
from hypothesis import stateful

from tests.testing.strategies._asking import AskingMachine, ForgetfulMachine, LateAnswerMachine

BUGS: dict[str, type[AskingMachine]] = {
    "an answer given to the wrong question": LateAnswerMachine,
    "a reconnect that forgets to close": ForgetfulMachine,
}


def search(machine: type[AskingMachine], seed: int) -> tuple[float, int, str]:
    """Look for a bug; return the CPU time, the number of runs, and the example."""
    runs = 0

    class Counted(machine):  # type: ignore[valid-type, misc]
        def __init__(self) -> None:
            nonlocal runs
            runs += 1
            super().__init__()

    Counted.__name__ = machine.__name__
    settings = hypothesis.settings(deadline=None, database=None, print_blob=False)
    began = time.process_time()
    try:
        stateful.run_state_machine_as_test(  # pyright: ignore[reportUnknownMemberType]
            hypothesis.seed(seed)(Counted), settings=settings
        )
    except AssertionError as e:
        return time.process_time() - began, runs, "\n".join(getattr(e, "__notes__", []))
    raise SystemExit(f"{machine.__name__}: nothing was found with seed {seed} in {runs} runs")


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.planted_bugs", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="from how many seeds (default: 5)")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be 1 or more")
    warnings.simplefilter("error")
    # A client that forgets to close is one of the bugs.
    warnings.simplefilter("ignore", ResourceWarning)
    library = importlib.metadata.version("hypothesis")
    print(f"planted bugs, Python {sys.version.split()[0]}, Hypothesis {library}, one core:")
    for name, machine in BUGS.items():
        found = [search(machine, seed) for seed in range(options.rounds)]
        for seed, (seconds, runs, _) in enumerate(found):
            print(f"  {name}: {seconds:5.1f} s of CPU, {runs:4} runs, seed {seed}")
        example = [line.strip() for line in found[0][2].splitlines() if line.strip().startswith("state.")]
        print("    " + "\n    ".join(one for one in example if "one_connection" not in one))


if __name__ == "__main__":
    main()
