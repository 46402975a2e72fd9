"""Each fragment of the changelog ends up in it: towncrier passes over those whose name it does not know."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.repo._tree import ROOT, files, named

SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]
SECTIONS = {section["path"]: section["name"] for section in SETTINGS["section"]}
KINDS = {kind["directory"] for kind in SETTINGS["type"]}
FRAGMENTS = [path for path in files("*", below=ROOT / "docs/changes") if path.name != "template.md.jinja"]


def faults(section: str, name: str, text: str) -> list[str]:
    """Say what is wrong with a fragment."""
    issue, _, rest = re.sub(r"\.\d+\.md$", ".md", name).partition(".")
    found = [] if section in SECTIONS else [f"{section} is none of {sorted(SECTIONS)}"]
    if not issue.isdigit() or rest.removesuffix(".md") not in KINDS or not rest.endswith(".md"):
        found.append(f"{name} is not named ISSUE.KIND.md or ISSUE.KIND.2.md, with a kind of {sorted(KINDS)}")
    if not text.startswith(SECTIONS.get(section, "")):
        found.append("the package's name comes first")
    if len(text.strip().splitlines()) != 1 or not text.strip().endswith("."):
        found.append("it is one sentence, on one line")
    return found


@pytest.mark.parametrize("path", FRAGMENTS, ids=named)
def test_fragments_are_of_the_form_that_towncrier_knows(path: Path) -> None:
    """A change that is described in vain stays unknown to users."""
    assert [] == faults(path.parent.name, path.name, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("section", "name", "text"),
    [
        ("corr", "2.added.md", "tcpip-core has it."),
        ("core", "2.bogus.md", "tcpip-core has it."),
        ("core", "it.added.md", "tcpip-core has it."),
        ("core", "2.2.md", "tcpip-core has it."),
        ("core", "2.added.x.md", "tcpip-core has it."),
        ("core", "2.added.rst", "tcpip-core has it."),
        ("core", "2.added.md", "It is there."),
        ("core", "2.added.md", "tcpip-core has it"),
        ("core", "2.added.md", "tcpip-core has it.\nIt is good."),
    ],
)
def test_a_fragment_of_another_form_is_noticed(section: str, name: str, text: str) -> None:
    """The check can fail."""
    assert 1 == len(faults(section, name, text))
