"""Losses of an answer at its client: parts for which the client's dialect has no place.

Readers tell by themselves what no dialect but the provider's can say.
"""

from collections.abc import Mapping
from typing import Any

from outgate.dialects.translation import MEDIA, Lose, Says
from outgate.inference.conversation import Answer, Cited, Media, Part, PartBegun, Sealed, StreamItem, Text, Thought

_SEEN = (PartBegun, Cited, Sealed)


class Unsaid:
    """Tells `lose` what a client's dialect cannot say, by what it `says`. `_thoughts` are the dialects whose seals parts have."""

    def __init__(self, says: Says, lose: Lose) -> None:
        self._says, self._lose = says, lose
        self._thoughts: dict[tuple[int, int], str] = {}

    def answer(self, answer: Answer) -> None:
        """See a whole answer."""
        told = answer.alternatives if self._says.several else answer.alternatives[:1]
        if len(told) < len(answer.alternatives):
            self._lose("n")
        for each in told:
            for part in each.parts:
                self._part(part)

    def item(self, item: StreamItem) -> None:
        """See an item of a stream: most are pieces, of which nothing is lost."""
        if not isinstance(item, _SEEN):
            return
        if item.alternative and not self._says.several:
            self._lose("n")
        elif isinstance(item, PartBegun):
            self._begun(item)
        elif isinstance(item, Cited):
            self._cited(item.citation)
        elif item.signature:
            self._seal("signatures", self._thoughts.get((item.alternative, item.at), ""))

    def _begun(self, item: PartBegun) -> None:
        if isinstance(item.part, Thought):
            self._thoughts[item.alternative, item.at] = item.part.provider
        self._part(item.part)

    def _part(self, part: Part) -> None:
        if isinstance(part, Text):
            for citation in part.citations:
                self._cited(citation)
        elif isinstance(part, Thought) and (part.signature or part.sealed):
            self._seal("signatures" if part.signature else "thoughts", part.provider)
        elif isinstance(part, Media):
            self._lose(MEDIA[part.kind])

    def _cited(self, citation: Mapping[str, Any]) -> None:
        if not self._says.citation(citation):
            self._lose("citations")

    def _seal(self, what: str, provider: str) -> None:
        if not self._says.seals_of(provider):
            self._lose(what)
