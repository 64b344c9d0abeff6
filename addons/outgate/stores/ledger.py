"""Ledger of budgets in SQLite: the fold of every journal, and the leases granted to workers.

Each account has one row per window, so that nothing is ever reset: a new window is a new row. A record counts once, because the
place up to which a journal is folded is kept in the same database and moves in the same transaction. It is never called on the
event loop.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from errno import ESTALE
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

type TokensOf = Callable[[str], frozenset[int]]
"""The tokens that limits give the account of a key: `BudgetLimits.tokens_of`."""
_SCHEMA = """
create table if not exists account (key text, start int, ends int, tokens int, settled int not null default 0,
    leased int not null default 0, debt int not null default 0, primary key (key, start)) without rowid;
create table if not exists lease (run text, key text, start int, amount int, primary key (run, key, start)) without rowid;
create table if not exists warned (key text, start int, tokens int, share real, primary key (key, start, tokens, share))
    without rowid;
create table if not exists folded (segment text primary key, place int) without rowid;
"""
LATEST = (
    "select key, start, ends, tokens, settled, leased, debt from account a where (?1 is null or key = ?1)"
    " and start = (select max(start) from account where key = a.key) order by key"
)
"""One account, or all, in the latest window: the fields of a Standing."""
_WAIT_AT_START, _WAIT = 5.0, 0.25
"""Seconds for another process's lock: at start others may fold much; later requests wait for it."""
_KEPT_WINDOWS = 13
_NO_LIMIT = -1
"""Tokens of an account that the policy in force does not keep: what was used of it stays, should it come back."""


class LedgerEntry(NamedTuple):
    """What one closed hold did to one account: tokens it used, tokens that left the lease, and tokens beyond the hold."""

    key: str
    start: int
    settled: int
    unleased: int
    debt: int


class JournalBatch(NamedTuple):
    """What a journal file says up to byte `place`: entries, each with the byte where its record ends."""

    segment: str
    place: int
    posted: tuple[tuple[int, LedgerEntry], ...]


class Want(NamedTuple):
    """A worker asks for tokens of an account: `need` now (0: ahead of need). `typical` is what one request takes."""

    key: str
    start: int
    ends: int
    tokens: int
    need: int
    typical: int


class Grant(NamedTuple):
    """What the ledger gave, in the latest window it knows. `settled` is what all workers used in it."""

    key: str
    start: int
    ends: int
    amount: int
    settled: int


