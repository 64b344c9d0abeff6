"""The answer file: damaged, of another release, unwritable, and set aside."""

import sqlite3

import pytest

from outgate.answers.file import AnswerFile, is_corrupt
from support.cached import NOW, entry, process

AGE = 3600.0


@pytest.fixture(name="path")
def _path(tmp_path):
    return tmp_path / "answers.sqlite"


def damage(path, start, size=64):
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * size)


@pytest.mark.parametrize("content", [b"no database at all" * 300, b"\0" * 8192, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_file_that_is_none_is_set_aside_in_one_line_and_another_begun(path, content, caplog):
    path.write_bytes(content)
    with process(path) as one:
        missed = one.get(b"k", AGE)
        one.put(b"j", entry())
        one.flush()
        one.put(b"k", entry())
        one.flush()
        with process(path) as other:
            found = other.get(b"k", AGE)

    assert missed is None
    assert found is not None
    assert content == path.with_name("answers.sqlite.corrupt").read_bytes()
    assert 1 == len([record for record in caplog.records if "is now" in record.message])


def test_a_page_damaged_while_all_run_is_set_aside_once_and_all_go_on(path, caplog):
    with process(path) as one, process(path) as other, process(path) as third:
        for number in range(400):
            one.put(number.to_bytes(32), entry(number.to_bytes(2) * 2000))
        one.flush()
        assert [True] * 2 == [each.get(bytes(32), AGE) is not None for each in (other, third)]
        checkpoint(path)
        damage(path, 8192, path.stat().st_size - 8192)
        for each in (other, third):
            for number in range(400):
                each.get(number.to_bytes(32), AGE)
            each.flush()
        one.put(b"new", entry())
        one.flush()
        one.put(b"new", entry())
        one.flush()
        found = [each.get(b"new", AGE) is not None for each in (one, other, third)]

    assert [True] * 3 == found
    assert 1 == len([record for record in caplog.records if "is now" in record.message])


def checkpoint(path):
    with sqlite3.connect(path) as db:
        db.execute("pragma wal_checkpoint(truncate)")
    db.close()


def test_a_row_whose_bytes_have_changed_is_a_miss_and_is_removed(path):
    with process(path) as one, process(path) as other:
        one.put(b"k", entry(b"body" * 500))
        one.flush()
        with sqlite3.connect(path) as db:
            body = bytearray(db.execute("select body from entries").fetchone()[0])
            body[-6] ^= 1
            db.execute("update entries set body = ?", (bytes(body),))
        found = other.get(b"k", AGE)
        other.flush()
        rows = sqlite3.connect(path).execute("select count(*) from entries").fetchone()[0]

    assert (None, 0) == (found, rows)


def test_a_file_of_another_release_is_set_aside(path, caplog):
    with sqlite3.connect(path) as db:
        db.execute("create table entries (other)")
        db.execute("pragma user_version = 99")
    db.close()
    with process(path) as one:
        assert one.get(b"k", AGE) is None
        for _ in range(2):
            one.put(b"k", entry())
            one.flush()
        with process(path) as other:
            assert other.get(b"k", AGE) is not None

    assert "version 99" in caplog.text


def test_a_number_that_grew_is_seen_by_every_process(path):
    one, other = AnswerFile(path), AnswerFile(path)
    before = other.generation()
    one.bump()
    between = other.generation()
    one.bump()

    assert (0, 1, 2) == (before, between, other.generation())


def test_a_lock_is_no_damage(path):
    AnswerFile(path).open(write=True).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("begin exclusive")
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError) as raised:
        other.execute("begin immediate")
    holder.close()
    other.close()

    assert not is_corrupt(raised.value)


def test_what_was_dropped_is_let_go_by_the_memory_of_every_process(path):
    with process(path) as one, process(path) as other:
        one.put(b"k", entry(created=NOW))
        one.flush()
        assert other.get(b"k", AGE) is not None
        dropped = sqlite3.connect(path)
        dropped.execute("delete from entries")
        dropped.commit()
        dropped.close()
        AnswerFile(path).bump()

        assert [None, None] == [each.get(b"k", AGE) for each in (one, other)]


def test_the_number_is_seen_by_every_process_as_soon_as_it_grows(path):
    one, other = AnswerFile(path), AnswerFile(path)
    before = (one.generation(), other.generation())
    one.bump()
    after = (one.generation(), other.generation())
    other.bump()
    one.close()

    assert ((0, 0), (1, 1), 2, 2) == (before, after, one.generation(), other.generation())


@pytest.mark.parametrize("content", [b"", b"\1\0\0"])
def test_a_number_that_was_never_written_whole_is_none_and_is_made_whole_by_the_next_writer(path, content):
    path.with_suffix(".generation").write_bytes(content)
    file = AnswerFile(path)
    before = file.generation()
    file.open(write=True).close()

    assert (0, 8) == (before, path.with_suffix(".generation").stat().st_size)
    assert int.from_bytes(content, "little") == file.generation()
