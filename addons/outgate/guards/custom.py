"""Find what a policy names itself: patterns of its own, in linear time, and words and phrases of a list."""

import re
from asyncio import to_thread
from collections.abc import Iterator, Mapping, Sequence

from outgate.detectors.finding import Finding, disjoint
from outgate.detectors.names.seams import name_seams
from outgate.detectors.normalise import fold, normalise
from outgate.detectors.pii.seams import by_leaf
from outgate.detectors.regex_engines import Linear
from outgate.guards.structured import FINDING, Found
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Prompt
from outgate.stores.memo import Memo

LISTED = "DENY_LIST"
"""The kind of what stands in the list."""
_LONG = 131_072
"""Characters of a text that is searched in a thread."""


class Custom:
    """Finds these patterns, by their kinds, and these words, in any case and whole. Raises ValueError for what is no expression."""

    def __init__(self, memo: Memo, patterns: Mapping[str, str], words: Sequence[str]) -> None:
        self._memo = memo
        self._expressions = {kind: Linear(fold(pattern), any_case=False, utf8=True) for kind, pattern in patterns.items()}
        if words:
            self._expressions[LISTED] = Linear(phrases([fold(word) for word in words]), utf8=True)
        self._kind = f"custom:{sorted(patterns.items())}:{sorted(words)}"

    async def findings(self, prompt: Prompt, principal: Principal) -> Found:
        """Findings by leaf: each leaf's own, and its share of what is cut over parts."""
        across = [seam for seam in name_seams(prompt.leaves) if not seam.sign]
        texts = [leaf.text for leaf in prompt.leaves] + [seam.text for seam in across]
        digests = [*self._memo.digests(prompt), *(self._memo.digest(seam.text) for seam in across)]
        known = self._memo.get_many(principal.tenant, self._kind, digests)
        for at, found in enumerate(known):
            if at < len(prompt.leaves) and prompt.leaves[at].channel is Channel.SEALED:
                known[at] = ()
            elif found is None:
                known[at] = await self._searched(texts[at])
                self._memo.put(principal.tenant, self._kind, digests[at], known[at], FINDING * len(known[at] or ()))
        return by_leaf(known[: len(prompt.leaves)], across, known[len(prompt.leaves) :])

    async def _searched(self, text: str) -> tuple[Finding, ...]:
        return await to_thread(self.search, text) if len(text) > _LONG else self.search(text)

    def search(self, text: str) -> tuple[Finding, ...]:
        """What one text holds."""
        folded = normalise(text)
        found = (
            Finding(kind, *folded.span(start, end), 1.0)
            for kind, expression in self._expressions.items()
            for start, end in spans(expression, folded.text)
        )
        return disjoint(found)


def phrases(words: Sequence[str]) -> str:
    """An expression of RE2 for these words and phrases, whole, with any space between the words of a phrase."""
    longest = sorted(words, key=len, reverse=True)
    return r"\b(?:" + "|".join(r"\s{1,3}".join(map(re.escape, each.split())) for each in longest) + r")\b"


def spans(expression: Linear, text: str) -> Iterator[tuple[int, int]]:
    """Where matches stand that are not empty, in characters."""
    raw = text.encode("utf-8", "replace")
    found = [span for span in expression.spans(raw) if span[0] < span[1]]
    if len(raw) == len(text):
        yield from found
        return
    done = at = 0
    for start, end in found:
        at += len(raw[done:start].decode("utf-8", "ignore"))
        length = len(raw[start:end].decode("utf-8", "ignore"))
        yield at, at + length
        at, done = at + length, end
