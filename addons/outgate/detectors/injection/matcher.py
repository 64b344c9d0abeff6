"""Match injection rules in every variant of a text. Words are looked up once and places merged, not searched."""

import re
from bisect import bisect_left
from collections.abc import Collection, Sequence
from typing import NamedTuple

from outgate.detectors.injection.prefilter import Prefilter
from outgate.detectors.injection.rules import RULES, InjectionRule
from outgate.detectors.injection.variants import (
    TURNS,
    UNLEET,
    Variant,
    Words,
    disguised,
    first_variant,
    opened,
    spelled,
    variant,
    variants,
    words,
    written_ends,
)
from outgate.detectors.normalise import hidden_tags, unescape
from outgate.detectors.payloads import payloads

FLOOD = "disguise.flood"
"""The id reported for a text that takes more telling words apart than can be looked at."""

_TELLING = (
    "ignore", "disregard", "forget", "override", "bypass",
    "previous", "instruction", "guideline", "restriction", "prompt", "reveal",
    "pretend", "developer", "jailbreak", "unfiltered", "anything", "unrestricted", "system",
)  # fmt: skip
_WINDOW = 160
_MOST_WINDOWS = 96
_LETTERS_PER_WORD = 6

type Alternative = tuple[str, ...]
type Places = list[tuple[int, int]]


class _Compiled(NamedTuple):
    id: str
    pieces: tuple[tuple[int, ...], ...]
    gap: int
    compact: re.Pattern[str] | None
    tight: tuple[str, ...]
    """What `compact` holds at least one of."""


class Matcher:
    """Rules compiled. `phrases` are more wordings, found as whole words in any disguise and reported as `phrase.<n>`."""

    def __init__(self, rules: Collection[InjectionRule] = RULES, phrases: Collection[str] = ()) -> None:
        extra = [InjectionRule(f"phrase.{n}", ((phrase,),), 0) for n, phrase in enumerate(map(_normal, phrases), 1) if phrase]
        self._numbers: dict[Alternative, int] = {}
        self._rules = [self._compiled(rule) for rule in (*rules, *extra)]
        self._index: dict[str, list[tuple[int, int, list[str]]]] = {}
        for alternative, number in self._numbers.items():
            key = max(alternative, key=len)
            self._index.setdefault(key, []).append((number, alternative.index(key), list(alternative)))
        self._turned = {turn(word) for word in self._index if len(word) > 3 for turn in TURNS}
        self._vocabulary = {word for alternative in self._numbers for word in alternative if len(word) > 2} | self._index.keys()
        self._prefilter = Prefilter((*rules, *extra), _TELLING, self._turned, self._vocabulary)
        self._order = [*(rule.id for rule in self._rules), FLOOD]

    def find(self, text: str) -> tuple[str, ...]:
        """The ids of the rules this text matches, in table order."""
        found: set[str] = set()
        first = first_variant(text)
        self._read(first, found)
        if first.raw is not text and (tags := hidden_tags(text)):
            self._read(first_variant(tags), found)
        if hidden := payloads(first.plain):
            self._read(first_variant(" ".join(payload.text for payload in hidden)), found)
        return tuple(name for name in self._order if name in found) if found else ()

    def _read(self, first: Variant, found: set[str]) -> None:
        """All readings of one text."""
        silent = self._prefilter.silent(first.reading)
        ends = written_ends(first.plain)
        for one in variants(first, ends):
            if not silent or one is not first:
                self._judge(one, found)
        for whole in disguised(first, ends, silent=silent):
            if whole.letters is UNLEET:
                if silent and self._prefilter.silent(whole.reading):
                    continue
                if self._prefilter.spells(whole.plain):
                    self._spell(whole, found)
            letters = whole.without_digits()
            if self._prefilter.disguises(letters.reading):
                self._undo(whole, letters, found)

    def _spell(self, one: Variant, found: set[str]) -> None:
        """The reading in which digits and signs are letters, if that makes a word of the rules."""
        self._judge(one, new := set(found))
        if new != found and not self._vocabulary.isdisjoint(spelled(one.plain, one.reading)):
            found |= new

    def _undo(self, whole: Variant, letters: Variant, found: set[str]) -> None:
        """Words taken apart and turned round."""
        spans = self._prefilter.taken_apart(letters.reading, whole.reading)
        joined = [" ".join(one.words(start, end)) for start, end in spans for one in (letters, whole)]
        if self._prefilter.turned_apart(letters.reading):
            joined.extend(turn(" ".join(letters.words())) for turn in TURNS)
        self._match_compact(joined, found)
        if self._prefilter.turned(letters.reading):
            self._turn(whole.words(), found)

    def _judge(self, one: Variant, found: set[str]) -> None:
        """One reading, where the prefilter sees something in it."""
        for start, end, rules in self._prefilter.stretches(one.reading, one.spots):
            self._match(one.words(start, end), rules, found)

    def _turn(self, reading: Words, found: set[str]) -> None:
        """The words turned round, where two of them are the rules' words turned."""
        if len(self._turned.intersection(reading)) > 1:
            for turn in TURNS:
                self._judge(variant(*opened(turn(" ".join(reading)))), found)

    def _match(self, reading: Words, chosen: set[int], found: set[str]) -> None:
        present = self._index.keys() & set(reading)
        likely = {number for word in present for number, _, _ in self._index[word]}
        rules = [r for r in map(self._rules.__getitem__, chosen) if r.id not in found and not any(map(likely.isdisjoint, r.pieces))]
        if not rules:
            return
        wanted = {number for rule in rules for piece in rule.pieces for number in piece}
        index = {word: kept for word in present if (kept := [entry for entry in self._index[word] if entry[0] in wanted])}
        places = _places(reading, index)
        merged: dict[tuple[int, ...], Places] = {}
        found.update(rule.id for rule in rules if _follows(rule, places, merged))

    def _match_compact(self, texts: Sequence[str], found: set[str]) -> None:
        """Rules over texts whose spaces have been moved about: looked for around telling words that were taken apart."""
        windows: set[str] = set()
        for spaced in texts:
            tight = spaced.replace(" ", "")
            windows.update(tight[start:end] for start, end in _windows(spaced, tight))
        if len(windows) > _MOST_WINDOWS:
            found.add(FLOOD)
            return
        for window in windows:
            for rule in self._rules:
                if rule.compact is not None and any(map(window.__contains__, rule.tight)) and rule.compact.search(window):
                    found.add(rule.id)

    def _compiled(self, rule: InjectionRule) -> _Compiled:
        pieces = tuple(tuple(self._number(alternative) for alternative in piece) for piece in rule.pieces)
        tight = [[word for word in (text.replace(" ", "") for text in piece) if len(word) > 3] for piece in rule.pieces]
        compact = None
        if rule.compact and all(tight) and (len(tight) > 1 or min(map(len, tight[0])) > 8):
            gap = rf"[a-z]{{0,{rule.gap * _LETTERS_PER_WORD}}}"
            compact = re.compile(gap.join(f"(?:{'|'.join(map(re.escape, piece))})" for piece in tight))
        rarest = min(tight, key=len)
        return _Compiled(rule.id, pieces, rule.gap, compact, tuple(rarest))

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


def _normal(phrase: str) -> str:
    return " ".join(words(unescape(phrase)))
