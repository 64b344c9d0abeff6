"""Refused texts: shared, kept, bounded, of one workload each."""

import asyncio
import os
from itertools import count

import pytest

from outgate.stores.refused import Refused


@pytest.fixture(name="path")
def _path(tmp_path):
    return tmp_path / "refused.sqlite"


@pytest.fixture(name="opened")
def _opened(path):
    stores = []

    def make(**changes):
        ticks = count()
        stores.append(Refused(path, lambda: float(next(ticks)), **changes))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def run(work):
    return asyncio.run(work)


def test_what_one_worker_refused_another_knows_and_the_next_start_too(opened):
    one, other = opened(), opened()
    run(one.add("t", "w", ["a", "b"]))

    assert {"a", "b"} == run(other.known("t", "w", ["a", "b", "c"]))
    one.close()
    assert {"a"} == run(one.known("t", "w", ["a"]))


def test_it_is_known_of_one_workload_alone(opened):
    store = opened()
    run(store.add("t", "w", ["a"]))

    assert not run(store.known("t", "v", ["a"])) | run(store.known("u", "w", ["a"]))


def test_the_latest_used_of_a_workload_stay(opened):
    store = opened(most=2)
    run(store.add("t", "w", ["a"]))
    run(store.add("t", "w", ["b"]))
    run(store.known("t", "w", ["a"]))
    run(store.add("t", "w", ["c"]))

    assert {"a", "c"} == run(store.known("t", "w", ["a", "b", "c"]))


def test_all_together_are_bounded(opened):
    store = opened(in_all=3)
    for name in "abcdef":
        run(store.add("t", name, [name]))

    assert 3 <= sum(bool(run(store.known("t", name, [name]))) for name in "abcdef") <= 4


def test_nothing_is_opened_before_it_is_needed_and_then_by_its_owner_alone(opened, path):
    store = opened()
    assert not path.exists()
    run(store.add("t", "w", ["a"]))
    assert [0o600] * 3 == [(each.stat().st_mode & 0o777) for each in path.parent.iterdir()]


def test_a_store_that_cannot_be_read_knows_nothing_and_harms_nobody(tmp_path, caplog):
    store = Refused(tmp_path / "missing" / "refused.sqlite", lambda: 1.0)
    run(store.add("t", "w", ["a"]))

    assert frozenset() == run(store.known("t", "w", ["a"]))
    assert 2 == len(caplog.records)


def test_a_damaged_file_is_an_unknown_text(path, opened):
    path.write_bytes(os.urandom(4096))

    assert frozenset() == run(opened().known("t", "w", ["a"]))
