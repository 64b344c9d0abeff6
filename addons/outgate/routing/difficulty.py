"""Estimate how probably a small model fails at a question: logistic regression on its vector and on a few features of its text.

The weights are `difficulty.json`, learned by scripts/learn from the answers of two models to MMLU and GSM8K (RouteLLM,
Apache-2.0). How little it knows of subjects that it has not seen stands in docs/results/routing.md.
"""

import re
from base64 import b64decode
from functools import cache
from math import exp, log1p, sumprod
from pathlib import Path
from typing import Any

import orjson

from outgate.routing.scoring import floats

_SIGN = re.compile(r"[=+*/^<>\\∑∫√]")
_NUMBER = re.compile(r"\d+")
_EXCEPT = re.compile(r"\b(?:not|except|false)\b", re.IGNORECASE)
_WORKED = re.compile(r"\b(?:prove|derive|calculate|compute|how many|solve)\b", re.IGNORECASE)
_CODE = re.compile(r"[{};]|def |return ")
FILE = Path(__file__).with_name("difficulty.json")


def features(text: str) -> tuple[float, ...]:
    """Length, digits, signs and words of a text."""
    size, words = max(len(text), 1), text.split()
    return (
        log1p(len(text)),
        log1p(len(words)),
        sum(map(str.isdigit, text)) / size,
        10 * len(_SIGN.findall(text)) / size,
        len(_NUMBER.findall(text)) / 10,
        float(text.count("?")),
        text.count("\n") / 10,
        sum(map(len, words)) / max(len(words), 1) / 5,
        float(_EXCEPT.search(text) is not None),
        float(_WORKED.search(text) is not None),
        float(_CODE.search(text) is not None),
    )


class Difficulty:
    """The learned weights."""

    def __init__(self) -> None:
        told = _read()
        self._bias, self._features = float(told["bias"]), tuple(map(float, told["features"]))
        self._vector = floats(b64decode(told["vector"]))

    def probability(self, text: str, vector: bytes) -> float:
        """That a small model fails; `vector` is the text's, float32."""
        weight = self._bias + sumprod(self._features, features(text)) + sumprod(self._vector, floats(vector))
        return 1 / (1 + exp(-weight))


@cache
def _read() -> Any:
    return orjson.loads(FILE.read_bytes())
