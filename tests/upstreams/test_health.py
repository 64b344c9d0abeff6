"""Health of replicas: failures in a row and shares of failures eject, back-off doubles, one request tries, shares grow."""

import pytest

from outgate.errors import FailureKind, FailureReason
from outgate.upstreams.health import Ejection, Health
from outgate.upstreams.replica_settings import HealthSettings, ReplicaSettings
from support.replicas import Clock, attempt, backend

DEAD = FailureKind.CONNECT


def _health(*names, **settings):
    clock = Clock()
    of = backend(*names, replicas=ReplicaSettings(health=HealthSettings(slow_start=0.0, **settings)))
    health = Health(clock)
    health.keep((of,))
    return health, of, clock


def _out(health, of):
    return {name for name, share in health.snapshot(of, of.endpoints).shares.items() if share == 0.0}


def _fail(health, of, name, times=5, failure=DEAD, **fields):
    for _ in range(times):
        health.observe(attempt(of, name, failure, **fields))


def _observe(health, record):
    """What an attempt is observed by: its failure, or the beginning and the end of its answer."""
    health.observe(record)
    if record.failure is None:
        health.ended(record)


def _break(health, of, name):
    """An answer that begins well and breaks off."""
    health.observe(attempt(of, name))
    health.ended(attempt(of, name, FailureKind.BROKEN_STREAM))


@pytest.mark.parametrize("failure", [DEAD, FailureKind.TLS, FailureKind.RESET, FailureKind.TIMEOUT, FailureKind.SERVER_ERROR])
def test_five_failures_in_a_row_eject(failure):
    health, of, _ = _health("x", "y")

    _fail(health, of, "x", 4, failure)
    assert set() == _out(health, of)
    _fail(health, of, "x", 1, failure)
    assert {"x"} == _out(health, of)


@pytest.mark.parametrize("failure", [FailureKind.RATE_LIMITED, FailureKind.UNAUTHORIZED, FailureKind.STALE])
def test_answers_of_a_replica_that_lives_never_eject(failure):
    health, of, _ = _health("x", "y")

    _fail(health, of, "x", 50, failure)

    assert set() == _out(health, of)


def test_streams_that_break_off_eject_though_their_heads_were_well():
    health, of, _ = _health("x", "y")

    for _ in range(4):
        _break(health, of, "x")
    assert set() == _out(health, of)
    _break(health, of, "x")
    assert {"x"} == _out(health, of)


def test_a_trial_whose_answer_begins_lets_others_come_and_ejects_again_where_it_breaks_off():
    health, of, clock = _health("x", "y")
    _fail(health, of, "x")
    clock.now += 10.1
    health.begin(of, of.endpoints[0])
    assert {"x"} == _out(health, of)

    health.observe(attempt(of, "x"))
    assert set() == _out(health, of)
    health.ended(attempt(of, "x", FailureKind.BROKEN_STREAM))

    assert {"x"} == _out(health, of)
    assert 2 == health.news["b", "x.test:443"].times


def test_a_wait_for_a_slot_of_ours_says_nothing():
    health, of, _ = _health("x", "y")

    _fail(health, of, "x", 50, FailureKind.TIMEOUT, reason=FailureReason.QUEUE_TIMED_OUT)

    assert set() == _out(health, of)


def test_a_replica_that_fails_every_other_time_is_an_outlier():
    health, of, _ = _health("x", "y")

    for _ in range(20):
        _fail(health, of, "x", 1)
        health.ended(attempt(of, "x"))

    assert {"x"} == _out(health, of)


def test_one_replica_alone_is_never_out_nor_are_all():
    alone, of, _ = _health("x")
    _fail(alone, of, "x", 50)
    assert set() == _out(alone, of)

    every, of, _ = _health("x", "y", eject_share=1.0)
    for name in "xy":
        _fail(every, of, name, 50)
    assert set() == _out(every, of)
    assert every.snapshot(of, of.endpoints).panic


def test_no_more_than_a_share_is_ejected():
    health, of, _ = _health("v", "w", "x", "y")
    for name in "vwx":
        _fail(health, of, name)

    assert 2 == len(_out(health, of))


