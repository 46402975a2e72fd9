"""ctypes structures with a value in each field."""

import ctypes
from typing import Any, TypeVar

from hypothesis import strategies as st

__all__ = ["structures"]

StructureT = TypeVar("StructureT", bound=ctypes.Structure)

# The codes of ctypes, which are those of the module struct.
_SIGNED, _UNSIGNED = "bhilq", "BHILQ"

_LETTERS = st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF)

_OTHERS: dict[str, st.SearchStrategy[Any]] = {
    "f": st.floats(width=32),
    "d": st.floats(),
    "g": st.floats(),
    "?": st.booleans(),
    "c": st.binary(min_size=1, max_size=1),
    "u": _LETTERS,
}


def structures(kind: type[StructureT]) -> st.SearchStrategy[StructureT]:
    """Draw structures of a class; each field has any value that it can hold.

    Parameters
    ----------
    kind : type
        A subclass of `ctypes.Structure`, of either byte order. It may have bit fields, arrays, unions, and structures
        in it.

    Returns
    -------
    SearchStrategy
        Of structures; Hypothesis prints them with the values of their fields. Bytes that belong to no field are 0. It
        shrinks to zeros.

    Raises
    ------
    TypeError
        If `kind` is no such class, or it holds pointers or Python objects, which mean nothing to a peer.
    """
    if not issubclass(kind, ctypes.Structure):  # pyright: ignore[reportUnnecessaryIsInstance]  Python does not check.
        raise TypeError(f"kind must be a subclass of ctypes.Structure, not {kind!r}")
    return st.builds(kind, **{name: _values(part, bits) for name, part, bits in _fields(kind)})


def _fields(kind: type[ctypes.Structure]) -> list[tuple[str, Any, int | None]]:
    """Return name, type and number of bits of each field, those of base classes first."""
    fields: list[Any] = [field for base in reversed(kind.__mro__) for field in vars(base).get("_fields_", ())]
    return [(name, part, bits[0] if bits else None) for name, part, *bits in fields]


def _values(part: Any, bits: int | None = None) -> st.SearchStrategy[Any]:
    """Draw what can be put into a field of a type."""
    if issubclass(part, ctypes.Structure):
        return structures(part)
    if issubclass(part, ctypes.Union):
        size = ctypes.sizeof(part)
        return st.binary(min_size=size, max_size=size).map(part.from_buffer_copy)
    if issubclass(part, ctypes.Array):
        return _arrays(part)
    code: object = getattr(part, "_type_", None)
    if not isinstance(code, str) or code not in _SIGNED + _UNSIGNED + "".join(_OTHERS):
        raise TypeError(f"a field of type {part.__name__} holds an address or a Python object, not data")
    if code in _OTHERS:
        return _OTHERS[code]
    width = bits or 8 * ctypes.sizeof(part)
    return st.integers(-(2 ** (width - 1)), 2 ** (width - 1) - 1) if code in _SIGNED else st.integers(0, 2**width - 1)


def _arrays(kind: Any) -> st.SearchStrategy[Any]:
    """Draw the contents of an array; text is given as text."""
    if kind._type_ is ctypes.c_char:
        return st.binary(max_size=kind._length_)
    if kind._type_ is ctypes.c_wchar:
        return st.text(_LETTERS, max_size=kind._length_)
    return st.builds(kind, *[_values(kind._type_)] * kind._length_)
