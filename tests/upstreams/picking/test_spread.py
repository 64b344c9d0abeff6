"""Picks without prompts: the less loaded of two, and a ring on which a key stays where it was."""

from collections import Counter
from random import Random

from outgate.upstreams.picking.spread import hashed, two_choices

FIVE = tuple(f"10.0.0.{each}:80" for each in range(5))
KEYS = [str(each).encode() for each in range(2000)]


def test_two_choices_never_takes_the_most_loaded_of_all():
    random = Random(0)
    picks = Counter(two_choices([9, 0, 1], random) for _ in range(300))

    assert 0 == picks[0]
    assert picks[1] > picks[2] > 0
    assert 0 == two_choices([5], random)


def test_a_key_stays_where_it_was_when_a_replica_goes():
    before = [FIVE[hashed(FIVE, key, [0] * 5)] for key in KEYS]
    after = [FIVE[:-1][hashed(FIVE[:-1], key, [0] * 4)] for key in KEYS]
    moved = sum(a != b for a, b in zip(before, after, strict=True) if a != FIVE[-1])

    assert 0 == moved
    assert all(count > 200 for count in Counter(before).values())


def test_no_replica_gets_more_than_a_quarter_above_the_mean():
    loads = [0] * 5
    for _ in range(1000):
        loads[hashed(FIVE, b"hot", loads)] += 1

    assert max(loads) <= 251
