"""Score a vector against fitted topics, in a worker: one product for each topic, and one for each phrase of the three best.

Two things speak for a name: how probable its topics are beside all others (a Gaussian for each, one covariance for all, flattened
by a temperature), and how much nearer its nearest phrase is than the nearest that belongs to none.
"""

from base64 import b64decode
from collections.abc import Sequence
from functools import lru_cache
from heapq import nlargest
from math import exp, sumprod
from struct import unpack
from typing import Any, NamedTuple

from outgate.inference.routing import Near

_TEMPERATURE = 4.0
_BEST = 3
"""Topics whose phrases are looked at."""
_FAR = 0.5
"""Similarity of what has nothing to do with a prompt, where the policy has no phrases that belong to none."""
_TOLD, _KEPT = 3, 32
"""Phrases that are told, and that are kept of a topic to be compared one by one."""

type Vector = tuple[float, ...]


class Group(NamedTuple):
    """Phrases of one name as one Gaussian: `row` and `bias` give its log-likelihood, `vectors` are float16."""

    name: str
    title: str
    row: Vector
    bias: float
    phrases: tuple[str, ...]
    vectors: tuple[bytes, ...]


class Scores(NamedTuple):
    """What the topics say of a text: the best name, its score and its lead in probability over the next, and what they rest on."""

    name: str
    score: float
    margin: float
    probable: tuple[tuple[str, float], ...]
    nearest: tuple[Near, ...]


class Scorer:
    """Fitted topics. `none` is the group of phrases that belong to no name."""

    def __init__(self, groups: Sequence[Group], none: Group | None) -> None:
        self._groups = tuple(groups)
        self._none = none
        self._away = [halves(vector) for vector in none.vectors] if none is not None else []

    def score(self, vector: bytes) -> Scores:
        """The scores of a unit vector in float32."""
        asked = floats(vector)
        likely = [(sumprod(asked, group.row) + group.bias) / _TEMPERATURE for group in self._groups]
        shares, best = self._shares(likely, asked), nlargest(_BEST, range(len(likely)), key=likely.__getitem__)
        near = [
            Near(group.name, group.title, phrase, round(sumprod(asked, halves(known)), 4))
            for group in (self._groups[index] for index in best)
            for phrase, known in zip(group.phrases, group.vectors, strict=True)
        ]
        nearest = nlargest(_TOLD, near, key=lambda each: each.similarity)
        away = max((sumprod(asked, known) for known in self._away), default=_FAR)
        probable = sorted(shares.items(), key=lambda share: -share[1])
        (name, first), second = probable[0], probable[1][1] if probable[1:] else 0.0
        score = (first + 2 * (nearest[0].similarity - away)) / 2
        told = tuple((each, round(share, 4)) for each, share in probable[:_TOLD])
        return Scores(name, round(score, 4), first - second, told, tuple(nearest))

    def _shares(self, likely: Sequence[float], asked: Vector) -> dict[str, float]:
        none = [(sumprod(asked, self._none.row) + self._none.bias) / _TEMPERATURE] if self._none is not None else []
        most = max(*likely, *none, -1e300)
        weights = [exp(each - most) for each in likely]
        total = sum(weights) + sum(exp(each - most) for each in none)
        shares = dict.fromkeys((group.name for group in self._groups), 0.0)
        for group, weight in zip(self._groups, weights, strict=True):
            shares[group.name] += weight / total
        return shares


def floats(data: bytes) -> Vector:
    """A vector of float32."""
    return unpack(f"<{len(data) // 4}f", data)


@lru_cache(maxsize=512)
def halves(data: bytes) -> Vector:
    """A vector of float16; those of a policy's phrases are looked at again and again."""
    return unpack(f"<{len(data) // 2}e", data)


def group_of(name: str, title: str, fitted: dict[str, Any], phrases: Sequence[str], vectors: Sequence[bytes]) -> Group:
    """A group as the fit gives it: `row` in base64, `bias`, and the `members` among the phrases of its topic.

    A long list is thinned out. Phrases that belong to none are all kept: what is far from all topics differs in many ways.
    """
    members = [int(index) for index in fitted["members"]]
    if name:
        members = members[:: -(-len(members) // _KEPT)]
    row, bias = floats(b64decode(fitted["row"])), float(fitted["bias"])
    return Group(name, title, row, bias, tuple(phrases[each] for each in members), tuple(vectors[each] for each in members))
