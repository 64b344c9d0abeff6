"""Ask the model server about many pieces of text, a portion at a time, and remember each answer as it comes in.

A request that runs out of time is not lost: when it is sent again, it goes on from there.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from outgate.inference.finding import Finding
from outgate.inference.memory import Memory
from outgate.inference.principal import Principal

PORTION = 8_192
"""Characters that are asked about at once: 1 ms of work in prose, 16 in a list of telephone numbers."""
_FINDING = 80
"""Bytes that a finding costs in a memo."""


class PiiPort(Protocol):
    """The part of ModelClient that asks about personal data."""

    async def detect_pii(self, texts: Sequence[str], entities: tuple[str, ...], share: str) -> Sequence[tuple[Finding, ...]]: ...


class PiiPieces:
    """What pieces of text hold of these `entities`. Pieces are remembered per tenant; workloads ask each on its own account."""

    def __init__(self, models: PiiPort, memo: Memory, entities: tuple[str, ...]) -> None:
        self._models, self._memo, self._entities = models, memo, entities
        self._kind = "pii.piece:" + ",".join(entities)

    async def findings(self, texts: Iterable[str], principal: Principal) -> dict[str, tuple[Finding, ...]]:
        """Findings of each text. Raises ModelServerError; what was answered until then is remembered."""
        digests = {text: self._memo.digest(text) for text in texts}
        remembered = self._memo.get_many(principal.tenant, self._kind, list(digests.values()))
        known = {text: found for text, found in zip(digests, remembered, strict=True) if found is not None}
        for portion in portions(text for text in digests if text not in known):
            answers = await self._models.detect_pii(portion, self._entities, f"{principal.tenant}/{principal.name}")
            for text, found in zip(portion, answers, strict=True):
                known[text] = found
                self._memo.put(principal.tenant, self._kind, digests[text], found, _FINDING * len(found))
        return known


def portions(texts: Iterable[str], most: int = PORTION) -> Iterator[list[str]]:
    """Texts in portions of bounded length; a longer one is a portion of its own."""
    portion: list[str] = []
    length = 0
    for text in texts:
        if portion and length + len(text) > most:
            yield portion
            portion, length = [], 0
        portion.append(text)
        length += len(text)
    if portion:
        yield portion
