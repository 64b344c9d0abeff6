"""Select entries of the answer file, to list and to drop them while the gateway runs.

Of an entry is shown what it is, never what was asked or answered.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from outgate.answers.bound import Bound
from outgate.answers.file import AnswerFile

_SLICE = 1000
_SHOWN = "lower(hex(key)), tenant, workload, model, kind, revision, tags, created, used, expires, size, request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is meant; each field that is set narrows it. `key` is how it begins, in hexadecimal; `request` is the id of
    the request that stored it, as `outgate why` names it; ages are in seconds."""

    key: str = ""
    request: str = ""
    tag: str = ""
    model: str = ""
    tenant: str = ""
    revision: str = ""
    older: float | None = None
    newer: float | None = None

    def where(self, now: float) -> tuple[str, list[Any]]:
        """A condition, and its values."""
        parts: list[tuple[str, Any]] = [
            ("lower(hex(key)) glob ? || '*'", self.key.lower()),
            ("request = ?", self.request),
            ("exists (select 1 from json_each(tags) where value = ?)", self.tag),
            ("model = ?", self.model),
            ("tenant = ?", self.tenant),
            ("revision glob ? || '*'", self.revision),
        ]
        ages = [("created <= ?", self.older), ("created > ?", self.newer)]
        meant = [part for part in parts if part[1]] + [(text, now - age) for text, age in ages if age is not None]
        return " and ".join(text for text, _ in meant) or "1", [value for _, value in meant]


class Shown(NamedTuple):
    """What is said of an entry. Times are epoch seconds."""

    key: str
    tenant: str
    workload: str
    model: str
    kind: str
    revision: str
    tags: list[str]
    created: float
    used: float
    expires: float | None
    size: int
    request: str


class Status(NamedTuple):
    """What the file holds. `bounds` are the error bounds of tenants, by the judgement and the delta that they hold under."""

    entries: int
    bytes: int
    similar: int
    tenants: dict[str, int]
    bounds: list[dict[str, Any]]


def selected(db: sqlite3.Connection, selection: Selection, now: float) -> Iterator[Shown]:
    """The entries that are meant, latest used first."""
    where, values = selection.where(now)
    statement = f"select {_SHOWN} from entries where {where} order by used desc"  # noqa: S608 - our own words
    for row in db.execute(statement, values):
        shown = Shown(*row)
        yield shown._replace(tags=orjson.loads(row[6]), expires=row[9] if row[9] != float("inf") else None)


def drop(file: AnswerFile, db: sqlite3.Connection, selection: Selection, now: float) -> int:
    """Remove what is meant, and have every process let go of it. Raises sqlite3.Error, OSError.

    The number is changed before each commit, so that no writer puts back what it had in hand, and after the last, so that nobody
    keeps what was read before it. What is removed is overwritten, also in the log.
    """
    db.execute("pragma secure_delete = on")
    where, values = selection.where(now)
    removed, last = 0, -1
    while last:
        db.execute("begin immediate")
        statement = f"delete from entries where id in (select id from entries where {where} limit {_SLICE})"  # noqa: S608 - as above
        last = db.execute(statement, values).rowcount
        file.bump()
        db.execute("commit")
        removed += last
    file.bump()
    db.execute("pragma wal_checkpoint(truncate)")
    return removed


def status(db: sqlite3.Connection) -> Status:
    """What the file holds."""
    entries, size = db.execute("select entries, bytes from totals").fetchone()
    similar = db.execute("select count(*) from similar").fetchone()[0]
    tenants = dict(db.execute("select tenant, count(*) from entries group by tenant order by tenant").fetchall())
    rows = db.execute("select tenant, judge, delta, state from bounds order by tenant, delta").fetchall()
    return Status(entries, size, similar, tenants, [_bound(*row) for row in rows])


def reset_bounds(file: AnswerFile, db: sqlite3.Connection, tenant: str) -> int:
    """Set the error bounds of a tenant back to the offline calibration. Raises sqlite3.Error, OSError."""
    found = db.execute("update bounds set state = '[]' where tenant = ?", (tenant,)).rowcount
    file.bump()
    return found


def _bound(tenant: str, judge: str, delta: float, stored: str) -> dict[str, Any]:
    bound = Bound.restored(delta, orjson.loads(stored))
    first = bound.thresholds[0]
    return {
        "tenant": tenant,
        "state": str(bound.state),
        "threshold": bound.threshold,
        "compared": first.compared,
        "wrong": first.wrong,
        "delta": delta,
        "judgement": judge,
    }
