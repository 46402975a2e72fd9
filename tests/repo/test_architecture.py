"""The architecture page says of the code what is true of it."""

import re

from tcpip_core._states import TRANSITIONS
from tests.repo._tree import ROOT, files

PAGE = (ROOT / "docs/explanation/architecture.md").read_text(encoding="utf-8")
SOURCES = {
    "tcpip-core": ROOT / "packages/tcpip-core/src/tcpip_core",
    "tcpip-testing": ROOT / "packages/tcpip-testing/src/tcpip_testing",
    "tcpip-tools": ROOT / "packages/tcpip-tools/src/tcpip_tools",
}


def diagram() -> str:
    """Draw which state of a connection may follow which, from the table that the code obeys."""
    lines = [
        f"{state.value:8} → {', '.join(sorted(one.value for one in following)) or 'nothing'}"
        for state, following in TRANSITIONS.items()
    ]
    return "\n".join(lines)


def test_the_state_diagram_is_that_of_the_code() -> None:
    """A reader who debugs a state must not be sent astray."""
    assert f"```text\n{diagram()}\n```" in PAGE


def test_the_module_tables_list_the_modules() -> None:
    """A module that is not in the table has no reason that anybody could read; one that is gone has none either."""
    for package, source in SOURCES.items():
        section = PAGE.partition(f"### Modules of {package}\n")[2].partition("\n### ")[0].partition("\n## ")[0]
        listed = set(re.findall(r"^\| `([\w/]+\.py)` \|", section, re.MULTILINE))
        assert {path.relative_to(source).as_posix() for path in files("*.py", below=source)} == listed
