"""Weights of a verifier that nobody trained: the packaged body with a head of random numbers, under the names of transformers."""

import numpy as np
from safetensors.numpy import load

from outgate.model_server.engines import packaged
from outgate.model_server.engines.bert import Array


def untrained() -> dict[str, Array]:
    random = np.random.default_rng(7)
    body = {f"bert.{name}": value for name, value in load(packaged.content(packaged.WEIGHTS)).items()}
    head = {
        "bert.pooler.dense.weight": random.normal(0, 0.1, (384, 384)),
        "bert.pooler.dense.bias": random.normal(0, 0.1, 384),
        "classifier.weight": random.normal(0, 0.3, (1, 384)),
        "classifier.bias": random.normal(0, 0.1, 1),
    }
    return body | {name: value.astype(np.float32) for name, value in head.items()}


def untrained_marks() -> dict[str, Array]:
    """A layer over the tokens, to be put beside them."""
    random = np.random.default_rng(8)
    return {"marks.weight": random.normal(0, 0.3, (1, 384)).astype(np.float32), "marks.bias": np.array([0.25], np.float32)}
