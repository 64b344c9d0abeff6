"""promises.md K2: no look-up ever gives an entry of another partition, whatever the index says."""

import asyncio
from random import Random

import pytest

from outgate.answers.index import Hit
from outgate.answers.questions import nearest
from support.cached import Asked, asked, entry, process, served_model, similar, tenants_crossed


@pytest.mark.slow
def test_identical_and_near_prompts_of_fifty_tenants_never_cross(tmp_path):
    crossed, hits = tenants_crossed(tmp_path / "answers.sqlite", tenants=50, prompts=12, look_ups=1500)

    assert 0 == crossed
    assert hits > 1000


class Lying:
    """An index that gives the ids of any row."""

    def __init__(self, ids, random):
        self._ids, self._random = ids, random

    def search(self, partition, encoder, vector, count):
        return [Hit(number, 1.0) for number in self._random.sample(self._ids, count)]

    def discard(self, *_):
        pass

    def clear(self):
        pass

    @staticmethod
    def cosine(vector, halves):
        return 1.0


def test_a_row_of_another_partition_is_refused_when_it_is_read(tmp_path):
    path, partitions = tmp_path / "answers.sqlite", [bytes([number]) * 32 for number in range(20)]
    with process(path) as one:
        for partition in partitions:
            for number in range(10):
                one.put(partition[:1] + bytes([number]), entry(similar=similar(partition, "the same question")))
        one.flush()
    served = served_model(path, index=lambda: Lying(range(1, 201), Random(1)))
    found = [
        (partition, asyncio.run(nearest(Asked(served), asked("the same question", partition=partition))))
        for partition in partitions * 10
    ]

    assert {partition[:1] for partition, one in found if one.key} == {partition[:1] for partition in partitions}
    assert all(one.key is None or one.key[:1] == partition[:1] for partition, one in found)
