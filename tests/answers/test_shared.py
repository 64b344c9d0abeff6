"""Cached answers of a machine: shared, bounded, kept, and never in the way."""

import sqlite3
import struct
from math import inf

import pytest

from outgate.stores.answers import Room
from support.cached import NOW, Clock, entry, process, similar
from support.waiting import until

AGE = 3600.0


@pytest.fixture(name="path")
def _path(tmp_path):
    return tmp_path / "answers.sqlite"


def written(shared):
    assert shared.flush()


def test_what_one_process_put_another_gets_and_the_next_start_too(path):
    kept = entry(b"body" * 100, tenant="t", workload="w", model="m", kind="openai chat", tags=("a", "b"), expires=NOW + 9.0)
    with process(path) as one, process(path) as other:
        one.put(b"k" * 32, kept)
        written(one)
        found = other.get(b"k" * 32, AGE)
    with process(path) as later:
        again = later.get(b"k" * 32, AGE)

    assert kept == found == again


def test_the_process_that_put_gets_at_once_and_another_key_is_a_miss(path):
    with process(path) as one:
        one.put(b"k", entry())

        assert one.get(b"k", AGE) is not None
        assert one.get(b"K", AGE) is None


def test_nothing_is_made_before_the_first_put_and_then_for_its_owner_alone(path):
    with process(path) as one:
        one.get(b"k", AGE)
        before = list(path.parent.iterdir())
        one.put(b"k", entry())
        written(one)

        assert [] == before
        assert {0o600} == {each.stat().st_mode & 0o777 for each in path.parent.iterdir()}


def test_an_entry_is_gone_at_its_age_and_when_it_expires(path):
    wall = Clock()
    with process(path) as one, process(path, wall) as other:
        one.put(b"a", entry())
        one.put(b"b", entry(expires=NOW + 30))
        written(one)
        wall.now += 59.0

        assert other.get(b"a", 60.0) is not None
        assert other.get(b"b", 60.0) is None
        wall.now += 1.0
        assert other.get(b"a", 60.0) is None


def test_the_least_recently_used_entries_leave_first(path):
    wall, monotonic = Clock(), Clock(0.0)
    with process(path, wall, monotonic) as one:
        one.bound(Room(3))
        for key in (b"a", b"b", b"c"):
            wall.now += 100
            one.put(key, entry(created=wall.now))
            written(one)
        wall.now += 100
        one.get(b"a", inf)
        one.put(b"d", entry(created=wall.now))
        written(one)
        with process(path, wall) as other:
            kept = [key for key in (b"a", b"b", b"c", b"d") if other.get(key, inf) is not None]

    assert [b"a", b"c", b"d"] == kept


def test_bytes_are_bounded(path):
    import random

    noise = random.Random(0)
    with process(path) as one:
        one.bound(Room(1000, 50_000))
        for number in range(100):
            one.put(bytes([number]), entry(noise.randbytes(2000)))
        written(one)
    with sqlite3.connect(path) as db:
        entries, held = db.execute("select entries, bytes from totals").fetchone()
        assert (entries, held) == db.execute("select count(*), sum(size) from entries").fetchone()

    assert 1 < entries < 20
    assert held <= 50_000


@pytest.mark.parametrize("room", [Room(40), Room(1000, 40_000)], ids=["entries", "bytes"])
def test_a_tenant_that_floods_the_cache_pushes_out_its_own_entries_only(path, room):
    with process(path) as one, process(path) as other:
        one.bound(room)
        for number in range(10):
            one.put(b"quiet%d" % number, entry(bytes(200), tenant="quiet"))
        for number in range(300):
            one.put(b"flood%d" % number, entry(bytes(200), tenant="flood"))
        written(one)
        kept = [number for number in range(10) if other.get(b"quiet%d" % number, inf) is not None]

        assert list(range(10)) == kept
        assert other.get(b"flood299", inf) is not None


def test_a_vector_that_cannot_be_kept_does_not_end_the_thread_that_writes(path):
    with process(path) as one, process(path) as other:
        one.put(b"a", entry(similar=similar(vector=struct.pack("<384f", *([1e9] * 384)))))
        written(one)
        one.put(b"b", entry())
        written(one)

        assert other.get(b"b", AGE) is not None


def test_a_newer_entry_takes_the_place_of_the_older_with_what_is_similar(path):
    with process(path) as one, process(path) as other:
        one.put(b"k", entry(b"old", similar=similar()))
        one.put(b"k", entry(b"new", similar=similar()))
        written(one)

        assert b"new" == other.get(b"k", AGE).body
    with sqlite3.connect(path) as db:
        assert [(2,)] == db.execute("select id from similar").fetchall()


def test_a_reader_does_not_wait_for_a_writer_that_holds_the_file(path):
    with process(path) as one, process(path) as other:
        one.put(b"k", entry())
        written(one)
        other.get(b"none", AGE)
        held = sqlite3.connect(path, isolation_level=None)
        held.execute("begin exclusive")
        held.execute("delete from entries")
        found = other.get(b"k", AGE)
        held.execute("rollback")
        held.close()

    assert found is not None


def test_while_answers_come_the_thread_is_woken_once_and_not_by_each(path):
    with process(path) as one:
        one.put(b"first", entry())
        one.flush()
        writer, woken = one._writer, []
        writer._changed.notify_all = lambda: woken.append(len(writer._waiting))
        for number in range(50):
            one.put(number.to_bytes(2), entry())
        del writer._changed.notify_all
        one.flush()
        found = one.get((49).to_bytes(2), AGE)

    assert len(woken) <= 1
    assert found is not None


def test_a_thread_that_sleeps_is_woken_by_the_next_answer(path):
    with process(path) as one, process(path) as other:
        one.put(b"first", entry())
        assert one.flush()
        assert until(lambda: one._writer._asleep)
        one.put(b"second", entry())

        assert until(lambda: other.get(b"second", AGE) is not None)
