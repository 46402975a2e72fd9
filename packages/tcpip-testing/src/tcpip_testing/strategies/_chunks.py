"""Where a stream is cut on its way."""

from itertools import pairwise

from hypothesis import strategies as st

__all__ = ["chunkings", "pieces"]


def chunkings(*, max_size: int = 64, max_length: int = 8) -> st.SearchStrategy[list[int]]:
    """Draw sizes of chunks, for the argument ``chunks`` of `tcpip_testing.pairs.memory_pair`.

    Parameters
    ----------
    max_size : int
        Most that arrives at once (bytes, 1 or more).
    max_length : int
        How many sizes there are at most (1 or more); they are used again and again.

    Returns
    -------
    SearchStrategy
        Of lists of sizes. It shrinks to one chunk of `max_size`: to as few cuts as possible.

    Raises
    ------
    ValueError
        If an argument is below 1.
    """
    if max_size < 1 or max_length < 1:
        raise ValueError(f"max_size and max_length must be 1 or more, not {max_size!r} and {max_length!r}")
    size = st.integers(0, max_size - 1).map(lambda less: max_size - less)
    return st.lists(size, min_size=1, max_size=max_length)


def pieces(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """Cut data anywhere, any number of times.

    Parameters
    ----------
    data : bytes
        What is cut.

    Returns
    -------
    SearchStrategy
        Of lists of pieces, none of them empty, that are `data` when they are joined; of empty lists if it is empty. It
        shrinks to one piece.
    """
    if len(data) < 2:
        return st.just([data] if data else [])
    cuts = st.sets(st.integers(1, len(data) - 1))
    return cuts.map(lambda chosen: [data[begin:end] for begin, end in pairwise([0, *sorted(chosen), len(data)])])
