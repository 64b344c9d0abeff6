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

from outgate.detectors.paraphrase.code import code_differs
from outgate.detectors.paraphrase.names import kinds_differ, names_differ
from outgate.detectors.paraphrase.negation import negations
from outgate.detectors.paraphrase.numbers import numbers_differ
from outgate.detectors.paraphrase.quantities import quantities
from outgate.detectors.paraphrase.words import Words, read
from outgate.model_server.engines import Encoder

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9`\"*(-])|\n+")
_READ = 24
"""Sentences of an answer that are looked at."""
_LIST_MARK = re.compile(r"^\s*(?:[-*\u2022]|\d{1,2}[.)])\s+|[*_#`]{1,3}")
_REFUSAL = re.compile(
    r"\b(?:i(?:'m| am) (?:sorry|unable|not able)|i (?:can(?:'t|not| not)|won't|do(?:n't| not) (?:have|know))|as an ai"
    r"|unable to (?:help|assist|provide))\b"
)
_OPENING = re.compile(r"\W*(yes|no|true|false|correct|incorrect)\b", re.IGNORECASE)
_YES = frozenset({"yes", "true", "correct"})


class Features(NamedTuple):
    """What is looked at; each between 0 and 1, most of them higher where the answers are further apart."""

    whole: float
    nearest: float
    furthest: float
    numbers: float
    names: float
    denials: float
    opening: float
    refusal: float
    code: float
    length: float


def features(a: str, b: str, encoder: Encoder) -> Features:
    """The features of two answers."""
    shorter, longer = sorted((_sentences(a), _sentences(b)), key=len)
    vectors = _vectors([a, b, *shorter, *longer], encoder)
    near = vectors[2 : 2 + len(shorter)] @ vectors[2 + len(shorter) :].T
    beside = [(read(shorter[at]), read(longer[int(row.argmax())])) for at, row in enumerate(near)]
    reached = near.max(axis=1)
    ours, theirs = read(a), read(b)
    return Features(
        whole=1.0 - float(vectors[0] @ vectors[1]),
        nearest=1.0 - float(reached.mean()),
        furthest=1.0 - float(reached.min()),
        numbers=_numbers(ours, theirs),
        names=float(names_differ(ours, theirs)) / 2 + float(kinds_differ(ours, theirs)) / 2,
        denials=_share(beside, reached, _denies_apart),
        opening=float(_opening(a) * _opening(b) < 0),
        refusal=float(_refuses(a) != _refuses(b)),
        code=float(code_differs(ours, theirs)),
        length=1.0 - min(len(a), len(b)) / max(len(a), len(b), 1),
    )


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


def _denies_apart(one: Words, other: Words) -> bool:
    return negations(one) % 2 != negations(other) % 2


def _share(beside: Sequence[tuple[Words, Words]], reached: Any, differ: Any) -> float:
    """The share of sentences set beside a near one that the check tells from it."""
    close = [differ(*pair) for pair, near in zip(beside, reached, strict=True) if near > 0.6]
    return sum(close) / len(close) if close else 0.0


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

    def says_the_same(self, a: str, b: str, encoder: Encoder) -> bool:
        """Whether who got the one answer would have been served as well by the other."""
        return a == b or self.sameness(features(a, b, encoder)) >= self.same_from
