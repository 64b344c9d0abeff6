"""Sliding windows over neighbouring leaves, for matches that span parts or messages.

For personal data a window joins the parts of one message: long leaves give only their ends, and findings within one leaf are that
leaf's own. For attacks it runs on over messages.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from outgate.detectors.finding import Finding
from outgate.inference.prompt import Channel, Leaf

VALUE_EDGE = 96
"""Characters of each side that are read: longer than any card, IBAN or number, and most addresses."""
ATTACK_EDGE = 200
"""Characters of each end of a leaf that are read with its neighbours."""
ATTACK_WIDTH = 8
"""Neighbours read together: a text split into up to so many pieces is seen whole, wherever it begins."""
_CONVERSATION = frozenset({Channel.SYSTEM, Channel.USER, Channel.ASSISTANT, Channel.REASONING, Channel.TOOL_RESULT})


class Piece(NamedTuple):
    """`text` stands at `start` in leaf `leaf`."""

    leaf: int
    start: int
    text: str


type Window = tuple[Piece, ...]


def part_windows(leaves: Sequence[Leaf]) -> Iterator[Window]:
    """Runs of adjacent leaves of one turn and channel, as the texts that meet there."""
    spoken = ((i, leaf) for i, leaf in enumerate(leaves) if leaf.turn >= 0 and leaf.channel in _CONVERSATION and leaf.text)
    for _, run in groupby(spoken, key=lambda pair: (pair[1].turn, pair[1].channel)):
        members = list(run)
        if len(members) > 1:
            yield from _joined(members)


def _joined(members: list[tuple[int, Leaf]]) -> Iterator[Window]:
    pieces: list[Piece] = []
    for i, leaf in members:
        text = leaf.text
        if len(text) <= 2 * VALUE_EDGE:
            pieces.append(Piece(i, 0, text))
            continue
        if pieces:
            yield (*pieces, Piece(i, 0, text[:VALUE_EDGE]))
        pieces = [Piece(i, len(text) - VALUE_EDGE, text[-VALUE_EDGE:])]
    if len(pieces) > 1:
        yield tuple(pieces)


def text_of(window: Window) -> str:
    """What is read across the borders."""
    return "".join(piece.text for piece in window)


def apportion(window: Window, findings: Sequence[Finding]) -> Iterator[tuple[int, Finding]]:
    """For each finding that crosses a border: the leaves it touches, each with its share."""
    for found in findings:
        shares = list(_shares(window, found))
        if len(shares) > 1:
            yield from shares


def _shares(window: Window, found: Finding) -> Iterator[tuple[int, Finding]]:
    begin = 0
    for piece in window:
        first, last = max(found.start, begin), min(found.end, begin + len(piece.text))
        if first < last:
            offset = piece.start - begin
            yield piece.leaf, Finding(found.entity, first + offset, last + offset, found.score)
        begin += len(piece.text)


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
