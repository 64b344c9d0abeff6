"""Index the instructions of a request by their sentences: letters alone, whatever their case, spacing, quotes and markup.

A sentence counts as told when most of its grams are found in an answer, anywhere and in any order.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from outgate.detectors.normalise import normalise
from outgate.detectors.output.requested import compact

GRAM, STEP = 24, 8
"""Letters of a gram, and from one that is kept to the next: a run of 31 letters of a sentence is found wherever it begins."""
SHORTEST = 32
"""Letters of a sentence; shorter ones go together."""
MOST = 65_536
"""Characters of instructions that are indexed: an answer that tells what stands behind them is not found."""
_TOLD = 0.6
_LETTER = re.compile(r"[^\W_]|@")
_END = re.compile(r"(?<=[.!?\u3002\uff01\uff1f;:])\s+|\n+")


class Instructions:
    """Sentences, and which of them each gram belongs to."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.sentences: tuple[str, ...] = tuple(dict.fromkeys(_sentences(texts)))
        self.letters = "\n".join(self.sentences)
        self._of: dict[str, list[tuple[int, int]]] = {}
        self._counts: list[int] = []
        for number, sentence in enumerate(self.sentences):
            starts = sorted({*range(0, len(sentence) - GRAM + 1, STEP), len(sentence) - GRAM})
            self._counts.append(len(starts))
            for at in starts:
                self._of.setdefault(sentence[at : at + GRAM], []).append((number, at))

    def told(self, letters: str, begin: int, hits: set[tuple[int, int]]) -> list[int]:
        """Where grams begin that a sentence has too, from `begin` on; they are added to `hits`."""
        of, places = self._of, []
        for at in range(begin, len(letters) - GRAM + 1):
            found = of.get(letters[at : at + GRAM])
            if found is not None:
                places.append(at)
                hits.update(found)
        return places

    def numbers(self, hits: set[tuple[int, int]]) -> set[int]:
        """The sentences that are told by these grams."""
        counted: dict[int, int] = {}
        for number, _ in hits:
            counted[number] = counted.get(number, 0) + 1
        return {number for number, count in counted.items() if count >= _TOLD * self._counts[number]}

    def run(self, letters: str, least: int) -> int:
        """How many letters of the end stand so in a sentence; 0 where they are fewer than `least`."""
        if len(letters) < least or letters[-least:] not in self.letters:
            return 0
        low, high = least, len(letters)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if letters[-middle:] in self.letters else (low, middle - 1)
        return low


class Letters(NamedTuple):
    """The letters of a text, and where in it each of them stands."""

    letters: str
    places: Sequence[int]


def letters_of(text: str) -> Letters:
    """The letters of a text, its disguises undone."""
    folded = normalise(text)
    if folded.text.isascii():
        places: Sequence[int] = [found.start() for found in _LETTER.finditer(folded.text)]
        letters = compact(folded.text)
    else:
        pairs = [(letter, at) for at, character in enumerate(folded.text) for letter in compact(character)]
        letters, places = "".join(letter for letter, _ in pairs), [at for _, at in pairs]
    if folded.text != text:
        places = [folded.span(at, at + 1)[0] for at in places]
    return Letters(letters, places)


@lru_cache(maxsize=32)
def indexed(texts: tuple[str, ...]) -> Instructions:
    """The index of these instructions: agents send the same with every step."""
    return Instructions(texts)


def _sentences(texts: Sequence[str]) -> Iterator[str]:
    left = MOST
    for text in texts:
        said = ""
        for sentence in _END.split(text[:left]):
            said += compact(normalise(sentence).text)
            if len(said) >= SHORTEST:
                yield said
                said = ""
        left -= len(text)
        if left <= 0:
            return
