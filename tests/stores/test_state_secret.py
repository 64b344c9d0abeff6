import pickle
from pathlib import Path
from stat import S_IMODE

import pytest

from outgate.stores.state_secret import SIZE, StateSecret


def test_a_folder_keeps_its_secret(tmp_path: Path) -> None:
    first = StateSecret.in_folder(tmp_path).derive("placeholders", "acme", "agent")
    assert first == StateSecret.in_folder(tmp_path).derive("placeholders", "acme", "agent")
    assert [tmp_path / "secret"] == list(tmp_path.iterdir())
    assert 0o600 == S_IMODE((tmp_path / "secret").stat().st_mode)


def test_purposes_and_contexts_have_keys_of_their_own() -> None:
    secret = StateSecret(bytes(SIZE))
    labels = [("a", "b", "c"), ("a", "bc"), ("ab", "c"), ("a", "b"), ("a", "", "bc")]
    assert len(labels) == len({secret.derive(*each) for each in labels})
    assert {32} == {len(secret.derive(*each)) for each in labels}


def test_another_secret_gives_other_keys() -> None:
    secret = StateSecret(bytes(SIZE))
    before = secret.derive("placeholders")
    secret.replace(b"\x01" * SIZE)
    assert before != secret.derive("placeholders")


def test_a_torn_file_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"short")
    with pytest.raises(ValueError, match="fewer than 32 bytes"):
        StateSecret.in_folder(tmp_path)
    assert b"short" == (tmp_path / "secret").read_bytes()


def test_it_is_never_shown_or_serialised() -> None:
    secret = StateSecret(b"k" * SIZE)
    assert "kk" not in f"{secret!r}{secret}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
