"""Texts that were refused, by digest: what a client keeps in its conversation after a refusal is known again.

Shared by the workers of a machine, and kept over restarts, in SQLite. Of each workload the latest used stay, and of all together.
What cannot be read is not known, so that the text is refused again.
"""

import logging
import os
import sqlite3
from asyncio import to_thread
from collections.abc import Callable, Collection
from pathlib import Path
from threading import Lock

_log = logging.getLogger(__name__)
_SCHEMA = """
create table if not exists refused (tenant text, workload text, digest text, used real,
    primary key (tenant, workload, digest)) without rowid;
create index if not exists refused_used on refused (used);
"""
_WAIT = 2.0
_OF_A_WORKLOAD = (
    "delete from refused where tenant = ? and workload = ? and digest not in"
    " (select digest from refused where tenant = ? and workload = ? order by used desc limit ?)"
)

_OF_ALL = "delete from refused where used < (select used from refused order by used desc limit 1 offset ?)"


class Refused:
    """The texts refused to each workload. `wall` gives epoch seconds; nothing is opened before the first text is refused."""

    def __init__(self, path: Path, wall: Callable[[], float], *, most: int = 256, in_all: int = 20_000) -> None:
        self._path, self._wall, self._most, self._in_all = path, wall, most, in_all
        self._db: sqlite3.Connection | None = None
        self._lock = Lock()

    async def known(self, tenant: str, workload: str, digests: Collection[str]) -> frozenset[str]:
        """Which of these were refused before; none where that cannot be told."""
        try:
            return await to_thread(self._known, tenant, workload, digests)
        except (sqlite3.Error, OSError):
            _log.exception("refused texts cannot be read")
            return frozenset()

    async def add(self, tenant: str, workload: str, digests: Collection[str]) -> None:
        """Remember them; where that fails, they are refused again when they come again."""
        try:
            await to_thread(self._add, tenant, workload, digests)
        except (sqlite3.Error, OSError):
            _log.exception("refused texts cannot be kept")

    def close(self) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def _known(self, tenant: str, workload: str, digests: Collection[str]) -> frozenset[str]:
        found = set[str]()
        with self._lock, self._open() as db:
            for digest in digests:
                used = (self._wall(), tenant, workload, digest)
                if db.execute("update refused set used = ? where tenant = ? and workload = ? and digest = ?", used).rowcount:
                    found.add(digest)
        return frozenset(found)

    def _add(self, tenant: str, workload: str, digests: Collection[str]) -> None:
        now = self._wall()
        with self._lock, self._open() as db:
            db.executemany("replace into refused values (?, ?, ?, ?)", [(tenant, workload, digest, now) for digest in digests])
            db.execute(_OF_A_WORKLOAD, (tenant, workload, tenant, workload, self._most))
            db.execute(_OF_ALL, (self._in_all,))

    def _open(self) -> sqlite3.Connection:
        """The database; as a context it is one transaction."""
        if self._db is None:
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))  # the files beside it take its mode
            db = sqlite3.connect(self._path, timeout=_WAIT, check_same_thread=False)
            db.execute("pragma journal_mode=wal")
            db.execute("pragma synchronous=off")
            db.executescript(_SCHEMA)
            self._db = db
        return self._db
