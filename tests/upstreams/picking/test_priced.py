"""The priced picker: a warm replica is kept unless waiting there costs more than reading twice, dearer as replicas are busy."""

import time
from random import Random

from outgate.upstreams.picking.prefixes import chain_of
from outgate.upstreams.picking.priced import Priced, Replica
from support.replicas import Clock
from support.speed import slowness
from upstreams.picking.test_prefixes import Leaf

SEED = b"tenant and model"


def _chain(text, length=100):
    return chain_of(SEED, [Leaf(text * (256 * length // len(text)))])


def _priced(clock=None):
    return Priced(20_000.0, 5_000, clock or Clock(), Random(0))


def _idle(count=4, **own):
    return [Replica(str(each), 0.0, 0)._replace(**own.get(f"r{each}", {})) for each in range(count)]


def test_the_same_prefix_goes_where_it_is():
    picker = _priced()
    first = picker.pick(_idle(), _chain("x"), 6400)

    assert (0, 6400) == (first.matched, first.unread)
    for _ in range(20):
        again = picker.pick(_idle(), _chain("x"), 6400)
        assert (first.chosen, 100, 1) == (again.chosen, again.matched, again.unread)


def test_cold_prompts_spread_over_all():
    picker = _priced()

    assert {0, 1, 2, 3} == {picker.pick(_idle(), _chain(letter), 6400).chosen for letter in "abcd"}


def test_a_hot_prefix_is_read_twice_where_others_are_idle():
    picker = _priced()
    home = picker.pick(_idle(), _chain("x"), 6400).chosen
    loaded = [each._replace(unread=100_000.0) if at == home else each for at, each in enumerate(_idle())]

    assert home != picker.pick(loaded, _chain("x"), 6400).chosen


def test_near_saturation_it_stays_where_it_is():
    clock = Clock()
    picker = _priced(clock)
    home = picker.pick(_idle(), _chain("x"), 6400).chosen
    for _ in range(50):
        clock.now += 10
        picker.pick(_idle(r0={"unread": 9.0}, r1={"unread": 9.0}, r2={"unread": 9.0}, r3={"unread": 9.0}), (), 1)
    busy = [each._replace(unread=30_000.0 if at == home else 10.0) for at, each in enumerate(_idle())]

    assert home == picker.pick(busy, _chain("x"), 6400).chosen


def test_a_prefix_that_everybody_asks_for_is_soon_on_every_replica():
    """Its price is that of one reading: where those that have it need as long to begin, one that is idle reads it too."""
    clock = Clock()
    picker, chain, places = _priced(clock), _chain("x"), set()
    for _ in range(400):
        clock.now += 0.05
        waiting = [each._replace(unread=7_000.0) if at in places else each for at, each in enumerate(_idle())]
        places.add(picker.pick(waiting, chain, 6400).chosen)

    assert {0, 1, 2, 3} == places


def test_a_prefix_of_one_conversation_stays_while_the_wait_is_short():
    picker, chain = _priced(), _chain("x")
    home = picker.pick(_idle(), chain, 6400).chosen
    waiting = [each._replace(unread=7_000.0) if at == home else each for at, each in enumerate(_idle())]

    assert home == picker.pick(waiting, chain, 6400).chosen


def test_what_a_replica_tells_of_its_load_counts():
    picker = _priced()
    full = _idle(2, r0={"kv": 0.9, "waiting": 8.0})

    assert {1} == {picker.pick(full, _chain(letter), 640).chosen for letter in "abcdef"}


def test_a_pick_among_64_replicas_of_512_blocks_takes_less_than_a_millisecond():
    picker, chain = _priced(), _chain("x", 512)
    many = _idle(64)
    for _ in range(200):
        picker.pick(many, chain, 32_768)
    for each in many:
        picker.prefixes.add(each.address, chain)

    def p99():
        taken = []
        for _ in range(200):
            start = time.thread_time()
            picker.pick(many, chain, 32_768)
            taken.append(time.thread_time() - start)
        return sorted(taken)[197]

    assert min(p99() for _ in range(3)) < 0.001 * slowness()
