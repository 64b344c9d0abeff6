"""Write BERT encoders as ONNX graphs, straight from their weights: no training framework is needed to load a model.

Linear layers are float32, or integers of 7 bits with a scale for each output channel and block. Their input is then quantised
while it runs, by token and block: what comes out for one text depends on no other text in the batch.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from outgate.model_server.engines.packaged import HEADS, IDS, LAYERS, MASK, TYPES

type Array = np.ndarray[Any, Any]
type Weights = Mapping[str, Array]

_EPSILON = 1e-12
_MICROSOFT = "com.microsoft"
_BLOCK = 192
"""Numbers of a token that are quantised together."""
_TOP, _ZERO = 127, 128
"""The largest amount of a number of a token that is quantised, and what stands for 0."""
CLAUSE = 8
"""Tokens whose marks are read together."""
_MOST = 63
"""The same of a weight that is multiplied: AVX2 adds two products in 16 bits, and none of more than 255 x 64 runs over."""


class Linear(NamedTuple):
    """A weight [out, in] in int8 with its row scales."""

    rows: Array
    scale: Array


def quantised(weight: Array) -> Linear:
    """A float32 weight [out, in] as int8 rows and one scale for each."""
    scale = np.maximum(np.abs(weight).max(axis=1), 1e-12).astype(np.float32) / np.float32(127)
    rows = np.clip(np.rint(weight / scale[:, None]), -127, 127).astype(np.int8)
    return Linear(rows, scale)


def _narrowed(rows: Array, scale: Array) -> Linear:
    """Rows [out, in] as columns [in, out] of 7 bits."""
    top = np.maximum(np.abs(rows.astype(np.int16)).max(axis=1), _MOST).astype(np.float32) / _MOST
    return Linear(np.rint(rows / top[:, None]).astype(np.int8).T, scale * top)


class BertGraph:
    """A graph in the making. `linears` are the weights that it takes in int8, by name."""

    def __init__(self, weights: Weights, linears: Mapping[str, Linear]) -> None:
        self._weights, self._linears = weights, linears
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._integral: dict[str, list[tuple[str, str]]] = {}

    def embedding(self) -> bytes:
        """The graph whose output is one unit vector per text: the mean over its tokens, normalised."""
        hidden, mask = self._body()
        column = self._add("Unsqueeze", [mask, self._integers("last", [-1])])
        tokens = self._add("ReduceSum", [self._add("Mul", [hidden, column]), self._integers("one", [1])], keepdims=0)
        count = self._add("ReduceSum", [column, self._integers("one", [1])], keepdims=0)
        self._add("LpNormalization", [self._add("Div", [tokens, count])], output="vector", axis=-1, p=2)
        return self._finished("vector")

    def score(self) -> bytes:
        """The graph whose output is one number per pair, 0 to 1: pooler, then a linear head, on the first token."""
        hidden, _ = self._body()
        first = self._add("Gather", [hidden, self._constant("first", np.array(0, np.int64))], axis=1)
        pooled = self._add("Tanh", [self._linear(first, "pooler.dense")])
        self._add("Sigmoid", [self._linear(pooled, "classifier")], output="score")
        return self._finished("score")

    def reading(self) -> bytes:
        """The graph whose output is two logits per pair: of the first token as in `score`, and of the clause of the second text
        that is most marked: the highest mean of the marks of CLAUSE neighbouring tokens.
        """
        hidden, mask = self._body()
        first = self._add("Gather", [hidden, self._constant("first", np.array(0, np.int64))], axis=1)
        whole = self._linear(self._add("Tanh", [self._linear(first, "pooler.dense")]), "classifier")
        second = self._add("Mul", [self._add("Cast", [TYPES], to=TensorProto.FLOAT), mask])
        row = self._without_last(self._add("Unsqueeze", [second, self._integers("one", [1])]))
        marks = self._add("Transpose", [self._linear(hidden, "marks")], perm=[0, 2, 1])
        self._add("Concat", [whole, self._highest_clause(marks, row)], output="logits", axis=-1)
        return self._finished("logits")

    def _highest_clause(self, marks: str, row: str) -> str:
        """The highest mean of CLAUSE neighbouring `marks` where `row`, both [batch, 1, length], is one."""
        window: dict[str, Any] = {"kernel_shape": [CLAUSE], "pads": [CLAUSE // 2, CLAUSE // 2 - 1], "count_include_pad": 1}
        total = self._add("AveragePool", [self._add("Mul", [marks, row])], **window)
        share = self._add("Max", [self._add("AveragePool", [row], **window), self._constant("least", np.float32(_EPSILON))])
        away = self._add("Sub", [self._constant("unit", np.float32(1)), row])
        outside = self._add("Mul", [away, self._constant("far", np.float32(-1e9))])
        means = self._add("Add", [self._add("Div", [total, share]), outside])
        return self._add("ReduceMax", [means, self._integers("last", [-1])], keepdims=0)

    def _without_last(self, row: str) -> str:
        """A row of ones and zeros [batch, 1, length] without the last of its ones: the mark that ends a text."""
        longer = self._add("Pad", [row, self._integers("after", [0, 0, 0, 0, 0, 1])])
        edges = [self._integers(name, [at]) for name, at in (("one", 1), ("end", 1 << 30), ("depth", 2))]
        return self._add("Mul", [row, self._add("Slice", [longer, *edges])])

    def _body(self) -> tuple[str, str]:
        mask = self._add("Cast", [MASK], to=TensorProto.FLOAT)
        away = self._add("Sub", [self._constant("unit", np.float32(1)), mask])
        far = self._constant("far", np.float32(-1e9))
        bias = self._add("Mul", [self._add("Unsqueeze", [away, self._integers("middle", [1, 2])]), far])
        hidden = self._embedded()
        for number in range(LAYERS):
            hidden = self._layer(hidden, bias, f"encoder.layer.{number}")
        return hidden, mask

    def _embedded(self) -> str:
        length = self._add("Gather", [self._add("Shape", [IDS]), self._integers("one", [1])])
        zero = self._integers("zero", [0])
        positions = self._add("Slice", [self._weight("embeddings.position_embeddings.weight"), zero, length, zero])
        types = self._add("Gather", [self._weight("embeddings.token_type_embeddings.weight"), TYPES])
        total = self._add("Add", [self._add("Add", [self._words(), types]), positions])
        return self._normalised(total, "embeddings.LayerNorm")

    def _words(self) -> str:
        name = "embeddings.word_embeddings.weight"
        if name not in self._linears:
            return self._add("Gather", [self._weight(name), IDS])
        rows, scale = self._linears[name]
        words = self._add("Cast", [self._add("Gather", [self._constant(name, rows), IDS])], to=TensorProto.FLOAT)
        return self._add("Mul", [words, self._add("Gather", [self._constant(name + ".scale", scale[:, None]), IDS])])

    def _layer(self, hidden: str, bias: str, name: str) -> str:
        attended = self._linear(self._attention(hidden, bias, f"{name}.attention.self"), f"{name}.attention.output.dense")
        hidden = self._normalised(self._add("Add", [attended, hidden]), f"{name}.attention.output.LayerNorm")
        inner = self._add("Gelu", [self._linear(hidden, f"{name}.intermediate.dense")])
        outer = self._linear(inner, f"{name}.output.dense")
        return self._normalised(self._add("Add", [outer, hidden]), f"{name}.output.LayerNorm")

    def _attention(self, hidden: str, bias: str, name: str) -> str:
        width = self._weights["embeddings.position_embeddings.weight"].shape[1]
        size = width // HEADS
        split, joined = self._integers("split", [0, 0, HEADS, size]), self._integers("joined", [0, 0, width])

        def heads(part: str, order: list[int]) -> str:
            return self._add("Transpose", [self._add("Reshape", [self._linear(hidden, f"{name}.{part}"), split])], perm=order)

        alike = self._add("MatMul", [heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1])])
        scaled = self._add("Mul", [alike, self._constant("scale", np.float32(size**-0.5))])
        weights = self._add("Softmax", [self._add("Add", [scaled, bias])], axis=-1)
        mixed = self._add("MatMul", [weights, heads("value", [0, 2, 1, 3])])
        return self._add("Reshape", [self._add("Transpose", [mixed], perm=[0, 2, 1, 3]), joined])

    def _linear(self, hidden: str, name: str) -> str:
        bias = self._weight(f"{name}.bias")
        if f"{name}.weight" not in self._linears:
            weight = self._constant(f"{name}.weight", self._weights[f"{name}.weight"].T)
            return self._add("Add", [self._add("MatMul", [hidden, weight]), bias])
        rows, scale = self._linears[f"{name}.weight"]
        for number, (tokens, size) in enumerate(self._quantised(hidden, rows.shape[1] // _BLOCK)):
            block = _narrowed(rows[:, number * _BLOCK :][:, :_BLOCK], scale)
            weight = self._constant(f"{name}.weight.{number}", block.rows)
            scales = self._constant(f"{name}.scale.{number}", block.scale)
            unit, zero = self._constant("unit", np.float32(1)), self._constant("zero.token", np.uint8(_ZERO))
            product = self._add("MatMulIntegerToFloat", [tokens, weight, unit, scales, zero], domain=_MICROSOFT)
            bias = self._add("Add", [self._add("Mul", [product, size]), bias])
        return bias

    def _quantised(self, hidden: str, blocks: int) -> list[tuple[str, str]]:
        """Each block of the tokens as uint8, and what a step of it is worth. Layers that read the same tokens share them."""
        if hidden not in self._integral:
            parts = [f"{hidden}.{number}" for number in range(blocks)]
            self._nodes.append(helper.make_node("Split", [hidden], parts, axis=-1, num_outputs=blocks))
            self._integral[hidden] = [self._steps(part) for part in parts]
        return self._integral[hidden]

    def _steps(self, part: str) -> tuple[str, str]:
        highest = self._add("ReduceMax", [self._add("Abs", [part]), self._integers("last", [-1])])
        size = self._add("Mul", [highest, self._constant("step", np.float32(1 / _TOP))])
        steps = self._add("Div", [part, self._add("Max", [size, self._constant("least", np.float32(_EPSILON))])])
        unit, zero = self._constant("unit", np.float32(1)), self._constant("zero.token", np.uint8(_ZERO))
        return self._add("QuantizeLinear", [steps, unit, zero]), size

    def _normalised(self, hidden: str, name: str) -> str:
        scale, bias = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._add("LayerNormalization", [hidden, scale, bias], axis=-1, epsilon=_EPSILON)

    def _weight(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _integers(self, name: str, values: Iterable[int]) -> str:
        return self._constant(name, np.array(list(values), np.int64))

    def _constant(self, name: str, value: Any) -> str:
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.array(value, order="C"), name)
        return name

    def _add(self, operator: str, inputs: list[str], *, output: str = "", **attributes: Any) -> str:
        output = output or f"t{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def _finished(self, output: str) -> bytes:
        inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in (IDS, MASK, TYPES)]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", None])]
        graph = helper.make_graph(self._nodes, "bert", inputs, outputs, list(self._constants.values()))
        versions = [helper.make_opsetid("", 20), helper.make_opsetid(_MICROSOFT, 1)]
        return bytes(helper.make_model(graph, opset_imports=versions, ir_version=9).SerializeToString())
