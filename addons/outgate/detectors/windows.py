"""Sliding windows over neighbouring leaves, for attacks that span parts or messages. (For personal data see pii/seams.py.)"""

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

type Run = tuple[tuple[int, str], ...]
"""Neighbours, each with its position."""

READ = 900
"""Characters that a classifier reads together: a window over the border of two texts holds so many of each."""
_LONGEST = 4 * READ
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


def runs(texts: Sequence[tuple[int, str]]) -> Iterator[Run]:
    """Neighbours to read together, so that every window of READ characters over a border stands in one of them. A long text takes
    part with its ends. Linear in the texts.
    """
    run: list[tuple[int, str]] = []
    kept = 0
    for at, text in texts:
        long = len(text) > 2 * READ
        run.append((at, text[:READ] if long else text))
        if long or sum(len(piece) for _, piece in run) >= _LONGEST:
            if len(run) > 1:
                yield tuple(run)
            run = [(at, text[-READ:])] if long else _end_of(run)
            kept = len(run)
    if len(run) > max(kept, 1):
        yield tuple(run)


def readings(run: Run) -> tuple[str, ...]:
    """A run as one text: words that meet are kept apart, and, where one may have been cut there, put together."""
    pieces = [text for _, text in run]
    seams = [(one[-1:], other[:1]) for one, other in pairwise(pieces)]
    between = ["" if one.isspace() or other.isspace() else "\n" for one, other in seams]
    apart = "".join(chain.from_iterable(zip(pieces, [*between, ""], strict=True)))
    return (apart, "".join(pieces)) if any(one.isalnum() and other.isalnum() for one, other in seams) else (apart,)


def _end_of(run: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """The last texts of a run, of at least READ characters together."""
    total, first = 0, len(run)
    while total < READ:
        first -= 1
        total += len(run[first][1])
    return list(run[first:])
