"""Recover the accounts of a dead worker: fold its journals, and charge every hold that it never closed whole.

Nobody knows what was billed for it; for every unknown outcome the hold is what is charged (docs/decisions/0016).

What is decided is first written into the dead worker's own journal, as closing lines with `outcome: unknown`, and then folded like
any other record: recovery that is itself killed is simply done again, and nothing counts twice.
"""

import logging
import os
import sqlite3
from pathlib import Path
from typing import Any

import orjson

from outgate.stores.journal import Folders, Journal, Run, records
from outgate.stores.ledger import JournalBatch, Ledger, LedgerEntry, Turn

_log = logging.getLogger(__name__)


def recover(folders: Folders, ledger: Ledger, own: str) -> int:
    """Fold every run whose lock is free; returns how many. A run that cannot be folded stays for the next time."""
    done = 0
    for folder in sorted(folders.journals.iterdir()):
        if folder.name.startswith(".") or folder.name == own:
            continue
        run = Run.take(folder)
        if run is None:
            continue
        try:
            _fold_run(folders, ledger, run)
            done += 1
        except (OSError, sqlite3.Error, ValueError, TypeError, KeyError) as error:
            _log.error("the journals of %s could not be folded: %s", run.name, type(error).__name__)
            run.release()
    return done


def _fold_run(folders: Folders, ledger: Ledger, run: Run) -> None:
    opens: dict[str, dict[str, Any]] = {}
    batches = [_read(folders.segment(run, path), path, opens) for path in run.segments]
    if opens:
        batches[-1] = _close_opens(run.segments[-1], batches[-1], opens)
    ledger.turn(Turn(run=run.name, batches=tuple(batches)))
    ledger.end(run.name)
    for path in run.segments:
        run.archive(path, folders.audit)
        ledger.forget(folders.segment(run, path))
    run.remove()


def _read(segment: str, path: Path, opens: dict[str, dict[str, Any]]) -> JournalBatch:
    """What a file says; `opens` follows what is open at its end."""
    place, posted = 0, []
    for place, fields in records(path):
        if fields["event"] == "open":
            opens[fields["id"]] = fields
        else:
            opens.pop(fields["id"], None)
            posted += [(place, LedgerEntry(*entry)) for entry in fields["settle"]]
    return JournalBatch(segment, place, tuple(posted))


def _close_opens(path: Path, batch: JournalBatch, opens: dict[str, dict[str, Any]]) -> JournalBatch:
    """Append a closing line for every hold that was never closed, and the batch that counts them too. Raises OSError."""
    os.truncate(path, batch.place)
    journal, posted = Journal(path), list(batch.posted)
    try:
        for exchange_id, fields in opens.items():
            charged = [LedgerEntry(key, start, tokens, tokens, 0) for key, start, tokens, _ in fields["hold"]]
            journal.append(orjson.dumps(_unknown_line(exchange_id, fields, charged), default=tuple))
            posted += [(journal.size, entry) for entry in charged]
    finally:
        journal.close()
    return JournalBatch(batch.segment, journal.size, tuple(posted))


def _unknown_line(exchange_id: str, fields: dict[str, Any], charged: list[LedgerEntry]) -> dict[str, Any]:
    told = {name: value for name, value in fields.items() if name not in ("event", "id", "hold")}
    return {"event": "close", "id": exchange_id, "settle": charged, **told, "outcome": "unknown", "outgate.charged": "hold"}
