"""Where the files of the repository are."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sorted((ROOT / "packages").iterdir())
_MADE = {"__pycache__", "_build", "dist", "htmlcov"}


def files(*patterns: str, below: Path = ROOT) -> Iterator[Path]:
    """Give what people wrote: not what sessions, caches and editors make."""
    for pattern in patterns:
        for path in sorted(below.rglob(pattern)):
            parts = path.relative_to(ROOT).parts
            made = any(part in _MADE or (part.startswith(".") and part != ".ci") for part in parts[:-1])
            if path.is_file() and not made:
                yield path


def named(path: Path) -> str:
    """Name a file for a message or a test's id."""
    return path.relative_to(ROOT).as_posix()


def project(package: Path) -> dict[str, Any]:
    """Read the table [project] of a package."""
    table: dict[str, Any] = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table
