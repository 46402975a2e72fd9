"""Another revision of our own code, beside the working tree."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks._workers import ROOT

__all__ = ["NoSuchRevisionError", "describe", "revision"]


class NoSuchRevisionError(Exception):
    """There is nothing to compare with; the text says why."""


@contextmanager
def revision(name: str, repository: Path = ROOT) -> Iterator[tuple[str, Path]]:
    """Give the short name of a revision and a directory with its packages.

    It is unpacked from git's own store, so that nothing is left in the repository whatever happens.
    """
    commit = _git(repository, "rev-parse", "--short", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if commit is None:
        raise NoSuchRevisionError(f"{name!r} is not a revision of this repository: give a commit, a branch or a tag")
    short = commit.decode().strip()
    archive = _git(repository, "archive", "--format=tar", short, "packages/tcpip-core/src")
    if archive is None:
        raise NoSuchRevisionError(f"revision {short} has no packages/tcpip-core/src, and cannot be measured")
    with tempfile.TemporaryDirectory(prefix="tcpip-bench-") as place:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(place, filter="data")
        yield short, Path(place)


def describe(repository: Path = ROOT) -> str:
    """Name the commit that is checked out, and say if something was changed since; "unknown" without git."""
    try:
        said = _git(repository, "describe", "--always", "--dirty", "--exclude=*")
    except NoSuchRevisionError:
        said = None
    return "unknown" if said is None else said.decode().strip()


def _git(repository: Path, *arguments: str) -> bytes | None:
    """Return what git says, None if it fails."""
    try:
        done = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, check=False, timeout=60)
    except OSError as e:
        raise NoSuchRevisionError(f"a revision needs git, which cannot be run: {e}") from e
    return None if done.returncode else done.stdout
