"""Profiles: what ``@name`` stands for, read from ``tcpip.toml``.

Looked for in the current directory, in those above it, then in the user's configuration directory. The first file that
has the profile is taken; one on the way that cannot be read is an error, because it may have had it.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import click

__all__ = ["FILE_NAME", "Profile", "find_profile", "places", "profile_names"]

FILE_NAME: Final = "tcpip.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A target under a name; what is None was not said.

    Parameters
    ----------
    target : str
        ``HOST:PORT``.
    timeout : float or None
        How long to wait for one thing (seconds).
    framing, encoding : str or None
        As the options of that name take them.
    tls, insecure : bool or None
        As the options.
    cafile : str or None
        Path of a file; one that is not absolute is meant from where the profile's file is.
    """

    target: str
    timeout: float | None = None
    framing: str | None = None
    encoding: str | None = None
    tls: bool | None = None
    cafile: str | None = None
    insecure: bool | None = None


_TYPES: Final[Mapping[str, tuple[type | tuple[type, ...], str]]] = {
    "target": (str, 'a text such as "dome.example:5000"'),
    "timeout": ((int, float), "a number of seconds above 0"),
    "framing": (str, 'a text such as "crlf"'),
    "encoding": (str, 'a text such as "utf-8"'),
    "tls": (bool, "true or false"),
    "cafile": (str, "a path"),
    "insecure": (bool, "true or false"),
}


def places(start: Path) -> Iterator[Path]:
    """Yield where a file of profiles is looked for, the nearest first.

    Parameters
    ----------
    start : Path
        The directory to begin in.
    """
    for directory in (start, *start.parents):
        yield directory / FILE_NAME
    yield Path(click.get_app_dir("tcpip")) / FILE_NAME


def find_profile(name: str, start: Path) -> Profile:
    """Return the profile of a name.

    Parameters
    ----------
    name : str
        Without the ``@``.
    start : Path
        Where to begin to look.

    Returns
    -------
    Profile
        The nearest one of that name.

    Raises
    ------
    ValueError
        If there is none, or a file that was looked into is not as it should be; says where, and what is allowed.
    """
    known: list[str] = []
    for path in places(start):
        profiles = _read(path)
        if name in profiles:
            return _checked(profiles[name], f"{path}: profiles.{name}", path.parent)
        known += [f"@{one}" for one in profiles]
    if known:
        raise ValueError(f"there is no profile @{name}; there are {', '.join(dict.fromkeys(known))}")
    raise ValueError(
        f"there is no profile @{name}, because there is no {FILE_NAME} with profiles in this directory, above it, or "
        f'in {click.get_app_dir("tcpip")}; one has lines such as: [profiles.{name}] and target = "dome.example:5000"'
    )


def profile_names(start: Path) -> list[str]:
    """Return the names that can be used, for completion; files that cannot be read are passed over."""
    found: dict[str, None] = {}
    for path in places(start):
        try:
            found |= dict.fromkeys(_read(path))
        except ValueError:
            continue
    return list(found)


def _read(path: Path) -> Mapping[str, Any]:
    """Return the profiles of a file, not looked at yet; none if there is no file."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as e:
        raise ValueError(f"{path} cannot be read: {e.strerror}") from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise ValueError(f"{path} is no TOML: {e}") from e
    if unknown := found.keys() - {"profiles"}:
        raise ValueError(f"{path}: {', '.join(sorted(unknown))} is unknown; the file has tables [profiles.NAME] only")
    profiles: object = found.get("profiles", {})
    if not isinstance(profiles, dict):
        raise ValueError(f"{path}: profiles is no table; write [profiles.NAME]")
    return profiles  # pyright: ignore[reportUnknownVariableType]  # its values are checked where one is used


def _checked(found: object, where: str, directory: Path) -> Profile:
    """Return a profile whose keys and values are all known."""
    if not isinstance(found, dict):
        raise ValueError(f"{where} is no table; write [profiles.NAME] and, below it, target = ...")
    items: dict[str, Any] = found  # pyright: ignore[reportUnknownVariableType]  # each is looked at here
    for key, value in items.items():
        if key not in _TYPES:
            raise ValueError(f"{where}.{key} is unknown; there are {', '.join(_TYPES)}")
        kind, words = _TYPES[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"{where}.{key} must be {words}, not {value!r}")
    if "target" not in items:
        raise ValueError(f'{where} has no target; add a line such as target = "dome.example:5000"')
    if (cafile := items.get("cafile")) is not None:
        items = items | {"cafile": str(directory / Path(cafile).expanduser())}
    return Profile(**items)


assert {field.name for field in fields(Profile)} == set(_TYPES)
