"""Revisions of our own code, taken from a repository made for the test."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.benchmarks._compare import NoSuchRevisionError, describe, revision


def git(place: Path, *arguments: str) -> str:
    """Run git."""
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=place, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a repository with a commit without our package, tagged ``bare``, and one with it."""
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "Begin")
    git(tmp_path, "tag", "bare")
    module = tmp_path / "packages/tcpip-core/src/tcpip_core/__init__.py"
    module.parent.mkdir(parents=True)
    module.write_text("old = True\n")
    git(tmp_path, "add", "packages")
    git(tmp_path, "commit", "--quiet", "--message", "Add the package")
    module.write_text("old = False\n")
    return tmp_path


def test_a_revision_is_unpacked_as_it_was(repository: Path) -> None:
    """The working tree has changed since, and stays as it is."""
    with revision("HEAD", repository) as (name, tree):
        assert git(repository, "rev-parse", "--short", "HEAD") == name
        assert "old = True\n" == (tree / "packages/tcpip-core/src/tcpip_core/__init__.py").read_text()
    assert not tree.exists()
    assert "packages/tcpip-core/src/tcpip_core/__init__.py" in git(repository, "status", "--porcelain")


def test_the_working_tree_is_named(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A result says which code it is of; that of a copy without a history does not know."""
    assert git(repository, "rev-parse", "--short", "HEAD") + "-dirty" == describe(repository)
    assert "unknown" == describe(tmp_path_factory.mktemp("bare"))


@pytest.mark.parametrize("wrong", ["no-such-branch", "--help", "", "HEAD:packages"])
def test_what_is_no_revision_is_said(wrong: str, repository: Path) -> None:
    """A mistyped name ends the program with a sentence."""
    with pytest.raises(NoSuchRevisionError, match="is not a revision"), revision(wrong, repository):
        pass


def test_a_revision_without_our_package_is_said(repository: Path) -> None:
    """There is nothing to measure in it."""
    with pytest.raises(NoSuchRevisionError, match="cannot be measured"), revision("bare", repository):
        pass
