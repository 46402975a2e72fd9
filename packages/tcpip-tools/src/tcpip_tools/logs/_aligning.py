"""Which lines of two texts are the same, with as few differences as can be; pure.

`difflib` passes over lines that come often, and a device that is polled says nothing else; without that habit it takes
quadratic time. Here the way of E. W. Myers is gone ("An O(ND) Difference Algorithm and Its Variations", 1986): its time
grows with the length, and with the square of the number of differences.
"""

import difflib
from array import array
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

__all__ = ["grouped_changes"]

Change: TypeAlias = tuple[str, int, int, int, int]
"""As `difflib.SequenceMatcher.get_opcodes` has it: a tag, begin and end of both sides."""

_MOST_DIFFERENCES: Final = 2000
"""Beyond that many lines it is left to difflib: a second of time, and 16 MB."""


def grouped_changes(one: Sequence[str], other: Sequence[str], around: int) -> Iterable[list[Change]]:
    """Return what changed from one text to the other, in groups of changes that are near each other.

    Parameters
    ----------
    one, other : sequence of str
        The lines.
    around : int
        How many lines that are the same stand before and after a change.
    """
    return _Matcher(one, other).get_grouped_opcodes(around)


class _Matcher(difflib.SequenceMatcher[str]):
    def __init__(self, one: Sequence[str], other: Sequence[str]) -> None:
        super().__init__(None, one, other)
        self._sides = one, other

    def get_matching_blocks(self) -> list[difflib.Match]:
        one, other = self._sides
        rows = _furthest(one, other)
        return super().get_matching_blocks() if rows is None else _blocks(rows, len(one), len(other))


def _furthest(one: Sequence[str], other: Sequence[str]) -> "list[array[int]] | None":
    """Return, by number of differences and diagonal, how far one gets in `one`; None if there are too many of them.

    Row d holds the diagonals -d, -d + 2 ... d. A diagonal k is where so many more lines were taken of `one`.
    """
    rows: list[array[int]] = []
    before = array("q", [0, 0])
    for d in range(_MOST_DIFFERENCES + 1):
        row = array("q")
        for place in range(d + 1):
            x = _entry(before, place, d) if d else 0
            y = x - (2 * place - d)
            while x < len(one) and y < len(other) and one[x] == other[y]:
                x, y = x + 1, y + 1
            row.append(x)
            if x >= len(one) and y >= len(other):
                return [*rows, row]
        rows.append(row)
        before = row
    return None


def _is_added(before: "array[int]", place: int, d: int) -> bool:
    """Return whether the last difference on the way to a place is a line of `other`, not one of `one`."""
    return place == 0 or (place != d and before[place - 1] < before[place])


def _entry(before: "array[int]", place: int, d: int) -> int:
    """Return where in `one` a diagonal is entered, after the last difference."""
    return before[place] if _is_added(before, place, d) else before[place - 1] + 1


def _blocks(rows: "list[array[int]]", x: int, y: int) -> list[difflib.Match]:
    """Return the runs of lines that are the same, in order, an empty one last as in difflib; it goes back from x, y."""
    found = [difflib.Match(x, y, 0)]
    for d in range(len(rows) - 1, -1, -1):
        place = (x - y + d) // 2
        begin = _entry(rows[d - 1], place, d) if d else 0
        if x > begin:
            found.append(difflib.Match(begin, begin - (x - y), x - begin))
        if d:
            is_added = _is_added(rows[d - 1], place, d)
            x, y = (begin, begin - (x - y) - 1) if is_added else (begin - 1, begin - (x - y))
    return found[::-1]
