"""Which leaves are read together, so that a value split over parts of one message is still seen whole.

Long leaves give only their ends; a seam is what meets between two ends. Findings that lie within one leaf are that leaf's own.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from outgate.detectors.finding import Finding
from outgate.inference.prompt import Channel, Leaf

EDGE = 96
"""Characters of each side that are read: longer than any card, IBAN or number, and most addresses."""
_CONVERSATION = frozenset({Channel.SYSTEM, Channel.USER, Channel.ASSISTANT, Channel.REASONING, Channel.TOOL_RESULT})


class Piece(NamedTuple):
    """`text` stands at `start` in leaf `leaf`."""

    leaf: int
    start: int
    text: str


type Seam = tuple[Piece, ...]


def seams(leaves: Sequence[Leaf]) -> Iterator[Seam]:
    """Runs of adjacent leaves of one turn and channel, as the texts that meet there."""
    spoken = ((i, leaf) for i, leaf in enumerate(leaves) if leaf.turn >= 0 and leaf.channel in _CONVERSATION and leaf.text)
    for _, run in groupby(spoken, key=lambda pair: (pair[1].turn, pair[1].channel)):
        members = list(run)
        if len(members) > 1:
            yield from _joined(members)


def _joined(members: list[tuple[int, Leaf]]) -> Iterator[Seam]:
    pieces: list[Piece] = []
    for i, leaf in members:
        text = leaf.text
        if len(text) <= 2 * EDGE:
            pieces.append(Piece(i, 0, text))
            continue
        if pieces:
            yield (*pieces, Piece(i, 0, text[:EDGE]))
        pieces = [Piece(i, len(text) - EDGE, text[-EDGE:])]
    if len(pieces) > 1:
        yield tuple(pieces)


def text_of(seam: Seam) -> str:
    """What is read across the borders."""
    return "".join(piece.text for piece in seam)


def apportion(seam: Seam, findings: Sequence[Finding]) -> Iterator[tuple[int, Finding]]:
    """For each finding that crosses a border: the leaves it touches, each with its share."""
    for found in findings:
        shares = list(_shares(seam, found))
        if len(shares) > 1:
            yield from shares


def _shares(seam: Seam, found: Finding) -> Iterator[tuple[int, Finding]]:
    begin = 0
    for piece in seam:
        first, last = max(found.start, begin), min(found.end, begin + len(piece.text))
        if first < last:
            offset = piece.start - begin
            yield piece.leaf, Finding(found.entity, first + offset, last + offset, found.score)
        begin += len(piece.text)
