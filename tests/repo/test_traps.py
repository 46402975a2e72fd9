"""What our sources must not do, by whichever object: traps that a list of names, as in ``test_sources.py``, misses.

Each exemption is named with its reason; one that is not needed any more fails, too.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.repo._tree import PACKAGES, files, named

QUIET = ("packages/tcpip-core/", "packages/tcpip-testing/")
"""Libraries, which do not print."""

EXEMPT = {
    ("packages/tcpip-testing/src/tcpip_testing/sim/_server.py", "await self.wait_closed()"): (
        "the simulated server has asyncio's interface, and this is its own method"
    ),
    ("packages/tcpip-core/src/tcpip_core/_heartbeat.py", "time.time_ns"): "a TAI stamp is wall-clock time, and no age",
    ("packages/tcpip-core/src/tcpip_core/transcript/_clocks.py", "time.time_ns"): "transcripts say when, by the wall",
    ("packages/tcpip-tools/src/tcpip_tools/_report.py", "datetime.now"): "the time of day, for a person to read",
    ("packages/tcpip-tools/src/tcpip_tools/tap/_tap.py", "time.time_ns"): "people are shown when, by the wall",
    ("packages/tcpip-tools/src/tcpip_tools/mock/_manners.py", "time.time"): "what telemetry says, as devices do",
    ("packages/tcpip-tools/src/tcpip_tools/host/_owners.py", "time.time"): "the system tells a process's start so",
}
"""Where one of them is right, and why."""

OWN_WAIT_CLOSED = {"self._connection", "self.connection", "connection", "self"}
"""Objects of tcpip-core whose ``wait_closed`` is our bounded one; where it is anybody else's, it counts."""

FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "cPickle", "dill"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
WALL_CLOCK = {"time.time", "time.time_ns", "time.localtime", "time.gmtime", "datetime.now", "datetime.datetime.now"}


def traps(source: str, path: str) -> Iterator[str]:
    """Find what may not stand in a source, as the text of the expression."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield "except:"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from _imports(node)
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in WALL_CLOCK:
            yield ast.unparse(node)
        elif isinstance(node, ast.Expr):
            yield from _dropped(node.value)
        elif isinstance(node, ast.Call):
            yield from _calls(node, path)
        if isinstance(node, ast.Await):
            yield from _waits(node, path)


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom):
        modules = [] if node.level else [node.module or ""]
        yield from (f"from {node.module} import {one.name}" for one in node.names if one.name == "wait_for")
    else:
        modules = [one.name for one in node.names]
    yield from (f"import {one}" for one in modules if one.partition(".")[0] in FORBIDDEN_MODULES)


def _dropped(value: ast.expr) -> Iterator[str]:
    """Find a task that nobody holds (gh-91887): its call stands alone."""
    if not isinstance(value, ast.Call):
        return
    owner, _, name = ast.unparse(value.func).rpartition(".")
    if name in {"create_task", "ensure_future", "Task"} and "group" not in owner:
        yield ast.unparse(value)


def _calls(node: ast.Call, path: str) -> Iterator[str]:
    called = ast.unparse(node.func)
    if called in FORBIDDEN_CALLS or called in {"wait_for", "asyncio.wait_for"}:
        yield called
    if called == "print" and path.startswith(QUIET):
        yield "print"


def _waits(node: ast.Await, path: str) -> Iterator[str]:
    """Find a wait for a stream's or a server's end, which has no bound (gh-83939, gh-104344)."""
    if not isinstance(node.value, ast.Call):
        return
    owner, _, name = ast.unparse(node.value.func).rpartition(".")
    is_ours = path.startswith("packages/tcpip-core/") and owner in OWN_WAIT_CLOSED
    if name == "wait_closed" and not is_ours:
        yield ast.unparse(node)


FOUND = [
    (named(path), trap)
    for package in PACKAGES
    for path in files("*.py", below=package)
    for trap in traps(path.read_text(encoding="utf-8"), named(path))
]


def test_no_trap_stands_in_the_packages() -> None:
    """An unbounded wait, a lost task, a wall clock, code out of data, an error swallowed whole: none of them."""
    assert [] == [one for one in FOUND if one not in EXEMPT]


def test_every_exemption_is_needed() -> None:
    """The list of exemptions says what is there, and no more."""
    assert set(EXEMPT) == {one for one in FOUND if one in EXEMPT}


CORE = "packages/tcpip-core/src/tcpip_core/x.py"


@pytest.mark.parametrize(
    "source",
    [
        "await asyncio.wait_for(x, 1)",
        "from asyncio import wait_for",
        "await self._writer.wait_closed()",
        "await server.wait_closed()",
        "asyncio.create_task(f())",
        "loop.create_task(f())",
        "asyncio.ensure_future(f())",
        "age = time.time() - then",
        "age = datetime.datetime.now() - then",
        "print('hello')",
        "import pickle",
        "from pickle import loads",
        "eval(data)",
        "exec(data)",
        "try:\n    f()\nexcept:\n    pass",
    ],
)
def test_a_trap_is_noticed(source: str) -> None:
    """The check can fail, for each kind."""
    assert list(traps(source, CORE))


@pytest.mark.parametrize(
    "source",
    [
        "async with asyncio.timeout(1):\n    await x",
        "await self._connection.wait_closed()",
        "task = asyncio.Task(f())",
        "group.create_task(f())",
        "now = loop.time()",
        "try:\n    f()\nexcept OSError:\n    pass",
    ],
)
def test_a_sound_line_is_let_pass(source: str) -> None:
    """The check is about the traps, not about what looks like them."""
    assert not list(traps(source, CORE))
