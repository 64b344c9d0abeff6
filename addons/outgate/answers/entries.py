"""Rows of the answer file: how an entry is written, read by its key, found again from the index, touched and removed.

Each function is one or two statements on a connection; the writer makes transactions of them. A body is compressed with a checksum,
so that one whose bytes have changed on the disk is an error and never an answer.
"""

import sqlite3
import struct
from dataclasses import fields
from typing import Any, NamedTuple

import orjson
from backports import zstd

from outgate.answers.bound import Bound
from outgate.inference.usage import Usage
from outgate.stores.answers import CachedAnswer, Room

CLOCK_SLACK = 60.0
"""Seconds by which the clocks of two readings may differ; what is newer than that comes from a clock that has been set back."""
_OVERHEAD = 600
_PACK_FROM = 256
_AT_ONCE, _EVICTED = 500, 16
_MOST_ENTRIES = "select tenant from shares order by entries desc limit 1"
_MOST_BYTES = "select tenant from shares order by bytes desc limit 1"
_OPTIONS: dict[int, int] = {zstd.CompressionParameter.compression_level: 3, zstd.CompressionParameter.checksum_flag: 1}
_USAGE = tuple(field.name for field in fields(Usage))
BOUND = "select state from bounds where tenant = ? and judge = ? and delta = ?"
READ = """select created, expires, status, content_type, usage, packed, body, revision, tenant, workload, model, kind, tags, request
    from entries where key = ?"""


class DamagedRowError(ValueError):
    """A row whose bytes are not what was written."""


class Neighbour(NamedTuple):
    """What the index is asked again of one of its rows: it is judged by this, and never by what the index remembers."""

    id: int
    key: bytes
    created: float
    expires: float
    partition: bytes
    encoder: str
    history: bytes
    text: str
    vector: bytes
    request: str


def put(db: sqlite3.Connection, key: bytes, entry: CachedAnswer) -> None:
    """Write an entry in place of an earlier one."""
    packed = len(entry.body) >= _PACK_FROM
    body = zstd.compress(entry.body, options=_OPTIONS) if packed else entry.body
    similar = entry.similar
    size = _OVERHEAD + len(body) + (len(similar.text) + len(similar.vector) + len(similar.history) if similar else 0)
    usage = orjson.dumps({name: getattr(entry.usage, name) for name in _USAGE} if entry.usage else None).decode()
    vector = halves(similar.vector) if similar else b""
    text = _sound(similar.text) if similar else ""
    db.execute("delete from entries where key = ?", (key,))
    number = db.execute(
        "insert into entries values (null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            key, entry.created, entry.created, entry.expires, size, entry.tenant, entry.workload, entry.model, entry.kind,
            entry.revision, orjson.dumps(entry.tags).decode(), entry.request, entry.status, entry.content_type, usage, packed, body,
        ),
    ).lastrowid  # fmt: skip
    if similar is not None:
        row = (number, similar.partition, similar.encoder, similar.history, text, vector)
        db.execute("insert into similar values (?, ?, ?, ?, ?, ?)", row)


def answer_of(row: tuple[Any, ...]) -> CachedAnswer:
    """The entry of a row that `READ` gave. Raises DamagedRowError."""
    created, expires, status, content_type, usage, packed, body, revision, tenant, workload, model, kind, tags, request = row
    try:
        stated = orjson.loads(usage)
        return CachedAnswer(
            status=status,
            content_type=content_type,
            body=zstd.decompress(body) if packed else bytes(body),
            usage=Usage(**stated) if stated else None,
            created=created,
            revision=revision,
            expires=expires,
            tenant=tenant,
            workload=workload,
            model=model,
            kind=kind,
            tags=tuple(orjson.loads(tags)),
            request=request,
        )
    except (zstd.ZstdError, ValueError, TypeError) as error:
        raise DamagedRowError from error


def is_live(created: float, expires: float, now: float, max_age: float) -> bool:
    """Whether it is young enough, and not written by a clock that has been set back since."""
    return now - created < max_age and now < expires and created <= now + CLOCK_SLACK


def touch(db: sqlite3.Connection, key: bytes, now: float) -> None:
    """Note that an entry is used."""
    db.execute("update entries set used = ? where key = ?", (now, key))


def remove(db: sqlite3.Connection, key: bytes) -> None:
    """Let one entry go."""
    db.execute("delete from entries where key = ?", (key,))


def put_bound(db: sqlite3.Connection, key: tuple[str, str, float], bound: Bound) -> None:
    """Write the error bound of a tenant, under a judgement and a δ."""
    db.execute("replace into bounds values (?, ?, ?, ?)", (*key, orjson.dumps(bound.stored()).decode()))


def held(db: sqlite3.Connection) -> Room:
    """Entries and bytes, kept by triggers, so that nobody counts rows."""
    row = db.execute("select entries, bytes from totals").fetchone()
    return Room(*row) if row else Room(0, 0)


def trim(db: sqlite3.Connection, now: float) -> int:
    """Remove some of what has expired, and of what a clock that was set back left in the future."""
    removed = 0
    for where, value in (("expires <= ?", now), ("used > ?", now + CLOCK_SLACK)):
        statement = f"delete from entries where id in (select id from entries where {where} limit {_AT_ONCE})"  # noqa: S608 - constants
        removed += db.execute(statement, (value,)).rowcount
    return removed


def evict(db: sqlite3.Connection, room: Room) -> int:
    """Remove until the file holds no more than its room, a slice at a time: the least recently used of the tenant that holds most.

    So a tenant that asks for much pushes out its own, and nobody else's.
    """
    removed = 0
    now = held(db)
    while now.entries and (now.entries > room.entries or now.bytes > room.bytes):
        above, most = (now.entries - room.entries, _MOST_ENTRIES) if now.entries > room.entries else (_EVICTED, _MOST_BYTES)
        least = f"delete from entries where id in (select id from entries where tenant = ({most}) order by used limit ?)"  # noqa: S608
        gone = db.execute(least, (min(above, _EVICTED),)).rowcount
        if not gone:
            break
        removed += gone
        now = held(db)
    return removed


def halves(vector: bytes) -> bytes:
    """A vector of float32 as one of float16."""
    count = len(vector) // 4
    return struct.pack(f"<{count}e", *struct.unpack(f"<{count}f", vector))


def _sound(text: str) -> str:
    """Without lone surrogates, which SQLite cannot hold."""
    return text.encode("utf-8", "replace").decode()
