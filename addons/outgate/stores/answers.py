"""Answer store of the cache: judged answers, bounded in bytes, entries and age.

The engine here is one worker's memory; `outgate.answers` shares entries between processes. Keys are digests made by the cache
stage, which alone decides who may share an answer; this store compares keys for equality and nothing else. Entries hold
placeholders where personal data stood, and no credentials.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple, Protocol

from outgate.inference.usage import Usage

_OVERHEAD = 512
"""Bytes an entry costs besides its body: key, record and table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """What makes an entry one that may answer a question in other words. Only entries of one `partition` are ever compared.

    `text` is the canonical clean last turn, `vector` its unit vector (float32, little-endian) by the encoder of that version,
    `history` what users said before it, where that need only mean the same (`answers/earlier.py`).
    """

    partition: bytes
    text: str = field(repr=False)
    vector: bytes = field(repr=False)
    encoder: str
    history: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedAnswer:
    """One answer: `body` is what the dialect encodes, `created` epoch seconds, `revision` that of the policy that judged it.

    At `expires` (epoch seconds) a shared store lets it go. `kind` is the dialect and operation; `tags` are the operator's;
    `request` is the id of the exchange that stored it, by which an operator names it.
    """

    status: int
    content_type: str
    body: bytes = field(repr=False)
    usage: Usage | None
    created: float
    revision: str
    expires: float = inf
    tenant: str = ""
    workload: str = ""
    model: str = ""
    kind: str = ""
    tags: tuple[str, ...] = ()
    request: str = ""
    similar: Similar | None = None


class Room(NamedTuple):
    """What a shared store holds at most; the entries used longest ago leave for others."""

    entries: int = 100_000
    bytes: int = 1 << 30


class Answers(Protocol):
    """A store of answers. `get` and `put` never wait: an engine that must (a shared one) keeps a copy near or counts as a miss."""

    def get(self, key: bytes, max_age: float) -> CachedAnswer | None:
        """The entry of this key that is younger than `max_age` seconds, else None."""
        ...

    def put(self, key: bytes, entry: CachedAnswer) -> bool:
        """Keep an entry, in place of an earlier one; False where it is too large to be kept."""
        ...


class MemoryAnswers:
    """The engine in memory: least recently used entries leave first, an entry that is found too old is dropped.

    `wall` gives epoch seconds. A clock that steps back makes entries look younger by that step, never older than they are.
    """

    def __init__(
        self,
        wall: Callable[[], float],
        max_bytes: int = 64 * 1024 * 1024,
        max_entries: int = 10_000,
        max_entry_bytes: int = 1024 * 1024,
    ) -> None:
        self._wall = wall
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._max_entry_bytes = min(max_entry_bytes, max_bytes - _OVERHEAD)
        self._entries: OrderedDict[bytes, CachedAnswer] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._bytes

    def get(self, key: bytes, max_age: float) -> CachedAnswer | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._wall() - entry.created >= max_age:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry

    def put(self, key: bytes, entry: CachedAnswer) -> bool:
        if len(entry.body) > self._max_entry_bytes:
            return False
        self._drop(key)
        self._entries[key] = entry
        self._bytes += _OVERHEAD + len(entry.body)
        while self._bytes > self._max_bytes or len(self._entries) > self._max_entries:
            self._drop(next(iter(self._entries)))
        return True

    def clear(self) -> None:
        self._entries.clear()
        self._bytes = 0

    def _drop(self, key: bytes) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= _OVERHEAD + len(entry.body)
