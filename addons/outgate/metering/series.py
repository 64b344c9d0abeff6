"""Memory-mapped series files, one per worker, readable by any process at any time, so that counts survive a worker.

Layout, little-endian: a header (magic, 16 bytes for the layout of keys), then per series: u32 length of the key, u32 number of
cells, the key in UTF-8 padded to 8 bytes, the cells as doubles. A length of zero ends the file; it is written last, so that a
reader never meets half a series. Blocks are allocated beforehand: a full disk refuses the start, never a running worker.
"""

import fcntl
import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

_MAGIC = b"OUTGATE1"
_HEAD = struct.Struct("<8s16s")
_LENGTHS = struct.Struct("<II")
SUFFIX = ".series"


class SeriesFile:
    """The series of one worker. Cells are addressed by index into `cells`, a view of doubles over the whole file.

    A file left by an earlier run of the same worker and the same layout goes on. Raises BlockingIOError where a living worker
    owns it, and OSError where it cannot be made.
    """

    def __init__(self, path: Path, layout: bytes, *, size: int = 4 << 20) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise
        if os.fstat(self._file).st_size != size or _read_head(os.pread(self._file, _HEAD.size, 0)) != layout:
            os.ftruncate(self._file, 0)
        os.posix_fallocate(self._file, 0, size)
        self._map = mmap.mmap(self._file, size)
        self._map[: _HEAD.size] = _HEAD.pack(_MAGIC, layout)
        self._bytes = memoryview(self._map)
        self.cells = self._bytes.cast("d")
        self.index: dict[str, int] = {}
        self._end = _HEAD.size
        for key, first, count in _walk(self._bytes):
            self.index[key] = first
            self._end = 8 * (first + count)

    def add(self, key: str, count: int) -> int | None:
        """The first cell of a series of `count` cells, new or known; None where the file is full."""
        known = self.index.get(key)
        if known is not None:
            return known
        name = key.encode()
        first = self._end // 8 + 1 + (len(name) + 7) // 8
        if 8 * (first + count) + _LENGTHS.size > len(self._bytes):
            return None
        start, end = self._end + _LENGTHS.size, 8 * (first + count) + _LENGTHS.size
        self._bytes[start:end] = name + bytes(end - start - len(name))
        _LENGTHS.pack_into(self._bytes, self._end, len(name), count)
        self._end = 8 * (first + count)
        self.index[key] = first
        return first

    def close(self) -> None:
        self.cells.release()
        self._bytes.release()
        self._map.close()
        os.close(self._file)


def is_owned(path: Path) -> bool:
    """Whether a living worker writes this file. Raises OSError.

    The lock is tried for an instant: a worker that starts within it takes another file.
    """
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def read_series(path: Path, layout: bytes) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Every series of a worker's file; none where its keys have another layout. Raises OSError."""
    data = path.read_bytes()
    if _read_head(data[: _HEAD.size]) != layout:
        return
    view = memoryview(data)
    cells = view[: len(data) // 8 * 8].cast("d")
    for key, first, count in _walk(view):
        yield key, tuple(cells[first : first + count])


def _read_head(data: bytes) -> bytes | None:
    if len(data) != _HEAD.size:
        return None
    magic, layout = _HEAD.unpack(data)
    return bytes(layout) if magic == _MAGIC else None


def _walk(data: memoryview) -> Iterator[tuple[str, int, int]]:
    """Key, first cell and number of cells of each series."""
    at = _HEAD.size
    while at + _LENGTHS.size <= len(data):
        length, count = _LENGTHS.unpack_from(data, at)
        if not length:
            return
        start = at + _LENGTHS.size
        first = (start + length + 7) // 8
        yield bytes(data[start : start + length]).decode(), first, count
        at = 8 * (first + count)
