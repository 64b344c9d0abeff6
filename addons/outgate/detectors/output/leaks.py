"""Find in an answer what the request's own instructions say: its system prompt and the definitions of its tools.

Sentences are counted over the whole answer, in plain and encoded text. What the end of an answer has in common with a sentence is
undecided, up to a window: so nothing leaves that would have been refused, but for what came before the share of it was too large.
"""

import re
from collections.abc import Awaitable, Sequence
from math import ceil

from outgate.detectors.output.instructions import GRAM, Instructions, letters_of
from outgate.detectors.output.judge import Look, Span, SpanJudge
from outgate.detectors.output.requested import Requested
from outgate.detectors.output.settings import OutputSettings
from outgate.detectors.payloads import payloads
from outgate.inference.judge import Part

RULE = "leak.instructions"
_REACH = 2_048
"""Characters of what has left that are read again, for an encoded text."""
_PLAIN = 4 * GRAM
"""The same for plain text: a gram, widely spaced."""
_LEAST = 12
"""Letters in common with a sentence from which on they are held back."""
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{32}")
_OPEN = re.compile(r"[A-Za-z0-9+/_=-]{32,}\Z")


class LeakJudge(SpanJudge):
    """The judge of `leak_guard` on one answer. `need` sentences are a leak."""

    def __init__(self, settings: OutputSettings, instructions: Instructions, need: int, requested: Requested, window: int) -> None:
        super().__init__(settings, reach=_REACH, longest=window)
        self._instructions, self._need, self._requested = instructions, need, requested
        self._hits: set[tuple[int, int]] = set()
        self._told: dict[int, bool] = {}

    def look(self, part: Part, text: str, begin: int, final: bool, /) -> Look | Awaitable[Look]:  # noqa: ARG002, FBT001
        known = self._instructions
        first = max(0, begin - _PLAIN)
        letters, places = letters_of(text[first:])
        starts = known.told(letters, 0, self._hits)
        spans = [(first + places[at], first + places[at + GRAM - 1] + 1) for at in starts]
        run = known.run(letters[-self._longest :], _LEAST)
        undecided = first + places[-run] if run else len(text)
        if _ENCODED.search(text) is not None:
            spans += self._decoded(text)
            token = _OPEN.search(text)
            undecided = min(undecided, token.start()) if token is not None else undecided
        fresh = known.numbers(self._hits) - self._told.keys()
        undecided = len(text) if final else undecided
        return self._weighed(fresh, spans, undecided, begin) if fresh or spans else Look((), undecided)

    def _decoded(self, text: str) -> list[tuple[int, int]]:
        found = payloads(text)
        return [(one.start, one.end) for one in found if self._instructions.told(letters_of(one.text).letters, 0, self._hits)]

    async def _weighed(self, fresh: set[int], spans: Sequence[tuple[int, int]], undecided: int, begin: int) -> Look:
        for number in sorted(fresh):
            self._told[number] = not await self._requested.holds(self._instructions.sentences[number])
        count = sum(self._told.values())
        self.score = count / len(self._instructions.sentences)
        if count < self._need:
            return Look((), undecided)
        found = [Span(start, end, RULE) for start, end in _merged(spans) if end > begin]
        return Look(found, max(undecided, *(one.end for one in found), 0) if found else undecided)


def needed(sentences: int, share: float, most: int) -> int:
    """How many sentences are a leak: their share, two at least where there are two, and never more than `most`."""
    return min(most, max(min(2, sentences), ceil(share * sentences)))


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged
