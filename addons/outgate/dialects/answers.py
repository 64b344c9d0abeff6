"""When an answer that is not a stream is complete, and what of it is passed on."""

from collections.abc import Callable, Mapping
from typing import Any

from outgate.dialects.events import JsonEvent, RawEvent, whole_texts
from outgate.dialects.json_body import LIMITS, Limits
from outgate.dialects.reading import read
from outgate.dialects.rules import EVERYTHING, Rule, free
from outgate.errors import WireError
from outgate.inference.prompt import Channel
from outgate.inference.stream import Event
from outgate.inference.usage import Usage

LIMIT = 64 * 1024 * 1024
_MOST_TOKENS = 1_000_000_000
_REFUSAL = free(Channel.ASSISTANT, names=EVERYTHING, numbers=False)
_WIDE = Limits(items=4_000_000)
"""Answers hold vectors: more elements than a request may have."""


class WholeAnswer:
    """A JSON answer: one event, once all its bytes are there. `usage` reads what it reports."""

    def __init__(self, rule: Rule, usage: Callable[[Mapping[str, Any]], Usage | None], limit: int = LIMIT) -> None:
        self._rule = rule
        self._usage = usage
        self._limit = limit
        self._raw = bytearray()

    def feed(self, data: bytes) -> list[Event]:
        self._raw += data
        if len(self._raw) > self._limit:
            raise WireError("answer_too_large", "the answer is too long")
        return []

    def end(self) -> list[Event]:
        if not self._raw:
            raise WireError("truncated", "the answer is empty")
        reading = read(bytes(self._raw), self._rule, _WIDE)
        return [JsonEvent(reading.document, whole_texts(reading.leaves), usage=self._usage(reading.document.tree), last=True)]


class Refusal(WholeAnswer):
    """A provider's error answer, passed on only in the shape that the dialect's SDKs turn into typed errors."""

    def __init__(self, is_error: Callable[[Mapping[str, Any]], bool], limit: int = 1024 * 1024) -> None:
        super().__init__(_REFUSAL, lambda _: None, limit)
        self._is_error = is_error

    def end(self) -> list[Event]:
        reading = read(bytes(self._raw), self._rule, LIMITS)
        if not self._is_error(reading.document.tree):
            raise WireError("bad_error", "the provider's error is not one of its dialect")
        return [JsonEvent(reading.document, whole_texts(reading.leaves), last=True)]


class OpaqueAnswer:
    """An answer that nobody reads, for paths that policy allows unjudged: its bytes as they come."""

    def feed(self, data: bytes) -> list[Event]:
        return [RawEvent(data)] if data else []

    def end(self) -> list[Event]:
        return [RawEvent(b"", last=True)]


def no_usage(_: Mapping[str, Any]) -> Usage | None:
    """Of answers that report none."""
    return None


def tokens(value: Any) -> int | None:
    """A reported count; None for what is no count, or more than any answer can have: sums of it would no longer fit a ledger."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS else None
