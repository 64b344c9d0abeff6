"""Pick without a look at prompts: the less loaded of two, or by consistent hashing with a bound on the load."""

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from math import ceil
from random import Random

_BOUND, _POINTS = 1.25, 100


def two_choices(loads: Sequence[int], random: Random) -> int:
    """The less loaded of two replicas taken at random."""
    first, second = random.sample(range(len(loads)), 2) if len(loads) > 1 else (0, 0)
    return min(first, second, key=lambda index: loads[index])


def hashed(addresses: tuple[str, ...], key: bytes, loads: Sequence[int]) -> int:
    """The first replica on the ring behind the key that has no more than 1.25 times the mean load with this request."""
    ring = _ring(addresses)
    bound = ceil(_BOUND * (sum(loads) + 1) / len(loads))
    start = bisect_left(ring, (_point(key), -1))
    places = (ring[(start + step) % len(ring)][1] for step in range(len(ring)))
    return next((index for index in places if loads[index] + 1 <= bound), 0)


@lru_cache(maxsize=64)
def _ring(addresses: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Points of all replicas: those of one stay where they are when others come and go."""
    points = ((f"{address}#{each}".encode(), at) for at, address in enumerate(addresses) for each in range(_POINTS))
    return tuple(sorted((_point(name), at) for name, at in points))


def _point(key: bytes) -> int:
    return int.from_bytes(blake2b(key, digest_size=8).digest())
