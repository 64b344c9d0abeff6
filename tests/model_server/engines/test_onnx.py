"""all-MiniLM-L6-v2 on ONNX Runtime: the published model's vectors, from checked files, alike in any company."""

import struct
from pathlib import Path

import numpy as np
import pytest

from outgate.model_server.engines import EngineError, packaged
from outgate.model_server.engines.onnx import OnnxEncoder, load_encoder
from outgate.model_server.engines.packaged import MAX_CHARACTERS, encoder_version

PUBLISHED = {
    "The cat sits outside.": [0.13884, 0.00013, 0.04263, 0.04575, -0.05863, -0.00674],
    "": [-0.11884, 0.0483, -0.00255, -0.01101, 0.05195, 0.01029],
    "Größe: 42 €": [0.02984, 0.13145, -0.03172, 0.04906, -0.05371, 0.01777],
}
"""The first numbers of the vectors that sentence-transformers gives."""


def _numbers(vector: bytes) -> list[float]:
    return list(struct.unpack("<384f", vector))


@pytest.fixture(name="encoder", scope="module", params=["int8", "fp32"])
def _encoder(request: pytest.FixtureRequest) -> OnnxEncoder:
    return load_encoder(precision=request.param)


def test_float32_gives_the_published_vectors() -> None:
    vectors = load_encoder(precision="fp32").embed(list(PUBLISHED))

    assert np.allclose([_numbers(vector)[:6] for vector in vectors], list(PUBLISHED.values()), atol=2e-5)


def test_a_vector_is_the_same_in_any_company(encoder: OnnxEncoder) -> None:
    texts = ["Book a flight.", "word " * 300, "", "Book me a flight to Rome.", "Größe: 42 €"]

    together = [_numbers(vector) for vector in encoder.embed(texts * 10)]
    alone = [_numbers(encoder.embed([text])[0]) for text in texts]
    assert np.allclose(together, alone * 10, atol=1e-6)


def test_what_follows_the_part_that_is_read_changes_nothing(encoder: OnnxEncoder) -> None:
    read = ("word " * MAX_CHARACTERS)[:MAX_CHARACTERS]

    assert encoder.embed([read]) == encoder.embed([read + "and more"])


def test_a_lone_surrogate_reads_as_a_question_mark(encoder: OnnxEncoder) -> None:
    assert encoder.embed(["a \ud800"]) == encoder.embed(["a ?"])


def test_precisions_have_versions_of_their_own() -> None:
    assert encoder_version("int8") != encoder_version("fp32")
    assert load_encoder().version == encoder_version("int8")


def test_weights_that_are_not_the_published_ones_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(packaged.DIGESTS, packaged.WEIGHTS, "0" * 64)

    with pytest.raises(EngineError, match=r"model\.safetensors of all-MiniLM-L6-v2 is not the published file"):
        load_encoder(folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_package_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "PACKAGE", "not-installed-anywhere")

    with pytest.raises(EngineError, match=r"install requirements/data\.in"):
        load_encoder(folder=tmp_path)


@pytest.mark.parametrize(("name", "precision"), [("bge", "int8"), ("all-MiniLM-L6-v2", "int4")])
def test_a_model_it_has_not_is_refused(name: str, precision: str) -> None:
    with pytest.raises(EngineError, match="has no model"):
        load_encoder(name, precision)
