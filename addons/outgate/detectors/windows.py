"""Sliding windows over neighbouring leaves, for attacks that span parts or messages. (For personal data see pii/seams.py.)"""

from collections.abc import Iterator, Sequence

ATTACK_EDGE = 200
"""Characters of each end of a leaf that are read with its neighbours."""
ATTACK_WIDTH = 8
"""Neighbours read together: a text split into up to so many pieces is seen whole, wherever it begins."""


def attack_windows(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Runs of at least two leaves to read together, as `first, end` positions: from each leaf on, over short ones, until enough
    text has come together.
    """
    count = len(lengths)
    for first in range(count - 1):
        end, total = first + 1, 0
        while end < count and end - first < ATTACK_WIDTH and total < ATTACK_EDGE:
            total += lengths[end]
            end += 1
        yield first, end


def attack_text(texts: Sequence[str]) -> str:
    """What is read for a run: the end of the first leaf, the others, the beginning of the last, each on a line of its own.

    Words cut at a border are found by their bare letters. A first leaf that is cut begins with a quote: no sentence opens there.
    """
    first = texts[0] if len(texts[0]) <= ATTACK_EDGE else f'"{texts[0][-ATTACK_EDGE:]}'
    return "\n".join((first, *texts[1:-1], texts[-1][:ATTACK_EDGE]))
