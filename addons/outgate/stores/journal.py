"""Append-only journal of one worker run, in JSON lines: what survives a kill. Locked while the worker lives.

Rule 1: a record is one line, written by one write(2). Rule 2: a line that is not whole JSON was never acknowledged: what a failed
write left is cut off again, and readers skip a torn line. Rule 3: whoever holds the lock of the folder owns the files in it; a
free lock means that the worker is dead and any other may fold what it left.
"""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import orjson

SUFFIX = ".jsonl"

type Write = Callable[[int, bytes], int]


class Record(NamedTuple):
    """One line: where it ends in its file, and what it says."""

    end: int
    fields: dict[str, Any]


class Run:
    """The folder of one worker run, held by its lock. `segments` are its files, oldest first."""

    def __init__(self, folder: Path, lock: int) -> None:
        self.folder = folder
        self.name = folder.name
        self._lock = lock

    @classmethod
    def create(cls, journals: Path, name: str) -> Self:
        """A new run. It is locked before it is visible, so that nobody takes it for a dead one. Raises OSError."""
        hidden = journals / f".{name}"
        hidden.mkdir(mode=0o700)
        lock = os.open(hidden, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return cls(hidden.rename(journals / name), lock)

    @classmethod
    def take(cls, folder: Path) -> Self | None:
        """The run of a dead worker, or None where its worker lives or another has just taken it."""
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if folder.stat().st_ino == os.fstat(lock).st_ino:
                return cls(folder, lock)
        except (BlockingIOError, FileNotFoundError):
            pass
        os.close(lock)
        return None

    @property
    def segments(self) -> tuple[Path, ...]:
        return tuple(sorted(self.folder.glob(f"*{SUFFIX}")))

    def archive(self, segment: Path, audit: Path) -> None:
        """Move a folded file to the audit folder, where it stays for the operator."""
        segment.rename(audit / f"{self.name}.{segment.name}")

    def remove(self) -> None:
        """Remove the folder of a run whose files are archived."""
        self.folder.rmdir()
        self.release()

    def release(self) -> None:
        os.close(self._lock)


class Folders(NamedTuple):
    """Where accounts live: runs of living workers, and folded files for the operator."""

    journals: Path
    audit: Path

    def segment(self, run: Run, path: Path) -> str:
        """The name under which the ledger knows a journal file."""
        return f"{run.name}/{path.name}"


class Journal:
    """The file that is being appended to. `durable` waits for the disk after every record (power loss, not only a kill)."""

    def __init__(self, path: Path, *, durable: bool = False, write: Write = os.write) -> None:
        self.path = path
        self.size = path.stat().st_size if path.exists() else 0
        self._write = write
        self._durable = durable
        self._torn = False
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def append(self, line: bytes) -> None:
        """Append one record, without its newline. Raises OSError where it cannot be written whole; nothing of it stays then."""
        if self._torn:
            self._cut()
        data = line + b"\n"
        try:
            written = self._write(self._file, data)
            if written != len(data):
                raise OSError(errno.ENOSPC, "the journal was written in part")
            if self._durable:
                os.fdatasync(self._file)
        except OSError:
            self._torn = True
            raise
        self.size += written

    def probe(self) -> None:
        """Append a line and cut it off again. Raises OSError where none can be written."""
        kept = self.size
        self.append(b"")
        self.size = kept
        self._cut()

    def move(self, path: Path) -> None:
        self.path = self.path.rename(path)

    def _cut(self) -> None:
        os.ftruncate(self._file, self.size)
        self._torn = False

    def close(self) -> None:
        """Cut what a failed write may have left; it is never a record."""
        try:
            if self._torn:
                self._cut()
        finally:
            os.close(self._file)


def records(path: Path, mention: bytes = b"") -> Iterator[Record]:
    """Every whole record of a file that holds these bytes; a torn line is skipped, and so is a last line without its end.

    Raises OSError.
    """
    end = 0
    with path.open("rb") as file:
        for line in file:
            end += len(line)
            if not line.endswith(b"\n"):
                return
            if mention not in line:
                continue
            try:
                fields = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(fields, dict):
                yield Record(end, fields)
