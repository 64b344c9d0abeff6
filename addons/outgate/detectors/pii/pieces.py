"""Pieces of texts that may hold personal data, and findings in pieces as findings of the texts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from outgate.detectors.finding import Finding, disjoint
from outgate.detectors.pii.prefilter import may_contain

QUESTION = 8_192
"""Characters that are asked about at once: what is lost where an answer does not come, 30 ms of work in prose."""


class Piece(NamedTuple):
    """`text` stands at `start` in the whole."""

    start: int
    text: str


def pieces(text: str, entities: tuple[str, ...]) -> tuple[Piece, ...]:
    """What of a text may hold any of the entities; nothing else does."""
    return (Piece(0, text),) if may_contain(text, entities) else ()


def questions(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts in portions of bounded length; a longer one is a portion of its own."""
    portion: list[str] = []
    length = 0
    for text in texts:
        if portion and length + len(text) > QUESTION:
            yield portion
            portion, length = [], 0
        portion.append(text)
        length += len(text)
    if portion:
        yield portion


def findings_of(parts: Sequence[Piece], found: Mapping[str, Sequence[Finding]]) -> tuple[Finding, ...]:
    """What was `found` in the pieces of one text, by their texts, in offsets of the whole."""
    return disjoint(
        Finding(one.entity, one.start + part.start, one.end + part.start, one.score) for part in parts for one in found[part.text]
    )