class Standing(NamedTuple):
    """One account in one window, as the ledger knows it. `free` is below zero while there is debt beyond the limit."""

    key: str
    start: int
    ends: int
    tokens: int
    settled: int
    leased: int
    debt: int

    @property
    def is_kept(self) -> bool:
        """Whether the policy in force has a limit for it."""
        return self.tokens > _NO_LIMIT

    @property
    def free(self) -> int:
        return self.tokens - self.settled - self.leased


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One round trip: what a run's journals say, what is given back (account, window, tokens), and what is wanted; after a reload,
    what is in force now.
    """

    run: str
    batches: tuple[JournalBatch, ...] = ()
    returns: tuple[tuple[str, int, int], ...] = ()
    wants: tuple[Want, ...] = ()
    limits: TokensOf | None = None


class Ledger:
    """The database of one gateway. `workers` is how many share it: a slice is free / (4 x workers), exact near the limit.

    Every method raises sqlite3.Error where the database cannot be read or written; nothing is half done then.
    """

    def __init__(self, path: Path, *, workers: int) -> None:
        self._share = 4 * max(1, workers)
        self._path = path
        with open(path.with_suffix(".lock"), "w", opener=_private) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # switching to WAL does not wait for its turn
            if not path.exists():
                os.close(_private(str(path), os.O_WRONLY | os.O_CREAT))  # the files beside it take its mode
            self._db = sqlite3.connect(
                path, isolation_level=None, timeout=_WAIT_AT_START, check_same_thread=False, cached_statements=32
            )
            self._db.execute("pragma journal_mode=wal")
            self._db.execute("pragma synchronous=normal")
            self._db.executescript(_SCHEMA)
            self._file = path.stat().st_ino

    def serve(self) -> None:
        """From now on requests wait: a database that another process has locked is one that cannot be reached."""
        self._db.execute(f"pragma busy_timeout = {int(1000 * _WAIT)}")

    def turn(self, turn: Turn) -> tuple[Grant, ...]:
        """Fold, take back, lend: one transaction. Raises OSError where the file is gone: nobody would find it again."""
        if self._path.stat().st_ino != self._file:
            raise OSError(ESTALE, "the ledger is another file now", str(self._path))
        with self._transaction():
            for batch in turn.batches:
                self._fold(turn.run, batch)
            self._take_back(turn.run, turn.returns)
            grants = tuple(self._lend(turn.run, want) for want in turn.wants)
            if turn.limits is not None:
                self._limit(turn.limits)
            return grants

    def end(self, run: str) -> None:
        """Take back every lease of a run that has ended. Its journals must be folded."""
        with self._transaction():
            rows = self._db.execute("select key, start, amount from lease where run = ?", (run,)).fetchall()
            self._take_back(run, rows)
            self._db.execute("delete from lease where run = ?", (run,))

    def folded(self, segment: str) -> int:
        """Up to which byte this journal file is folded."""
        row = self._db.execute("select place from folded where segment = ?", (segment,)).fetchone()
        return int(row[0]) if row else 0

    def forget(self, segment: str) -> None:
        """Drop the place of a file that has been archived."""
        self._db.execute("delete from folded where segment = ?", (segment,))

    def standings(self, keys: Iterable[str | None] = (None,)) -> tuple[Standing, ...]:
        """These accounts, or all, in their latest windows."""
        return tuple(Standing(*row) for key in keys for row in self._db.execute(LATEST, (key,)))

    def warned(self, shares: Mapping[str, Iterable[float]]) -> tuple[tuple[Standing, float], ...]:
        """Accounts that have used such a share of their tokens, each with the largest. A share is given out once in a window, to
        whoever asks first; a limit that was raised has shares anew.
        """
        found = []
        limited = (standing for standing in self.standings(shares) if standing.tokens > 0)  # no row of usage alone
        for standing in limited:
            passed = [share for share in shares[standing.key] if standing.settled >= share * standing.tokens]
            new = [share for share in passed if self._is_new((standing.key, standing.start, standing.tokens, share))]
            if new and max(new) == max(passed):
                found.append((standing, max(new)))
        return tuple(found)

    def _is_new(self, warning: tuple[str, int, int, float]) -> bool:
        """Looked up before it is written: most are old, and writing waits for others."""
        known = self._db.execute(
            "select 1 from warned where key = ? and start = ? and tokens = ? and share = ?", warning
        ).fetchone()
        return known is None and self._db.execute("insert or ignore into warned values (?, ?, ?, ?)", warning).rowcount == 1

    def prune(self, now: float) -> None:
        """Drop the rows of windows long past."""
        with self._transaction():
            self._db.execute("delete from account where ends + ? * max(ends - start, 3600) < ?", (_KEPT_WINDOWS, now))
            self._db.execute(
                "delete from lease where not exists (select 1 from account a where a.key = lease.key and a.start = lease.start)"
            )
            self._db.execute(
                "delete from warned where not exists (select 1 from account a where a.key = warned.key and a.start = warned.start)"
            )

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
            self._db.execute("commit")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise

    def _fold(self, run: str, batch: JournalBatch) -> None:
        """Entries count only beyond the place that is known: a batch that is told again counts once."""
        known = self.folded(batch.segment)
        if batch.place <= known:
            return
        entries = summed(entry for end, entry in batch.posted if end > known)
        self._db.execute("replace into folded values (?, ?)", (batch.segment, batch.place))
        self._db.executemany(
            "insert or ignore into account (key, start, ends, tokens) values (?, ?, ?, 0)",
            [(e.key, e.start, e.start) for e in entries],
        )
        self._db.executemany(
            "update account set settled = settled + ?, leased = leased - ?, debt = debt + ? where key = ? and start = ?",
            [(e.settled, e.unleased, e.debt, e.key, e.start) for e in entries],
        )
        self._db.executemany(
            "update lease set amount = amount - ? where run = ? and key = ? and start = ?",
            [(e.unleased, run, e.key, e.start) for e in entries],
        )

    def _take_back(self, run: str, returns: Iterable[tuple[str, int, int]]) -> None:
        for key, start, amount in returns:
            self._db.execute("update account set leased = leased - ? where key = ? and start = ?", (amount, key, start))
            self._db.execute(
                "update lease set amount = amount - ? where run = ? and key = ? and start = ?", (amount, run, key, start)
            )

    def _limit(self, tokens_of: TokensOf) -> None:
        """Accounts have the limits of the policy in force, also before they are charged again."""
        for each in self.standings():
            tokens = tokens_of(each.key) or {_NO_LIMIT}
            if each.tokens not in tokens and len(tokens) == 1:
                self._db.execute("update account set tokens = ? where key = ? and start = ?", (*tokens, each.key, each.start))

    def _lend(self, run: str, want: Want) -> Grant:
        start, ends, settled, leased = self._row(want)
        free = want.tokens - settled - leased
        part = free // self._share
        amount = max(want.need, part) if part >= want.typical else want.need
        amount = max(0, min(amount, free))
        if amount:
            self._db.execute("update account set leased = leased + ? where key = ? and start = ?", (amount, want.key, start))
            self._db.execute(
                "insert into lease values (?, ?, ?, ?) on conflict do update set amount = amount + excluded.amount",
                (run, want.key, start, amount),
            )
        return Grant(want.key, start, ends, amount, settled)

    def _row(self, want: Want) -> tuple[int, int, int, int]:
        """The account's row in the latest window known: the ledger's, where a clock has run backwards since."""
        self._db.execute(
            "insert into account (key, start, ends, tokens) values (?, ?, ?, ?)"
            " on conflict do update set tokens = excluded.tokens, ends = excluded.ends",
            (want.key, want.start, want.ends, want.tokens),
        )
        row = self._db.execute(
            "select start, ends, settled, leased from account where key = ? order by start desc limit 1", (want.key,)
        ).fetchone()
        return int(row[0]), int(row[1]), int(row[2]), int(row[3])


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def summed(entries: Iterable[LedgerEntry]) -> tuple[LedgerEntry, ...]:
    """Entries added up per account and window."""
    total: dict[tuple[str, int], LedgerEntry] = {}
    for entry in entries:
        known = total.get(entry[:2])
        total[entry[:2]] = (
            entry if known is None else LedgerEntry(*entry[:2], *(a + b for a, b in zip(entry[2:], known[2:], strict=True)))
        )
    return tuple(total.values())


def warning(standing: Standing, share: float) -> str:
    """What the log says of a budget that has come to this share."""
    name, _, of = standing.key.partition("/")
    whose = f" of {unquote(of)}" if of else ""
    resets = datetime.fromtimestamp(standing.ends, UTC)
    used = f"{standing.settled:,} of {standing.tokens:,} tokens are used"
    return f"budget {name}{whose} is past {share:.0%}: {used}; it begins anew at {resets:%Y-%m-%d %H:%M} UTC"
