"""Run all-MiniLM-L6-v2, and the verifier that was trained from it, on ONNX Runtime.

A text is embedded up to MAX_CHARACTERS and MAX_TOKENS; what follows does not change its vector. A pair is read whole or not at all.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import numpy as np
import onnxruntime
from tokenizers import Encoding, Tokenizer

from outgate.model_server.engines import EngineError, graphs, packaged
from outgate.model_server.engines.packaged import IDS, MASK, MAX_CHARACTERS, MAX_TOKENS, TYPES, VERIFIER, encoder_version

_TOGETHER, _PADDING = 512, 8
"""Tokens that are run together at most, which bounds memory, and tokens by which the lengths of texts differ at most."""
_OVERLAP = 64
"""Tokens that two windows of a text have in common."""

type Precision = Literal["int8", "fp32"]


class OnnxEncoder:
    """An encoder. The vector of a text does not depend on the texts that are run with it."""

    dimension = packaged.WIDTH

    def __init__(self, name: str, version: str, graph: bytes, tokenizer: Tokenizer) -> None:
        self.name, self.version = name, version
        self._session = new_session(graph)
        self._tokenizer = tokenizer
        tokenizer.enable_truncation(MAX_TOKENS)

    def embed(self, texts: Sequence[str]) -> list[bytes]:
        encoded = self._tokenizer.encode_batch([_readable(text) for text in texts])
        return [vector.astype("<f4").tobytes() for vector in _outputs(self._session, encoded)]


class OnnxScorer:
    """A pair scorer. The score of a pair does not depend on the pairs that are run with it."""

    def __init__(self, version: str, graph: bytes, tokenizer: Tokenizer) -> None:
        self.version = version
        self._session = new_session(graph)
        self._tokenizer = tokenizer

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        read = {at: one for at, pair in enumerate(pairs) if (one := self._encoded(*pair)) is not None}
        scores = dict(zip(read, _outputs(self._session, list(read.values())), strict=True))
        return [float(scores[at][0]) if at in scores else 0.0 for at in range(len(pairs))]

    def _encoded(self, first: str, second: str) -> Encoding | None:
        """The pair as tokens; None where it cannot be read whole."""
        if len(first) + len(second) > MAX_CHARACTERS or _readable(first) != first or _readable(second) != second:
            return None
        encoded = self._tokenizer.encode(first, second)
        return encoded if len(encoded.ids) <= MAX_TOKENS else None


class Read(NamedTuple):
    """Logits of a text: of the whole, and of the clause in it that is most marked."""

    whole: float
    clause: float


class OnnxReader:
    """A net that reads one text at a time, and is told its channel. A text is read whole, in windows that overlap."""

    def __init__(self, graph: bytes, tokenizer: Tokenizer) -> None:
        self._session = new_session(graph)
        self._tokenizer = tokenizer
        tokenizer.enable_truncation(MAX_TOKENS, stride=_OVERLAP, strategy="only_second")

    def read(self, channel: str, texts: Sequence[str]) -> list[Read]:
        """The logits of each text: the highest of its windows."""
        windows = self._encoded(channel, texts)
        logits = iter(_outputs(self._session, [window for some in windows for window in some]))
        return [Read(*(float(highest) for highest in np.max([next(logits) for _ in some], axis=0))) for some in windows]

    def _encoded(self, channel: str, texts: Sequence[str]) -> list[list[Encoding]]:
        whole = self._tokenizer.encode_batch([(channel, text.encode(errors="replace").decode()) for text in texts])
        return [[one, *one.overflowing] for one in whole]


def load_encoder(name: str = packaged.NAME, precision: Precision = "int8", folder: Path | None = None) -> OnnxEncoder:
    """The packaged encoder. Raises EngineError where its files are missing or not the published ones."""
    if name != packaged.NAME or precision not in ("int8", "fp32"):
        raise EngineError(f"ONNX Runtime has no model {name!r} in {precision!r}")

    def write() -> bytes:
        from outgate.model_server.engines.weights import encoder_graph  # with onnx, which is only needed to write

        return encoder_graph(int8=precision == "int8")

    version = encoder_version(precision)
    return OnnxEncoder(name, version, graphs.graph(version, write, folder or graphs.folder()), _tokenizer())


def encoder_of(precision: str) -> OnnxEncoder:
    """The packaged encoder in the precision that a policy names. Raises EngineError."""
    return load_encoder(precision=cast("Precision", precision))


def load_scorer(weights: Path = VERIFIER, folder: Path | None = None) -> OnnxScorer:
    """The verifier. Raises EngineError where its weights, or the packaged files, are missing or have another form."""
    name, write = _written(weights, "verifier")
    return OnnxScorer(name, graphs.graph(name, write, folder or graphs.folder()), _tokenizer())


def load_reader(weights: Path, folder: Path | None = None) -> OnnxReader:
    """The net of a classifier of texts, in the form of the verifier's weights with `marks`. Raises EngineError."""
    name, write = _written(weights, "reader")
    return OnnxReader(graphs.graph(name, write, folder or graphs.folder()), _tokenizer())


def _written(weights: Path, kind: Literal["verifier", "reader"]) -> tuple[str, Callable[[], bytes]]:
    """The name of a graph, and what writes it from these weights. Raises EngineError."""
    try:
        data = weights.read_bytes()
    except OSError as error:
        raise EngineError(f"the weights of the {kind} cannot be read: {error.strerror}") from error

    def write() -> bytes:
        from outgate.model_server.engines.weights import reading_graph, scoring_graph

        return reading_graph(data) if kind == "reader" else scoring_graph(data)

    return f"{kind}-{packaged.version(hashlib.sha256(data).hexdigest())}", write


def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_str(packaged.content(packaged.TOKENIZER).decode())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _readable(text: str) -> str:
    """What is read of a text. A lone surrogate, which no word piece can hold, becomes a question mark."""
    return text[:MAX_CHARACTERS].encode(errors="replace").decode()


def new_session(graph: bytes) -> onnxruntime.InferenceSession:
    """A session of one thread: the model server works on one batch at a time."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    session._model_bytes = b""  # noqa: SLF001 - kept for a second try on other devices: as much memory as the weights
    return session


def _outputs(session: onnxruntime.InferenceSession, encoded: Sequence[Encoding]) -> list[Any]:
    """The output for each text, in order; texts of about the same length are run together."""
    outputs: list[Any] = [None] * len(encoded)
    for group in _alike([len(one.ids) for one in encoded]):
        for at, output in zip(group, _run(session, [encoded[at] for at in group]), strict=True):
            outputs[at] = output
    return outputs


def _alike(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Positions grouped by length."""
    group: list[int] = []
    for at in sorted(range(len(lengths)), key=lengths.__getitem__):
        if group and (lengths[at] * (len(group) + 1) > _TOGETHER or lengths[at] > lengths[group[0]] + _PADDING):
            yield group
            group = []
        group.append(at)
    if group:
        yield group


def _run(session: onnxruntime.InferenceSession, encoded: Sequence[Encoding]) -> Any:
    length = max(len(one.ids) for one in encoded)
    tokens = np.zeros((3, len(encoded), length), np.int64)
    for at, one in enumerate(encoded):
        tokens[:, at, : len(one.ids)] = one.ids, one.attention_mask, one.type_ids
    inputs: Mapping[str, Any] = dict(zip((IDS, MASK, TYPES), tokens, strict=True))
    return session.run(None, inputs)[0]
