"""Segments of a journal: the file of the next record, and what the ledger has not been told yet.

A file that has grown full, or old, is followed by a new one, which opens with every hold that is still open: so a file that
is folded can be archived while exchanges of its time go on. Used on the event loop; `archive` on the thread of the ledger.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from outgate.stores.journal import SUFFIX, Folders, Journal, Run
from outgate.stores.ledger import JournalBatch, Ledger, LedgerEntry


class Full(NamedTuple):
    """When a file is full: so many bytes, or so many seconds after its first line."""

    size: int = 64 << 20
    seconds: float = 86400.0


FULL = Full()


class Segments:
    """The journal files of one living run, and the lines of its open holds. Raises OSError where a record cannot be written."""

    def __init__(self, run: Run, folders: Folders, new_journal: Callable[[Path], Journal], full: Full) -> None:
        self.run = run
        self._folders, self._new_journal, self._full = folders, new_journal, full
        self._count, self._begun = 1, 0.0
        self._retired: JournalBatch | None = None
        self._posted: list[tuple[int, LedgerEntry]] = []
        self._opens: dict[str, bytes] = {}
        self._journal = new_journal(self._path())

    def open(self, exchange_id: str, line: bytes) -> None:
        """Append the line of a hold. Another one for the same exchange replaces it."""
        self._journal.append(line)
        self._opens[exchange_id] = line

    def close(self, exchange_id: str, line: bytes, entries: tuple[LedgerEntry, ...]) -> None:
        """Append a closing line, and post what it does."""
        self._journal.append(line)
        self._opens.pop(exchange_id, None)
        end = self._journal.size
        self._posted += [(end, entry) for entry in entries]

    def probe(self) -> None:
        """Say whether a line could be written."""
        self._journal.probe()

    def due(self) -> tuple[JournalBatch, ...]:
        """What the ledger has not confirmed yet."""
        present = JournalBatch(self._name(self._journal.path), self._journal.size, tuple(self._posted))
        return (present,) if self._retired is None else (self._retired, present)

    def told(self, batches: tuple[JournalBatch, ...]) -> None:
        """The ledger has confirmed these."""
        self._retired = None
        del self._posted[: len(batches[-1].posted)]

    def follow(self, now: float) -> None:
        """Begin a new file where the present one is full and the one before it is folded."""
        self._begun = self._begun if self._begun and self._journal.size else now
        full = self._journal.size >= self._full.size or now - self._begun >= self._full.seconds
        if not (full and self._journal.size) or self._retired is not None:
            return
        self._count += 1
        path = self._path()
        following = self._new_journal(path.with_suffix(".new"))
        for line in self._opens.values():
            following.append(line)
        following.move(path)  # only now may a reader meet it: a file with half of the open holds would lie
        self._retired = JournalBatch(self._name(self._journal.path), self._journal.size, tuple(self._posted))
        self._journal.close()
        self._journal, self._posted, self._begun = following, [], now

    def archive(self, ledger: Ledger, *, ended: bool = False) -> None:
        """Move files that are folded to the audit folder: all but the present one, or all, with the run, when it has ended."""
        for path in self.run.segments if ended else self.run.segments[:-1]:
            if ended or self._retired is None:
                self.run.archive(path, self._folders.audit)
                ledger.forget(self._name(path))
        if ended:
            self.run.remove()

    def shut(self) -> None:
        self._journal.close()

    def _path(self) -> Path:
        return self.run.folder / f"{self._count:08}{SUFFIX}"

    def _name(self, path: Path) -> str:
        return self._folders.segment(self.run, path)
