"""Pickers of a contest: each rule as it is published."""

from random import Random

from outgate.testing.pools.engine import BLOCK, Model, Request
from outgate.testing.pools.pickers import picker_of
from outgate.upstreams.picking.priced import Replica


def _picker(name):
    return picker_of(name, Model(), lambda: 0.0, Random(1))


def _request(*blocks):
    return Request(tuple(each.to_bytes(8) for each in blocks), len(blocks) * BLOCK, 10)


def _replicas(*fields):
    return [Replica(f"replica-{at}", *each) for at, each in enumerate(fields)]


IDLE = (0.0, 0)


def test_a_prompt_goes_back_to_where_it_was():
    for name in ("prefix_cache", "cache aware (SGLang)", "3/2/2 (inference extension)", "sticky for 2 s", "consistent_hash"):
        picker = _picker(name)
        first = picker.pick(_request(*range(100)), _replicas(IDLE, IDLE, IDLE))
        assert first.place == picker.pick(_request(*range(90), 500), _replicas(IDLE, IDLE, IDLE)).place, name


def test_a_sticky_rule_leaves_a_replica_that_is_two_seconds_behind():
    picker = _picker("sticky for 2 s")
    place = picker.pick(_request(*range(100)), _replicas(IDLE, IDLE)).place
    busy = [IDLE, IDLE]
    busy[place] = (2.1 * Model().rate, 0)

    assert place != picker.pick(_request(*range(100)), _replicas(*busy)).place


def test_weights_leave_a_replica_with_the_longest_queue():
    picker = _picker("3/2/2 (inference extension)")
    picks = {picker.pick(_request(turn), _replicas((0.0, 0, 0.9, 5.0), (0.0, 0, 0.1, 0.0))).place for turn in range(5)}

    assert {1} == picks
