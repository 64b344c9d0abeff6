import errno
import os

import orjson
import pytest

from outgate.stores.journal import Journal, Run, records


def written(path):
    return [record.fields for record in records(path)]


class Disk:
    """A disk that fills up: after `room` bytes, a write is cut short, then refused."""

    def __init__(self, room):
        self.room = room

    def write(self, file, data):
        part = data[: max(0, self.room)]
        if data and not part:
            raise OSError(errno.ENOSPC, "no space left on device")
        self.room -= len(part)
        return os.write(file, part)


def test_records_come_back_in_order_with_their_ends(tmp_path):
    journal = Journal(tmp_path / "j")
    journal.append(b'{"a":1}')
    journal.append(b'{"a":2}')

    assert [(8, {"a": 1}), (16, {"a": 2})] == list(records(tmp_path / "j"))
    assert 16 == journal.size


@pytest.mark.parametrize("torn", [b"{", b'{"a":3', b'{"a":3}', b"\x00\x00\x00"])
def test_a_torn_last_record_is_not_read(tmp_path, torn):
    path = tmp_path / "j"
    path.write_bytes(b'{"a":1}\n' + torn)

    assert [{"a": 1}] == written(path)


def test_a_torn_line_in_between_is_skipped(tmp_path):
    path = tmp_path / "j"
    path.write_bytes(b'{"a":1}\n{"a":\n[1]\n{"a":2}\n')

    assert [{"a": 1}, {"a": 2}] == written(path)


@pytest.mark.parametrize("room", range(8, 16))
def test_a_full_disk_refuses_whole_records_and_recovers(tmp_path, room):
    disk = Disk(room)
    journal = Journal(tmp_path / "j", write=disk.write)
    journal.append(b'{"a":1}')
    with pytest.raises(OSError, match=r"part|space"):
        journal.append(b'{"a":2}')
    disk.room = 1000
    journal.append(b'{"a":3}')

    assert [{"a": 1}, {"a": 3}] == written(tmp_path / "j")
    assert b'{"a":1}\n{"a":3}\n' == (tmp_path / "j").read_bytes()


def test_what_a_failed_write_left_is_cut_off_at_the_end(tmp_path):
    journal = Journal(tmp_path / "j", write=Disk(10).write)
    journal.append(b'{"a":1}')
    with pytest.raises(OSError, match="part"):
        journal.append(b'{"a":2}')
    journal.close()

    assert b'{"a":1}\n' == (tmp_path / "j").read_bytes()


def test_a_durable_journal_refuses_what_the_disk_did_not_take(tmp_path, monkeypatch):
    journal = Journal(tmp_path / "j", durable=True)
    journal.append(b'{"a":1}')

    def broken(file):
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(OSError, match="input/output"):
        journal.append(b'{"a":2}')
    monkeypatch.undo()
    journal.append(b'{"a":3}')

    assert [{"a": 1}, {"a": 3}] == written(tmp_path / "j")


def test_a_living_run_is_not_taken(tmp_path):
    run = Run.create(tmp_path, "w0.1")

    assert None is Run.take(tmp_path / "w0.1")
    run.release()
    assert "w0.1" == Run.take(tmp_path / "w0.1").name


def test_a_run_that_another_has_just_folded_is_not_taken(tmp_path):
    Run.create(tmp_path, "w0.1").remove()

    assert None is Run.take(tmp_path / "w0.1")


def test_files_are_private(tmp_path):
    Journal(tmp_path / "j").append(orjson.dumps({}))

    assert 0o600 == (tmp_path / "j").stat().st_mode & 0o777
