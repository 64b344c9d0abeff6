"""Seams where a name may be cut: parts of one message that meet in the middle of a word, or between two.

Only within a message: two people who speak in turn do not make one name.
"""

import re
from collections.abc import Iterator, Sequence

from outgate.detectors.pii.seams import EDGE, Piece, Seam
from outgate.inference.prompt import Channel, Leaf

_SPOKEN = frozenset({Channel.SYSTEM, Channel.USER, Channel.ASSISTANT, Channel.REASONING, Channel.TOOL_RESULT})
_MOST = 8
"""Parts that are read together: more than a name is ever cut into."""
_ENDS, _BEGINS = re.compile(r"[\w.,'\u2019-]\s?\Z"), re.compile(r"\s?[\w,'\u2019-]")
_CAPITAL = re.compile(r"[^\W\d_a-z]")


def name_seams(leaves: Sequence[Leaf]) -> Iterator[Seam]:
    """The texts that meet, each directly and a space apart."""
    run: list[Piece] = []
    last: Leaf | None = None
    for at, leaf in enumerate(leaves):
        if last is None or not _meet(last, leaf) or len(run) == _MOST:
            yield from _seams(run)
            run = run[-1:] if last is not None and _meet(last, leaf) else []
        if not run:
            run = [_end(at, leaf)]
        elif len(leaf.text) > 2 * EDGE:
            yield from _seams([*run, Piece(at, 0, leaf.text[:EDGE], leaf.turn)])
            run = [_end(at, leaf)]
        else:
            run.append(Piece(at, 0, leaf.text, leaf.turn))
        last = leaf
    yield from _seams(run)


def _end(at: int, leaf: Leaf) -> Piece:
    start = max(0, len(leaf.text) - EDGE)
    return Piece(at, start, leaf.text[start:], leaf.turn)


def _meet(left: Leaf, right: Leaf) -> bool:
    """Whether a name may go on from one leaf to the next."""
    if left.channel is not right.channel or left.turn != right.turn or left.turn < 0 or left.channel not in _SPOKEN:
        return False
    return _ENDS.search(left.text[-2:]) is not None and _BEGINS.match(right.text) is not None


def _seams(run: Sequence[Piece]) -> Iterator[Seam]:
    pieces = tuple(run)
    if len(pieces) > 1 and _CAPITAL.search("".join([piece.text for piece in pieces])) is not None:
        yield Seam(pieces)
        yield Seam(pieces, " ")
