"""What a page links to in this repository is there."""

import re
from pathlib import Path

import pytest

from tests.repo._tree import ROOT, files, named

PAGES = [*files("*.md", below=ROOT / "docs"), *ROOT.glob("*.md"), *ROOT.glob("packages/*/README.md")]


def dead_links(page: Path) -> list[str]:
    """List the relative links of a page that lead nowhere."""
    targets: list[str] = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    return [target for target in targets if "://" not in target and not (page.parent / target).exists()]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    """A promise whose test was renamed would be linked to nothing."""
    assert [] == dead_links(page)


def test_a_dead_link_is_noticed(tmp_path: Path) -> None:
    """The check can fail."""
    page = tmp_path / "page.md"
    page.write_text("[gone](gone.md#there), [here](page.md#part), [web](https://example.org)", encoding="utf-8")
    assert ["gone.md"] == dead_links(page)
