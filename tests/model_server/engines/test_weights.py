"""The verifier's weights as they are shipped: int8 rows and their scales, near the trained ones, without the frozen words."""

import numpy as np
from safetensors.numpy import save

from model_server.engines.trained import untrained
from outgate.model_server.engines.weights import WORDS, quantise, scoring_weights


def test_every_linear_weight_is_int8_with_a_scale_a_row() -> None:
    saved = quantise(untrained())

    linear = "encoder.layer.5.intermediate.dense.weight"
    assert (np.int8, (1536, 384)) == (saved[f"{linear}.q"].dtype, saved[f"{linear}.q"].shape)
    assert (np.float32, (1536,)) == (saved[f"{linear}.scale"].dtype, saved[f"{linear}.scale"].shape)
    assert 6 * 6 + 2 == sum(name.endswith(".q") for name in saved)
    assert WORDS not in saved
    assert len(save(saved)) < 12_500_000


def test_what_is_read_back_is_near_what_was_trained() -> None:
    trained = untrained()
    floats, linears = scoring_weights(save(quantise(trained)))

    for name, (rows, scale) in linears.items():
        assert np.abs(rows * scale[:, None] - trained[f"bert.{name}"]).max() <= scale.max() * 0.51
    assert np.allclose(floats["classifier.weight"], trained["classifier.weight"], atol=0.01)
    assert np.array_equal(floats["classifier.bias"], trained["classifier.bias"])
