"""Prove that the type tests see what they should: break a promise, and both checkers must complain about a test.

Run by ``nox -s types``. Each mutation is applied to a copy of the sources; a checker that finds no fault below
``tests/typing`` then, or that finds one before, fails the session, and so does a mutation that finds nothing to break.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = "packages/tcpip-core/src/tcpip_core"
CHECKERS = {"mypy": ["mypy", "tests/typing"], "pyright": ["pyright", "--warnings", "--project", "pyrightconfig.json"]}


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


KEYWORDS = r'\*\*kwargs: "?Unpack\[\w+\]"?'
CALLBACK = r"connect_callback: [^=\n]+ ="
MUTATIONS = [
    Mutation("__aenter__ returns the base", "_base.py", r"(__aenter__\(self\) ->) Self", r'\1 "BaseClientOrServer"'),
    Mutation("read_str returns Any", "streams/_text.py", r"(def read_str\(self\)) -> str", r"\1 -> Any"),
    Mutation("a client takes any keyword", "_client.py", KEYWORDS, "**kwargs: Any"),
    Mutation("a server takes any keyword", "_one_client_server.py", KEYWORDS, "**kwargs: Any"),
    Mutation("any callback is taken", "_client.py", CALLBACK, "connect_callback: Any ="),
    Mutation(
        "a callback takes the base",
        "_client.py",
        CALLBACK,
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
    # Given a path, pyright would not read its settings.
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pyright"]
    (tree / "pyrightconfig.json").write_text(json.dumps(settings | {"include": ["tests/typing"]}), encoding="utf-8")


def complaints(checker: str, tree: Path) -> set[str]:
    """Run a checker on a copy; return what it says about the type tests."""
    command = [sys.executable, "-m", *CHECKERS[checker]]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"{checker} failed:\n{done.stdout}{done.stderr}")
    return set(re.findall(r"tests/typing/\w+\.py:.*error.*", done.stdout))


def complaints_of_both(mutation: Mutation | None) -> dict[str, set[str]]:
    """Try one mutation, or none, with both checkers."""
    with tempfile.TemporaryDirectory(prefix="tcpip-") as name:
        tree = Path(name).resolve()
        copy_to(tree)
        if mutation is not None:
            mutation.apply(tree)
        return {checker: complaints(checker, tree) for checker in CHECKERS}


def main() -> None:
    """Try all of them; the exit status tells."""
    with ThreadPoolExecutor(2) as pool:
        before, *after = pool.map(complaints_of_both, [None, *MUTATIONS])
    faults = [f"without a mutation, {checker}: {line}" for checker, lines in before.items() for line in sorted(lines)]
    for mutation, found in zip(MUTATIONS, after, strict=True):
        blind = [checker for checker in CHECKERS if not found[checker] - before[checker]]
        faults += [f"{mutation.name}: {checker} does not notice" for checker in blind]
        print(f"{'survived' if blind else 'killed'}: {mutation.name}")
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
