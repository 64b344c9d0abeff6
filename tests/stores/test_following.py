"""Each closing line is told once: as it is written, through rotation and recovery, and whatever else stands in the files."""

import asyncio

import orjson
import pytest

from outgate.stores.following import Following
from outgate.stores.segments import Full
from support.budgets import ask, limit, line, make, running


@pytest.fixture(name="folder")
def _folder(tmp_path):
    (tmp_path / "journals" / "w0.1").mkdir(parents=True)
    (tmp_path / "audit").mkdir()
    return tmp_path


def ids(following):
    return [orjson.loads(told)["id"] for told in following.new()]


def close(name):
    return b'{"event":"close","id":"%b"}\n' % name.encode()


def test_lines_are_told_once_while_files_follow_each_other(tmp_path):
    async def story():
        async with running(tmp_path, limit(1000), full=Full(1)) as accounts:
            accounts.close(line("before", 1, 1))
            following, told = Following(tmp_path), []
            for name in "abc":
                await accounts.reserve(ask(name, 1, 1))
                accounts.close(line(name, 1, 1))
                await accounts.refresh(idle=True)
                await accounts.refresh()
                told.append(ids(following))
            accounts.close(line("last", 1, 1))
        return following, told

    following, told = asyncio.run(story())

    assert [["a"], ["b"], ["c"]] == told
    assert ["last"] == ids(following)
    assert [] == ids(following)


def test_what_recovery_decides_of_a_killed_worker_is_told(tmp_path):
    async def story():
        accounts = make(tmp_path, limit(1000))
        await accounts.start()
        following = Following(tmp_path)
        await accounts.reserve(ask("cut off"))
        accounts._task.cancel()
        accounts._segments.run.release()
        accounts._thread.shutdown()
        accounts._ledger.close()
        before = ids(following)
        async with running(tmp_path, limit(1000)):
            return before, list(following.new())

    before, told = asyncio.run(story())

    assert [] == before
    assert [("cut off", "unknown")] == [(each["id"], each["outcome"]) for each in map(orjson.loads, told)]


def test_a_line_that_is_not_whole_waits_and_a_probe_of_the_disk_is_no_line(folder):
    path, following = folder / "journals" / "w0.1" / "00000001.jsonl", Following(folder)
    path.write_bytes(b'{"event":"open","id":"x"}\n' + close("x") + close("y")[:9])
    assert ["x"] == ids(following)
    path.write_bytes(path.read_bytes()[:-9] + b"\n")
    assert [] == ids(following)
    path.write_bytes(path.read_bytes()[:-1] + close("z"))
    assert ["z"] == ids(following)


def test_what_was_there_before_is_not_told_and_what_is_removed_is_forgotten(folder):
    old = folder / "audit" / "w0.0.00000001.jsonl"
    old.write_bytes(close("old"))
    following = Following(folder)
    assert [] == ids(following)
    old.unlink()
    (folder / "audit" / "w0.2.00000001.jsonl").write_bytes(close("new"))
    assert ["new"] == ids(following)


def test_a_folder_that_is_not_there_yet_has_nothing(tmp_path):
    assert [] == ids(Following(tmp_path / "none"))
