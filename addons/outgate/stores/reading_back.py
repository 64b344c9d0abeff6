"""Read the closing lines and budgets of a state folder, for reports: nothing is locked, and nothing is written.

Journals of living workers are read first: a file that is archived meanwhile is found again among the archived ones.
"""

import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from outgate.stores.journal import SUFFIX, records
from outgate.stores.ledger import Standing

_LATEST = (
    "select key, start, ends, tokens, settled, leased, debt from account a where key = ?"
    " and start = (select max(start) from account where key = a.key)"
)


def closing_lines(accounts: Path, mention: str) -> Iterator[dict[str, Any]]:
    """The closing lines that hold these characters, each once, in the order of the files. Raises OSError."""
    seen: set[str] = set()
    needle = mention.encode()
    for pattern in (f"journals/*/*{SUFFIX}", f"audit/*{SUFFIX}"):
        for path in sorted(accounts.glob(pattern)):
            try:
                found = [record.fields for record in records(path, needle)]
            except FileNotFoundError:
                continue  # archived in this moment
            for fields in found:
                if fields.get("event") == "close" and fields.get("id") not in seen:
                    seen.add(str(fields.get("id")))
                    yield fields


def standings(accounts: Path, keys: Collection[str]) -> list[Standing]:
    """These budgets in their latest window, as the ledger knows them; none where there is no ledger, or it cannot be read."""
    ledger = accounts / "ledger.sqlite"
    if not ledger.exists():
        return []
    try:
        with sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=ro", uri=True, timeout=1.0) as db:
            return [Standing(*row) for key in keys for row in db.execute(_LATEST, (key,))]
    except sqlite3.Error:
        return []
