"""The page of each verb is its help, and none is missing."""

from __future__ import annotations

import re

import pytest

from docs.verbs import page
from tcpip_tools import _cli
from tests.repo._tree import ROOT

PAGES = ROOT / "docs/reference/verbs"


@pytest.mark.parametrize("verb", _cli.VERBS)
def test_the_page_of_a_verb_is_its_help(verb: str) -> None:
    """``python docs/verbs.py`` writes them again."""
    assert page(verb) == (PAGES / f"{verb}.md").read_text(encoding="utf-8")


def test_each_verb_has_its_page_and_each_page_its_verb() -> None:
    """In the order of ``tcpip --help``."""
    listed = re.findall(r"^verbs/(\w+)$", (ROOT / "docs/reference/tools.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert list(_cli.VERBS) == listed
    assert set(_cli.VERBS) == {path.stem for path in PAGES.iterdir()}
