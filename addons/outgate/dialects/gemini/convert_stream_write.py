"""Writer of a stream of the Gemini API for a client: items of a conversation's stream become events.

A call is told when it is whole, since a client reads it from one event. Why a candidate ended, and the tokens, stand in the last
event; a stream that breaks off has none, so that nobody takes it for whole.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from outgate.dialects.gemini.convert_answer import counts, envelope, kept, reason_of, sources_of, write_failure
from outgate.dialects.gemini.convert_contents import call_part, seal_of
from outgate.dialects.json_body import dump
from outgate.dialects.sse import encode as sse_event
from outgate.inference.conversation import (
    Begun,
    Call,
    Cited,
    Counted,
    Failure,
    Finished,
    Over,
    Part,
    PartBegun,
    PartEnded,
    Piece,
    Refused,
    Sealed,
    Spent,
    StreamItem,
    Text,
    Thought,
)

type Tree = dict[str, Any]


class _Open:
    """A part that has begun, and what it said."""

    def __init__(self, part: Part) -> None:
        self.part, self.said, self.signature = part, "", ""


class _Candidate:
    """One candidate as far as it was told. `_seal` is a signature that waits for the part beside which it stands."""

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}
        self._seal = ""
        self._refused = False
        self._sources: list[Tree] = []
        self.finish: Finished | None = None

    def write(self, item: StreamItem) -> Iterator[Tree]:
        """The parts that an item completes."""
        if isinstance(item, PartBegun):
            yield from self._begin(item)
        elif isinstance(item, Finished):
            self.finish = item
        elif isinstance(item, Piece | Sealed | Cited | PartEnded) and item.at in self._open:
            yield from self._go_on(self._open[item.at], item)

    def _begin(self, item: PartBegun) -> Iterator[Tree]:
        part = item.part
        self._open[item.at] = opened = _Open(part)
        self._refused = self._refused or isinstance(part, Refused)
        if isinstance(part, Thought):
            yield from self._kept(thought=True)
        if isinstance(part, Text | Refused | Thought | Call):
            yield from self._say(opened, part.arguments if isinstance(part, Call) else part.text)

    def _go_on(self, opened: _Open, item: Piece | Sealed | Cited | PartEnded) -> Iterator[Tree]:
        if isinstance(item, Piece):
            yield from self._say(opened, item.text)
        elif isinstance(item, Sealed):
            opened.signature = item.signature
        elif isinstance(item, Cited):
            self._sources += sources_of((item.citation,), opened.said)
        else:
            yield from self._end(self._open.pop(item.at))

    def _say(self, opened: _Open, text: str) -> Iterator[Tree]:
        opened.said += text
        if text and isinstance(opened.part, Thought):
            yield {"text": text, "thought": True}
        elif text and not isinstance(opened.part, Call):
            yield self._signed({"text": text})

    def _end(self, opened: _Open) -> Iterator[Tree]:
        part = opened.part
        if isinstance(part, Call):
            yield self._signed(call_part(part._replace(arguments=opened.said)))
        elif isinstance(part, Thought):
            self._seal = seal_of(part._replace(signature=opened.signature or part.signature))
        yield from ()

    def _signed(self, part: Tree) -> Tree:
        seal, self._seal = self._seal, ""
        return {**part, "thoughtSignature": seal} if seal else part

    def _kept(self, *, thought: bool = False) -> list[Tree]:
        seal, self._seal = self._seal, ""
        return kept(seal, thought=thought)

    def ended(self) -> Tree:
        """What the last event tells of it."""
        parts = [part for opened in self._open.values() for part in self._end(opened)] + self._kept()
        self._open = {}
        cited = {"citationMetadata": {"citationSources": self._sources}} if self._sources else {}
        finish = {"finishReason": reason_of(self.finish.finish, refused=self._refused)} if self.finish else {}
        return {"content": {"parts": parts or [{"text": ""}], "role": "model"}, **finish, **cited}


class GeminiWriter:
    """See `dialects.translation.StreamWriter`."""

    def __init__(self) -> None:
        self._envelope: Mapping[str, Any] = {}
        self._candidates: dict[int, _Candidate] = {}
        self._usage: Spent | None = None

    def write(self, item: StreamItem) -> bytes:
        if isinstance(item, Begun):
            self._envelope = envelope(item.id, item.model)
            self._usage = item.usage
        elif isinstance(item, Counted):
            self._usage = item.usage
        elif isinstance(item, Failure):
            return sse_event(dump(write_failure(item)))
        elif isinstance(item, Over):
            return self._end()
        else:
            return self._of_candidate(item)
        return b""

    def _of_candidate(self, item: PartBegun | Piece | Sealed | Cited | PartEnded | Finished) -> bytes:
        candidate = self._candidates.setdefault(item.alternative, _Candidate())
        parts = list(candidate.write(item))
        return self._event([{"content": {"parts": parts, "role": "model"}, "index": item.alternative}]) if parts else b""

    def _event(self, told: list[Tree], **more: Any) -> bytes:
        return sse_event(dump({"candidates": told, **more, **self._envelope}))

    def _end(self) -> bytes:
        told = [{**candidate.ended(), "index": index} for index, candidate in self._candidates.items()]
        return self._event(told, **counts(self._usage))
