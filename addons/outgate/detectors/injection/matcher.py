"""Which rules a text matches, in any reading. Words are looked up once and places merged, not searched."""

import re
from bisect import bisect_left
from collections.abc import Collection
from typing import NamedTuple

from outgate.detectors.injection.rules import RULES, Rule
from outgate.detectors.injection.screen import Screen
from outgate.detectors.injection.views import Words, leet, readings, rot13, signed, unleet, words
from outgate.detectors.normalise import unescape

FLOOD = "disguise.flood"
"""The id reported for a text that takes more telling words apart than can be looked at."""

_TELLING = (
    "ignore", "disregard", "forget", "override", "bypass",
    "previous", "instruction", "guideline", "restriction", "prompt", "reveal",
    "pretend", "developer", "jailbreak", "unfiltered", "anything", "unrestricted", "system",
)  # fmt: skip
_WINDOW = 160
_MOST_WINDOWS = 48
_LETTERS_PER_WORD = 6

type Alternative = tuple[str, ...]
type Places = list[tuple[int, int]]


class _Compiled(NamedTuple):
    id: str
    pieces: tuple[tuple[int, ...], ...]
    gap: int
    compact: re.Pattern[str] | None


class Matcher:
    """Rules compiled. `phrases` are more wordings, found as whole words in any disguise and reported as `phrase.<n>`."""

    def __init__(self, rules: Collection[Rule] = RULES, phrases: Collection[str] = ()) -> None:
        extra = [Rule(f"phrase.{n}", ((phrase,),), 0) for n, phrase in enumerate(map(_normal, phrases), 1) if phrase]
        self._numbers: dict[Alternative, int] = {}
        self._rules = [self._compiled(rule) for rule in (*rules, *extra)]
        self._index: dict[str, list[tuple[int, int, list[str]]]] = {}
        for alternative, number in self._numbers.items():
            key = max(alternative, key=len)
            self._index.setdefault(key, []).append((number, alternative.index(key), list(alternative)))
        self._turned = {turn(word) for word in self._index if len(word) > 3 for turn in (rot13, _reversed)}
        screen = Screen((*rules, *extra), _TELLING, self._turned)
        self._sees, self._suspects, self._breaks, self._turns = screen.sees, screen.suspects, screen.taken_apart, screen.turned
        self._order = [*(rule.id for rule in self._rules), FLOOD]

    def find(self, text: str) -> tuple[str, ...]:
        """The ids of the rules this text matches, in table order."""
        found: set[str] = set()
        plain = unescape(text)
        for number, reading in enumerate(readings(text, plain)):
            if self._sees(reading):
                self._match(reading, found)
                if number == 0:
                    self._disguised(reading, found)
            if number == 0 and signed(plain):
                self._spelled(plain, found)
        return tuple(name for name in self._order if name in found) if found else ()

    def _spelled(self, plain: str, found: set[str]) -> None:
        """The reading in which digits and signs are letters, if that makes a word of the rules."""
        spelled = unleet(plain)
        if self._suspects(spelled) and not self._index.keys().isdisjoint(words(leet(plain))):
            self._match(spelled, found)

    def _disguised(self, reading: str, found: set[str]) -> None:
        """Readings of the words themselves, each only where there is a sign of it."""
        if self._turns(reading) and len(self._turned.intersection(reading.split())) > 1:
            joined = " ".join(reading.split())
            self._match(rot13(joined), found)
            self._match(joined[::-1], found)
        if self._breaks(reading):
            self._match_compact(reading.split(), found)

    def _match(self, spaced: str, found: set[str]) -> None:
        if not self._suspects(spaced):
            return
        reading = spaced.split()
        present = self._index.keys() & set(reading)
        likely = {number for word in present for number, _, _ in self._index[word]}
        rules = [r for r in self._rules if r.id not in found and all(not likely.isdisjoint(piece) for piece in r.pieces)]
        if not rules:
            return
        wanted = {number for rule in rules for piece in rule.pieces for number in piece}
        index = {word: kept for word in present if (kept := [entry for entry in self._index[word] if entry[0] in wanted])}
        places = _places(reading, index)
        merged: dict[tuple[int, ...], Places] = {}
        found.update(rule.id for rule in rules if _follows(rule, places, merged))

    def _match_compact(self, reading: Words, found: set[str]) -> None:
        """Rules over text whose spaces have been moved about: looked for around telling words that were taken apart."""
        spaced, tight = " ".join(reading), "".join(reading)
        windows = _windows(spaced, tight)
        if len(windows) > _MOST_WINDOWS:
            found.add(FLOOD)
            return
        for start, end in windows:
            for rule in self._rules:
                if rule.compact is not None and rule.id not in found and rule.compact.search(tight, start, end):
                    found.add(rule.id)

    def _compiled(self, rule: Rule) -> _Compiled:
        pieces = tuple(tuple(self._number(alternative) for alternative in piece) for piece in rule.pieces)
        tight = [[word for word in (text.replace(" ", "") for text in piece) if len(word) > 3] for piece in rule.pieces]
        compact = None
        if rule.compact and all(tight) and (len(tight) > 1 or min(map(len, tight[0])) > 8):
            gap = rf"[a-z]{{0,{rule.gap * _LETTERS_PER_WORD}}}"
            compact = re.compile(gap.join(f"(?:{'|'.join(map(re.escape, piece))})" for piece in tight))
        return _Compiled(rule.id, pieces, rule.gap, compact)

    def _number(self, alternative: str) -> int:
        return self._numbers.setdefault(tuple(alternative.split()), len(self._numbers))


