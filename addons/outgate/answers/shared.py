"""Cached answers of all processes of a machine: this process's memory in front of the shared file.

`get` reads by key, in the event loop: some tens of microseconds, and it waits for nobody. Everything that is written is written by
the process's writer thread. Whatever is wrong with the file is a miss.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from outgate.answers import entries
from outgate.answers.file import AnswerFile, is_corrupt
from outgate.answers.writer import Writer
from outgate.metering.metrics import Metrics
from outgate.stores.answers import CachedAnswer, MemoryAnswers, Room

_TOUCH, _TOUCHED = 60.0, 10_000
"""Seconds between two notes in the file that an entry is used; how many of them are remembered."""
_UNWRITTEN = "outgate_cache_unwritten_total"


class Reader:
    """Reads the file and follows its generation. Not shared by threads; `rows` is empty where nothing can be read."""

    def __init__(self, file: AnswerFile, suspect: Callable[[int], None]) -> None:
        self._file, self._suspect = file, suspect
        self._db: sqlite3.Connection | None = None
        self.generation = -1

    def follow(self) -> bool:
        """Whether the generation has changed: what was read before no longer holds."""
        generation = self._file.generation()
        if generation == self.generation:
            return False
        self.close()
        self.generation = generation
        return True

    def rows(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            db = self._connected()
            return db.execute(statement, values).fetchall() if db is not None else []
        except sqlite3.Error as error:
            self.close()
            if is_corrupt(error):
                self._suspect(self.generation)
            return []

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _connected(self) -> sqlite3.Connection | None:
        if self._db is None and self._file.path.exists():
            self._db = self._file.open()
        return self._db


class SharedAnswers:
    """The port `Answers` over memory and file. Belongs to one event loop; `close` ends its thread."""

    def __init__(self, file: AnswerFile, writer: Writer, reader: Reader, memory: MemoryAnswers, metrics: Metrics) -> None:
        self._file, self._writer, self._reader, self._memory, self._metrics = file, writer, reader, memory, metrics
        self._wall = writer.wall
        self._touched: dict[bytes, float] = {}

    @classmethod
    def at(
        cls,
        path: Path,
        memory: MemoryAnswers,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
        metrics: Metrics,
    ) -> "SharedAnswers":
        """Over the file at `path`, which the first put makes."""
        file = AnswerFile(path)
        writer = Writer(file, wall, monotonic)
        return cls(file, writer, Reader(file, writer.suspect), memory, metrics)

    def get(self, key: bytes, max_age: float) -> CachedAnswer | None:
        self._follow()
        entry = self._memory.get(key, max_age)
        if entry is None:
            entry = self._read(key, max_age)
        if entry is not None:
            self._touch(key)
        return entry

    def bound(self, room: Room) -> None:
        """From now on the file holds no more than this."""
        self._writer.room = room

    def put(self, key: bytes, entry: CachedAnswer) -> bool:
        """Keep it here at once, and in the file soon."""
        self._follow()
        if not self._memory.put(key, entry if entry.similar is None else replace(entry, similar=None)):
            return False
        self._writer.submit(partial(entries.put, key=key, entry=entry), len(entry.body) + 1024)
        self._count_lost()
        return True

    def flush(self) -> bool:
        """Wait until what was put is in the file, or was dropped; False where that takes too long."""
        return self._writer.flush()

    def close(self) -> None:
        """End the thread, once it has written what waits."""
        self._writer.close()
        self._count_lost()
        self._reader.close()
        self._file.close()

    def _follow(self) -> None:
        if self._reader.follow():
            self._memory.clear()

    def _read(self, key: bytes, max_age: float) -> CachedAnswer | None:
        rows = self._reader.rows(entries.READ, (key,))
        try:
            entry = entries.answer_of(rows[0]) if rows else None
        except entries.DamagedRowError:
            self._writer.submit(partial(entries.remove, key=key))
            return None
        if entry is None or not entries.is_live(entry.created, entry.expires, self._wall(), max_age):
            return None
        self._memory.put(key, entry)
        return entry

    def _touch(self, key: bytes) -> None:
        now = self._wall()
        if abs(now - self._touched.get(key, -_TOUCH)) < _TOUCH:
            return
        if len(self._touched) >= _TOUCHED:
            self._touched.clear()
        self._touched[key] = now
        self._writer.submit(partial(entries.touch, key=key, now=now))

    def _count_lost(self) -> None:
        for reason, count in self._writer.lost().items():
            self._metrics.add(_UNWRITTEN, (reason,), count)
