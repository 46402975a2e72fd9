"""Fuzz framing and codec without I/O: streams cut anywhere, read in any mix of ways, against a plain reference.

Each seed is one case: some hundred frames and a few values. The reference keeps the whole stream and looks for each
frame anew with `bytes.find`; it remembers nothing, so it cannot remember wrongly. Run it, and replay a finding, with::

    python -m tests.fuzz.framing --frames 10000000
    python -m tests.fuzz.framing --replay SEED
"""

from __future__ import annotations

import asyncio
import platform
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from tcpip_core._framing import ReceiveBuffer
from tests.fuzz import _codec
from tests.fuzz._crowd import Progress, in_parallel
from tests.fuzz._options import new_parser

CASES_A_JOB = 100
UNBOUNDED = 1 << 30
ALPHABETS = (b"a", b"ab", b"ab\n", b"\r\n", b"ab\r\n", bytes(range(256)))
SEPARATORS = (b"\n", b"\r\n", b"\r\r\n", b"aa", b"aba", b"abab", b"aaaa", b"\0", b"\r\n\r\n")
"""Some that overlap with themselves: a search that goes on in the wrong place misses or invents one."""


class Buffer(Protocol):
    """What is fuzzed."""

    def __len__(self) -> int: ...
    def feed(self, chunk: bytes, /) -> None: ...
    def take(self, n: int, /) -> bytes: ...
    def take_all(self) -> bytes: ...
    def find_frame(self, separator: bytes, limit: int, /) -> int: ...


class MismatchError(AssertionError):
    """The subject and the reference disagree."""


@dataclass
class Reference:
    """What must be found, from the whole stream, each time from the beginning."""

    stream: bytes
    place: int = 0
    arrived: int = 0

    def find(self, separator: bytes, limit: int) -> tuple[str, int]:
        """Return what `find_frame` must do, and its figure."""
        found = self.stream.find(separator, self.place, self.arrived)
        if found >= 0:
            length = found - self.place
            return ("overrun", length) if length > limit else ("frame", length + len(separator))
        without = max(0, self.arrived - self.place + 1 - len(separator))
        return ("overrun", without) if without > limit else ("frame", -1)

    def take(self, n: int) -> bytes:
        """Return what `take` must return."""
        end = min(self.place + n, self.arrived)
        taken, self.place = self.stream[self.place : end], end
        return taken


