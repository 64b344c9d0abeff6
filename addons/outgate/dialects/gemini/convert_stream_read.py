"""Reader of a stream of the Gemini API: its events become items of a conversation's stream.

Words and thoughts of a candidate go on from event to event, and a call is whole in one. No terminator ends the stream: it is whole
where every candidate that began has finished.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from outgate.dialects.gemini.convert_answer import blocked, citations_of, finish_of, lost_in, read_failure, spent_of, stem_of
from outgate.dialects.gemini.convert_parts import NAME, PartReader
from outgate.dialects.gemini.parts import candidates, is_call, member, parts_of, spelled
from outgate.dialects.numbered import Numbered
from outgate.dialects.parameters import thing, word
from outgate.dialects.translation import MEDIA, Lose, unheard
from outgate.inference.conversation import (
    Begun,
    Call,
    Cited,
    Counted,
    Failure,
    Finished,
    Media,
    Over,
    Part,
    Sealed,
    StreamItem,
    Text,
    Thought,
)
from outgate.inference.stream import Finish

_CUT = Failure(502, "", "The provider told the arguments of a tool call in pieces.")
_UNREADABLE = ("partialArgs", "willContinue")


class _Candidate(Numbered):
    """One candidate so far, and what it said."""

    def __init__(self, number: int, stem: str, lose: Lose) -> None:
        super().__init__(number)
        self._lose = lose
        self._reader = PartReader(stem)
        self._said = ""
        self._calls = False
        self.over = False

    def read(self, candidate: Mapping[str, Any]) -> Iterator[StreamItem]:
        for part in self._reader.parts(parts_of(candidate), "parts", said=True):
            yield from self._part(part)
        lost_in(candidate, self._reader, self._lose)
        reason = member(candidate, "finishReason")
        for citation in citations_of(candidate, self._said, self._lose):
            if self.open is Text:
                yield Cited(self.at, citation, self.alternative)
            else:
                self._lose("citations")
        if reason and not self.over:
            self.over = True
            yield from self.end()
            yield Finished(finish_of(reason, calls=self._calls), alternative=self.alternative)

    def _part(self, part: Part) -> Iterator[StreamItem]:
        if isinstance(part, Text):
            self._said += part.text
            yield from self.begin(Text, Text(""))
            yield self.piece(part.text)
        elif isinstance(part, Thought):
            yield from self._thought(part)
        elif isinstance(part, Call):
            self._calls = True
            yield from self.begin(Call, part._replace(arguments=""))
            yield self.piece(part.arguments)
            yield from self.end()
        elif isinstance(part, Media):
            self._lose(MEDIA[part.kind])

    def _thought(self, part: Thought) -> Iterator[StreamItem]:
        yield from self.begin(Thought, Thought(provider=NAME))
        if part.text:
            yield self.piece(part.text)
        if part.signature:
            yield Sealed(self.at, part.signature, self.alternative)
            yield from self.end()


class GeminiReader:
    """See `dialects.translation.StreamReader`."""

    def __init__(self, lose: Lose = unheard) -> None:
        self._lose = lose
        self._begun = self._over = self._blocked = False
        self._named = ""
        self._candidates: dict[int, _Candidate] = {}

    def feed(self, event: str, tree: Mapping[str, Any] | None) -> Sequence[StreamItem]:  # noqa: ARG002
        if self._over or tree is None:
            return ()
        if tree.get("error") or _told_in_pieces(tree):
            self._over = True
            return (read_failure(0, tree) if tree.get("error") else _CUT,)
        return list(self._read(tree))

    def end(self) -> Sequence[StreamItem]:
        whole = all(candidate.over for candidate in self._candidates.values()) if self._candidates else self._blocked
        if self._over or not whole:
            return ()
        self._over = True
        return (Over(),)

    def _read(self, tree: Mapping[str, Any]) -> Iterator[StreamItem]:
        if not self._begun:
            self._begun = True
            told = spelled(tree)
            self._named = word(told, "responseId")
            yield Begun(self._named, word(told, "modelVersion"))
        for index, given in candidates(tree):
            candidate = self._candidates.setdefault(index, _Candidate(index, stem_of(self._named), self._lose))
            yield from candidate.read(given)
        if blocked(tree) and not self._candidates and not self._blocked:
            self._blocked = True
            yield Finished(Finish.CONTENT_FILTER)
        usage = spent_of(tree)
        if usage is not None:
            yield Counted(usage)


def _told_in_pieces(tree: Mapping[str, Any]) -> bool:
    """Whether a call is cut into pieces, which nobody asked for: half of its arguments must reach nobody."""
    parts = (part for _, candidate in candidates(tree) for part in parts_of(candidate) if isinstance(part, dict) and is_call(part))
    calls = (spelled(thing(spelled(part), "functionCall")) for part in parts)
    return any(call.get(name) for call in calls for name in _UNREADABLE)
