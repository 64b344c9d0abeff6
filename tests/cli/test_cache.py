"""`outgate cache`: what is listed, what would be dropped, and what every process has let go of."""

import time
from threading import Event

import orjson
import pytest
from click.testing import CliRunner

from outgate.answers.bound import Bound
from outgate.answers.calibration import calibration
from outgate.answers.entries import put_bound
from outgate.answers.file import AnswerFile
from outgate.cli.main import cli
from support.cached import entry, process, similar

AGE = 10 * 86400.0
ENTRIES = {
    b"\xaa" * 32: {"tenant": "t1", "workload": "w", "model": "gpt", "revision": "abc", "tags": ("faq", "it's"), "request": "req_1"},
    b"\xab" * 32: {"tenant": "t1", "workload": "v", "model": "claude", "revision": "abd"},
    b"\xbb" * 32: {"tenant": "t2", "workload": "u", "model": "gpt", "revision": "abc", "created": time.time() - 86400.0},
}


@pytest.fixture(name="path")
def _path(tmp_path):
    return tmp_path / "answers.sqlite"


@pytest.fixture(name="shared")
def _shared(path):
    """A gateway that runs."""
    with process(path, time.time) as shared:
        for key, fields in ENTRIES.items():
            kept = {"created": time.time(), "similar": similar(text="a private question")} | fields
            shared.put(key, entry(b"a private answer", **kept))
        assert shared.flush()
        yield shared


def run(path, *arguments):
    return CliRunner().invoke(cli, ["cache", *arguments, "--state", str(path.parent)])


def keys(path, *arguments):
    result = run(path, "ls", "--json", *arguments)
    assert 0 == result.exit_code, result.output
    return {orjson.loads(line)["key"][:2] for line in result.output.splitlines()}


@pytest.mark.parametrize(
    ("arguments", "listed"),
    [
        ((), {"aa", "ab", "bb"}),
        (("--key", "AA"), {"aa"}),
        (("--key", "a"), {"aa", "ab"}),
        (("--request", "req_1"), {"aa"}),
        (("--request", "req_"), set()),
        (("--tag", "it's"), {"aa"}),
        (("--tag", "fa"), set()),
        (("--model", "gpt"), {"aa", "bb"}),
        (("--model", "gpt", "--tenant", "t1"), {"aa"}),
        (("--tenant", "t1' or 1=1 --"), set()),
        (("--revision", "ab"), {"aa", "ab", "bb"}),
        (("--revision", "abd"), {"ab"}),
        (("--older", "23h"), {"bb"}),
        (("--newer", "23h"), {"aa", "ab"}),
        (("--limit", "0"), set()),
    ],
)
def test_what_is_selected_is_listed(path, shared, arguments, listed):
    assert listed == keys(path, *arguments)


def test_a_line_says_what_an_entry_is_and_nothing_of_its_text(path, shared):
    output = run(path, "ls", "--key", "aa").output + run(path, "ls", "--json").output + run(path, "status").output

    assert "aaaaaaaaaaaaaaaa  0s" in output
    assert "t1  w  gpt" in output
    assert "private" not in output


def test_nothing_is_dropped_without_yes(path, shared):
    result = run(path, "drop", "--tenant", "t1")

    assert "would drop 2; --yes drops them" in result.output
    assert {"aa", "ab", "bb"} == keys(path)
    assert orjson.loads(run(path, "drop", "--all", "--json").output)["dropped"] == 0


def test_what_is_dropped_is_let_go_by_a_gateway_that_runs(path, shared):
    with process(path, time.time) as other:
        before = [each.get(key, AGE) is not None for each in (shared, other) for key in ENTRIES]
        result = run(path, "drop", "--tenant", "t1", "--yes")
        after = [[each.get(key, AGE) is not None for key in ENTRIES] for each in (shared, other)]

    assert "dropped 2" in result.output
    assert all(before)
    assert [[False, False, True]] * 2 == after


def test_what_waited_to_be_written_when_it_was_dropped_is_not_written(path, shared):
    held, go = Event(), Event()

    def wait(_):
        held.set()
        go.wait(10)

    shared._writer.submit(wait)
    assert held.wait(10)
    shared.put(b"\xcc" * 32, entry(created=time.time()))
    AnswerFile(path).bump()  # as `drop` does, which waits for the file meanwhile
    go.set()
    assert shared.flush()

    assert {"aa", "ab", "bb"} == keys(path)


@pytest.mark.parametrize("arguments", [("drop",), ("drop", "--yes"), ("drop", "--all", "--tenant", "t"), ("ls", "--older", "3")])
def test_an_unclear_selection_is_a_usage_error(path, shared, arguments):
    assert 2 == run(path, *arguments).exit_code
    assert {"aa", "ab", "bb"} == keys(path)


@pytest.mark.parametrize("name", ["ls", "status", "drop"])
def test_a_missing_folder_or_file_is_said(tmp_path, name):
    arguments = ["cache", name, *(["--all"] if name == "drop" else []), "--state"]
    missing = CliRunner().invoke(cli, [*arguments, str(tmp_path / "none")])
    empty = CliRunner().invoke(cli, [*arguments, str(tmp_path)])

    assert (1, 1) == (missing.exit_code, empty.exit_code)
    assert "no such folder; name the state folder" in missing.output
    assert "no answer was cached yet" in empty.output
    assert [] == list(tmp_path.iterdir())


def test_a_damaged_file_is_said(path):
    path.write_bytes(b"no database" * 1000)

    result = run(path, "ls")

    assert 1 == result.exit_code
    assert "file is not a database" in result.output


def test_status_tells_the_bound_and_reset_sets_it_back(path, shared):
    bound = Bound(0.005)
    shared._writer.submit(lambda db: put_bound(db, ("t1", "v1", 0.005), Bound(0.005)))
    assert shared.flush()
    fresh = run(path, "status").output
    for _ in range(3):
        bound = bound.after(1.0, wrong=True)
    shared._writer.submit(lambda db: put_bound(db, ("t1", "v1", 0.005), bound))
    assert shared.flush()

    told = run(path, "status").output
    dry = run(path, "reset", "t1").output
    still = orjson.loads(run(path, "status", "--json").output)["bounds"][0]["state"]
    run(path, "reset", "t1", "--yes")
    now = orjson.loads(run(path, "status", "--json").output)

    assert f"0 wrong of 0 compared, 0.50% allowed; served from score {calibration().score:.3g} (v1)" in fresh
    assert "t1: broken, 3 wrong of 3 compared, 0.50% allowed; similar answers are not served (v1)" in told
    assert "would be set back" in dry
    assert ("broken", "calibrated") == (still, now["bounds"][0]["state"])
    assert (3, {"t1": 2, "t2": 1}) == (now["entries"], now["tenants"])
    assert 1 == run(path, "reset", "t9").exit_code


def test_what_is_dropped_is_left_in_no_file(path, shared):
    secret = entry(b"secretive", tenant="t3", created=time.time(), similar=similar(text="a secretive question"))
    shared.put(b"\xcc" * 32, secret)
    assert shared.flush()
    files = [path, path.with_name(path.name + "-wal")]
    before = [b"secretive" in file.read_bytes() for file in files]
    run(path, "drop", "--tenant", "t3", "--yes")

    assert any(before)
    assert [] == [file for file in files if file.exists() and b"secretive" in file.read_bytes()]
