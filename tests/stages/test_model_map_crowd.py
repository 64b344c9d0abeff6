"""A crowded pool is passed over for the next target, or refuses, by the caller's priority."""

from dataclasses import replace
from types import SimpleNamespace

from outgate.inference.attempt import PassedOver
from outgate.inference.principal import Principal, Priority
from outgate.upstreams.catalog import Catalog
from outgate.upstreams.replica_settings import ReplicaSettings, ShedSettings
from stages.test_model_map import CATALOG, MODELS, asks, in_health, mapped


class Crowded:
    """Keeps low priority out of these providers."""

    def __init__(self, *providers: str) -> None:
        self.providers, self.left = providers, []

    def met_by(self, principal, _):
        low = principal is not None and principal.priority is Priority.LOW
        keeps = lambda provider: low and provider in self.providers
        return SimpleNamespace(tripped=lambda _: False, keeps_out=keeps, leaves=lambda *left: self.left.append(left))


def test_low_priority_leaves_a_crowded_pool_for_the_next_target_and_is_refused_where_there_is_none():
    low, normal = (Principal(name="w", priority=each) for each in (Priority.LOW, Priority.NORMAL))
    crowd = Crowded("one")
    stage = mapped(crowded=crowd, models=MODELS)

    assert [("tiny", "two"), ("small", "one")] == [stage.run(asks("fast", principal=each)) for each in (low, normal)]
    assert [("one", "two")] == crowd.left
    assert (PassedOver("one/small", "pool_crowded"),) == stage.whole(asks("fast", principal=low))[2]
    crowd.left.pop()
    full = stage.run(asks("fast", principal=low, failed=frozenset({"two"})))
    assert ("pool_full", 429, 1) == (full.code, full.status, full.retry_after)
    assert ("one", "refused") == crowd.left[-1]


def test_low_priority_is_refused_by_the_crowded_pool_that_it_addressed():
    stage = mapped(crowded=Crowded("two"), passthrough=True)

    assert "pool_full" == stage.run(asks("tiny", principal=Principal(name="w", priority=Priority.LOW))).code
    assert ("tiny", "two") == stage.run(asks("tiny", principal=Principal(name="w")))


def test_priority_is_read_only_where_a_pool_sheds():
    pool = replace(CATALOG.backends[0], replicas=ReplicaSettings(shed=ShedSettings()))

    assert "principal" not in mapped(models=MODELS).contract.reads
    assert "principal" in mapped(catalog=Catalog([pool, CATALOG.backends[1]]), models=MODELS).contract.reads


def test_a_pool_that_has_tripped_is_told_of_the_target_behind_it():
    assert (PassedOver("one/small", "pool_tripped"),) == mapped(of=in_health("one"), models=MODELS).whole(asks("fast"))[2]
    assert () == mapped(models=MODELS).whole(asks("fast"))[2]
