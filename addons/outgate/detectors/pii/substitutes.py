"""Substitutes that took the place of values, and where an answer says one: whole words and numbers, in any case and any grouping.

No expression is compiled for a request: words and numbers of the answer are looked up, so that many substitutes cost no more
than few.
"""

import re
from bisect import bisect_left
from collections.abc import Mapping
from typing import NamedTuple

_LETTERS = "A-Za-z\u00c0-\u024f"
_TOKEN = re.compile(
    rf"(?:(?<![0-9_\\{_LETTERS}])|(?<=\\)(?![bfnrtu])|(?<=%[0-9A-Fa-f]{{2}})|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{{4}}))(?:[{_LETTERS}]+|[0-9]+)"
)
_RUN = re.compile(r"[0-9](?:[ .\-/()\u00a0]{0,3}[0-9]){0,24}")
_SIGNS = re.compile(r"[ .\-/()\u00a0]{0,3}\Z")
GOES_ON = re.compile(rf"[0-9_{_LETTERS}]")
"""What a word or a number goes on with."""
_GENITIVE = re.compile(rf"s(?![0-9_{_LETTERS}])")
_NOT_DIGITS = re.compile(r"[^0-9]+")


class Spot(NamedTuple):
    """Where a substitute stands, and what it stands for; no value where more must come before that is known."""

    start: int
    end: int
    value: str | None


class Substitutes:
    """The substitutes of one request. Immutable, never printed.

    `phrases` and `numbers` are values by what was written in their place; a number is found in any grouping.
    """

    __slots__ = ("_by_token", "_digits", "_numbers", "_phrases", "_sorted", "longest")

    def __init__(self, phrases: Mapping[str, str], numbers: Mapping[str, str]) -> None:
        self._phrases, self._numbers = dict(phrases), {only_digits(written): (written, value) for written, value in numbers.items()}
        self._sorted, self._digits = sorted({phrase.lower() for phrase in phrases}), sorted(self._numbers)
        self._by_token: dict[str, list[tuple[str, str]]] = {}
        for phrase in sorted(phrases, key=len, reverse=True):
            if (token := _TOKEN.match(phrase.lower())) is not None:
                self._by_token.setdefault(token[0], []).append((phrase, phrases[phrase]))
        self.longest = max([*map(len, phrases), *(4 * len(digits) for digits in self._numbers)], default=0)

    def __len__(self) -> int:
        return len(self._phrases) + len(self._numbers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Substitutes) and (self._phrases, self._numbers) == (other._phrases, other._numbers)

    def __hash__(self) -> int:
        return hash((tuple(self._phrases), tuple(self._numbers)))

    def __repr__(self) -> str:
        return f"Substitutes({len(self)})"

    @property
    def phrases(self) -> dict[str, str]:
        """Values by substitutes that are found as they are written."""
        return self._phrases

    @property
    def numbers(self) -> dict[str, str]:
        """Values by numbers."""
        return dict(self._numbers.values())

    def joined(self, others: "Substitutes") -> "Substitutes":
        """Both."""
        return Substitutes(self._phrases | others.phrases, self.numbers | others.numbers) if others else self

    def next(self, text: str, at: int, *, final: bool) -> Spot | None:
        """The first substitute from a place on. Unless the text ends here, one that may yet become another has no value."""
        if not self:
            return None
        for token in _TOKEN.finditer(text, at):
            spot = self._number(text, token.start(), final) if token[0][0].isdigit() else None
            if spot is None:
                spot = self._phrase(text, token, final)
            if spot is not None:
                return spot
        return None

    def _phrase(self, text: str, token: re.Match[str], final: bool) -> Spot | None:  # noqa: FBT001
        at, word = token.start(), token[0].lower()
        if not final and len(text) - at < self.longest and _begins_any(self._sorted, text[at:].lower()):
            return Spot(at, len(text), None)
        for phrase, value in self._by_token.get(word) or self._by_token.get(word.removesuffix("s"), []):
            end = at + len(phrase)
            if text[at:end].lower() != phrase.lower():
                continue
            if not final and len(text) < end + 2:
                return Spot(at, len(text), None)
            if _GENITIVE.match(text, end) or not GOES_ON.match(text, end):
                return Spot(at, end, _in_case(text[at:end], phrase, value))
        return None

    def _number(self, text: str, at: int, final: bool) -> Spot | None:  # noqa: FBT001
        run = _RUN.match(text, at)
        if run is None or not self._digits:
            return None
        digits, ends = only_digits(run[0]), [place + 1 for place, char in enumerate(run[0]) if char.isdigit()]
        if not final and _SIGNS.match(text, run.end()) and _begins_any(self._digits, digits):
            return Spot(at, len(text), None)
        for count in range(len(digits), 6, -1):
            end = at + ends[count - 1]
            if digits[:count] in self._numbers and not GOES_ON.match(text, end):
                return Spot(at, end, _as_grouped(text, at, end, *self._numbers[digits[:count]]))
        return None


NO_SUBSTITUTES = Substitutes({}, {})


def only_digits(text: str) -> str:
    """Its digits, without what groups them."""
    return _NOT_DIGITS.sub("", text)


def _begins_any(ordered: list[str], text: str) -> bool:
    """Whether any of these, in order, begins like this."""
    at = bisect_left(ordered, text)
    return at < len(ordered) and ordered[at].startswith(text)


def _in_case(found: str, written: str, value: str) -> str:
    """The value as it was, or in the case in which its substitute is said."""
    if found == written:
        return value
    if found.islower():
        return value.lower()
    if found.isupper():
        return value.upper()
    return value.title() if value.islower() else value


def _as_grouped(text: str, at: int, end: int, written: str, value: str) -> str:
    """The value; what stands in front of its first digit is there already where the substitute stands as it was written."""
    first = next(place for place, char in enumerate(written) if char.isdigit())
    if text[at:end] == written[first:]:
        return value[first:]
    return value[1:] if at and text[at - 1] == value[:1] else value
