"""Every extra that we write about exists: installers only warn about one that does not."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repo._tree import PACKAGES, files, named, project

EXTRAS = {package.name: set(project(package)["optional-dependencies"]) for package in PACKAGES}
PROMISED = {
    "tcpip-core": {"testing", "tools", "uvloop", "msgspec", "all"},
    "tcpip-testing": {"pytest", "hypothesis"},
    "tcpip-tools": {"nats", "mqtt", "plot"},
}


def unknown_extras(text: str) -> Iterator[str]:
    """Find the extras in a text that no package has."""
    for name, extras in re.findall(r"(tcpip-(?:core|testing|tools))\[([\w, -]+)\]", text):
        yield from (f"{name}[{extra}]" for extra in re.split(r", *", extras) if extra not in EXTRAS[name])


def test_the_promised_extras_are_there() -> None:
    """The metadata have what the documentation promises, and nothing that it hides."""
    assert PROMISED == EXTRAS


@pytest.mark.parametrize("path", list(files("*.md", "*.py", "*.toml", "*.jinja")), ids=named)
def test_extras_that_are_written_about_exist(path: Path) -> None:
    """A text or an error message that names an extra names one that can be installed."""
    assert [] == list(unknown_extras(path.read_text(encoding="utf-8")))


def test_an_extra_that_is_missing_is_noticed() -> None:
    """The check can fail."""
    wrong = "uv" + "pool"
    assert [f"tcpip-core[{wrong}]"] == list(unknown_extras(f"pip install 'tcpip-core[all,{wrong}]==1.0'"))
