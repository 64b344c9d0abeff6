"""Decisions about a pair: cosine alone, with the checks, the verifier alone, and the judgement of the service."""

from collections.abc import Sequence
from typing import NamedTuple

from outgate.answers.calibration import Calibration
from outgate.answers.evaluation import Pair
from outgate.answers.judgement import against, cosine
from outgate.model_server.engines import Encoder, PairScorer

_FLOOR = 0.5
"""Pairs less near than this are served by no decision here, so that no verifier is asked."""


class Seen(NamedTuple):
    """All that the decisions look at. `verified` is the verifier's score, `surety` what the judgement makes of it."""

    pair: Pair
    similarity: float
    vetoes: tuple[str, ...]
    doubts: tuple[str, ...]
    verified: float
    surety: float


def seen(pairs: Sequence[Pair], encoder: Encoder, scorer: PairScorer, measured: Calibration) -> list[Seen]:
    """Every pair with all that is seen of it; a verifier's score is the lower of both orders."""
    vectors = encoder.embed([text for pair in pairs for text in (pair.a, pair.b)])
    near = [cosine(vectors[2 * at], vectors[2 * at + 1]) for at in range(len(pairs))]
    asked = [(pair.a, pair.b) for pair, similarity in zip(pairs, near, strict=True) if similarity >= _FLOOR]
    scores = iter(map(min, scorer.score(asked), scorer.score([(b, a) for a, b in asked])))
    verified = [next(scores) if similarity >= _FLOOR else 0.0 for similarity in near]
    return [_seen(pair, *both, measured) for pair, *both in zip(pairs, near, verified, strict=True)]


def _seen(pair: Pair, similarity: float, verified: float, measured: Calibration) -> Seen:
    found = against(pair.a, pair.b)
    return Seen(pair, similarity, *found, verified, measured.surety(verified, found.doubts))


class Decision(NamedTuple):
    """Serve what reaches the thresholds and, with checks, has no veto."""

    similarity: float = 0.0
    verified: float = 0.0
    surety: float = 0.0
    checks: bool = False

    def serves(self, one: Seen) -> bool:
        reached = one.similarity >= self.similarity and one.verified >= self.verified and one.surety >= self.surety
        return reached and not (self.checks and one.vetoes)


def decisions(measured: Calibration) -> dict[str, Decision]:
    """Decisions by name, in the order of the table."""
    return {
        "cosine .90": Decision(0.90),
        "cosine .95": Decision(0.95),
        "cosine .95 + checks": Decision(0.95, checks=True),
        "verifier alone": Decision(measured.similarity, verified=measured.score),
        "judgement": Decision(measured.similarity, surety=measured.score, checks=True),
    }


def rate(decision: Decision, some: Sequence[Seen]) -> float | None:
    """The share that is served."""
    return sum(map(decision.serves, some)) / len(some) if some else None
