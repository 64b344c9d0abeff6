"""Keep the answer as it was judged, before placeholders are restored, so that it can be stored when it has ended well.

Changes nothing in the stream. Memory is bounded: a recording that grows past its limit, or meets a tool call, lets go of
everything and stays empty.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from outgate.inference.prompt import Channel
from outgate.inference.stream import Event, EventStream
from outgate.inference.usage import Usage
from outgate.pipeline.contract import Contract
from outgate.pipeline.stage import Stage
from outgate.stores.answers import CacheSettings

_ERROR = b'"error":'
_REASON = re.compile(rb'"(?:finish|stop)_reason":(null|"[^"\\\\]*"|)')
_CALLS = (b"tool", b"function", b"json", b'"input"', b'"name"', b'"arguments"', b"\\u00")
_ENDED_WELL = frozenset({b'"stop"', b'"end_turn"', b'"stop_sequence"'})
"""Why an answer ended that is whole; every other reason, and one that nobody knows yet, is an answer cut short. Quotes inside
texts are escaped, so no text of an answer looks like a member."""


class Reads(NamedTuple):
    """The answer; `cache_key` is None for what is not cached."""

    r_stream: EventStream
    r_status: int
    r_source: str
    cache_key: bytes | None


class Recording:
    """A tap on one stream: every event goes on untouched, its bytes are kept. `body()` is the answer once it is complete."""

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes
        self._pieces: list[bytes] = []
        self._complete = False
        self._reasons: set[bytes] = set()
        self.usage: Usage | None = None

    def feed(self, event: Event) -> Sequence[Event]:
        if self._left >= 0:
            self._keep(event)
        return (event,)

    def flush(self) -> Sequence[Event]:
        return ()

    def body(self) -> bytes | None:
        """The encoded answer, None unless it is whole, in bounds, without tool calls, without error and not cut short."""
        return b"".join(self._pieces) if self._complete else None

    def _keep(self, event: Event) -> None:
        piece = event.encode()
        self._left -= len(piece)
        tool = _may_call(piece) and any(text.channel is Channel.TOOL_ARGUMENTS for text in event.texts)
        reasons = set(_REASON.findall(piece))
        self._reasons |= reasons
        if self._left < 0 or tool or self._complete or _ERROR in piece or not reasons <= _ENDED_WELL | {b"null"}:
            self._left, self._complete = -1, False
            self._pieces.clear()
            return
        self._pieces.append(piece)
        self.usage = event.usage or self.usage
        self._complete = event.last and (not self._reasons or bool(self._reasons & _ENDED_WELL))


def _may_call(piece: bytes) -> bool:
    """Whether an event may hold a tool call, told by its bytes: the members that hold one have these in their names or tags."""
    return any(mark in piece for mark in _CALLS)


class CacheRecord(Stage):
    """Writes `cache.recording`: a Recording, or None where nothing is to be stored."""

    name = "cache_record"
    settings_type = CacheSettings

    def __init__(self, settings: CacheSettings) -> None:
        self._max_bytes = settings.max_answer_bytes
        self.contract = Contract.of(
            Reads,
            writes=("r.stream", "cache.recording"),
            optional=("cache.key",),
            preserves=("verdict.out.*",),
            cost=0.005,
        )

    def run(self, facts: Reads) -> tuple[EventStream, Recording | None]:
        if facts.cache_key is None or facts.r_status != 200 or facts.r_source != "upstream":
            return (facts.r_stream, None)
        recording = Recording(self._max_bytes)
        return (facts.r_stream.through(recording), recording)
