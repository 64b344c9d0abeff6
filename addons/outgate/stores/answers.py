"""Answer store of the exact cache: judged answers, bounded in bytes, entries and age.

The engine here is one worker's memory. Keys are digests made by the cache stage, which alone decides who may share an answer;
this store compares keys for equality and nothing else. Entries hold placeholders where personal data stood, and no credentials.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from outgate.inference.usage import Usage
from outgate.pipeline.stage import Settings

_OVERHEAD = 512
"""Bytes an entry costs besides its body: key, record and table."""


class CacheSettings(Settings):
    """What policies/*.yaml may say under `cache`; `cache_record` and `cache_write` come with it and are built from the same."""

    scope: Literal["workload", "tenant"] = "workload"
    """Who shares answers: one workload, or all workloads of a tenant. Tenants never do."""
    when: Literal["deterministic", "always"] = "deterministic"
    """`deterministic` caches embeddings, and conversations whose caller set `temperature: 0`; `always` also repeats answers
    that the provider would have given differently each time."""
    tools: bool = False
    """Also cache requests that offer tools or hold results of them. An answer that calls a tool is never cached."""
    max_answer_bytes: int = 1024 * 1024
    """Longer answers are not stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedAnswer:
    """One answer: `body` is what the dialect encodes, `created` epoch seconds, `revision` that of the policy that judged it."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    usage: Usage | None
    created: float
    revision: str


class Answers(Protocol):
    """A store of answers. `get` and `put` never wait: an engine that must (a shared one) keeps a copy near or counts as a miss."""

    def get(self, key: bytes) -> CachedAnswer | None:
        """The entry of this key that is not too old, else None."""
        ...

    def put(self, key: bytes, entry: CachedAnswer) -> bool:
        """Keep an entry, in place of an earlier one; False where it is too large to be kept."""
        ...


class MemoryAnswers:
    """The engine in memory: least recently used entries leave first, entries older than `max_age` seconds are gone.

    `wall` gives epoch seconds. A clock that steps back makes entries look younger by that step, never older than they are.
    """

    def __init__(
        self,
        wall: Callable[[], float],
        max_bytes: int = 64 * 1024 * 1024,
        max_entries: int = 10_000,
        max_age: float = 3600.0,
        max_entry_bytes: int = 1024 * 1024,
    ) -> None:
        self._wall = wall
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._max_age = max_age
        self._max_entry_bytes = min(max_entry_bytes, max_bytes - _OVERHEAD)
        self._entries: OrderedDict[bytes, CachedAnswer] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._bytes

    def get(self, key: bytes) -> CachedAnswer | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._wall() - entry.created >= self._max_age:
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

    def _drop(self, key: bytes) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= _OVERHEAD + len(entry.body)