def _places(reading: Words, index: dict[str, list[tuple[int, int, list[str]]]]) -> dict[int, Places]:
    """Where each alternative stands, as word positions."""
    places: dict[int, Places] = {}
    for position in [position for position, word in enumerate(reading) if word in index]:
        for number, offset, alternative in index[reading[position]]:
            start = position - offset
            end = start + len(alternative)
            if start >= 0 and (len(alternative) == 1 or reading[start:end] == alternative):
                places.setdefault(number, []).append((start, end))
    return places


def _follows(rule: _Compiled, places: dict[int, Places], merged: dict[tuple[int, ...], Places]) -> bool:
    """Whether the pieces stand in order, each within the gap after the one before."""
    ends: list[int] = []
    for number, piece in enumerate(rule.pieces):
        here = merged.get(piece)
        if here is None:
            here = merged[piece] = sorted(place for alternative in piece for place in places.get(alternative, ()))
        if number:
            here = [place for place in here if _near(ends, place[0], rule.gap)]
        if not here:
            return False
        ends = sorted({end for _, end in here})
    return True


def _near(ends: list[int], start: int, gap: int) -> bool:
    first = bisect_left(ends, start - gap)
    return first < len(ends) and ends[first] <= start


def _windows(spaced: str, tight: str) -> list[tuple[int, int]]:
    """Stretches of the text around telling words that stand in it without its spaces, and did not with them; merged, bounded."""
    spots: list[int] = []
    for word in _TELLING:
        if word not in tight or tight.count(word) == spaced.count(word):
            continue
        whole = _starts(word, spaced)
        spots.extend(spot for spot in _starts(word, tight) if spot not in whole)
    windows: list[tuple[int, int]] = []
    for spot in sorted(spots):
        if windows and spot - _WINDOW <= windows[-1][1] and windows[-1][1] - windows[-1][0] < 4 * _WINDOW:
            windows[-1] = (windows[-1][0], spot + _WINDOW)
        else:
            windows.append((max(0, spot - _WINDOW), spot + _WINDOW))
    return windows


def _starts(word: str, text: str) -> set[int]:
    """Where a word stands in a text, counted without its spaces."""
    starts: set[int] = set()
    at, spaces, done = text.find(word), 0, 0
    while at >= 0:
        spaces += text.count(" ", done, at)
        starts.add(at - spaces)
        done = at
        at = text.find(word, at + 1)
    return starts


def _reversed(text: str) -> str:
    return text[::-1]


def _normal(phrase: str) -> str:
    return " ".join(words(unescape(phrase)))
