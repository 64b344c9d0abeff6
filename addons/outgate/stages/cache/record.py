"""Record the answer as it was judged, before placeholders are restored, so that it can be stored when it has ended well.

Changes nothing in the stream. Memory is bounded: a recording that grows past its limit, or meets a tool call that is not
kept, lets go of everything and stays empty.
"""

from collections.abc import Hashable
from typing import NamedTuple

from outgate.answers.settings import CacheSettings
from outgate.detectors.pii.canonical import names_any, plain
from outgate.inference.judge import Judge
from outgate.inference.operation import Kind, Operation
from outgate.inference.stream import Event, EventStream, Finish
from outgate.inference.usage import Usage
from outgate.pipeline.contract import Contract
from outgate.pipeline.stage import StreamStage

_ENDS = frozenset({Finish.STOP})
_ENDS_WITH_CALLS = _ENDS | {Finish.TOOL_CALLS}


class Reads(NamedTuple):
    """The answer; `cache_key` is None for what is not cached."""

    r_stream: EventStream
    r_status: int
    r_source: str
    cache_key: bytes | None
    operation: Operation


class Recording(Judge):
    """Judges no text: every event goes on untouched, and its bytes are kept. It is what `cache.recording` becomes.

    `says_why` is of answers that say why they finished: one that does not is cut short. `tool_calls` also keeps
    those that call one.
    """

    channels = frozenset()

    def __init__(self, max_bytes: int, *, says_why: bool = True, tool_calls: bool = False) -> None:
        self._left = max_bytes
        self._says_why, self._tool_calls = says_why, tool_calls
        self._ends = _ENDS_WITH_CALLS if tool_calls else _ENDS
        self._pieces: list[bytes] = []
        self._said: dict[tuple[Hashable, bool, bool], list[str]] = {}
        self._complete = False
        self._finish: Finish | None = None
        self.usage: Usage | None = None

    def passed(self, event: Event, /) -> None:
        if self._left < 0:
            return
        piece = event.encode()
        self._left -= len(piece)
        self._finish = event.finish or self._finish
        if self._left < 0 or self._complete or self._spoils(event):
            self._left, self._complete = -1, False
            self._pieces.clear()
            self._said.clear()
            return
        self._pieces.append(piece)
        for text in event.texts:
            self._said.setdefault((text.part, text.repeated, text.escaped), []).append(text.text)
        self.usage = event.usage or self.usage
        self._complete = event.last and (self._finish is not None or not self._says_why)

    def _spoils(self, event: Event) -> bool:
        calls = event.calls_tool and not self._tool_calls
        return calls or (self._finish is not None and self._finish not in self._ends)

    def body(self) -> bytes | None:
        """The encoded answer; None unless it is whole and in bounds, without error, not cut short, and without unkept calls."""
        return b"".join(self._pieces) if self._complete else None

    def names_any(self) -> bool:
        """Whether it names a placeholder."""
        return names_any(plain("".join(pieces), escaped=escaped) for (_, _, escaped), pieces in self._said.items())

    def verdict(self) -> "Recording":
        return self


class CacheRecord(StreamStage):
    """Writes `cache.recording`: a Recording, or None where nothing is to be stored."""

    name = "cache_record"
    settings_type = CacheSettings

    def __init__(self, settings: CacheSettings) -> None:
        self._max_bytes, self._tool_calls = settings.max_answer_bytes, settings.tool_calls
        self.contract = Contract.of(
            Reads,
            writes=("r.stream", "cache.recording"),
            optional=("cache.key",),
            preserves=("verdict.out.*",),
            cost=0.005,
        )

    def open(self, facts: Reads, /) -> Recording | None:
        if facts.cache_key is None or facts.r_status != 200 or facts.r_source != "upstream":
            return None
        return Recording(self._max_bytes, says_why=facts.operation.kind is Kind.CHAT, tool_calls=self._tool_calls)
