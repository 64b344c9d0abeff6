"""Crowded pools: how full one is, and who leaves it."""

from types import SimpleNamespace

import pytest

from outgate.inference.principal import Principal, Priority
from outgate.upstreams.catalog import Catalog
from outgate.upstreams.congestion import Congestion
from outgate.upstreams.picking.load import Load
from outgate.upstreams.replica_settings import ReplicaSettings, ShedSettings
from support.replicas import Clock, backend, replicas


def pool(**settings):
    return backend("x", "y", replicas=ReplicaSettings(shed=ShedSettings(**settings)))


def congestion(port, sent=0, shed=lambda *_: None):
    return Congestion(port, SimpleNamespace(in_flight=lambda *_: sent), shed)


def leaving(of, port, sent=0):
    made = congestion(port, sent)
    return [each.value for each in Priority if made.sheds((of,), each)]


@pytest.mark.parametrize(
    ("loads", "who"),
    [
        ((Load(0, 0.0), Load(0, 0.0)), []),
        ((Load(8, 0.0), Load(2, 0.0)), []),
        ((Load(8, 0.0), Load(4, 0.0)), ["low"]),
        ((Load(0, 0.95), Load(8, 0.0)), ["low", "normal"]),
        ((Load(80, 1.0), Load(80, 1.0)), ["low", "normal"]),
    ],
)
def test_low_priority_leaves_first_and_high_priority_never(loads, who):
    of, port = pool(), replicas()
    for endpoint, load in zip(of.endpoints, loads, strict=True):
        port.tell(of, endpoint, load)

    assert who == leaving(of, port)


def test_requests_of_this_process_count_where_the_policy_says_how_many_fill_a_replica():
    assert [] == leaving(pool(), replicas(), sent=1000)
    assert [["low"], ["low", "normal"]] == [leaving(pool(in_flight=10), replicas(), sent) for sent in (7, 10)]


def test_a_replica_that_tells_nothing_is_not_idle():
    of, port = pool(), replicas()
    port.tell(of, of.endpoints[0], Load(8, 1.0))

    assert ["low", "normal"] == leaving(of, port)
    assert [] == leaving(pool(in_flight=10), port), "what this process sent it counts"


def test_loads_of_a_pool_that_tells_nothing_are_held_for_a_while():
    clock = Clock()
    of, port = pool(), replicas(clock)
    for endpoint in of.endpoints:
        port.tell(of, endpoint, Load(80, 1.0))
    clock.now += 2.1
    assert ["low", "normal"] == leaving(of, port)

    port.tell(of, of.endpoints[0], Load(0, 0.0))
    assert [] == leaving(of, port), "one is fresh, and what the other told does not count beside it"
    clock.now += 30.1
    assert [] == leaving(of, port)


def test_a_replica_that_is_out_does_not_make_room():
    of, port = pool(), replicas()
    port.health.keep((of,))
    port.tell(of, of.endpoints[0], Load(8, 1.0))
    port.health.probed(of, of.endpoints[1], up=False)

    assert ["low", "normal"] == leaving(of, port)


def test_a_pool_without_the_setting_keeps_everybody():
    of, port = backend("x", "y"), replicas()
    port.tell(of, of.endpoints[0], Load(800, 1.0))

    assert [] == leaving(of, port)


def test_a_caller_meets_the_crowd_by_its_priority_and_is_counted_where_it_leaves():
    of, told = pool(in_flight=1), []
    made = congestion(replicas(), 1, lambda *left: told.append(left))

    def met(principal):
        return made.met_by(principal, Catalog([of]))

    assert met(None).keeps_out("p")
    assert not met(None).keeps_out("unknown")
    assert not met(Principal(name="w", priority=Priority.HIGH)).keeps_out("p")
    met(Principal(name="w", priority=Priority.LOW)).leaves("p", "cloud")
    assert [("p", "low", "cloud")] == told
