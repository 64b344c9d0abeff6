"""Replicas that a request may go to: the healthy, and when there is no healthy one, whatever has not failed for it."""

from outgate.errors import FailureKind
from outgate.upstreams.replica_settings import HealthSettings, ReplicaSettings
from outgate.upstreams.replicas import Changes
from support.replicas import Clock, attempt, backend, replicas

SUDDEN = ReplicaSettings(health=HealthSettings(slow_start=0.0))


def _open(of, port, *failed):
    return [each.name for each in port.open_to(of, failed)]


def test_the_ejected_are_left_out_until_nothing_else_is_left():
    of, port = backend("x", "y", "z", replicas=SUDDEN), replicas()
    port.keep((of,))
    for _ in range(5):
        port.health.observe(attempt(of, "x", FailureKind.RESET))

    assert ["y", "z"] == _open(of, port)
    assert ["z"] == _open(of, port, "y")
    assert ["x"] == _open(of, port, "y", "z")
    assert [] == _open(of, port, "x", "y", "z")


def test_a_new_replica_starts_slowly_and_one_that_is_gone_is_forgotten():
    clock = Clock()
    of, port = backend("x", "y"), replicas(clock)
    port.keep((of,))
    changes, gone = Changes(port), []
    changes.note(of)
    port.members.of = lambda _: backend("x", "z").endpoints
    changes.note(of, gone.extend)
    grown = backend("x", "z")
    part = sum("z" in _open(grown, port) for _ in range(1000))
    clock.now += 10

    assert ["y.test:443"] == gone
    assert 50 < part < 150
    assert {"x", "z"} == set(_open(grown, port))
