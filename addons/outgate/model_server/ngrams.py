"""Score a text by its letters and words: a linear model over hashed n-grams, in one pass over a text of any length.

A gram is three to five letters, or one to three words. The score of a window is the sum of the weights of its grams over the square
root of their number, so that a long window is no surer than a short one. In the model server only: it needs numpy.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from safetensors.numpy import load_file

type Array = np.ndarray[Any, Any]

BITS = 20
"""Buckets are 2 ** BITS."""
WINDOW, STEP = 300, 150
"""Characters that are scored together, and from one window to the next."""
FEW = 200
"""Characters of a text up to which a score is never sure."""
_LETTERS, _WORDS = (3, 4, 5), (1, 2, 3)
_SPACE = re.compile(r"\s+")
_PRIME, _PAIR = np.uint32(16_777_619), np.uint32(40_503)
_LONGEST = 64
"""Letters of a word that count."""
with np.errstate(over="ignore"):
    _POWERS = np.cumprod(np.full(_LONGEST, _PRIME, np.uint32), dtype=np.uint32)


class Window(NamedTuple):
    """Where a window stands in a flattened text, and its score."""

    start: int
    end: int
    score: float


class Grams(NamedTuple):
    """The bucket and the first character of every gram."""

    buckets: Array
    places: Array


class Ngrams:
    """The model. `weights` are 2 ** BITS float32."""

    def __init__(self, weights: Array, bias: float) -> None:
        self._weights, self._bias = weights, bias

    @classmethod
    def read(cls, path: Path) -> Self:
        """From a file with `weights` in int8, their `scale`, and the `bias`. Raises OSError, or ValueError for another form."""
        saved = load_file(path)
        if set(saved) != {"weights", "scale", "bias"} or saved["weights"].shape != (1 << BITS,):
            raise ValueError("these are no weights of n-grams")
        return cls(saved["weights"].astype(np.float32) * saved["scale"], float(saved["bias"][0]))

    def windows(self, text: str) -> Iterator[Window]:
        """Windows over a text that `flat` gave, in order; the last ends with it."""
        sums, counts = self._running(text)
        start, length = 0, len(text)
        while True:
            end = min(start + WINDOW, length)
            number = counts[end] - counts[start]
            yield Window(start, end, float((sums[end] - sums[start]) / max(number, 1) ** 0.5 + self._bias))
            if end == length:
                return
            start += STEP

    def _running(self, text: str) -> tuple[Array, Array]:
        """Weights and numbers of the grams that begin before each character, and before the end."""
        found = grams(text)
        size = len(text) + 1
        weights = np.bincount(found.places + 1, self._weights[found.buckets], minlength=size)
        return np.cumsum(weights), np.cumsum(np.bincount(found.places + 1, minlength=size))


def flat(text: str) -> str:
    """The text in lower case, with one space wherever there is white space: what grams are made of."""
    return _SPACE.sub(" ", text.lower()).strip()


def grams(text: str) -> Grams:
    """All grams of a flattened text."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    with np.errstate(over="ignore"):
        made = [*_of_letters(codes), *_of_words(codes)]
    if not made:
        return Grams(np.zeros(0, np.uint32), np.zeros(0, np.int64))
    return Grams(np.concatenate([one.buckets for one in made]), np.concatenate([one.places for one in made]))


def _of_letters(codes: Array) -> Iterator[Grams]:
    for size in _LETTERS:
        count = len(codes) - size + 1
        if count > 0:
            hashed = np.zeros(count, np.uint32)
            for at in range(size):
                hashed = hashed * _PRIME + codes[at : at + count]
            yield Grams(_bucket(hashed, size), np.arange(count))


def _of_words(codes: Array) -> Iterator[Grams]:
    letters = (codes >= 128) | ((codes >= 97) & (codes <= 122)) | ((codes >= 48) & (codes <= 57)) | (codes == 39)
    begins = np.flatnonzero(letters & ~np.concatenate([[False], letters[:-1]]))
    if not len(begins):
        return
    origin = np.zeros(len(codes), np.int64)
    origin[begins] = begins
    offsets = np.minimum(np.arange(len(codes)) - np.maximum.accumulate(origin), _LONGEST - 1)
    words = np.add.reduceat(np.where(letters, codes * _POWERS[offsets], 0).astype(np.uint32), begins, dtype=np.uint32)
    hashed = words
    for size in _WORDS:
        if size > 1:
            hashed = hashed[:-1] * _PAIR + words[size - 1 :]
        if len(hashed):
            yield Grams(_bucket(hashed, 100 + size), begins[: len(hashed)])


def _bucket(hashed: Array, salt: int) -> Array:
    """Spread hashes over the buckets; grams of different kinds apart."""
    mixed = hashed * np.uint32(2_654_435_761) + np.uint32(salt)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(2_246_822_519)
    return mixed >> np.uint32(32 - BITS)
