"""Find personal data that the model produced and the request does not hold, in an answer as it passes.

Places that may hold some are found here, at once; what they hold is asked of the model server, for these places alone. Undecided is
what may still become a value: the last word, and groups of digits with what stands between them.
"""

import re
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Protocol

from outgate.detectors.finding import Finding
from outgate.detectors.output.judge import Look, Span, SpanJudge
from outgate.detectors.output.requested import Requested
from outgate.detectors.output.settings import OutputSettings
from outgate.detectors.pii.placeholders import LABELS
from outgate.detectors.pii.prefilter import REACH, candidates
from outgate.detectors.pii.slices import Slice, merge
from outgate.inference.judge import Part
from outgate.inference.principal import Principal

LONGEST = 320
"""Characters of the longest value."""
_WORD = re.compile(r"\S+")
_GROUP = re.compile(r"[A-Z]{1,4}|[^\w\s]+")
"""What stands between groups of digits: letters of an IBAN, signs."""
_UNPLAIN = re.compile(r"[^A-Za-z\s.,;:!?'\"()-]|[A-Za-z]{24}")
"""A digit, an `@`, what may stand for one, or letters that may be an encoded text."""


class Pieces(Protocol):
    """Says what pieces of text hold (model_server.pieces)."""

    async def findings(self, texts: Iterable[str], principal: Principal) -> Mapping[str, Sequence[Finding]]: ...


class PersonalJudge(SpanJudge):
    """The judge of `output_pii` on one answer."""

    alone = True

    def __init__(
        self, settings: OutputSettings, entities: tuple[str, ...], pieces: Pieces, requested: Requested, principal: Principal
    ) -> None:
        super().__init__(settings, reach=REACH, longest=LONGEST)
        self._entities, self._pieces, self._requested, self._principal = entities, pieces, requested, principal

    def look(self, part: Part, text: str, begin: int, final: bool, /) -> Look | Awaitable[Look]:  # noqa: ARG002, FBT001
        undecided = len(text) if final else opened(text, begin)
        places = [] if is_plain(text) else [one for one in candidates(text, self._entities) if one.last > begin]
        return self._asked(text, begin, undecided, places) if places else Look((), undecided)

    async def _asked(self, text: str, begin: int, undecided: int, places: Sequence[Slice]) -> Look:
        known = await self._pieces.findings([place.text for place in places], self._principal)
        found = [one for one in merge(places, [known[place.text] for place in places]) if one.end > begin]
        crossing = [one.start for one in found if one.start < undecided < one.end]
        undecided = max(begin, *crossing) if crossing else undecided
        spans = []
        for one in found:
            if one.end <= undecided and not await self._requested.holds(text[one.start : one.end]):
                spans.append(Span(one.start, one.end, f"pii.{LABELS[one.entity].lower()}"))
                self.score = max(self.score, one.score)
        return Look(spans, undecided)


def opened(text: str, begin: int) -> int:
    """Where the tail begins that may become a value, or the longer one of a value: the last word, and groups of digits."""
    low = max(begin, len(text) - LONGEST)
    words = list(_WORD.finditer(text, low))
    at = len(text)
    if words and words[-1].end() == at:
        at = words.pop().start()
    while words and _is_group(words[-1][0]):
        at = words.pop().start()
    return at


def _is_group(word: str) -> bool:
    return any(map(str.isdigit, word)) or _GROUP.fullmatch(word) is not None


def is_plain(text: str) -> bool:
    """Whether it can hold no value: most of what a model says."""
    return _UNPLAIN.search(text) is None
