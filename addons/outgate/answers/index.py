"""Index of similar entries: one small FAISS index for each partition, filled from the file when it is first asked.

A partition is searched alone: no id of another can come out of it. Vectors are signed bytes, a third of which is memory for nothing
else; what is near is looked at again by the row itself. Partitions that have not been asked for the longest time leave first.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray

type Rows = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]
_SCALE = 400.0
"""A component of 0.3175 or more is cut: those of sentence vectors lie below."""
_SLICE, _SLICES = 4096, 2
"""Rows read at once, and how often for one look-up: a large partition is taken in by several, so that none holds up others long."""
_ONE = 2048
"""Bytes of a partition without rows."""
_NEWER = "select id, vector from similar where partition = ? and id > ? and encoder = ? order by id limit ?"
_ALIVE = "select id from similar where partition = ? and encoder = ? order by id"


class Hit(NamedTuple):
    """A row that is near, and about how near."""

    id: int
    similarity: float


class Partition:
    """The vectors of one partition, in the order of their ids."""

    __slots__ = ("_checked", "_ids", "_index", "last")

    def __init__(self, dimension: int) -> None:
        self._index = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT)
        self._ids: NDArray[np.int64] = np.empty(0, np.int64)
        self._checked = 0
        self.last = 0

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def dimension(self) -> int:
        return int(self._index.d)

    @property
    def size(self) -> int:
        return _ONE + len(self._ids) * (self.dimension + 8)

    def add(self, rows: list[tuple[int, bytes]]) -> None:
        vectors = np.frombuffer(b"".join(vector for _, vector in rows), np.float16).reshape(len(rows), -1)
        self._index.add(_scaled(vectors))
        self._ids = np.append(self._ids, np.array([number for number, _ in rows], np.int64))

    def search(self, vector: NDArray[np.float32], count: int) -> list[Hit]:
        if not len(self._ids):
            return []
        scores, positions = self._index.search(_scaled(vector.reshape(1, -1)), min(count, len(self._ids)))
        pairs = zip(scores[0].tolist(), positions[0].tolist(), strict=True)
        return [Hit(int(self._ids[position]), score / _SCALE**2) for score, position in pairs if position >= 0]

    def keep(self, alive: Iterable[int]) -> None:
        """Forget every row that is not among these."""
        self._forget(~np.isin(self._ids, np.fromiter(alive, np.int64)))
        self._checked = len(self._ids)

    def discard(self, gone: Iterable[int]) -> None:
        """Forget these rows."""
        self._forget(np.isin(self._ids, np.fromiter(gone, np.int64)))

    def _forget(self, gone: NDArray[np.bool_]) -> None:
        if gone.any():
            self._index.remove_ids(faiss.IDSelectorBatch(np.flatnonzero(gone)))
            self._ids = self._ids[~gone]

    @property
    def is_stale(self) -> bool:
        """Whether so much was added since rows were last counted that many may have gone meanwhile."""
        return len(self._ids) > 64 + self._checked * 5 // 4


class Index:
    """The partitions in memory. `rows` reads the file; `max_bytes` bounds all of them together."""

    def __init__(self, rows: Rows, *, max_bytes: int = 128 * 1024 * 1024) -> None:
        self._rows, self._max_bytes = rows, max_bytes
        self._partitions: OrderedDict[tuple[bytes, str], Partition] = OrderedDict()
        self._bytes = 0
        faiss.omp_set_num_threads(1)

    def __len__(self) -> int:
        return len(self._partitions)

    @property
    def size(self) -> int:
        return self._bytes

    def search(self, partition: bytes, encoder: str, vector: bytes, count: int) -> list[Hit]:
        """The rows of this partition and encoder that are nearest, nearest first. `vector` is float32."""
        if not vector or len(vector) % 4:
            return []
        asked = np.frombuffer(vector, np.float32)
        return self._current(partition, encoder, len(asked)).search(asked, count)

    def discard(self, partition: bytes, encoder: str, gone: Iterable[int]) -> None:
        """Forget rows that are no longer in the file."""
        held = self._partitions.get((partition, encoder))
        if held is not None:
            self._bytes -= held.size
            held.discard(gone)
            self._bytes += held.size

    @staticmethod
    def cosine(vector: bytes, halves: bytes) -> float:
        """Of a unit vector in float32 and one in float16, as the file holds it."""
        return float(np.dot(np.frombuffer(vector, np.float32), np.frombuffer(halves, np.float16).astype(np.float32)))

    def clear(self) -> None:
        self._partitions.clear()
        self._bytes = 0

    def _current(self, partition: bytes, encoder: str, dimension: int) -> Partition:
        key = (partition, encoder)
        held = self._partitions.pop(key, None)
        self._bytes -= held.size if held is not None else 0
        if held is None or held.dimension != dimension:
            held = Partition(dimension)
        self._follow(held, partition, encoder)
        self._partitions[key] = held
        self._bytes += held.size
        while self._bytes > self._max_bytes and len(self._partitions) > 1:
            _, oldest = self._partitions.popitem(last=False)
            self._bytes -= oldest.size
        return held

    def _follow(self, held: Partition, partition: bytes, encoder: str) -> None:
        """Take in what was written since, or some of it."""
        for _ in range(_SLICES):
            rows = self._rows(_NEWER, (partition, held.last, encoder, _SLICE))
            if sound := [row for row in rows if len(row[1]) == 2 * held.dimension]:
                held.add(sound)
            held.last = rows[-1][0] if rows else held.last
            if len(rows) < _SLICE:
                break
        if held.is_stale:
            held.keep(number for (number,) in self._rows(_ALIVE, (partition, encoder)))


def _scaled(vectors: NDArray[Any]) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = np.clip(np.rint(vectors.astype(np.float32) * _SCALE), -127, 127)
    return scaled
