"""Graphs kept in a folder: written once, read by later starts, written again when they are damaged, done without on a full disk."""

import os
from pathlib import Path

import pytest

from outgate.model_server.engines.graphs import graph


class Writer:
    """Counts how often a graph had to be made."""

    times = 0

    def __call__(self) -> bytes:
        self.times += 1
        return b"a graph"


@pytest.fixture(name="write")
def _write() -> Writer:
    return Writer()


def test_a_later_start_only_reads(tmp_path: Path, write: Writer) -> None:
    assert b"a graph" == graph("one", write, tmp_path / "new") == graph("one", write, tmp_path / "new")
    assert write.times == 1
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["one.graph"]


@pytest.mark.parametrize(
    "content",
    [b"", b"short", bytes(32), bytes(32) + b"a graph", b"\x08\x09" * 100],
    ids=["empty", "short", "digest", "wrong", "foreign"],
)
def test_what_is_damaged_or_not_ours_is_written_again(tmp_path: Path, write: Writer, content: bytes) -> None:
    (tmp_path / "one.graph").write_bytes(content)

    assert b"a graph" == graph("one", write, tmp_path) == graph("one", write, tmp_path)
    assert write.times == 1


def test_a_full_disk_costs_time_and_leaves_nothing_half_written(
    tmp_path: Path, write: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fchmod", full)
        assert b"a graph" == graph("one", write, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_no_failure(tmp_path: Path, write: Writer) -> None:
    (tmp_path / "file").write_bytes(b"")

    assert b"a graph" == graph("one", write, tmp_path / "file" / "folder")
