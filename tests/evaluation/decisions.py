"""Decisions about a pair: cosine alone, with the checks, the verifier alone, and the judgement of the service."""

from collections.abc import Sequence
from typing import NamedTuple

from outgate.answers.calibration import Calibration
from outgate.answers.evaluation import Pair, cosine
from outgate.answers.judgement import against
from outgate.model_server.engines import Encoder, PairScorer

_FLOOR = 0.6
"""Pairs less near than this are served by no decision here, so that no verifier is asked."""


class Seen(NamedTuple):
    """All that the decisions look at."""

    pair: Pair
    similarity: float
    vetoes: tuple[str, ...]
    score: float


def seen(pairs: Sequence[Pair], encoder: Encoder, scorer: PairScorer) -> list[Seen]:
    """Every pair with its cosine, its vetoes and the lower score of both orders."""
    vectors = encoder.embed([text for pair in pairs for text in (pair.a, pair.b)])
    near = [cosine(vectors[2 * at], vectors[2 * at + 1]) for at in range(len(pairs))]
    asked = [(pair.a, pair.b) for pair, similarity in zip(pairs, near, strict=True) if similarity >= _FLOOR]
    scores = iter(map(min, scorer.score(asked), scorer.score([(b, a) for a, b in asked]), strict=True))
    return [
        Seen(pair, similarity, against(pair.a, pair.b), next(scores) if similarity >= _FLOOR else 0.0)
        for pair, similarity in zip(pairs, near, strict=True)
    ]


def decisions(measured: Calibration) -> dict[str, "Decision"]:
    """Decisions by name, in the order of the table."""
    return {
        "cosine .90": Decision(0.90, 0.0, checks=False),
        "cosine .95": Decision(0.95, 0.0, checks=False),
        "cosine .95 + checks": Decision(0.95, 0.0, checks=True),
        "verifier alone": Decision(measured.similarity, measured.score, checks=False),
        "checks + verifier": Decision(measured.similarity, measured.score, checks=True),
    }


class Decision(NamedTuple):
    """Serve what reaches both thresholds and, with checks, has no veto."""

    similarity: float
    score: float
    checks: bool

    def serves(self, one: Seen) -> bool:
        return one.similarity >= self.similarity and one.score >= self.score and not (self.checks and one.vetoes)


def rate(decision: Decision, some: Sequence[Seen]) -> float | None:
    """The share that is served."""
    return sum(map(decision.serves, some)) / len(some) if some else None
