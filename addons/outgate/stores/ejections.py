"""Ejections of replicas that the workers of a machine share, in SQLite: what one worker has found, the others need not find."""

import os
import sqlite3
from asyncio import to_thread
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from outgate.upstreams.health import Ejection, Key

_SCHEMA = """
create table if not exists ejections (backend text, address text, until real, times integer,
    primary key (backend, address)) without rowid;
"""
_WAIT = 1.0


class Ejections:
    """The table. `wall` gives epoch seconds."""

    def __init__(self, path: Path, wall: Callable[[], float]) -> None:
        self._path, self._wall = path, wall

    async def share(self, news: Mapping[Key, Ejection]) -> dict[Key, Ejection]:
        """Tell what is new, and get every ejection that is in force. Raises OSError."""
        try:
            return await to_thread(self._share, news)
        except sqlite3.Error as error:
            raise OSError(f"{self._path.name}: {error}") from error

    def _share(self, news: Mapping[Key, Ejection]) -> dict[Key, Ejection]:
        if not news and not self._path.exists():
            return {}
        with closing(self._open()) as db, db:
            if news:
                db.execute("delete from ejections where until <= ?", (self._wall(),))
                db.executemany("replace into ejections values (?, ?, ?, ?)", [(*key, *each) for key, each in news.items()])
            found = db.execute("select backend, address, until, times from ejections where until > ?", (self._wall(),))
            return {(backend, address): Ejection(until, times) for backend, address, until, times in found}

    def _open(self) -> sqlite3.Connection:
        os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        db = sqlite3.connect(self._path, timeout=_WAIT)
        db.execute("pragma synchronous=off")
        db.executescript(_SCHEMA)
        return db
