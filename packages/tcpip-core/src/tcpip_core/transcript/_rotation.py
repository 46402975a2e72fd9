"""A file that grows by whole batches or not at all, and makes way for the next one when it is full."""

import contextlib
import errno
import os
import zlib
from pathlib import Path

from ._writer import new_packer

__all__ = ["GrowingFile", "inserted", "shift"]


def shift(path: Path, keep: int | None) -> None:
    """Make a name free: what has it gets the number 1, what had 1 gets 2, and so on; the last one is deleted.

    Parameters
    ----------
    path : Path
        The name, such as ``night.tcplog.gz``; the first older file is ``night.1.tcplog.gz``.
    keep : int or None
        How many older files there are at most; None deletes none.

    Raises
    ------
    OSError
        If a file cannot be renamed or deleted, or the name belongs to something that is no regular file, such as a
        device or a pipe: that stays where it is.
    """
    if not path.exists():
        return
    if not path.is_file():
        raise FileExistsError(errno.EEXIST, "it is there, and is no regular file", str(path))
    names = [path]
    while names[-1].exists() and (keep is None or len(names) <= keep):
        names.append(inserted(path, f".{len(names)}"))
    names[-1].unlink(missing_ok=True)
    for older, newer in zip(names[:0:-1], names[-2::-1], strict=True):
        newer.rename(older)


def inserted(path: Path, text: str) -> Path:
    """Return a path with a text put in before its suffixes, ``.gz`` included."""
    packed = ".gz" if path.suffix == ".gz" else ""
    plain = Path(path.name.removesuffix(packed))
    return path.with_name(f"{plain.stem}{text}{plain.suffix}{packed}")


class GrowingFile:
    """A new file that batches are appended to.

    Parameters
    ----------
    path : Path
        Its name, which must be free. If it ends with ``.gz`` the file is compressed.

    Attributes
    ----------
    size : int
        How long the file is (bytes).

    Raises
    ------
    OSError
        If it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._packer = new_packer() if path.suffix == ".gz" else None
        self._is_damaged = False
        self.size = 0
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)

    def append(self, batch: bytes) -> None:
        """Append all of a batch, so that a reader sees it.

        Raises
        ------
        OSError
            If that is not possible. What was written of it is taken back, now or by the next call.
        """
        if self._is_damaged:
            self._take_back()
        packer = self._packer.copy() if self._packer is not None else None
        data = batch if packer is None else packer.compress(batch) + packer.flush(zlib.Z_SYNC_FLUSH)
        self._write(data)
        self._packer = packer

    def close(self) -> None:
        """End the file.

        Raises
        ------
        OSError
            If the end of a compressed file cannot be written. The file is closed all the same.
        """
        try:
            if self._packer is not None and not self._is_damaged:
                self._write(self._packer.flush())
        finally:
            os.close(self._file)

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            self._is_damaged = True
            with contextlib.suppress(OSError):
                self._take_back()
            raise
        self.size += len(data)

    def _take_back(self) -> None:
        os.ftruncate(self._file, self.size)
        _ = os.lseek(self._file, self.size, os.SEEK_SET)
        self._is_damaged = False
