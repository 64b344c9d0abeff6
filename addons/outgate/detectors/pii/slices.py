"""Cut long text into slices that never block others, each answering for its own matches."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from outgate.detectors.finding import Finding, disjoint
from outgate.detectors.normalise import Folded, normalise
from outgate.detectors.payloads import Payload, payloads

STEP = 2_048
OVERLAP = 512
"""Longer than any match: a match that starts in a slice's own part is seen whole."""
LEAD = 128
"""What a slice sees ahead of its own part: the words of context, and the beginning of a match that is not its own."""


class Slice(NamedTuple):
    """`text` begins at `offset` in the whole; the slice answers for matches that start in `first` to `last` (exclusive)."""

    text: str
    offset: int
    first: int
    last: int


def slices(text: str, step: int = STEP, overlap: int = OVERLAP) -> Iterator[Slice]:
    """Overlapping slices; one for a short text."""
    if len(text) <= step + overlap:
        yield Slice(text, 0, 0, len(text))
        return
    for first in range(0, len(text), step):
        begin = max(0, first - LEAD)
        yield Slice(text[begin : first + step + overlap], begin, first, first + step)


def merge(parts: Sequence[Slice], found: Sequence[Sequence[Finding]]) -> list[Finding]:
    """Findings of all slices, in offsets of the whole text."""
    return [
        Finding(one.entity, one.start + part.offset, one.end + part.offset, one.score)
        for part, findings in zip(parts, found, strict=True)
        for one in findings
        if part.first <= one.start + part.offset < part.last
    ]


class Sliced(NamedTuple):
    """One text to judge, cut into pieces of bounded cost: slices of the normalised text, then each payload's slices."""

    folded: Folded
    hidden: list[Payload]
    parts: list[list[Slice]]

    @property
    def pieces(self) -> list[str]:
        return [part.text for parts in self.parts for part in parts]

    def findings(self, found: Sequence[Sequence[Finding]]) -> tuple[Finding, ...]:
        """What the pieces say about the text, disjoint, in its own offsets; what is in a payload covers the payload."""
        results: list[Finding] = []
        position = 0
        for index, parts in enumerate(self.parts):
            findings = merge(parts, found[position : position + len(parts)])
            position += len(parts)
            if index:
                payload = self.hidden[index - 1]
                findings = [one._replace(start=payload.start, end=payload.end) for one in findings]
            results.extend(findings)
        return disjoint(Finding(one.entity, *self.folded.span(one.start, one.end), one.score) for one in results)


def sliced(text: str, step: int = STEP, overlap: int = OVERLAP) -> Sliced:
    """The text as pieces to judge."""
    folded = normalise(text)
    return sliced_reading(folded, payloads(folded.text), step, overlap)


def sliced_reading(folded: Folded, hidden: list[Payload], step: int, overlap: int) -> Sliced:
    """One reading of a text, and what is encoded in it, as pieces to judge."""
    texts = (folded.text, *(payload.text for payload in hidden))
    return Sliced(folded, hidden, [list(slices(each, step, overlap)) for each in texts])
