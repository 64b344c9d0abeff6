"""Quantities of a text: numbers in digits or words, with their units, so that 24 hours are one day and ten percent is 10 %."""

import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import NamedTuple

from outgate.detectors.paraphrase.words import Words

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
CARDINALS = {word: float(value) for value, word in enumerate(_ONES.split())} | {
    word: 10.0 * value for value, word in enumerate(_TENS.split(), start=2)
}
_ORDINALS = {
    word: float(value)
    for value, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
        "sixteenth "
        "seventeenth eighteenth nineteenth twentieth".split(),
        start=1,
    )
} | {"thirtieth": 30.0, "fiftieth": 50.0, "hundredth": 100.0}
_SCALES = {
    "hundred": 100.0,
    "thousand": 1e3,
    "k": 1e3,
    "million": 1e6,
    "mn": 1e6,
    "billion": 1e9,
    "bn": 1e9,
    "trillion": 1e12,
    "dozen": 12.0,
}
_WORDS = dict.fromkeys(("twice", "double", "doubled", "couple"), 2.0) | dict.fromkeys(("thrice", "triple", "tripled"), 3.0)
_WORDS |= dict.fromkeys(("half", "halves"), 0.5) | dict.fromkeys(("quarter", "quarters"), 0.25)
_WORDS |= {"once": 1.0, "single": 1.0, "dozens": 12.0}
_PARTS = {
    name + end: value for name, value in (("third", 1 / 3), ("fifth", 0.2), ("tenth", 0.1), ("quarter", 0.25)) for end in ("", "s")
}
_PARTS |= {"half": 0.5, "halves": 0.5}
_ROMAN = {"i": 1.0, "ii": 2.0, "iii": 3.0, "iv": 4.0, "v": 5.0, "vi": 6.0, "vii": 7.0, "viii": 8.0, "ix": 9.0, "x": 10.0}
_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)\Z")
_NUMBER_WORDS = CARDINALS.keys() | _SCALES.keys() - {"k", "mn", "bn"}


def _units() -> Iterator[tuple[str, tuple[str, float]]]:
    """Names of units, with the dimension and the size; a line of units.txt is a dimension, `a,b=size` are names of one unit."""
    for line in files(__package__).joinpath("units.txt").read_text("utf-8").splitlines():
        dimension, *units = line.split()
        for names, _, size in (unit.rpartition("=") for unit in units):
            for name in names.split(","):
                yield name, (dimension, float(size))
                yield name + "s", (dimension, float(size))


UNITS = dict(_units()) | {"centuries": ("time", 3155760000.0)}
_NOT_ALONE = frozenset("s h m g l min mi cal amp rs quarter ton mb kb hz mw kw foot bit cup oz degree degrees percentage".split())
"""Names that are units only after a number."""


class Quantity(NamedTuple):
    """A number as said, its unit's dimension (empty without one) and its value in that dimension's base unit."""

    number: float
    dimension: str
    value: float

    @property
    def size(self) -> float:
        """The size of its unit."""
        return self.value / self.number if self.number else 0.0


def quantities(text: Words) -> list[Quantity]:
    """Every number of a text, times of day by their hour on a dial of twelve."""
    found, at = [], 0
    while at < len(text.words):
        number, after = _number(text, at)
        if number is None:
            at += 1
            continue
        unit, after = _unit(text.words, at, after)
        found.append(Quantity(number, unit[0], number * unit[1]) if unit else Quantity(number, "", number))
        at = after
    return found


def units(text: Words) -> dict[str, list[float]]:
    """Sizes of the units that a text names, by dimension, with or without a number: `how many miles`, `per week`."""
    found: dict[str, list[float]] = {}
    for at, word in enumerate(text.words):
        unit = UNITS.get(word)
        if unit is not None and word not in _NOT_ALONE and not _ordinal_second(text.words, at):
            found.setdefault("time" if unit[0] == "rate" else unit[0], []).append(unit[1])
    return found


def _ordinal_second(words: Sequence[str], at: int) -> bool:
    return words[at] == "second" and (at == 0 or words[at - 1] not in {"per", "a", "each", "every"})


def _number(text: Words, at: int) -> tuple[float | None, int]:
    words = text.words
    word = words[at]
    value = _digits(word)
    if value is not None:
        return _scaled(words, value, at + 1)
    if word in CARDINALS:
        return _spelled(words, at)
    if word in _ORDINALS:
        return _ORDINALS[word], at + 1
    if word in _SCALES and word in _NUMBER_WORDS:
        return _scaled(words, 1.0, at)
    if word in _ROMAN and text.said[at].isupper() and at and text.said[at - 1][0].isupper():
        return _ROMAN[word], at + 1
    value = _WORDS.get(word)
    if value == 0.5 and words[at + 1 : at + 3] == ("a", "dozen"):
        return 6.0, at + 3
    return value, at + 1


def _digits(word: str) -> float | None:
    if not word[-1].isdigit() or not word.lstrip("-")[0].isdigit():
        return None
    plain = word.replace(",", "")
    if clock := _CLOCK.match(plain):
        return int(clock[1]) % 12 + int(clock[2]) / 100
    top, slash, bottom = plain.partition("/")
    try:
        return float(top) / float(bottom) if slash else float(plain)
    except (ValueError, ZeroDivisionError):
        return None


def _spelled(words: Sequence[str], at: int) -> tuple[float, int]:
    """`two hundred and five`, `twenty five`, `two thirds`."""
    value = CARDINALS[words[at]]
    at += 1
    if value >= 20 and at < len(words) and 0 < CARDINALS.get(words[at], 20.0) < 10:
        value, at = value + CARDINALS[words[at]], at + 1
    return _scaled(words, value, at)


def _scaled(words: Sequence[str], value: float, at: int) -> tuple[float, int]:
    while at < len(words):
        word = words[at]
        if word in _SCALES:
            value, at = value * _SCALES[word], at + 1
        elif value >= 100 and word == "and" and at + 1 < len(words) and CARDINALS.get(words[at + 1], 0.0):
            more, at = _spelled(words, at + 1)
            return value + more, at
        elif value >= 100 and 0 < CARDINALS.get(word, 0.0) < value and words[at - 1] in _SCALES:
            more, at = _spelled(words, at)
            return value + more, at
        elif word in _PARTS and value < 10 and words[at - 1] != "the":
            return value * _PARTS[word], at + 1
        elif word in {"st", "nd", "rd", "th"}:
            return value, at + 1
        else:
            break
    return value, at


def _unit(words: Sequence[str], at: int, after: int) -> tuple[tuple[str, float] | None, int]:
    if at and words[at - 1] in "$\u20ac\u00a3\u00a5":
        return UNITS[words[at - 1]], after
    for place in range(after, min(after + 4, len(words))):
        word = words[place]
        if word in UNITS:
            return UNITS[word], place + 1
        if word not in {"a", "an", "of", "per", "cent", "square", "cubic", "full"}:
            break
        if word == "per" and words[place + 1 : place + 2] == ("cent",):
            return UNITS["%"], place + 2
    return None, after
