"""Read and write the weights of models trained from all-MiniLM-L6-v2: int8 rows with a scale each, small enough for the repository.

Its word embeddings are frozen while they are trained, and not in the files.
"""

from collections.abc import Callable, Mapping

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from outgate.model_server.engines import EngineError, packaged
from outgate.model_server.engines.bert import Array, BertGraph, Linear, quantised

WORDS = "embeddings.word_embeddings.weight"
_ROWS, _SCALE, _WEIGHT = ".q", ".scale", ".weight"


def quantise(state: Mapping[str, Array]) -> dict[str, Array]:
    """The weights of a trained `BertForSequenceClassification` of one label in the form of VERIFIER, to be saved by
    `safetensors.numpy.save_file`, with those of a layer `marks` over the tokens where it has one. The training scripts call it.

    `NAME.weight` of a linear layer, [out, in], becomes `NAME.weight.q` in int8 and `NAME.weight.scale`, one float32 a row. All else
    stays float32. Word embeddings are left out, and names lose their `bert.`.
    """
    saved: dict[str, Array] = {}
    for long_name, value in state.items():
        name = long_name.removeprefix("bert.")
        if name == WORDS or not np.issubdtype(value.dtype, np.floating):
            continue
        if is_linear(name):
            saved[name + _ROWS], saved[name + _SCALE] = quantised(value)
        else:
            saved[name] = np.ascontiguousarray(value, np.float32)
    return saved


def is_linear(name: str) -> bool:
    """Whether a weight is multiplied by, not looked up or added."""
    return name.endswith(_WEIGHT) and name.startswith(("encoder.", "pooler.", "classifier.")) and "LayerNorm" not in name


def encoder_graph(*, int8: bool) -> bytes:
    """The graph of the packaged encoder. Raises EngineError."""
    floats = load(packaged.content(packaged.WEIGHTS))
    linears = {name: quantised(weight) for name, weight in floats.items() if is_linear(name) or name == WORDS}
    return BertGraph(floats, linears if int8 else {}).embedding()


def scoring_graph(data: bytes) -> bytes:
    """The graph of a model with one score, from the content of a file that `quantise` made. Raises EngineError for another form."""
    return _graph(data, BertGraph.score)


def reading_graph(data: bytes) -> bytes:
    """The same of a model that also marks tokens."""
    return _graph(data, BertGraph.reading)


def _graph(data: bytes, write: Callable[[BertGraph], bytes]) -> bytes:
    try:
        return write(BertGraph(*scoring_weights(data)))
    except (KeyError, ValueError) as error:
        raise EngineError(f"the weights have another form: {error}") from error


def scoring_weights(data: bytes) -> tuple[dict[str, Array], dict[str, Linear]]:
    """The weights that are used in float32, and those used in int8. Raises EngineError where the file has another form."""
    try:
        saved = load(data)
    except SafetensorError as error:
        raise EngineError("the weights are no safetensors file") from error
    frozen = quantised(load(packaged.content(packaged.WEIGHTS))[WORDS])
    names = [name.removesuffix(_ROWS) for name in saved if name.endswith(_ROWS)]
    try:
        linears = {name: Linear(saved[name + _ROWS], saved[name + _SCALE]) for name in names}
    except KeyError as error:
        raise EngineError(f"the weights lack {error}") from error
    head = {name: linear.rows * linear.scale[:, None] for name, linear in linears.items() if not name.startswith("encoder.")}
    body = {name: linear for name, linear in linears.items() if name not in head}
    return saved | head, body | {WORDS: frozen}
