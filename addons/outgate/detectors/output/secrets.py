"""Find keys, tokens and passwords that the model produced and the request does not hold, in an answer as it passes.

The screen of `secret_guard` runs here, at once; the model server is asked where it finds a place. Undecided is the last word, and a
value that goes on into it; a longer one, as a block of PEM, is acted on as soon as it is known, and as it goes on.
"""

import re
from collections.abc import Awaitable, Collection, Sequence
from typing import Protocol

from outgate.detectors.finding import Finding
from outgate.detectors.output.judge import Look, Span, SpanJudge
from outgate.detectors.output.requested import Requested
from outgate.detectors.output.settings import OutputSettings
from outgate.detectors.secrets.kinds import kind_of
from outgate.detectors.secrets.screen import PEM, REACH, candidates
from outgate.inference.judge import Part
from outgate.inference.principal import Principal

LONGEST = 1_024
"""Characters of a value that are held back at most: longer than most tokens."""
_AT_ONCE = 32_768
"""Characters that are screened while others on the event loop wait; of more, the search takes care."""
_BLOCK = "-----BEGIN"
_LAST = re.compile(r"(?:-----BEGIN[A-Z0-9 ]{0,40}-{0,5}\s{0,4}|(?:\b[0-9A-Fa-f]{2}[ :,])+)?[^\s\u2e80-\ud7ff]*\Z")
"""The last word, which ends at a letter of a script without spaces too, and before it the first line of a block
of PEM, or bytes in hexadecimal."""


class Search(Protocol):
    """Says what a text holds (guards.secret_search)."""

    async def search(self, text: str, principal: Principal) -> Sequence[Finding]: ...


class SecretsJudge(SpanJudge):
    """The judge of `output_secrets` on one answer."""

    alone = True

    def __init__(
        self, settings: OutputSettings, kinds: Collection[str], search: Search, requested: Requested, principal: Principal
    ) -> None:
        super().__init__(settings, reach=PEM, longest=LONGEST)
        self._kinds, self._search, self._requested, self._principal = kinds, search, requested, principal

    def look(self, part: Part, text: str, begin: int, final: bool, /) -> Look | Awaitable[Look]:  # noqa: ARG002, FBT001
        undecided = len(text) if final else opened(text, begin)
        low = _first(text, begin)
        shown = text[low:]
        may = len(text) > begin and (len(shown) > _AT_ONCE or any(one.last + low > begin for one in candidates(shown)))
        return self._asked(text, low, begin, undecided) if may else Look((), undecided)

    async def _asked(self, text: str, low: int, begin: int, undecided: int) -> Look:
        every = await self._search.search(text[low:], self._principal)
        mine = [one for one in every if one.end + low > begin and kind_of(one.entity) in self._kinds]
        found = [one._replace(start=one.start + low, end=one.end + low) for one in mine]
        undecided = _settled(found, text, begin, undecided)
        spans = []
        for one in found:
            if one.end <= undecided and not await self._requested.holds(text[one.start : one.end]):
                spans.append(Span(one.start, one.end, one.entity))
                self.score = max(self.score, one.score)
        return Look(spans, undecided)


def opened(text: str, begin: int) -> int:
    """Where the tail begins that may become a value, or the longer one of a value."""
    last = _LAST.search(text, max(begin, len(text) - LONGEST))
    return last.start() if last is not None else len(text)


def _first(text: str, begin: int) -> int:
    """Where to look from: what a rule may read in front of a value, or the block that is still open."""
    low = max(0, begin - LONGEST - REACH)
    block = text.rfind(_BLOCK, 0, begin)
    return low if block < 0 else min(low, block)


def _settled(found: Sequence[Finding], text: str, begin: int, undecided: int) -> int:
    """From where on the text is undecided: at a value that goes on, unless some of it has left or it is too long to wait for."""
    for one in found:
        if one.start < undecided < one.end:
            waits = one.start >= begin and len(text) - one.start < LONGEST
            return one.start if waits else one.end
    return undecided
