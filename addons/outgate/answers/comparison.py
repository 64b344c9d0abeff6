"""Compare two answers to one question: would who got the one have been served as well by the other?

Each sentence of the shorter answer is set beside the nearest of the longer; what counts is how near they are, and whether the
symbol checks tell the two apart. A refusal is no answer.
"""

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from outgate.detectors.paraphrase.antonyms import antonyms_differ
from outgate.detectors.paraphrase.code import code_differs
from outgate.detectors.paraphrase.dates import dates_differ
from outgate.detectors.paraphrase.exchange import exchange_differs
from outgate.detectors.paraphrase.names import kinds_differ, names_differ
from outgate.detectors.paraphrase.negation import negations
from outgate.detectors.paraphrase.numbers import numbers_differ, units_differ
from outgate.detectors.paraphrase.order import order_differs
from outgate.detectors.paraphrase.quantities import quantities
from outgate.detectors.paraphrase.scope import scope_differs
from outgate.detectors.paraphrase.words import Words, read
from outgate.model_server.engines import Encoder, PairScorer

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9`\"*(-])|\n+")
_READ = 24
"""Sentences of an answer that are looked at."""
_SCORED = 6
"""Sentences that the verifier reads beside each other."""
_NEAR = 0.6
"""Sentences nearer than this speak of the same."""
_LIST_MARK = re.compile(r"^\s*(?:[-*\u2022]|\d{1,2}[.)])\s+|[*_#`]{1,3}")
_REFUSAL = re.compile(
    r"\b(?:i(?:'m| am) (?:sorry|unable|not able)|i (?:can(?:'t|not| not)|won't|do(?:n't| not) (?:have|know))|as an ai"
    r"|unable to (?:help|assist|provide))\b"
)
_OPENING = re.compile(r"\W*(yes|no|true|false|correct|incorrect)\b", re.IGNORECASE)
_YES = frozenset({"yes", "true", "correct"})


class Features(NamedTuple):
    """What is looked at; each between 0 and 1, and higher where the answers are further apart."""

    distance: float
    unlike: float
    verifier: float
    checks: float
    doubts: float
    numbers: float
    names: float
    denials: float
    opening: float
    refusal: float
    code: float


def features(a: str, b: str, encoder: Encoder, scorer: PairScorer) -> Features:
    """The features of two answers."""
    shorter, longer = sorted((_sentences(a), _sentences(b)), key=len)
    vectors = _vectors([a, b, *shorter, *longer], encoder)
    near = vectors[2 : 2 + len(shorter)] @ vectors[2 + len(shorter) :].T
    beside = [(shorter[at], longer[int(row.argmax())]) for at, row in enumerate(near)]
    ours, theirs = read(a), read(b)
    apart = [_apart(read(one), read(other)) for (one, other), row in zip(beside, near, strict=True) if row.max() > _NEAR]
    return Features(
        distance=1.0 - float(vectors[0] @ vectors[1]),
        unlike=1.0 - float(near.max(axis=1).mean()),
        verifier=1.0 - _read_together(beside[:_SCORED], scorer),
        checks=float(any(found.checks for found in apart)),
        doubts=float(any(found.doubts for found in apart)),
        numbers=_numbers(ours, theirs),
        names=float(names_differ(ours, theirs)) / 2 + float(kinds_differ(ours, theirs)) / 2,
        denials=sum(found.denies for found in apart) / max(len(apart), 1),
        opening=float(_opening(a) * _opening(b) < 0),
        refusal=float(_refuses(a) != _refuses(b)),
        code=float(code_differs(ours, theirs)),
    )


class _Apart(NamedTuple):
    checks: bool
    doubts: bool
    denies: bool


def _apart(one: Words, other: Words) -> _Apart:
    checks = any(differ(one, other) for differ in (antonyms_differ, order_differs, dates_differ, units_differ, scope_differs))
    return _Apart(checks, exchange_differs(one, other), negations(one) % 2 != negations(other) % 2)


def _read_together(beside: Sequence[tuple[str, str]], scorer: PairScorer) -> float:
    """The verifier's mean score of sentences beside each other, the lower of both orders."""
    forth, back = scorer.score(beside), scorer.score([(other, one) for one, other in beside])
    return sum(map(min, forth, back)) / len(beside)


def _sentences(text: str) -> list[str]:
    plain = (_LIST_MARK.sub("", part).strip() for part in _SENTENCE.split(text))
    return [part for part in plain if any(map(str.isalnum, part))][:_READ] or [text[:200]]


def _vectors(texts: Sequence[str], encoder: Encoder) -> NDArray[Any]:
    return np.frombuffer(b"".join(encoder.embed(texts)), np.float32).reshape(len(texts), -1)


def _numbers(a: Words, b: Words) -> float:
    """The share of the numbers of the text with fewer that the other lacks."""
    some, others = sorted(({round(each.value, 6) for each in quantities(text)} - {1.0} for text in (a, b)), key=len)
    if not some:
        return 0.5 * float(bool(others) and numbers_differ(a, b))
    return len(some - others) / len(some)


def _opening(text: str) -> int:
    found = _OPENING.match(text)
    return 0 if found is None else 1 if found[1].lower() in _YES else -1


def _refuses(text: str) -> bool:
    return _REFUSAL.search(text[:200].lower()) is not None


class Weights(NamedTuple):
    """Weights of the features, fitted to labelled pairs of answers, and the sameness from which two answers count as the same."""

    weights: Features
    bias: float
    same_from: float

    def sameness(self, seen: Features) -> float:
        """How surely the answers say the same, 0 to 1."""
        away = self.bias + sum(weight * value for weight, value in zip(self.weights, seen, strict=True))
        return 1.0 / (1.0 + math.exp(min(50.0, max(-50.0, away))))

    def says_the_same(self, a: str, b: str, encoder: Encoder, scorer: PairScorer) -> bool:
        """Whether who got the one answer would have been served as well by the other."""
        return a == b or self.sameness(features(a, b, encoder, scorer)) >= self.same_from
