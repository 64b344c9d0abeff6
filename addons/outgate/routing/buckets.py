"""Divide callers among weighted targets: the same caller to the same target, on every worker and after a restart.

Weighted rendezvous hashing: each target draws a number from a keyed digest of caller and target, and the best draw for its weight
wins. When weights change, callers move only to targets whose share grows, and no more of them than that.
"""

from collections.abc import Sequence
from hashlib import blake2b
from math import log

_RANGE = float(1 << 64)


def ranked(key: bytes, bucket: str, targets: Sequence[tuple[str, float]]) -> list[int]:
    """The indexes of the targets, given as name and weight, in the order in which this bucket prefers them; none of weight zero."""
    draws = [(_draw(key, bucket, name) / weight, index) for index, (name, weight) in enumerate(targets) if weight > 0]
    return [index for _, index in sorted(draws)]


def _draw(key: bytes, bucket: str, name: str) -> float:
    """An exponential variate: the less, the better."""
    digest = blake2b(f"{len(name)}:{name}{bucket}".encode("utf-8", "surrogatepass"), key=key, digest_size=8).digest()
    return -log((int.from_bytes(digest) + 1) / _RANGE)