def stream_of(rng: random.Random, separators: list[bytes]) -> bytes:
    """Make a stream: letters that are parts of separators, or of anything, and separators between them."""
    letters = rng.choice([*ALPHABETS, b"".join(separators)])
    longest = rng.choice((2, 5, 20, 200))
    count = rng.randrange(1, 3000 // (longest + 5) + 10)
    soup = bytes(rng.choices(letters, k=count * longest))
    ends = rng.choices(separators, k=count)
    lengths = rng.choices(range(longest + 1), k=count)
    return b"".join(soup[i * longest : i * longest + lengths[i]] + ends[i] for i in range(count))


def limit_of(rng: random.Random) -> int:
    """Choose a limit: mostly none, else one that is met."""
    return UNBOUNDED if rng.random() < 0.7 else rng.randrange(1, 40)


@dataclass
class Case:
    """One stream, fed to one buffer in pieces."""

    rng: random.Random
    buffer: Buffer
    frames: int = 0
    separators: list[bytes] = field(init=False)
    reference: Reference = field(init=False)

    def __post_init__(self) -> None:
        rng = self.rng
        self.separators = [
            rng.choice(SEPARATORS)
            if rng.random() < 0.5
            else bytes(rng.choices(rng.choice(ALPHABETS), k=rng.randrange(1, 5)))
            for _ in range(rng.randrange(1, 4))
        ]
        self.reference = Reference(stream_of(rng, self.separators))

    def run(self) -> None:
        """Feed all of it, reading between the pieces."""
        rng, reference = self.rng, self.reference
        sizes = rng.choice((range(4), range(40), range(1000), (1,), (0, 1, 5000)))
        while reference.arrived < len(reference.stream):
            for size in rng.choices(sizes, k=50):
                self.feed(size)
                self.read_some()
        self.read_frames(rng.choice(self.separators), UNBOUNDED)
        self.compare("take_all", self.buffer.take_all(), reference.take(UNBOUNDED))

    def feed(self, size: int) -> None:
        """Let a piece arrive."""
        reference = self.reference
        end = min(reference.arrived + size, len(reference.stream))
        self.buffer.feed(reference.stream[reference.arrived : end])
        reference.arrived = end

    def read_some(self) -> None:
        """Do what a program may do between two arrivals: usually take frames, sometimes anything."""
        rng = self.rng
        dice = rng.random()
        if dice < 0.7:
            self.read_frames(self.separators[0], UNBOUNDED)
        elif dice < 0.9:
            self.read_frames(rng.choice(self.separators), limit_of(rng))
        elif dice < 0.95:
            self.find(rng.choice(self.separators), limit_of(rng))
        else:
            n = rng.randrange(10)
            self.compare(f"take({n})", self.buffer.take(n), self.reference.take(n))
        self.compare("len", len(self.buffer), self.reference.arrived - self.reference.place)

    def read_frames(self, separator: bytes, limit: int) -> None:
        """Take all frames that are complete; get past one that is too long, or leave it."""
        while True:
            kind, size = self.find(separator, limit)
            if size < 0 or (kind == "overrun" and (size == 0 or self.rng.random() < 0.5)):
                return
            self.compare(f"take({size})", self.buffer.take(size), self.reference.take(size))
            self.frames += kind == "frame"

    def find(self, separator: bytes, limit: int) -> tuple[str, int]:
        """Look for a frame in both."""
        expected = self.reference.find(separator, limit)
        try:
            actual = "frame", self.buffer.find_frame(separator, limit)
        except asyncio.LimitOverrunError as e:
            actual = "overrun", e.consumed
        if actual != expected:
            self.compare(f"find_frame({separator!r}, {limit})", actual, expected)
        return expected

    def compare(self, what: str, actual: object, expected: object) -> None:
        """Stop at a difference."""
        if actual != expected:
            place = self.reference.place
            near = self.reference.stream[place : min(place + 80, self.reference.arrived)]
            raise MismatchError(f"{what} gave {actual!r}, expected {expected!r}; {near!r} is what waits to be read")


def run_case(seed: int, make: Callable[[], Buffer] = ReceiveBuffer) -> tuple[int, int]:
    """Run one case; return how many frames and values it had.

    Raises
    ------
    AssertionError
        If something is not as it must be.
    """
    rng = random.Random(seed)
    case = Case(rng, make())
    case.run()
    return case.frames, _codec.check_some(rng)


def run_cases(seeds: range) -> tuple[int, int, list[str]]:
    """Run many; return how many frames and values they had, and what was found."""
    frames = values = 0
    found: list[str] = []
    for seed in seeds:
        try:
            done = run_case(seed)
        except Exception as e:  # noqa: BLE001  Whatever it is, it is a finding, and the seed belongs to it.
            found.append(f"seed {seed}: {type(e).__name__}: {e}")
        else:
            frames, values = frames + done[0], values + done[1]
    return frames, values, found


def endless_jobs(first: int) -> Iterator[range]:
    """Give parcels of seeds without end."""
    while True:
        yield range(first, first + CASES_A_JOB)
        first += CASES_A_JOB


def fuzz(wanted: int, first: int, minutes: float | None) -> int:
    """Fuzz until that many frames were compared; print the figures and return the exit status."""
    progress = Progress(wanted, "frames")
    values, cases, found, interrupted = 0, 0, list[str](), False
    results = in_parallel(run_cases, endless_jobs(first), minutes=minutes)
    try:
        for frames, some, new in results:
            progress.step(frames)
            values, cases = values + some, cases + CASES_A_JOB
            found += new
            if progress.done >= wanted or found:
                break
    except KeyboardInterrupt:
        interrupted = True
    results.close()
    progress.end()
    print(
        f"Python {platform.python_version()}: {progress.done:,} frames and {values:,} values in {cases:,} cases "
        f"from seed {first}: {progress.seconds:.1f} s, {progress.rate:,.0f} frames/s, {len(found)} findings"
    )
    for line in found:
        print(f"  {line}\n  replay: python -m tests.fuzz.framing --replay {line.split()[1].rstrip(':')}")
    return 1 if found else 130 if interrupted else 0


def main(arguments: list[str] | None = None) -> int:
    """Fuzz, or replay one seed."""
    parser = new_parser("framing", (__doc__ or "").partition("\n")[0])
    parser.add_argument("--replay", type=int, metavar="SEED", help="run this one case and show where it fails")
    given = parser.parse_args(arguments)
    if given.replay is not None:
        frames, values = run_case(given.replay)
        print(f"seed {given.replay}: {frames} frames and {values} values as they must be")
        return 0
    first = random.SystemRandom().randrange(1 << 40) if given.seed is None else given.seed
    print(f"first seed: {first}", flush=True)
    return fuzz(given.frames, first, given.minutes)


if __name__ == "__main__":
    sys.exit(main())
