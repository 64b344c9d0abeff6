"""Fit topics to vectors, in the model server.

Every topic, or every cluster of it, becomes a Gaussian; all share one covariance, which is drawn
towards a ball of the size that topics usually have, so that three phrases do, and thousands are used.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np

type Array = np.ndarray[Any, Any]

_BALL, _WEIGHT = 0.00127, 10_000
"""Variance of each component inside a topic of CLINC150, and how many phrases that is worth beside those that are given."""
_ROUNDS = 20


def fitted(item: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """For each topic its groups: `row` (float32, base64), `bias`, and the indexes of its `members`."""
    topics = [
        np.stack([np.frombuffer(b64decode(each), "<f2") for each in several]).astype(np.float64) for several in item["topics"]
    ]
    members = [cluster(vectors, count) for vectors, count in zip(topics, item["clusters"], strict=True)]
    groups = [vectors[own] for vectors, several in zip(topics, members, strict=True) for own in several]
    means = np.stack([group.mean(0) for group in groups])
    rows, biases = _discriminants(groups, means)
    told = iter(zip(rows.astype("<f4"), biases, strict=True))
    return [
        [{"row": b64encode(row.tobytes()).decode(), "bias": float(bias), "members": own.tolist()}
         for own, (row, bias) in zip(several, told, strict=False)]
        for several in members
    ]  # fmt: skip


def _discriminants(groups: Sequence[Array], means: Array) -> tuple[Array, Array]:
    spread = np.concatenate([group - mean for group, mean in zip(groups, means, strict=True)])
    width = means.shape[1]
    covariance = (spread.T @ spread + _WEIGHT * _BALL * np.eye(width)) / (len(spread) - len(groups) + _WEIGHT)
    rows = np.linalg.solve(covariance, means.T).T
    return rows, -0.5 * (rows * means).sum(1)


def cluster(vectors: Array, count: int) -> list[Array]:
    """Indexes of the vectors in at most `count` clusters (k-means from the points farthest apart: nothing is drawn by chance)."""
    chosen = [0]
    distance = 1 - vectors @ vectors[0]
    while len(chosen) < min(count, len(vectors)):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, 1 - vectors @ vectors[chosen[-1]])
    centres = vectors[chosen]
    own = np.zeros(len(vectors), int)
    for _ in range(_ROUNDS if count > 1 else 0):
        own = (vectors @ centres.T - 0.5 * (centres**2).sum(1)).argmax(1)
        centres = np.stack([vectors[own == each].mean(0) if (own == each).any() else centres[each] for each in range(len(centres))])
    return [np.flatnonzero(own == each) for each in np.unique(own)]
