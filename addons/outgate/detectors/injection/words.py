"""Set blanks between words where a writer took them away, and take them out of words where a writer put them in.

Both need to know words: the most frequent division is the likeliest (a unigram model with Zipf's law, so only ranks count). Linear.
"""

import re
from collections.abc import Iterator, Sequence
from math import log

_LONGEST, _SHORTEST_RUN = 16, 24
"""Letters of a word at most, and of a run without blanks at least before it is taken to be several words."""
_UNKNOWN = 12.0
"""What a letter costs that belongs to no word: more than a rare word."""
_FRAGMENT, _CUT = 25.0, 5.0
"""What a part costs that is no word, and a cut, which is rare."""
_STRANGE = 0.1
"""The share of letters outside words up to which a run is prose without blanks."""
_MOST_PARTS, _ENOUGH, _NEAR = 4, 3, 40
"""Parts of a word that are put together, cuts that must stand near each other to count, and how near: words and what is between."""
_RUN, _BETWEEN = re.compile(rf"[a-z]{{{_SHORTEST_RUN},}}"), re.compile("([^a-z]+)")


class Words:
    """What is known of words: `ranked` are words in lower case, the most frequent first."""

    def __init__(self, ranked: Sequence[str]) -> None:
        words = [word for word in ranked if len(word) > 1 or word in ("a", "i")]
        self._costs = {word: log((rank + 1) * log(len(words) + 1)) for rank, word in enumerate(words)}

    def readings(self, text: str) -> Iterator[str]:
        """The text's runs of letters, divided; and the text without the blanks within words. Each only where there is something."""
        lower = text.lower()
        divided = [words for run in _RUN.findall(lower) if (words := self._divided(run))]
        if divided:
            yield " ".join(divided)
        yield from self._whole(lower)

    def _divided(self, letters: str) -> str:
        """The likeliest words in a row of letters; "" where they are none."""
        costs, lengths, costs_of = [0.0], [0], self._costs
        for end in range(1, len(letters) + 1):
            best, length = costs[-1] + _UNKNOWN, 1
            for size in range(1, min(_LONGEST, end) + 1):
                cost = costs_of.get(letters[end - size : end])
                if cost is not None and costs[end - size] + cost < best:
                    best, length = costs[end - size] + cost, size
            costs.append(best)
            lengths.append(length)
        words, at = [], len(letters)
        while at:
            words.append(letters[at - lengths[at] : at])
            at -= lengths[at]
        strange = sum(1 for word in words if word not in costs_of)
        return "" if strange > _STRANGE * len(letters) else " ".join(reversed(words))

    def _whole(self, lower: str) -> Iterator[str]:
        """Where several words nearby are cut, they and what stands around them, with the words put together."""
        joined: list[str] = []
        cuts: list[int] = []
        parts, at = _BETWEEN.split(lower), 0
        while at < len(parts):
            size = self._parts(parts, at) if at % 2 == 0 and parts[at] else 1
            if size > 1:
                cuts.append(len(joined))
            joined.append("".join(parts[at : at + 2 * size : 2]) if size > 1 else parts[at])
            at += 2 * size - 1
        for first, last in _groups(cuts):
            yield "".join(joined[max(0, first - _NEAR) : last + _NEAR + 1])

    def _parts(self, parts: Sequence[str], at: int) -> int:
        """How many parts from here on are likelier one word than so many: 1 where this one is its own."""
        costs, word, size = self._costs, parts[at], 1
        apart = costs.get(word, _FRAGMENT)
        for number in range(2, _MOST_PARTS + 1):
            after = at + 2 * (number - 1)
            if after >= len(parts) or parts[after - 1] != " " or not parts[after]:
                break
            word += parts[after]
            apart += costs.get(parts[after], _FRAGMENT)
            if costs.get(word, apart) + _CUT < apart:
                size = number
        return size


def _groups(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The first and last of places that are near each other, where they are enough."""
    group: list[int] = []
    for place in [*places, 1 << 60]:
        if group and place - group[-1] > _NEAR:
            if len(group) >= _ENOUGH:
                yield group[0], group[-1]
            group = []
        group.append(place)
