"""Prove that the type tests see what they should: break a promise, and both checkers must complain about a test.

Run by ``nox -s types``. Each mutation is applied to a copy of the sources; a checker that finds no fault below
``tests/typing`` then, or that finds one before, fails the session, and so does a mutation that finds nothing to break.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = "packages/tcpip-core/src/tcpip_core"
CHECKERS = {"mypy": ["mypy", "tests/typing"], "pyright": ["pyright", "--warnings", "tests/typing"]}


@dataclass(frozen=True)
class Mutation:
    """One broken promise: what to replace, in which module."""

    name: str
    module: str
    pattern: str
    replacement: str

    def apply(self, tree: Path) -> None:
        """Break the promise in a copy of the sources."""
        path = tree / CORE / self.module
        text, count = re.subn(self.pattern, self.replacement, path.read_text(encoding="utf-8"))
        if not count:
            raise LookupError(f"{self.name}: nothing in {self.module} matches {self.pattern!r}")
        path.write_text("from typing import Any\n" + text, encoding="utf-8")


MUTATIONS = [
    Mutation("__aenter__ returns the base", "_base.py", r"(__aenter__\(self\) ->) Self", r'\1 "BaseClientOrServer"'),
    Mutation("read_str returns Any", "streams/_text.py", r"(def read_str\(self\)) -> str", r"\1 -> Any"),
    Mutation("a client takes any keyword", "_client.py", r"\*\*kwargs: Unpack\[\w+\]", "**kwargs: Any"),
    Mutation("a server takes any keyword", "_one_client_server.py", r"\*\*kwargs: Unpack\[\w+\]", "**kwargs: Any"),
    Mutation("any callback is taken", "_client.py", r"connect_callback: [^=\n]+ =", "connect_callback: Any ="),
    Mutation(
        "a callback takes the base",
        "_client.py",
        r"connect_callback: [^=\n]+ =",
        'connect_callback: "Callable[[BaseClientOrServer], Awaitable[None]] | None" =',
    ),
    Mutation("read_into forgets the structure", "streams/_struct.py", r"(struct: StructureT\)) -> \w+", r"\1 -> Any"),
]


def copy_to(tree: Path) -> None:
    """Copy what the checkers need, settings included."""
    shutil.copytree(ROOT / "packages", tree / "packages", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests/typing", tree / "tests/typing", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "tests/__init__.py", tree / "tests")
    shutil.copy(ROOT / "pyproject.toml", tree)


def complaints(checker: str, tree: Path) -> list[str]:
    """Run a checker on a copy; return what it says about the type tests."""
    command = [sys.executable, "-m", *CHECKERS[checker]]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{checker} failed:\n{done.stdout}{done.stderr}")
    return [line.strip() for line in done.stdout.splitlines() if re.search(r"tests/typing/\w+\.py:.*error", line)]


def faults_of(mutation: Mutation | None) -> list[str]:
    """Try one mutation, or none, with both checkers."""
    with tempfile.TemporaryDirectory(prefix="tcpip-") as name:
        tree = Path(name).resolve()
        copy_to(tree)
        if mutation is None:
            return [f"without a mutation: {line}" for checker in CHECKERS for line in complaints(checker, tree)]
        mutation.apply(tree)
        return [f"{mutation.name}: not noticed by {one}" for one in CHECKERS if not complaints(one, tree)]


def main() -> None:
    """Try all of them; the exit status tells."""
    with ThreadPoolExecutor(2) as pool:
        faults = [fault for found in pool.map(faults_of, [None, *MUTATIONS]) for fault in found]
    for mutation in MUTATIONS:
        survived = any(fault.startswith(mutation.name) for fault in faults)
        print(f"{'survived' if survived else 'killed'}: {mutation.name}")
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
