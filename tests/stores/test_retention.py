"""Audit files that go: the old ones, and the oldest of too many; journals and other files never."""

import os

import pytest

from outgate.stores.retention import Kept, remove


@pytest.fixture(name="audit")
def _audit(tmp_path):
    for at, name in enumerate(("a", "b", "c")):
        path = tmp_path / f"{name}.jsonl"
        path.write_bytes(b"x" * 100)
        os.utime(path, (at, at))
    (tmp_path / "notes.txt").write_text("mine")
    return tmp_path


@pytest.mark.parametrize(
    ("kept", "stays"),
    [
        (Kept(), "abc"),
        (Kept(seconds=9.0), "bc"),
        (Kept(seconds=1.0), ""),
        (Kept(size=300), "abc"),
        (Kept(size=299), "bc"),
        (Kept(size=0), ""),
        (Kept(files=2), "bc"),
        (Kept(files=0), ""),
        (Kept(seconds=9.0, size=100), "c"),
        (Kept(seconds=100.0, size=1000, files=1), "c"),
    ],
)
def test_what_is_older_larger_or_more_goes(audit, kept, stays):
    assert 3 - len(stays) == remove(audit, kept, 10.0)
    assert sorted([*stays, "notes"]) == sorted(path.stem for path in audit.iterdir())


def test_a_folder_that_is_not_there_has_nothing(tmp_path):
    assert 0 == remove(tmp_path / "none", Kept(files=0), 9.0)
