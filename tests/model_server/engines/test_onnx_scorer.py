"""The verifier on ONNX Runtime: reads both texts of a pair in their order, whole or not at all, whatever else is asked."""

from pathlib import Path

import pytest
from safetensors.numpy import save

from model_server.engines.trained import untrained
from outgate.model_server.engines import EngineError
from outgate.model_server.engines.onnx import OnnxScorer, load_scorer
from outgate.model_server.engines.weights import quantise

PAIRS = [
    ("How do I reset my password?", "I forgot my password, what now?"),
    ("Book a flight from Rome to Paris.", "Book a flight from Paris to Rome."),
    ("", ""),
    ("Is it allowed?", "word " * 200),
]


@pytest.fixture(name="weights", scope="module")
def _weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    path.write_bytes(save(quantise(untrained())))
    return path


@pytest.fixture(name="scorer", scope="module")
def _scorer(weights: Path) -> OnnxScorer:
    return load_scorer(weights, weights.parent)


def test_a_score_is_the_same_in_any_company(scorer: OnnxScorer) -> None:
    alone = [scorer.score([pair])[0] for pair in PAIRS]

    assert pytest.approx(alone * 10, abs=1e-6) == scorer.score(PAIRS * 10)
    assert len(set(alone)) == len(PAIRS)
    assert all(0 < score < 1 for score in alone)


def test_the_order_of_a_pair_counts(scorer: OnnxScorer) -> None:
    there, back = scorer.score([PAIRS[1], PAIRS[1][::-1]])

    assert abs(there - back) > 1e-4


@pytest.mark.parametrize(
    "pair",
    [("word " * 130, "word " * 130), ("a", "b" * 5_000), ("字" * 200, "字" * 60), ("a \ud800", "a ?"), ("x " * 2_000_000, "x")],
    ids=["too many tokens", "too many characters", "other scripts", "lone surrogate", "giant"],
)
def test_a_pair_that_cannot_be_read_whole_scores_nothing(scorer: OnnxScorer, pair: tuple[str, str]) -> None:
    assert [0.0, 0.0] == [scorer.score([PAIRS[0], pair])[1], scorer.score([pair])[0]]


def test_nothing_asked_nothing_scored(scorer: OnnxScorer) -> None:
    assert [] == scorer.score([])


def test_the_graph_is_small_enough_and_other_weights_are_another_version(scorer: OnnxScorer, weights: Path, tmp_path: Path) -> None:
    state = untrained()
    state["classifier.bias"] += 1
    (tmp_path / "other").write_bytes(save(quantise(state)))

    assert max(path.stat().st_size for path in weights.parent.glob("*.graph")) <= 30_000_000
    assert scorer.version != load_scorer(tmp_path / "other", tmp_path).version


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "cannot be read", id="missing"),
        pytest.param(b"", "no safetensors", id="empty"),
        pytest.param(b"\xff" * 100, "no safetensors", id="foreign"),
        pytest.param(save({}), "another form", id="nothing in it"),
        pytest.param(
            save({name: value for name, value in quantise(untrained()).items() if "scale" not in name}), "lack", id="no scales"
        ),
    ],
)
def test_weights_of_another_form_are_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "weights").write_bytes(content)

    with pytest.raises(EngineError, match=message):
        load_scorer(tmp_path / "weights", tmp_path)
    assert not list(tmp_path.glob("*.graph"))
