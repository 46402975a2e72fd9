"""What our sources must not use: private names of a sister, and calls that have a known trap."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repo._tree import ROOT, files, named

CORE = list(files("*.py", below=ROOT / "packages/tcpip-core"))
SATELLITES = [
    *files("*.py", below=ROOT / "packages/tcpip-testing"),
    *files("*.py", below=ROOT / "packages/tcpip-tools"),
]
SISTERS = {"tcpip_core", "tcpip_testing", "tcpip_tools"}

TRAPS = {
    "asyncio.wait_for": "it can swallow a cancellation (gh-86296): use asyncio.timeout",
    "asyncio.open_connection": "it makes a stream of asyncio's: use loop.create_connection",
    "asyncio.start_server": "it makes streams of asyncio's: use loop.create_server",
    "asyncio.create_task": "nobody holds the task (gh-91887): use OwnedTasks",
    "asyncio.ensure_future": "nobody holds the task (gh-91887): use OwnedTasks",
    "asyncio.get_event_loop": "it may make a loop: use asyncio.get_running_loop",
    "time.time": "ages are measured with loop.time(): the wall clock jumps",
    "time.time_ns": "ages are measured with loop.time(): the wall clock jumps",
    "time.monotonic": "the loop's clock may be a simulated one: use loop.time()",
    "datetime.now": "ages are measured with loop.time(): the wall clock jumps",
}
"""What is kept out of tcpip-core, and why."""

ALLOWED = {("_heartbeat.py", "time.time_ns"), ("_clocks.py", "time.time_ns")}
"""Modules that may use one of them: stamps and transcripts have wall-clock time."""


def own_package(path: Path) -> str:
    """Name the package that a source belongs to."""
    return path.relative_to(ROOT).parts[1].replace("-", "_")


def private_imports(source: str, own: str) -> Iterator[str]:
    """Find imports of, and attribute access to, what a sister keeps to itself."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Attribute):
            names = [ast.unparse(node)]
        else:
            continue
        for name in names:
            top, *rest = name.split(".")
            if top in SISTERS - {own} and any(is_private(part) for part in rest):
                yield f"line {node.lineno}: {name}"


def is_private(name: str) -> bool:
    """Tell ``_name`` from ``name`` and ``__name__``."""
    return name.startswith("_") and not name.endswith("__")


def traps(source: str) -> Iterator[str]:
    """Find what has a known trap, whichever way it is imported."""
    for node in ast.walk(ast.parse(source)):
        names = [ast.unparse(node)] if isinstance(node, ast.Attribute) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name for name in names if name in TRAPS)


@pytest.mark.parametrize("path", SATELLITES, ids=named)
def test_satellites_use_public_names_of_their_sisters(path: Path) -> None:
    """What users cannot rely on, our own packages must not need."""
    assert [] == list(private_imports(path.read_text(encoding="utf-8"), own_package(path)))


@pytest.mark.parametrize("path", CORE, ids=named)
def test_core_keeps_off_calls_with_a_trap(path: Path) -> None:
    """Each of them has cost somebody a stray cancellation, a lost task, or a wrong age."""
    found = {trap for trap in traps(path.read_text(encoding="utf-8")) if (path.name, trap) not in ALLOWED}
    assert {} == {trap: TRAPS[trap] for trap in found}


@pytest.mark.parametrize(
    "source",
    [
        "from tcpip_core._base import BaseClientOrServer",
        "from tcpip_core import _base",
        "import tcpip_core._base",
        "import tcpip_core\nx = tcpip_core._base",
        "def f():\n    from tcpip_core.streams._text import x",
    ],
)
def test_a_private_import_is_noticed(source: str) -> None:
    """The check can fail."""
    assert list(private_imports(source, "tcpip_tools"))


@pytest.mark.parametrize(
    "source", ["from tcpip_core import Client", "from ._base import x", "x = tcpip_core.__version__", "self._reader"]
)
def test_a_public_import_is_fine(source: str) -> None:
    """The check lets pass what it should."""
    assert not list(private_imports(source, "tcpip_tools"))


@pytest.mark.parametrize(
    "source", ["import asyncio\nasyncio.wait_for(x, 1)", "from asyncio import wait_for", "time.time()"]
)
def test_a_trap_is_noticed(source: str) -> None:
    """The check can fail."""
    assert list(traps(source))
