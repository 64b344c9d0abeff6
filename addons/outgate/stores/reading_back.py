"""Read the closing lines and budgets of a state folder, for reports: nothing is locked, and nothing is written.

Journals of living workers are read first: a file that is archived meanwhile is found again among the archived ones.
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from outgate.stores.journal import SUFFIX, records
from outgate.stores.ledger import LATEST, Standing

_CLOSE = b'"event":"close"'
_NEVER = 2.5e11
"""Seconds since 1970, near the last year that a date can have: a line that claims a later time is broken."""
_WARNED = (
    "select key, start, max(share) from warned w"
    " where tokens = (select tokens from account a where a.key = w.key and a.start = w.start) group by key, start"
)


def closing_lines(accounts: Path, mention: str = "", since: float = 0.0) -> Iterator[dict[str, Any]]:
    """The closing lines that hold these characters, of exchanges that began then or later, in the order of the files.

    One line is in memory at a time; what is no line is passed over. Raises OSError.
    """
    read: set[tuple[int, int]] = set()
    for pattern in (f"journals/*/*{SUFFIX}", f"audit/*{SUFFIX}"):
        for path in sorted(accounts.glob(pattern)):
            with suppress(FileNotFoundError):  # archived in this moment
                state = path.stat()
                if state.st_mtime >= since and (state.st_dev, state.st_ino) not in read:
                    yield from _closing(path, mention.encode() or _CLOSE, since)
                    read.add((state.st_dev, state.st_ino))


def _closing(path: Path, needle: bytes, since: float) -> Iterator[dict[str, Any]]:
    for record in records(path, needle):
        fields = record.fields
        if fields.get("event") == "close" and _is_time(fields.setdefault("time", 0.0)) and fields["time"] >= since:
            yield fields


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < _NEVER


def standings(accounts: Path, keys: Collection[str | None] = (None,)) -> list[Standing]:
    """These budgets, or all, in their latest window, as the ledger knows them; none where it cannot be read."""
    return [Standing(*row) for key in keys for row in _rows(accounts, LATEST, (key,))]


def warned(accounts: Path) -> dict[tuple[str, int], float]:
    """The largest share that was warned of, by budget and start of its window."""
    return {(key, start): share for key, start, share in _rows(accounts, _WARNED)}


def _rows(accounts: Path, query: str, arguments: tuple[str | None, ...] = ()) -> list[tuple[Any, ...]]:
    ledger = accounts / "ledger.sqlite"
    if not ledger.exists():
        return []
    try:
        with sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=ro", uri=True, timeout=1.0) as db:
            return db.execute(query, arguments).fetchall()
    except sqlite3.Error:
        return []
