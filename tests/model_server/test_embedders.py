"""Embedders by name, and versions that tell one embedder's vectors from another's."""

import os
from pathlib import Path

import pytest

from outgate.model_server.embedders import Embedder, Embedders, folder_version


def test_where_none_is_named_it_is_the_packaged_one() -> None:
    fp32 = Embedder.packaged("fp32")
    embedders = Embedders({"exact": fp32})

    assert Embedder.packaged() == embedders.named("default") == Embedder.of_options(())
    assert fp32 == embedders.named("exact") == Embedder.of_options(fp32.options)
    assert Embedders({"default": fp32}).named("default") == fp32


def test_a_name_that_is_missing_is_told_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no model 'bge': name one under `models`; there are default"):
        Embedders({}).named("bge")


def test_another_file_is_another_version(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    file = tmp_path / "deep" / "weights"
    file.write_text("one")
    versions = [folder_version(tmp_path), folder_version(tmp_path)]
    os.utime(file, (1, 1))
    versions.append(folder_version(tmp_path))
    file.write_text("longer")
    versions.append(folder_version(tmp_path))
    file.rename(tmp_path / "deep" / "other")
    versions.append(folder_version(tmp_path))

    assert versions[0] == versions[1]
    assert 4 == len(set(versions))
    assert Embedder.in_folder(tmp_path).version == versions[-1]


def test_a_folder_that_is_not_there_has_a_version_too(tmp_path: Path) -> None:
    assert folder_version(tmp_path / "nothing").startswith("nothing-")
