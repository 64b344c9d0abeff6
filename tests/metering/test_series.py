import os

import pytest

from outgate.metering.series import SeriesFile, is_owned, read_series

TABLE, OTHER = b"t" * 16, b"o" * 16


def read(path, table=TABLE):
    return dict(read_series(path, table))


def test_a_reader_sees_every_series_at_once(tmp_path):
    series = SeriesFile(tmp_path / "0.series", TABLE)
    first, second = series.add('a{b="ü"}', 1), series.add("h", 3)
    series.cells[first] += 2.5
    series.cells[second + 2] = 7.0

    assert {'a{b="ü"}': (2.5,), "h": (0.0, 0.0, 7.0)} == read(tmp_path / "0.series")


@pytest.mark.filterwarnings("ignore:.*fork")  # the child touches nothing that a thread may hold
def test_a_successor_goes_on_where_a_killed_worker_stopped(tmp_path):
    path = tmp_path / "0.series"
    child = os.fork()
    if child == 0:
        series = SeriesFile(path, TABLE)
        series.cells[series.add("a", 1)] = 41.0
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    series = SeriesFile(path, TABLE)
    series.cells[series.add("a", 1)] += 1.0
    series.cells[series.add("b", 1)] = 5.0

    assert {"a": (42.0,), "b": (5.0,)} == read(path)


def test_a_living_worker_keeps_its_file(tmp_path):
    path = tmp_path / "0.series"
    series = SeriesFile(path, TABLE)
    with pytest.raises(BlockingIOError):
        SeriesFile(path, TABLE)
    assert is_owned(path)
    series.close()

    assert not is_owned(path)
    SeriesFile(path, TABLE).close()


def test_a_file_of_another_table_is_begun_anew_and_not_read(tmp_path):
    path = tmp_path / "0.series"
    series = SeriesFile(path, TABLE)
    series.add("a", 1)
    series.close()

    assert {} == read(path, OTHER)
    SeriesFile(path, OTHER).close()
    assert {} == read(path, OTHER)
    assert {} == read(path, TABLE)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 4096, b"OUTGATE1"])
def test_a_damaged_file_is_begun_anew(tmp_path, content):
    path = tmp_path / "0.series"
    path.write_bytes(content)

    assert {} == read(path)
    series = SeriesFile(path, TABLE)
    series.add("a", 1)
    assert {"a": (0.0,)} == read(path)


def test_a_full_file_takes_no_more(tmp_path):
    series = SeriesFile(tmp_path / "0.series", TABLE, size=4096)
    added = [series.add(f"series-{number:04}", 4) for number in range(200)]
    number = added.index(None)
    for index in range(number):
        series.cells[added[index] + 3] = float(index)

    assert 50 < number < 100
    assert {f"series-{n:04}": (0.0, 0.0, 0.0, float(n)) for n in range(number)} == read(tmp_path / "0.series")


def test_half_a_series_that_a_kill_left_is_written_over(tmp_path):
    series = SeriesFile(tmp_path / "0.series", TABLE)
    series.add("a", 1)
    end = series._end
    series._bytes[end + 8 : end + 40] = b"\xff" * 32
    series.add("b", 2)

    assert {"a": (0.0,), "b": (0.0, 0.0)} == read(tmp_path / "0.series")


def test_blocks_are_there_before_they_are_needed(tmp_path):
    SeriesFile(tmp_path / "0.series", TABLE)
    stat = (tmp_path / "0.series").stat()

    assert stat.st_blocks * 512 >= stat.st_size == 4 << 20
