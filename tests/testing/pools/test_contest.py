"""A contest: every request is answered, hits are counted against one endless cache, stale metrics stay as they were."""

from random import Random

import pytest

from outgate.testing.pools.contest import Contest, Metrics
from outgate.testing.pools.engine import Model
from outgate.testing.pools.pickers import OTHERS, OWN, picker_of
from outgate.testing.pools.workloads import chat, teams


def _ran(picker, workload, metrics=Metrics.FRESH, replicas=4):
    model = Model()
    contest = Contest((model,) * replicas, lambda clock: picker_of(picker, model, clock, Random(1)), metrics, 6.0)
    return contest.run(workload(Random(3), 6.0))


@pytest.mark.parametrize("metrics", Metrics)
@pytest.mark.parametrize("picker", [*OWN, *OTHERS])
def test_every_request_is_answered(picker, metrics):
    result = _ran(picker, chat(2), metrics)

    turns = 0
    for first in chat(2)(Random(3), 6.0):
        turn = first
        while turn is not None:
            turns, turn = turns + 1, turn.follows[0] if turn.follows else None
    assert (turns, True) == (result.requests, result.hits <= result.ideal)
    assert 0 < result.mean <= result.p99


def test_one_replica_has_all_that_an_endless_cache_would_have():
    result = _ran("least_in_flight", teams(1, groups=1, users=1), replicas=1)

    assert result.hits == pytest.approx(result.ideal)
    assert result.imbalance == pytest.approx(1.0)


def test_who_looks_at_prefixes_reads_less():
    workload = teams(6, groups=10)
    assert _ran("prefix_cache", workload).hits > 1.2 * _ran("two_choices", workload).hits
