"""Keep what was told in a file."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

__all__ = ["save"]


def save(name: str, lines: Iterable[str]) -> Path:
    """Write lines into a new file, all of them or nothing.

    Parameters
    ----------
    name : str
        Of the file; ``~`` is a home.
    lines : iterable of str
        Without their ends.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If it exists, or cannot be written; says why. Nothing was written then.
    """
    try:
        path = Path(name).expanduser()
    except RuntimeError as e:
        raise ValueError(f"{name} cannot be written: {e}") from e
    part = path.with_name(f"{path.name}.part")
    try:
        if path.exists():
            raise ValueError(f"{path} exists; give another name")
        part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", errors="backslashreplace")
        part.replace(path)
    except OSError as e:
        with contextlib.suppress(OSError):
            part.unlink()
        raise ValueError(f"{path} cannot be written: {e.strerror}") from e
    return path
