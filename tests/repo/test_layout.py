"""Licences, sizes, commands, and what must never be written down."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repo._tree import PACKAGES, ROOT, files, named

MODULE_LINES, FUNCTION_LINES = 400, 50
SOURCES = [*files("*.py", below=ROOT / "packages"), ROOT / "noxfile.py"]
TEST_COMMAND = "python3 -m venv .venv && .venv/bin/python -m pip install 'nox[uv]' && .venv/bin/nox -s tests"
DEMO_COMMAND = TEST_COMMAND.removesuffix("tests") + "demo"
# Directories of one machine, and hosts that a mirror replaces.
LOCAL = re.compile(r"(?<![\w.$}])/(?:home|root|Users|work)/|C:\\Users|\bpypi\.(?:org|io)\b|\bpythonhosted\b|\bnpmjs\b")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def long_functions(source: str) -> Iterator[str]:
    """Find functions that are too long; signature and docstring do not count: the contract's are long."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            body = node.body if ast.get_docstring(node) is None else node.body[1:]
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            if lines > FUNCTION_LINES:
                yield f"{node.name} has {lines} lines"


@pytest.mark.parametrize("package", PACKAGES, ids=named)
def test_each_package_ships_the_licence(package: Path) -> None:
    """A link to the one at the root would build and ship none."""
    licence = package / "LICENSE"
    assert not licence.is_symlink()
    assert (ROOT / "LICENSE").read_bytes() == licence.read_bytes()


@pytest.mark.parametrize("package", PACKAGES, ids=named)
def test_each_package_is_marked_as_typed(package: Path) -> None:
    """Without the marker, checkers ignore our annotations."""
    assert (package / "src" / package.name.replace("-", "_") / "py.typed").is_file()


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_modules_are_of_a_size_to_read(path: Path) -> None:
    """A module that has grown too long has more than one reason."""
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MODULE_LINES
    assert [] == list(long_functions(source))


def test_a_long_function_is_noticed() -> None:
    """The check can fail, and a long docstring alone does not make it."""
    body = "    x = 1\n" * FUNCTION_LINES
    words = '    """' + "words\n" * FUNCTION_LINES + '    """\n'
    assert ["f has 51 lines"] == list(long_functions(f"def f():\n{body}    x = 2\n"))
    assert ["g has 51 lines"] == list(long_functions(f"class C:\n  async def g(self):\n{words}{body}    x = 2\n"))
    assert [] == list(long_functions(f"def f():\n{words}{body}"))


@pytest.mark.parametrize("path", [*files("*.*", "run", "LICENSE"), ROOT / ".gitignore"], ids=named)
def test_nothing_of_one_machine_is_written_down(path: Path) -> None:
    """What names a directory of one machine, or a host that a mirror replaces, fails everywhere else."""
    assert [] == LOCAL.findall(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("wrong", ["cd /{}/me", "'/{}/x'", "(/{}/x)"])
@pytest.mark.parametrize("where", ["home", "root", "Users", "work"])
def test_a_path_of_one_machine_is_noticed(wrong: str, where: str) -> None:
    """The check can fail."""
    assert LOCAL.search(wrong.format(where))


def test_the_readme_has_the_two_commands() -> None:
    """A newcomer gets from a fresh clone to the demo, or to the tests, by one line."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert DEMO_COMMAND in lines
    assert TEST_COMMAND in lines


def test_ci_runs_the_command_of_the_readme() -> None:
    """What we tell people to type is what is tried on every change."""
    script = ROOT / ".ci/run"
    assert TEST_COMMAND in script.read_text(encoding="utf-8")
    assert script.stat().st_mode & 0o111


def test_every_session_is_explained() -> None:
    """The table in CONTRIBUTING.md lists the sessions of the noxfile."""
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    sessions = {node.name for node in tree.body if isinstance(node, Function) and "nox.session" in decorators(node)}
    table = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert sessions == table


def decorators(node: Function) -> set[str]:
    """Name a function's decorators."""
    return {ast.unparse(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list}