def test_a_backend_has_tripped_where_every_replica_is_out():
    alone, of, clock = _health("x")
    assert not alone.tripped(of, of.endpoints)
    _fail(alone, of, "x")
    assert alone.tripped(of, of.endpoints)
    clock.now += 10.1
    assert not alone.tripped(of, of.endpoints)
    alone.begin(of, of.endpoints[0])
    assert alone.tripped(of, of.endpoints), "one request tries it"

    both, of, _ = _health("x", "y")
    _fail(both, of, "x")
    assert not both.tripped(of, of.endpoints)
    both.probed(of, of.endpoints[1], up=False)
    assert both.tripped(of, of.endpoints)


def test_back_off_doubles_and_one_request_tries():
    health, of, clock = _health("x", "y", eject=10.0)
    _fail(health, of, "x")

    for seconds in (10.0, 20.0, 40.0):
        clock.now += seconds - 0.1
        assert {"x"} == _out(health, of)
        clock.now += 0.2
        assert set() == _out(health, of)
        health.begin(of, of.endpoints[0])
        assert {"x"} == _out(health, of)
        _fail(health, of, "x", 1)

    clock.now += 80.0
    health.ended(attempt(of, "x"))
    assert set() == _out(health, of)


def test_successes_in_a_row_forget_the_back_off():
    health, of, clock = _health("x", "y", eject=10.0)
    _fail(health, of, "x")
    clock.now += 10.0
    for _ in range(5):
        health.ended(attempt(of, "x"))
    _fail(health, of, "x")

    clock.now += 10.1
    assert set() == _out(health, of)


def test_a_replica_that_is_back_starts_slowly():
    clock = Clock()
    of = backend("x", "y", replicas=ReplicaSettings(health=HealthSettings(slow_start=10.0)))
    health = Health(clock)
    health.keep((of,))
    _fail(health, of, "x")
    clock.now += 10.0
    health.ended(attempt(of, "x"))

    shares = []
    for _ in range(4):
        shares.append(round(health.snapshot(of, of.endpoints).shares["x"], 2))
        clock.now += 4.0
    assert [0.1, 0.4, 0.8, 1.0] == shares


def test_probes_take_a_replica_out_and_bring_it_back():
    health, of, _ = _health("x", "y", "z")

    health.probed(of, of.endpoints[0], up=False)
    health.probed(of, of.endpoints[1], up=False)
    assert {"x", "y"} == _out(health, of)
    health.probed(of, of.endpoints[0], up=True)
    assert {"y"} == _out(health, of)


def test_a_probe_ends_an_ejection_only_after_one_that_failed():
    health, of, _ = _health("x", "y")
    _fail(health, of, "x")

    health.probed(of, of.endpoints[0], up=True)

    assert {"x"} == _out(health, of)


def test_ejections_are_news_and_others_take_them():
    health, of, clock = _health("x", "y")
    other, _, _ = _health("x", "y")
    _fail(health, of, "x")

    assert {("b", "x.test:443"): Ejection(clock.now + 10.0, 1)} == health.news
    other.merge(health.news)
    assert {"x"} == _out(other, of)


def test_an_ejection_that_lasts_longer_than_any_may_is_not_taken():
    health, of, clock = _health("x", "y")

    health.merge({("b", "x.test:443"): Ejection(clock.now + 301.0, 1), ("gone", "x"): Ejection(clock.now + 1.0, 1)})

    assert set() == _out(health, of)


@pytest.mark.parametrize("dies", [lambda health, of: _fail(health, of, "x", 1), lambda health, of: _break(health, of, "x")])
def test_a_dead_replica_gets_less_than_a_hundredth_after_twenty_failures(dies):
    health, of, clock = _health("x", "y")
    failures, requests = 0, 2_000

    for turn in range(requests):
        clock.now += 0.1
        left = [each for each in of.endpoints if each.name not in _out(health, of)]
        picked = left[turn % len(left)]
        health.begin(of, picked)
        if picked.name != "x":
            _observe(health, attempt(of, picked.name))
            continue
        dies(health, of)
        failures += 1

    assert failures < requests / 100, "the first ones count too"
