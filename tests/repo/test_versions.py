"""The three distributions have one version, and say so in every place."""

import importlib
import re
from pathlib import Path

import pytest

from tests.repo._tree import PACKAGES, ROOT, project

VERSION: str = project(ROOT / "packages/tcpip-core")["version"]
WANTED = {
    "tcpip-core": {"tcpip-testing", "tcpip-tools"},
    "tcpip-testing": {"tcpip-core"},
    "tcpip-tools": {"tcpip-core", "tcpip-testing"},
}


def of_ours(package: Path) -> dict[str, str]:
    """Give the sisters that a package requires, with or without an extra, and how."""
    table = project(package)
    everything = [*table["dependencies"], *(one for extra in table["optional-dependencies"].values() for one in extra)]
    found = (re.fullmatch(r"(tcpip-\w+)(?:\[.*\])?(.*)", one) for one in everything)
    return {one[1]: one[2] for one in found if one and one[1] != package.name}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_package_has_the_version_of_core(package: Path) -> None:
    """They are released together, so a number that lags behind is a mistake."""
    assert VERSION == project(package)["version"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_the_literal_equals_the_metadata(package: Path) -> None:
    """``__version__`` is written down a second time, because asking the metadata is slow."""
    assert VERSION == importlib.import_module(package.name.replace("-", "_")).__version__


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_sisters_are_pinned_exactly(package: Path) -> None:
    """Without an exact pin an installer combines two releases."""
    assert dict.fromkeys(WANTED[package.name], f"=={VERSION}") == of_ours(package)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_nobody_else_has_an_upper_bound(package: Path) -> None:
    """An upper bound of ours would keep our users from their own upgrades."""
    table = project(package)
    everything = [*table["dependencies"], *(one for extra in table["optional-dependencies"].values() for one in extra)]
    others = [one.partition(";")[0] for one in everything if not one.startswith("tcpip-")]
    assert [] == [one for one in others if re.search(r"<|==|~=|!=", one) or ">=" not in one]
    assert not re.search(r"<|,", table["requires-python"])


def test_core_requires_nothing() -> None:
    """A program that only wants a client installs one wheel."""
    assert [] == project(ROOT / "packages/tcpip-core")["dependencies"]
