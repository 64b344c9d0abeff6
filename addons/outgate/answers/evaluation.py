"""Measure the judgement over labelled pairs of questions: what is served of pairs that mean the same, and of those that do not.

Questions with turns before them are judged as under `history: meaning`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from outgate.answers.earlier import earlier_of, packed
from outgate.answers.history import Judges, Said, judge
from outgate.answers.judgement import cosine
from outgate.answers.settings import SimilarSettings
from outgate.detectors.pii.canonical import Names
from outgate.inference.prompt import Channel, Leaf
from outgate.model_server.engines import Encoder

SCORES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995)
"""Thresholds of the verifier's score for which a curve is told."""
_AT_ONCE = 512
_MEANING = SimilarSettings(history="meaning")

type Turns = tuple[tuple[str, str], ...]
"""Turns of a conversation: who spoke (`system`, `user`, `assistant`), and what was said."""


class Pair(NamedTuple):
    """Two questions; whether one answer is right for both, and the kind of difference where it is known; the turns before each."""

    a: str
    b: str
    same: bool
    kind: str = ""
    before: tuple[Turns, Turns] = ((), ())


@dataclass(frozen=True, slots=True)
class Row:
    """A pair as the service would judge it, `b` stored and `a` asked. `verified` is 0 where the verifier was not asked."""

    hit: bool
    similarity: float
    verified: float
    vetoes: tuple[str, ...]


def rows(pairs: Sequence[Pair], encoder: Encoder, judgement: Judges) -> list[Row]:
    """A row for each pair, in order."""
    judged: list[Row] = []
    for begin in range(0, len(pairs), _AT_ONCE):
        some = pairs[begin : begin + _AT_ONCE]
        vectors = encoder.embed([text for pair in some for text in (pair.a, pair.b)])
        judged += [_row(pair, cosine(*vectors[2 * at : 2 * at + 2]), judgement) for at, pair in enumerate(some)]
    return judged


def _row(pair: Pair, similarity: float, judgement: Judges) -> Row:
    (asked, ours), (stored, theirs) = (_apart(*each) for each in zip((pair.a, pair.b), pair.before, strict=True))
    if ours != theirs:
        return Row(hit=False, similarity=round(similarity, 4), verified=0.0, vetoes=("partition",))
    verdict = judge(asked, stored, similarity, judgement)
    return Row(verdict.served, round(similarity, 4), round(verdict.score or 0.0, 4), verdict.vetoes)


def _apart(question: str, before: Turns) -> tuple[Said, Turns]:
    """What is judged of a conversation, and what must be the same to the letter."""
    turns = (*before, ("user", question))
    leaves = [Leaf(at, "content", text, Channel(by), -1 if by == "system" else at) for at, (by, text) in enumerate(turns)]
    texts, _ = Names.of(leaf.text for leaf in leaves).canonical([leaf.text for leaf in leaves])
    last = len(texts) - 1
    earlier = earlier_of(leaves, texts, last, _MEANING)
    rest = tuple((by, "" if at in {*earlier, last} else texts[at]) for at, (by, _) in enumerate(turns))
    return Said(texts[last], packed([texts[at] for at in earlier])), rest


def summary(pairs: Sequence[Pair], judged: Sequence[Row]) -> dict[str, Any]:
    """Rates of what is served, whole and by kind; vetoes by name; and the curve over the verifier's threshold."""
    both = list(zip(pairs, judged, strict=True))
    same = [row for pair, row in both if pair.same]
    other = [row for pair, row in both if not pair.same]
    kinds = sorted({(pair.kind, pair.same) for pair in pairs if pair.kind})
    return {
        "pairs": len(pairs),
        "same": _rate(row.hit for row in same),
        "different": _rate(row.hit for row in other),
        "precision": _share(sum(row.hit for row in same), sum(row.hit for row in judged)),
        "kinds": {
            f"{kind} ({'same' if alike else 'different'})": _rate(
                row.hit for pair, row in both if (pair.kind, pair.same) == (kind, alike)
            )
            for kind, alike in kinds
        },
        "vetoes": {
            "same": dict(Counter(veto for row in same for veto in row.vetoes)),
            "different": dict(Counter(veto for row in other for veto in row.vetoes)),
        },
        "curve": [{"score": score, "same": _above(same, score), "different": _above(other, score)} for score in SCORES],
    }


def _rate(hits: Iterable[bool]) -> dict[str, Any]:
    listed = list(hits)
    return {"pairs": len(listed), "served": sum(listed), "rate": _share(sum(listed), len(listed))}


def _above(some: Sequence[Row], score: float) -> float | None:
    return _share(sum(row.verified >= score for row in some), len(some))


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
