"""Which neighbouring leaves are read together, so that an attack split over parts or messages is seen whole."""

from collections.abc import Iterator, Sequence

EDGE = 200
"""Characters of each end of a leaf that are read with its neighbours."""
WIDTH = 8
"""Neighbours read together: a text split into up to so many pieces is seen whole, wherever it begins."""


def spans(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Runs of at least two leaves to read together, as `first, end` positions: from each leaf on, over short ones, until enough
    text has come together.
    """
    count = len(lengths)
    for first in range(count - 1):
        end, total = first + 1, 0
        while end < count and end - first < WIDTH and total < EDGE:
            total += lengths[end]
            end += 1
        yield first, end


def joined(texts: Sequence[str]) -> str:
    """What is read for a run: the end of the first leaf, the others, the beginning of the last. Words cut at a border are found by
    the readings that do without spaces.
    """
    return " ".join((texts[0][-EDGE:], *texts[1:-1], texts[-1][:EDGE]))
