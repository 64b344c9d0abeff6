"""Faults around the cache: killed processes, full disks, clocks that step, folders that cannot be written."""

import random
import resource
import signal
import sqlite3
import subprocess
import sys
import textwrap
from hashlib import sha256
from pathlib import Path

import pytest

from outgate.answers.file import AnswerFile
from support.cached import NOW, Clock, Counted, entry, process
from support.waiting import until

AGE = 3600.0
_WRITES = """
import sys, random, time
from itertools import count
from pathlib import Path
from support.cached import body_of, entry, process, similar
path, seed = Path(sys.argv[1]), int(sys.argv[2])
noise = random.Random(seed)
with process(path) as shared:
    for number in count():
        key = bytes([seed, noise.randrange(40)])
        shared.put(key, entry(body_of(key, noise.randrange(5000)), similar=similar(text=key.hex())))
        shared.get(bytes([noise.randrange(4), noise.randrange(40)]), 1e9)
        if number == 100:
            print("writes", flush=True)
        if number % 20 == 0:
            shared.flush()
"""


@pytest.fixture(name="path")
def _path(tmp_path):
    return tmp_path / "answers.sqlite"


def child(code, *arguments):
    environment = {"PYTHONPATH": f"{Path('addons').resolve()}:{Path('tests').resolve()}", "PATH": ""}
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def sound(path):
    """Whether file, totals and rows agree, and every body is what its key asks for."""
    db = sqlite3.connect(path)
    try:
        checks = [
            [("ok",)] == db.execute("pragma integrity_check").fetchall(),
            db.execute("select entries, bytes from totals").fetchone()
            == db.execute("select count(*), sum(size) from entries").fetchone(),
            [] == db.execute("select id from similar where id not in (select id from entries)").fetchall(),
        ]
        keys = [key for (key,) in db.execute("select key from entries")]
    finally:
        db.close()
    with process(path) as shared:
        bodies = [(key, shared.get(key, AGE)) for key in keys]
    right = [found is not None and found.body[:32] == sha256(key).digest() for key, found in bodies]
    return [*checks, bool(right) and all(right)]


@pytest.mark.exhaustive
@pytest.mark.slow
def test_processes_killed_at_any_point_leave_a_sound_file_and_others_go_on(path):
    noise = random.Random(4)
    for _ in range(4):
        writers = [child(_WRITES, path, seed) for seed in range(2)]
        try:
            assert ["writes\n"] * 2 == [writer.stdout.readline() for writer in writers]
            noise.shuffle(writers)
            with process(path) as here:
                writers[0].send_signal(signal.SIGKILL)
                here.put(b"mine", entry(sha256(b"mine").digest()))
                assert here.flush()
            with process(path) as other:
                assert other.get(b"mine", AGE) is not None
        finally:
            for writer in writers:
                writer.kill()
                writer.communicate()

        assert [True] * 4 == sound(path)


def test_who_is_killed_while_a_file_is_set_aside_leaves_the_others_able_to_go_on(path, monkeypatch):
    path.write_bytes(b"no database" * 1000)
    killed = []

    def replace(self, target):
        killed.append(target)
        raise KeyboardInterrupt

    with process(path) as one:
        one._follow()
        monkeypatch.setattr(Path, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            AnswerFile(path).set_aside(0, "a test")
        monkeypatch.undo()
        for _ in range(2):
            one.put(b"k", entry())
            one.flush()
        with process(path) as other:
            assert other.get(b"k", AGE) is not None

    assert killed


_FULL = """
import resource, sys
from pathlib import Path
from support.cached import entry, process
path = Path(sys.argv[1])
import logging, random
logging.basicConfig(stream=sys.stdout, format="%(message)s")
noise = random.Random(0)
with process(path) as shared:
    shared.put(b"first", entry())
    shared.flush()
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    for number in range(200):
        shared.put(number.to_bytes(2), entry(noise.randbytes(4000)))
        shared.flush()
    print("memory", shared.get((199).to_bytes(2), 1e9) is not None, "first", shared.get(b"first", 1e9) is not None)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    shared.put(b"last", entry())
    shared.flush()
with process(path) as other:
    print("again", other.get(b"last", 1e9) is not None, other.get(b"first", 1e9) is not None)
"""


def test_a_full_disk_is_said_once_and_the_rest_is_served_on(path):
    assert resource.RLIM_INFINITY == resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    told, wrong = child(_FULL, path).communicate(timeout=60)

    assert "memory True first True" in told, wrong
    assert "again True True" in told
    assert 2 == told.count("file of cached answers")
    assert 1 == told.count("work again")


def test_a_folder_that_cannot_be_written_is_said_once_and_memory_serves(caplog):
    counted = Counted()
    with process(Path("/proc/none/answers.sqlite"), metrics=counted) as shared:
        for number in range(5):
            shared.put(bytes([number]), entry())
            shared.flush()
        found = shared.get(b"\0", AGE)

    assert found is not None
    assert 1 == len(caplog.records)
    assert {("outgate_cache_unwritten_total", ("failed",)): 5 + 1} == counted  # with the note that it was used


def test_what_is_more_than_the_thread_can_write_is_dropped_and_counted(path):
    counted, held = Counted(), sqlite3.connect(path, isolation_level=None)
    with process(path, metrics=counted) as shared:
        shared.put(b"k", entry())
        shared.flush()
        held.execute("begin exclusive")
        for number in range(1400):
            shared.put(number.to_bytes(2), entry())
        held.execute("rollback")
        held.close()
        assert until(shared.flush)
        served = shared.get((1399).to_bytes(2), AGE)

    assert served is not None
    assert counted[("outgate_cache_unwritten_total", ("queue_full",))] > 0


def test_a_clock_that_steps_forward_and_back_costs_misses_and_no_stale_answer(path):
    wall = Clock()
    with process(path, wall) as one, process(path, wall) as other:
        one.put(b"before", entry())
        one.flush()
        wall.now = NOW + 7200.0
        one.put(b"during", entry(created=wall.now))
        one.flush()
        stepped = [other.get(key, AGE) is not None for key in (b"before", b"during")]
        wall.now = NOW + 1.0
        with process(path, wall) as third:
            back = [third.get(key, AGE) is not None for key in (b"before", b"during")]

    assert ([False, True], [True, False]) == (stepped, back)


def test_a_clock_that_steps_back_by_little_costs_nothing(path):
    wall = Clock()
    with process(path, wall) as one, process(path, wall) as other:
        one.put(b"k", entry())
        one.flush()
        wall.now = NOW - 30.0

        assert other.get(b"k", AGE) is not None


def test_what_a_clock_that_was_set_back_left_in_the_future_is_removed(path):
    wall, monotonic = Clock(NOW + 86400.0), Clock(0.0)
    with process(path, wall, monotonic) as one:
        one.put(b"future", entry(created=wall.now))
        one.flush()
        wall.now, monotonic.now = NOW, 10.0
        one.put(b"now", entry())
        one.flush()
        with sqlite3.connect(path) as db:
            keys = db.execute("select key from entries").fetchall()

    assert [(b"now",)] == keys
