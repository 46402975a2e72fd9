"""Values into bytes and back: text settings, ctypes structures, and what an error shows of either.

Pure: no loop, no socket, no logging. What cannot be converted raises before anything is sent.
"""

import ctypes
import functools
from typing import Any, cast

__all__ = [
    "checked_bytes",
    "checked_encoding",
    "checked_structure",
    "checked_terminator",
    "shown",
    "structure_size",
    "structures_to_bytes",
]

_SHOWN = 200
"""Most characters of a peer's data that an error shows."""


def checked_encoding(encoding: object) -> str:
    """Return the name of a text encoding as given.

    Raises
    ------
    ValueError
        If it is not a string, is unknown, or converts something else than text (``"hex"``).
    """
    if not isinstance(encoding, str):
        raise ValueError(f"encoding must be the name of a text encoding, such as 'utf-8', not {encoding!r}")
    try:
        "".encode(encoding)
    except LookupError as e:
        raise ValueError(f"unknown encoding {encoding!r}: give the name of a text encoding, such as 'utf-8'") from e
    return encoding


def checked_terminator(terminator: object) -> bytes:
    r"""Return the terminator as given.

    Raises
    ------
    ValueError
        If it is not `bytes`, or is empty.
    """
    if not isinstance(terminator, bytes):
        raise ValueError(f"terminator must be bytes, such as b'\\r\\n', not {terminator!r}")
    if not terminator:
        raise ValueError("terminator must not be empty: a line needs an end, such as b'\\r\\n'")
    return terminator


def checked_bytes(data: object) -> bytes:
    """Return bytes-like data as a copy: what the transport keeps must not change behind its back.

    Raises
    ------
    TypeError
        If they are something else.
    """
    if isinstance(data, bytes | bytearray):
        return bytes(data)
    if isinstance(data, memoryview):
        return data.tobytes()
    raise TypeError(f"expected bytes, got {type(data).__name__}: text goes through write_str")


def structures_to_bytes(structs: tuple[ctypes.Structure, ...]) -> bytes:
    """Return the memory of structures, one after the other.

    Raises
    ------
    TypeError
        If one is not an instance of a `ctypes.Structure`.
    """
    if not (type(structs[0]) in _sound if len(structs) == 1 else _sound.issuperset(map(type, structs))):
        for struct in structs:
            checked_structure(struct)
    return b"".join(structs)


def structure_size(struct: ctypes.Structure) -> int:
    """Return the size of a structure (bytes).

    Raises
    ------
    TypeError
        As for `checked_structure`.
    """
    if type(struct) not in _sound:
        checked_structure(struct)
    return ctypes.sizeof(struct)


def checked_structure(struct: object) -> ctypes.Structure:
    """Return a structure whose bytes may come from, or go to, another program.

    Raises
    ------
    TypeError
        If it is not an instance of a `ctypes.Structure`, or holds pointers or Python objects: the peer would
        choose addresses in our memory, or learn them.
    """
    if not isinstance(struct, ctypes.Structure):
        raise TypeError(f"expected an instance of a ctypes.Structure, got {shown(struct)}")
    field = _address_field(type(struct))
    if field is not None:
        raise TypeError(
            f"{type(struct).__name__}.{field} is a pointer, and an address means nothing to another program: "
            "use plain numbers, arrays and structures of them"
        )
    if len(_sound) >= _MOST_SOUND:
        _sound.clear()
    _sound.add(type(struct))
    return struct


_MOST_SOUND = 1024
"""How many classes are remembered: a program that makes them as it goes must not keep them all."""

_sound: set[type] = set()
"""Classes of structures that were looked at, and hold no address."""


_POINTER_CODES = frozenset("PzZO")
"""The ``_type_`` of c_void_p, c_char_p, c_wchar_p, py_object."""


@functools.lru_cache(maxsize=1024)
def _address_field(kind: type) -> str | None:
    """Return the path of the first field that holds an address, or None."""
    for base in reversed(kind.__mro__):
        for name, field_type, *_ in base.__dict__.get("_fields_", ()):
            inner = _innermost(field_type)
            if _holds_address(inner):
                return str(name)
            nested = _address_field(inner)
            if nested is not None:
                return f"{name}.{nested}"
    return None


def _innermost(kind: type) -> type:
    inner: Any = kind
    while issubclass(inner, ctypes.Array):
        inner = inner._type_
    return cast("type", inner)


def _holds_address(kind: type) -> bool:
    # Simple types say what they are by a letter, pointers what they point to; function pointers alone have flags.
    code: object = getattr(kind, "_type_", "")
    return code in _POINTER_CODES if isinstance(code, str) and not hasattr(kind, "_flags_") else True


def shown(data: object) -> str:
    """Return the `repr` of a peer's data, cut to what an error or a log may show."""
    try:
        text = repr(data[: _SHOWN + 1] if isinstance(data, str | bytes) else data)
    except Exception:  # noqa: BLE001  A user's own repr may raise anything.
        text = f"<{type(data).__name__} that cannot be shown>"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
