"""Token counts for Claude, whose tokenizer is not published: the reconstruction of ctok, with bounded time.

ctok needs 4 µs a character, 0.3 s for 64 KB. A word's cost hardly depends on its neighbours (within 4 % of ctok on whole texts
in English, code, JSON, Korean and Chinese), so words are priced once and remembered by a hash, never as text. New words are
priced up to a fixed number of characters per request; what is left over is estimated from its bytes at the rate of the words
that are known. A worker so starts with an estimate and is as good as ctok after some hundred requests.
"""

import re
from collections.abc import Callable, Sequence
from math import ceil

_WORD = re.compile(r"\s*\S{1,32}|\s+")
_LONGEST = 64
_PRICED_PER_CALL = 200
_MOST_WORDS = 100_000
_TOKENS_PER_BYTE = 0.45
"""Before anything is known: above what English, code, Korean or Chinese cost in every family."""


class Words:
    """Word by word counting over `price`, which gives the exact cost of a short text in context."""

    def __init__(self, price: Callable[[str], int], per_call: int = _PRICED_PER_CALL) -> None:
        self._price = price
        self._per_call = per_call
        self._known: dict[int, int] = {}

    def count(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text; together they price at most `per_call` characters of new words."""
        counts, left = [], self._per_call
        for text in texts:
            words = _WORD.findall(text)
            prices = list(map(self._known.get, map(hash, words)))
            known = [price for price in prices if price is not None]
            total = sum(known)
            if len(known) < len(words):
                new = [word for word, price in zip(words, prices, strict=True) if price is None]
                more, left = self._new(new, left, self._rate(text, new, total))
                total += more
            counts.append(total)
        return counts

    def _new(self, words: list[str], left: int, rate: float) -> tuple[int, int]:
        total, unpriced = 0, 0
        for word in words:
            key = hash(word)
            price = self._known.get(key)
            if price is None:
                if len(word) > min(left, _LONGEST):
                    unpriced += len(word.encode("utf-8", "surrogatepass"))
                    continue
                left -= len(word)
                price = self._learn(key, word)
            total += price
        return total + ceil(unpriced * rate), left

    def _learn(self, key: int, word: str) -> int:
        if len(self._known) >= _MOST_WORDS:
            self._known.clear()
        price = self._known[key] = self._price(word)
        return price

    @staticmethod
    def _rate(text: str, new: list[str], known_tokens: int) -> float:
        """Tokens per byte of unknown words: that of the known ones, but never below half of what unknown text may cost."""
        known_bytes = len(text) - sum(map(len, new))
        if known_bytes * 4 < len(text):
            return _TOKENS_PER_BYTE
        return max(known_tokens / known_bytes, _TOKENS_PER_BYTE / 2)


def load(version: str) -> Words:
    """The counter of one Claude generation (`3.0`, `4.7` or `4.8`): half a second, 22 to 46 MB. Opens no socket."""
    from ctok import token_count
    from ctok.main import _document  # the witness records are half of its memory, and never used to count

    base = token_count("a", version)
    _document.cache_clear()
    return Words(lambda word: token_count("a" + word, version) - base)
