"""Seams between neighbouring leaves: a value cut over parts, messages of one role, members or items is read across them.

Long leaves give only their ends, and what lies within one leaf is that leaf's own finding. Between messages, and between members
and items, only what is certain counts: two numbers that happen to meet are no telephone number.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from outgate.detectors.finding import Finding, disjoint
from outgate.detectors.names.kinds import NAMES
from outgate.detectors.pii.finders import CARD, EMAIL, IBAN, PHONE, SSN
from outgate.inference.prompt import Channel, Leaf

EDGE = 96
"""Characters of each side that are read: longer than any card, IBAN or number, and most addresses."""
_RUN = 4
"""Edges of short leaves that are read together. As a conversation grows, only its last run is another text than before."""
_SPOKEN = frozenset({Channel.SYSTEM, Channel.USER, Channel.ASSISTANT, Channel.REASONING, Channel.TOOL_RESULT})
_MEMBERS = frozenset({Channel.TOOL_ARGUMENTS, Channel.TOOL_DEFINITION, Channel.PARAMETER})
_NUMBERS = re.compile(r"[0-9%&\\]|[^\x00-\x7f]")
"""Digits, and what may stand for some."""
_NEAR = 40
_CERTAIN_PHONE = re.compile(r"\+|\(?\d{3}(?:-|\) ?)\d{3}-\d{4}\Z")


class Piece(NamedTuple):
    """`text` stands at `start` in leaf `leaf` of message `turn`."""

    leaf: int
    start: int
    text: str
    turn: int


class Seam(NamedTuple):
    """Pieces that are read as one text, with `sign` between them."""

    pieces: tuple[Piece, ...]
    sign: str = ""

    @property
    def text(self) -> str:
        return self.sign.join(piece.text for piece in self.pieces)


type MayCross = Callable[[Sequence[Piece]], bool]
type IsCertain = Callable[[Finding], bool]


def seams(
    leaves: Sequence[Leaf], edge: int = EDGE, may_cross: MayCross | None = None, *, members_directly: bool = False
) -> Iterator[Seam]:
    """The texts that meet in a prompt: parts and messages directly or a space apart, members and items a space apart.

    `may_cross` says whether a value may lie across borders of these pieces; without it, one of personal data. `members_directly`
    reads members and items directly, too.
    """
    families: dict[tuple[Channel, int], list[tuple[int, Leaf]]] = defaultdict(list)
    for i, leaf in enumerate(leaves):
        if leaf.text and (leaf.channel in _MEMBERS or (leaf.channel in _SPOKEN and leaf.turn >= 0)):
            families[leaf.channel, leaf.turn if leaf.channel in _MEMBERS else 0].append((i, leaf))
    for (channel, _), members in families.items():
        for pieces in _meeting(members, edge, may_cross or _may_cross):
            if channel in _SPOKEN or members_directly:
                yield Seam(pieces)
            yield Seam(pieces, " ")


def crossing(
    seam: Seam, findings: Sequence[Finding], own: Mapping[int, Sequence[Finding]], is_certain: IsCertain | None = None
) -> Iterator[tuple[int, Finding]]:
    """For each finding that crosses a border: the leaves it touches, each with its share. `own` are the findings by leaf alone.

    `is_certain` says which count between messages, read directly; without it, those of personal data that do.
    """
    for found in findings:
        shares = list(_shares(seam, found))
        if (
            len(shares) > 1
            and (found.entity in NAMES or not _is_whole(shares, own))
            and _is_certain(seam, shares, found, is_certain)
        ):
            for piece, share in shares:
                yield piece.leaf, share


def _meeting(members: list[tuple[int, Leaf]], edge: int, may_cross: MayCross) -> Iterator[tuple[Piece, ...]]:
    """Runs of pieces where a value may lie across a border: short leaves whole, of long ones the ends. Long runs overlap."""
    run: list[Piece] = []
    length = 0
    for i, leaf in members:
        text = leaf.text
        if len(text) > 2 * edge:
            if run:
                yield from _crossed([*run, Piece(i, 0, text[:edge], leaf.turn)], may_cross)
            run, length = [Piece(i, len(text) - edge, text[-edge:], leaf.turn)], edge
            continue
        run.append(Piece(i, 0, text, leaf.turn))
        length += len(text)
        if length > _RUN * edge and len(run) > 2:
            yield from _crossed(run, may_cross)
            run = _last(run, edge)
            length = _length(run)
    yield from _crossed(run, may_cross)


def _last(run: list[Piece], edge: int) -> list[Piece]:
    """The pieces in which a value may begin that is not over yet."""
    first, length = len(run) - 1, len(run[-1].text)
    while first > 1 and length < edge:
        first -= 1
        length += len(run[first].text)
    return run[first:]


def _length(run: Sequence[Piece]) -> int:
    return sum([len(piece.text) for piece in run])


def _crossed(run: Sequence[Piece], may_cross: MayCross) -> Iterator[tuple[Piece, ...]]:
    if len(run) > 1 and may_cross(run):
        yield tuple(run)


def _may_cross(pieces: Sequence[Piece]) -> bool:
    if len(pieces) > 2:
        text = "".join([piece.text for piece in pieces])
        return "@" in text or _NUMBERS.search(text) is not None
    left, right = pieces[0].text, pieces[1].text
    if ("@" in left or "@" in right) and not (left[-1].isspace() or right[0].isspace()):
        return True
    return _NUMBERS.search(left[-_NEAR:]) is not None and _NUMBERS.search(right[:_NEAR]) is not None


def by_leaf(
    own: Sequence[Any], across: Iterable[Seam], findings: Sequence[Any], is_certain: IsCertain | None = None
) -> dict[int, tuple[Finding, ...]]:
    """Findings by leaf: each leaf's own (a sequence of them, or None), and its share of those that cross a seam."""
    alone = {i: tuple(some) for i, some in enumerate(own) if some}
    found = dict(alone)
    for seam, some in zip(across, findings, strict=True):
        for leaf, share in crossing(seam, some, alone, is_certain):
            found[leaf] = disjoint((*found.get(leaf, ()), share))
    return found


def _shares(seam: Seam, found: Finding) -> Iterator[tuple[Piece, Finding]]:
    begin = 0
    for piece in seam.pieces:
        first, last = max(found.start, begin), min(found.end, begin + len(piece.text))
        if first < last:
            offset = piece.start - begin
            yield piece, Finding(found.entity, first + offset, last + offset, found.score)
        begin += len(piece.text) + len(seam.sign)


def _is_whole(shares: Sequence[tuple[Piece, Finding]], own: Mapping[int, Sequence[Finding]]) -> bool:
    """One of the leaves holds a whole value there: what the neighbour adds is a word or a number of its own."""
    return any(
        one.entity == share.entity and one.start >= share.start and one.end <= share.end
        for piece, share in shares
        for one in own.get(piece.leaf, ())
    )


def _is_certain(seam: Seam, shares: Sequence[tuple[Piece, Finding]], found: Finding, is_certain: IsCertain | None) -> bool:
    """Anything within one message; elsewhere what has check digits, an @ or a form of its own."""
    if (not seam.sign or found.entity in NAMES) and len({piece.turn for piece, _ in shares}) == 1:
        return True
    if is_certain is not None:
        return not seam.sign and is_certain(found)
    if found.entity == PHONE:
        return _CERTAIN_PHONE.match(seam.text, found.start, found.end) is not None
    return found.entity in (CARD, IBAN) or (not seam.sign and found.entity in (EMAIL, SSN))
