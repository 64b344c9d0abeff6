"""The index: one partition at a time, whatever was written, removed or damaged; bounded in bytes."""

import pytest

from outgate.answers import entries
from outgate.answers.file import AnswerFile
from outgate.answers.index import Index
from outgate.stores.answers import Room
from support.cached import DIMENSION, entry, near, similar, unit

P, Q = b"p" * 32, b"q" * 32


@pytest.fixture(name="db")
def _db(tmp_path):
    db = AnswerFile(tmp_path / "answers.sqlite").open(write=True)
    yield db
    db.close()


def put(db, key, **fields):
    entries.put(db, key, entry(similar=similar(**fields)))
    return db.execute("select max(id) from entries").fetchone()[0]


def index(db, **limits):
    return Index(lambda statement, values: db.execute(statement, values).fetchall(), **limits)


def test_the_nearest_come_first_and_about_as_near_as_they_are(db):
    far, close, same = (put(db, name, vector=near(unit("a"), by)) for name, by in ((b"f", 0.05), (b"c", 0.01), (b"s", 0.0)))

    hits = index(db).search(P, "e1", unit("a"), 2)

    assert [same, close] == [hit.id for hit in hits]
    assert 0.99 < hits[0].similarity < 1.01
    assert far not in [hit.id for hit in hits]


def test_only_the_partition_and_encoder_that_are_asked_are_searched(db):
    put(db, b"a", partition=Q, text="x")
    put(db, b"b", encoder="e2", text="x")
    searched = index(db)

    assert [] == searched.search(P, "e1", unit("x"), 8)
    assert [1] == [hit.id for hit in searched.search(Q, "e1", unit("x"), 8)]
    assert [2] == [hit.id for hit in searched.search(P, "e2", unit("x"), 8)]


def test_what_is_written_later_is_found_and_what_is_discarded_is_not(db):
    searched = index(db)
    before = searched.search(P, "e1", unit("x"), 8)
    first, second = put(db, b"a", text="x"), put(db, b"b", text="x")
    between = {hit.id for hit in searched.search(P, "e1", unit("x"), 8)}
    searched.discard(P, "e1", [first])
    after = [hit.id for hit in searched.search(P, "e1", unit("x"), 8)]

    assert ([], {first, second}, [second]) == (before, between, after)


def test_rows_that_went_away_leave_the_index_as_others_come(db):
    searched = index(db)
    for number in range(1000):
        put(db, number.to_bytes(2), text=str(number % 7))
        entries.evict(db, Room(50))
        searched.search(P, "e1", unit("x"), 1)

    assert searched.size < 150 * (DIMENSION + 8) + 4096


def test_a_large_partition_is_taken_in_by_several_look_ups(db):
    vector, rows = entries.halves(unit("x")), 20_000
    db.execute("begin")
    db.executemany("insert into similar values (?, ?, 'e1', x'', '', ?)", [(number + 1, P, vector) for number in range(rows)])
    db.execute("commit")
    searched, sizes = index(db), []
    for _ in range(4):
        searched.search(P, "e1", unit("x"), 1)
        sizes.append(searched.size // (DIMENSION + 8))

    assert sizes[0] < sizes[1] < sizes[2] == sizes[3]
    assert rows <= sizes[3]


def test_partitions_in_memory_are_bounded_and_come_back(db):
    searched = index(db, max_bytes=20_000)
    for number in range(30):
        put(db, bytes([number]), partition=bytes([number]) * 32, text="x")
    found = [len(searched.search(bytes([number]) * 32, "e1", unit("x"), 1)) for number in (*range(30), 0)]

    assert [1] * 31 == found
    assert searched.size <= 20_000
    assert len(searched) < 10


@pytest.mark.parametrize("vector", [b"", unit("x")[:-4], unit("x") * 2])
def test_a_vector_of_another_length_finds_nothing_and_spoils_nothing(db, vector):
    put(db, b"a", text="x")
    searched = index(db)
    before = searched.search(P, "e1", unit("x"), 1)

    assert [] == searched.search(P, "e1", vector, 1)
    assert 1 == len(before) == len(searched.search(P, "e1", unit("x"), 1))


def test_a_row_with_a_vector_of_another_length_is_passed_over(db):
    put(db, b"a", text="x")
    db.execute("update similar set vector = x'0011'")
    put(db, b"b", text="x")

    assert [2] == [hit.id for hit in index(db).search(P, "e1", unit("x"), 8)]
