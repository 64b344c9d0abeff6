"""Cut long text into slices that never block others, each answering for its own matches."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from outgate.detectors.finding import Finding

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
