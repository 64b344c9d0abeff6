"""Run all-MiniLM-L6-v2 on ONNX Runtime: the embedding of a text, in int8 or float32.

A text is read up to MAX_CHARACTERS and MAX_TOKENS; what follows does not change its vector.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
from safetensors.numpy import load
from tokenizers import Encoding, Tokenizer

from outgate.model_server.engines import EngineError, bert, graphs, packaged

MAX_TOKENS = 256
"""Word pieces of a text that are read, the two marks at its ends included: what the model was trained with."""
MAX_CHARACTERS = 4_096
"""Characters of a text that are split into word pieces at all."""
FORMAT = 1
"""Raise it whenever the same weights make another graph."""

type Precision = Literal["int8", "fp32"]


class OnnxEncoder:
    """An encoder whose texts are run one by one: a vector depends on nothing that came in beside it."""

    dimension = packaged.WIDTH

    def __init__(self, name: str, version: str, graph: bytes, tokenizer: Tokenizer) -> None:
        self.name, self.version = name, version
        self._session = _session(graph)
        self._tokenizer = tokenizer

    def embed(self, texts: Sequence[str]) -> list[bytes]:
        encoded = self._tokenizer.encode_batch([_readable(text) for text in texts])
        return [_run(self._session, [one])[0].astype("<f4").tobytes() for one in encoded]


def load_encoder(name: str = packaged.NAME, precision: Precision = "int8", folder: Path | None = None) -> OnnxEncoder:
    """The packaged encoder. Raises EngineError where its files are missing or not the published ones."""
    if name != packaged.NAME or precision not in ("int8", "fp32"):
        raise EngineError(f"ONNX Runtime has no model {name!r} in {precision!r}")
    version = encoder_version(precision)
    graph = graphs.graph(version, lambda: _embedding_graph(precision), folder or graphs.folder())
    return OnnxEncoder(name, version, graph, _tokenizer())


def encoder_version(precision: Precision) -> str:
    """The version of the packaged encoder, without loading it."""
    made_from = f"{FORMAT} {packaged.DIGESTS} {MAX_TOKENS} {MAX_CHARACTERS}"
    return f"{packaged.NAME}-{precision}-{hashlib.sha256(made_from.encode()).hexdigest()[:16]}"


def _embedding_graph(precision: Precision) -> bytes:
    weights = load(packaged.content(packaged.WEIGHTS))
    linears = {name: bert.quantised(weight) for name, weight in weights.items() if _is_linear(name)} if precision == "int8" else {}
    return bert.BertGraph(weights, linears, layers=packaged.LAYERS, heads=packaged.HEADS).embedding()


def _is_linear(name: str) -> bool:
    linear = name.endswith(("query.weight", "key.weight", "value.weight", "dense.weight"))
    return name == "embeddings.word_embeddings.weight" or (name.startswith("encoder.") and linear)


def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_str(packaged.content(packaged.TOKENIZER).decode())
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def _readable(text: str) -> str:
    """What is read of a text. A lone surrogate, which no word piece can hold, becomes a question mark."""
    return text[:MAX_CHARACTERS].encode(errors="replace").decode()


def _session(graph: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _run(session: onnxruntime.InferenceSession, encoded: Sequence[Encoding]) -> Any:
    """The output for texts of the same length."""
    inputs: Mapping[str, Any] = {
        bert.IDS: np.array([one.ids for one in encoded], np.int64),
        bert.MASK: np.array([one.attention_mask for one in encoded], np.int64),
        bert.TYPES: np.array([one.type_ids for one in encoded], np.int64),
    }
    return session.run(None, inputs)[0]
