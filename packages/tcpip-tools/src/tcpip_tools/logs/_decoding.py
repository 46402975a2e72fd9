"""What a user names to explain messages: a ctypes structure, or a function."""

import ctypes
import importlib
import sys
from collections.abc import Callable
from typing import Any, cast

from .._exit_codes import ExitCode, Failure
from ._show import Decode

__all__ = ["function_named", "imported", "structure_named"]


def structure_named(name: str) -> tuple[type[ctypes.Structure], Decode]:
    """Return a structure, and what shows its fields.

    Parameters
    ----------
    name : str
        ``package.module:Class``; modules in the working directory are found too.

    Raises
    ------
    Failure
        If it cannot be imported, or is none.
    """
    found = imported(name)
    if not (isinstance(found, type) and issubclass(found, ctypes.Structure)):
        raise Failure(ExitCode.USAGE, f"{name} is no ctypes.Structure")
    structure = found

    def decode(payload: bytes) -> str | None:
        if len(payload) != ctypes.sizeof(structure):
            return None
        return _fields_of(structure.from_buffer_copy(payload))

    return structure, decode


def function_named(name: str) -> Decode:
    """Return a function that takes the bytes of a message and returns anything that can be shown.

    Parameters
    ----------
    name : str
        ``package.module:function``; modules in the working directory are found too.

    Raises
    ------
    Failure
        If it cannot be imported, or cannot be called.
    """
    found = imported(name)
    if not callable(found):
        raise Failure(ExitCode.USAGE, f"{name} is no function")
    function = cast("Callable[[bytes], object]", found)

    def decode(payload: bytes) -> str | None:
        said = function(payload)
        return None if said is None else str(said)

    return decode


def imported(name: str) -> object:
    """Return what a name stands for.

    Parameters
    ----------
    name : str
        ``package.module:name``; modules in the working directory are found too.

    Raises
    ------
    Failure
        If it cannot be imported.
    """
    module, colon, path = name.partition(":")
    if not (module and colon and path):
        raise Failure(ExitCode.USAGE, f"{name!r} is no package.module:name")
    # As for `python -m`: the command's own directory is in front otherwise.
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except Exception as e:  # a module of somebody else may raise anything
        raise Failure(ExitCode.USAGE, f"cannot import {name}: {type(e).__name__}: {e}") from e
    return cast("object", found)


def _fields_of(value: Any) -> str:
    """Return the fields of a structure with their values, nested ones in brackets."""
    if isinstance(value, ctypes.Structure):
        names = [field[0] for cls in reversed(type(value).__mro__) for field in vars(cls).get("_fields_", ())]
        return "{" + " ".join(f"{name}={_fields_of(getattr(value, name))}" for name in names) + "}"
    if isinstance(value, ctypes.Array):
        items: Any = value  # pyright: ignore[reportUnknownVariableType]  # of what it is an array is not known
        return "[" + " ".join(_fields_of(one) for one in items) + "]"
    return repr(value)
