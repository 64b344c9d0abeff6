"""The SQLite file of cached answers: schema, connections, and a number that tells every process to let go of what it holds.

WAL: a reader never waits for a writer. The number (`generation`) lies in a file beside it, which is mapped, for it is looked at
several times an exchange. It grows when entries are dropped or the file was set aside; what was read or meant to be written under
an earlier number no longer holds.
"""

import contextlib
import fcntl
import logging
import mmap
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

_log = logging.getLogger(__name__)
FILE = "answers.sqlite"
VERSION = 3
_SCHEMA = """
create table if not exists entries (id integer primary key autoincrement, key blob not null unique, created real not null,
    used real not null, expires real not null, size integer not null, tenant text not null, workload text not null,
    model text not null, kind text not null, revision text not null, tags text not null, request text not null,
    status integer not null, content_type text not null, usage text not null, packed integer not null, body blob not null);
create index if not exists entries_used on entries (used);
create index if not exists entries_of on entries (tenant, used);
create table if not exists shares (tenant text primary key, entries integer not null, bytes integer not null) without rowid;
create index if not exists entries_expires on entries (expires);
create table if not exists similar (id integer primary key, partition blob not null, encoder text not null, history blob not null,
    text text not null, vector blob not null);
create index if not exists similar_partition on similar (partition, id);
create table if not exists totals (entries integer not null, bytes integer not null);
insert into totals select 0, 0 where not exists (select 1 from totals);
create table if not exists bounds (tenant text not null, judge text not null, delta real not null, state text not null,
    primary key (tenant, judge, delta)) without rowid;
create trigger if not exists entries_added after insert on entries begin
    update totals set entries = entries + 1, bytes = bytes + new.size;
    insert into shares values (new.tenant, 1, new.size)
        on conflict do update set entries = entries + 1, bytes = bytes + new.size;
end;
create trigger if not exists entries_gone after delete on entries begin
    update totals set entries = entries - 1, bytes = bytes - old.size;
    update shares set entries = entries - 1, bytes = bytes - old.size where tenant = old.tenant;
    delete from shares where tenant = old.tenant and entries <= 0;
    delete from similar where id = old.id;
end;
"""
_NUMBER = 8
"""Bytes of the generation. Its file is never made shorter: a page of a shorter one could not be read."""
_WAIT = 2.0
"""Seconds for which a writer waits for another. A reader does not wait."""
_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class DamagedError(sqlite3.DatabaseError):
    """The file cannot be used: a page was damaged, or another release wrote it."""


def is_corrupt(error: sqlite3.Error) -> bool:
    """Whether the file has to go; a full disk, a lock or a missing folder pass by themselves."""
    return isinstance(error, DamagedError) or getattr(error, "sqlite_errorcode", 0) & 0xFF in _CORRUPT


class AnswerFile:
    """The file at `path`, which need not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._number = path.with_suffix(".generation")
        self._mapped: mmap.mmap | None = None

    def generation(self) -> int:
        """The number; 0 where nobody has written one yet."""
        mapped = self._mapped
        if mapped is None:
            mapped = self._mapped = _map(self._number)
        return 0 if mapped is None else int.from_bytes(mapped[:_NUMBER], "little")

    def bump(self) -> None:
        """Tell every process. Raises OSError."""
        with self._locked(fcntl.LOCK_EX) as descriptor:
            _bump(descriptor)

    def open(self, *, write: bool = False) -> sqlite3.Connection:
        """A connection in autocommit; the file is made by the first that writes. Raises sqlite3.Error, OSError."""
        with self._locked(fcntl.LOCK_SH) if write else contextlib.nullcontext():
            if write:
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # the files beside it take its mode
            return self._open(write)

    def set_aside(self, seen: int, reason: str) -> None:
        """Rename a file that cannot be read, unless another process did so since generation `seen`. Raises OSError."""
        with self._locked(fcntl.LOCK_EX) as descriptor:
            if _number(descriptor) != seen:
                return
            _bump(descriptor)  # also before: who is killed in between has told the others to look at the file again
            aside = self.path.with_name(self.path.name + ".corrupt")
            self.path.replace(aside)
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            _bump(descriptor)
        _log.error("cached answers: %s; the file is now %s, and another is begun", reason, aside)

    def close(self) -> None:
        if self._mapped is not None:
            self._mapped.close()
            self._mapped = None

    def _open(self, write: bool) -> sqlite3.Connection:  # noqa: FBT001
        uri = f"file:{self.path.as_posix().replace('%', '%25').replace('?', '%3f').replace('#', '%23')}?mode=rw"
        db = sqlite3.connect(uri, uri=True, timeout=_WAIT if write else 0.0, isolation_level=None, check_same_thread=False)
        try:
            # Closing would delete the WAL by its name, which may be that of a newer file.
            db.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
            db.execute("pragma cache_size = -512")
            if write:
                _prepare(db)
            elif (version := db.execute("pragma user_version").fetchone()[0]) not in (0, VERSION):
                raise DamagedError(f"written by another release (version {version})")
            else:
                db.execute("pragma query_only = 1")
        except BaseException:
            db.close()
            raise
        return db

    @contextlib.contextmanager
    def _locked(self, how: int) -> Iterator[int]:
        """Held while the file is opened by a writer, or replaced."""
        descriptor = os.open(self._number, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how)
            if os.fstat(descriptor).st_size < _NUMBER:
                os.ftruncate(descriptor, _NUMBER)  # which says 0, and can be mapped
            yield descriptor
        finally:
            os.close(descriptor)


def _prepare(db: sqlite3.Connection) -> None:
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = normal")
    db.execute("pragma journal_size_limit = 16777216")
    version = db.execute("pragma user_version").fetchone()[0]
    if version not in (0, VERSION):
        raise DamagedError(f"written by another release (version {version})")
    if version == 0:
        db.executescript(f"begin immediate; {_SCHEMA} pragma user_version = {VERSION}; commit;")


def _map(path: Path) -> mmap.mmap | None:
    """The file of the number; None where nobody has written one yet."""
    try:
        with path.open("rb") as file:
            written = os.fstat(file.fileno()).st_size >= _NUMBER
            return mmap.mmap(file.fileno(), _NUMBER, access=mmap.ACCESS_READ) if written else None
    except OSError:
        return None


def _number(descriptor: int) -> int:
    return int.from_bytes(os.pread(descriptor, _NUMBER, 0), "little")


def _bump(descriptor: int) -> None:
    os.pwrite(descriptor, (_number(descriptor) + 1).to_bytes(_NUMBER, "little"), 0)
