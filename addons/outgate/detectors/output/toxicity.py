"""Score how insulting, threatening or hateful a text is, by its words and pairs of words: a linear model, fast enough for a worker.

A score is 0 to 1; .5 is the shipped threshold. The sum of the weights of all grams is divided by the length of their vector, as in
the model that most of the weights come from (toxicity.SOURCE.md).
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Self

from outgate.detectors.normalise import normalise

FILE = Path(__file__).with_name("toxicity.tsv")
CONTEXT = 400
"""Characters up to the end of a sentence that are scored together."""
_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"[^.!?\u3002\uff01\uff1f\n]+[.!?\u3002\uff01\uff1f\n]*\s*|[.!?\u3002\uff01\uff1f\s]+")
_FURTHEST = 30.0


class Toxicity:
    """The model. `weights` are inverse document frequency and weight, by gram."""

    def __init__(self, weights: dict[str, tuple[float, float]], bias: float) -> None:
        self.weights, self.bias = weights, bias

    @classmethod
    def read(cls, path: Path) -> Self:
        """From lines of gram, frequency and weight; the bias stands under an empty gram. Raises OSError or ValueError."""
        weights: dict[str, tuple[float, float]] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            gram, frequency, weight = line.split("\t")
            weights[gram] = float(frequency), float(weight)
        return cls(weights, weights.pop("", (0.0, 0.0))[1])

    def write(self, path: Path) -> None:
        rows = [("", (0.0, self.bias)), *sorted(self.weights.items())]
        path.write_text("".join(f"{gram}\t{frequency:.3f}\t{weight:.3f}\n" for gram, (frequency, weight) in rows), encoding="utf-8")

    def score(self, text: str) -> float:
        """Of one window."""
        total = max(-_FURTHEST, self.sum(self.vector(text)))
        return 1 / (1 + math.exp(-total))

    def highest(self, text: str) -> float:
        """Of all windows of a text."""
        return max(map(self.score, windows(text)), default=0.0)

    def vector(self, text: str) -> dict[str, float]:
        """The grams that have a weight, as a vector of length 1."""
        known = self.weights
        counts = Counter(gram for gram in grams(text) if gram in known)
        values = {gram: count * known[gram][0] for gram, count in counts.items()}
        length = math.sqrt(sum(value * value for value in values.values())) or 1.0
        return {gram: value / length for gram, value in values.items()}

    def sum(self, vector: dict[str, float]) -> float:
        return sum(self.weights[gram][1] * value for gram, value in vector.items()) + self.bias


def grams(text: str) -> Iterator[str]:
    """Words in lower case, and pairs of neighbours."""
    before = ""
    for word in _WORD.findall(normalise(text).text.lower()):
        yield word
        if before:
            yield f"{before}_{word}"
        before = word


def windows(text: str) -> Iterator[str]:
    """Each sentence with what stands before it."""
    for start, end in sentences(text):
        yield text[max(0, min(start, end - CONTEXT)) : end]


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where sentences begin and end; together they are the whole text."""
    for sentence in _SENTENCE.finditer(text):
        yield sentence.span()


@cache
def shipped() -> Toxicity:
    """The model of this package."""
    return Toxicity.read(FILE)
