"""Prefilter of the matcher: find the stretches that need a closer look, in time linear in the text.

It reads transliterations in lower-case words and spaces. A rule is looked for by its anchor, the piece
that ordinary text holds most seldom; around an anchor as many words are taken as a match can reach, and all of the rule must be
among them. No false negatives relative to the matcher.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import batched
from typing import NamedTuple

from outgate.detectors.injection.rules import RULES, InjectionRule
from outgate.detectors.injection.variants import TURNS, spelling
from outgate.detectors.regex_engines import Automaton

CHUNK = 512
"""Characters looked at together; a chunk ends where a word does."""
_MANY = 8
"""Chunks that need a closer look after which the whole text gets one: that is bounded, and texts made to be looked at are dear."""
AROUND, _LONGEST = 200, 32
"""Letters around a word that was taken apart that may matter, and in the longest such word."""
_ANCHOR_WORDS = 3
"""Words of an alternative that stand for all of it."""
_TOGETHER = 900
"""Anchors in one automaton: more take more states than the engine keeps."""
_FOREIGN = "[a-z?]*[?][a-z?]*"
_BORDER = "[ ?]"
_BREAK = "[ ?]+(?:[a-z?]*[?][a-z?]*[ ?]+)*"
"""Between two words: what is not ASCII may be a sign, and what holds a digit is no word."""
_ANY = "[a-z? ]"
"""In front of literals, so that the engine walks its table: looking for their first letters is slower here."""
_EVERYDAY = frozenset(("your", "you", "yourself", "anything", "answer", "model", "instead", "please", "become", "without"))
"""Words that are more frequent than they are short."""
_NO_SIGN = "[^A-Za-z0-9@$!|]"
_NONE = "[^ -~]"
_NEXT_WORD = re.compile(" ([a-z]+)(?= )")

type Span = tuple[int, int]


class Stretch(NamedTuple):
    """Characters of a reading, from word to word, and the numbers of the rules that may match there."""

    start: int
    end: int
    rules: set[int]


class Prefilter:
    """`rules` are the matcher's, phrases among them; `telling` words are looked for where they were taken apart, `turned` ones at
    least twice in a text.
    """

    def __init__(
        self, rules: Iterable[InjectionRule], telling: Collection[str], turned: Collection[str], vocabulary: Collection[str]
    ) -> None:
        every = list(rules)
        for rule in every:
            if not rule.pieces or not all(piece and all(map(str.strip, piece)) for piece in rule.pieces):
                raise ValueError(f"the rule {rule.id} has an empty piece")
        self._expressions = [expression(rule) for rule in every]
        self._chains: dict[int, Automaton] = {}
        self._keys, self._foreign = _keys(every)
        begun = sorted({tuple(_begun(alternative).split()) for rule in every for alternative in anchor(rule)})
        written = [f"{_BORDER}{_phrases(some)}{_BORDER}" for some in batched(begun, _TOGETHER, strict=False)]
        anchors = [Automaton(some).search_ascii for some in written]
        self._holds_anchor = anchors[0] if len(anchors) == 1 else lambda padded: any(holds(padded) for holds in anchors)
        self._inner = {word for begin in begun for word in begin[1:]}
        words = "|".join(sorted(map(_word, turned))) or _NONE
        twice = f" (?:{words}) (?:.* )?(?:{words}) "
        apart, backwards = _any_apart(telling), _any_apart([turn(word) for word in telling for turn in TURNS])
        self._apart, self._turned_apart, self._turned = Automaton(apart), Automaton(backwards), Automaton(twice)
        either = f"{apart}|{backwards}|{twice}"
        self._either = Automaton(either)
        turned_anywhere = f"{_BORDER}(?:{words}){_BORDER}(?:.*{_BORDER})?(?:{words}){_BORDER}"
        # A policy's own phrases may make it more states than the engine keeps: a letter would then take 5 µs, not 2 ns.
        known = len(written) == 1 and set(every) <= set(RULES)
        self._any = Automaton(f"{written[0]}|{apart}|{backwards}|{turned_anywhere}") if known else None
        signs = "|".join(one for word in sorted(vocabulary) if word.isascii() for one in spelling(word)) or _NONE
        self._spells = Automaton(f"(?:^|{_NO_SIGN})(?i:{signs})(?:{_NO_SIGN}|$)")
        self._enough = _words(max(map(reached, every), default=1)).search_ascii

    def stretches(self, reading: str, spots: Sequence[Span] = ()) -> list[Stretch]:
        """Where rules may match, in order, apart: anywhere, or, where `spots` are given, where a match can hold one of them."""
        padded, holds = f" {reading} ", self._holds_anchor
        found: list[Stretch] = []
        seen = 0
        if not holds(padded):
            return found
        borders = list(self._borders(padded))
        for number in self._near(padded, borders, spots) if spots else range(len(borders) - 1):
            chunk = padded[borders[number] : borders[number + 1] + 1]
            if holds(chunk):
                first, last = self._around(padded, borders, number)
                around = padded[borders[first] : borders[last] + 1]
                if likely := self._likely(chunk, around):
                    seen += 1
                    _add(found, Stretch(borders[first], borders[last] - 1, likely))
                if seen > _MANY:
                    return [Stretch(0, len(reading), set(range(len(self._expressions))))]
        return found

    def silent(self, reading: str) -> bool:
        """Whether a text holds neither an anchor nor, with its digits or without, a disguise: most do not, and one look tells.

        Nothing more belongs into that look: it is near the states that the engine keeps, beyond which it begins anew for each text.
        """
        return self._any is not None and not self._any.search(f" {reading} ")

    def disguises(self, reading: str) -> bool:
        """Whether any of the next three answers may be yes, for a reading without digits."""
        return self._either.search(f" {reading} ")

    def taken_apart(self, letters: str, whole: str) -> list[Span]:
        """Where telling words may stand with something inside them, and what is around them. `whole` reads with digits."""
        found: list[Span] = []
        if not self._apart.search_ascii(f" {letters}"):
            return found
        for start in range(0, len(letters), 2 * CHUNK):
            end = start + 2 * CHUNK
            if self._apart.search_ascii(f" {letters[start : _beyond(letters, end, _LONGEST)]}"):
                first, last = len(whole) - _beyond(whole[::-1], len(whole) - start, AROUND), _beyond(whole, end, AROUND)
                found.append((found.pop()[0] if found and first <= found[-1][1] else first, last))
        return found

    def turned_apart(self, reading: str) -> bool:
        """Whether a telling word turned round may stand in a text without digits with something inside it."""
        return self._turned_apart.search(f" {reading}")

    def turned(self, reading: str) -> bool:
        """Whether two words may be rules' words turned round."""
        return self._turned.search(f" {reading} ")

    def spells(self, plain: str) -> bool:
        """Whether a word of the vocabulary may be spelled with digits or signs in a transliteration."""
        return self._spells.search(plain)

    def _borders(self, padded: str) -> Iterator[int]:
        """Where chunks begin and end: at spaces that no anchor goes across."""
        border, last = 0, len(padded) - 1
        while border < last:
            yield border
            found = _NEXT_WORD.search(padded, border + CHUNK)
            while found and found[1] in self._inner:
                found = _NEXT_WORD.search(padded, found.end())
            border = found.start() if found else last
        yield last

    def _near(self, padded: str, borders: list[int], spots: Sequence[Span]) -> list[int]:
        """The chunks from which a match can reach a spot."""
        near: set[int] = set()
        for number in {bisect_right(borders, position + 1) - 1 for spot in spots for position in spot}:
            near.update(range(*self._around(padded, borders, min(number, len(borders) - 2))))
        return sorted(near)

    def _around(self, padded: str, borders: list[int], number: int) -> Span:
        """From which border to which a chunk has as many words on either side as a match can reach."""
        first, last = number, number + 1
        while first > 0:
            first -= 1
            if self._enough(padded[borders[first] : borders[number] + 1]):
                break
        while last < len(borders) - 1:
            last += 1
            if self._enough(padded[borders[number + 1] : borders[last] + 1]):
                break
        return first, last

    def _likely(self, piece: str, around: str) -> set[int]:
        """The rules that have an anchor in a piece of text and all else around it."""
        bare = piece.replace("?", " ")
        rules = set() if bare is piece else set(self._foreign)
        words = bare.split()
        spoken, exact = f" {' '.join(words)} ", bare is piece and "".join(words).isalpha()
        for word in self._keys.keys() & set(words):
            rules.update(rule for begin, rule in self._keys[word] if not exact or begin in spoken)
        return {rule for rule in rules if self._chain(rule).search_ascii(around)}

    def _chain(self, rule: int) -> Automaton:
        """A rule as an automaton, made when it is needed: most never are."""
        chain = self._chains.get(rule)
        if chain is None:
            chain = self._chains[rule] = _automaton(self._expressions[rule])
        return chain


def anchor(rule: InjectionRule) -> tuple[str, ...]:
    """The piece of a rule that ordinary text holds most seldom, taking a letter more as half as frequent."""
    return min(rule.pieces, key=lambda piece: sum(map(_frequency, piece)))


def _frequency(alternative: str) -> float:
    return 1.0 if alternative in _EVERYDAY else 2.0 ** -len(alternative.replace(" ", ""))


def reached(rule: InjectionRule) -> int:
    """The most words that a match of a rule takes."""
    return sum(max(len(alternative.split()) for alternative in piece) for piece in rule.pieces) + rule.gap * (len(rule.pieces) - 1)


def expression(rule: InjectionRule) -> str:
    """A rule as an expression: its pieces in order, words that do not matter between them."""
    between = f"{_BREAK}(?:[a-z?]+{_BREAK}){{0,{rule.gap}}}"
    return between.join(_phrases(tuple(alternative.split()) for alternative in piece) for piece in rule.pieces)


def _keys(rules: Iterable[InjectionRule]) -> tuple[dict[str, list[tuple[str, int]]], set[int]]:
    """By the longest word of each anchor, the anchor between spaces and its rule; and the rules with an anchor of foreign words."""
    keys: dict[str, list[tuple[str, int]]] = {}
    for number, rule in enumerate(rules):
        for alternative in anchor(rule):
            begun = _begun(alternative)
            word = max(filter(str.isascii, begun.split()), key=len, default="")
            keys.setdefault(word, []).append((f" {begun} ", number))
    return keys, {rule for _, rule in keys.pop("", [])}


def _begun(alternative: str) -> str:
    return " ".join(alternative.split()[:_ANCHOR_WORDS])


def _phrases(phrases: Iterable[tuple[str, ...]]) -> str:
    """Any of these words that follow each other, whatever stands between them that is no word. Kept short: the engine copies an
    expression whenever it does not match.
    """
    heads: dict[str, set[tuple[str, ...]]] = {}
    for head, *rest in phrases:
        heads.setdefault(_word(head), set()).add(tuple(rest))
    ways = []
    for head, rests in heads.items():
        more = _BREAK + _phrases(sorted(rests - {()})) if rests - {()} else ""
        ways.append(f"{head}(?:{more})?" if more and () in rests else head + more)
    return f"(?:{'|'.join(ways)})"


def _add(found: list[Stretch], new: Stretch) -> None:
    if found and new.start <= found[-1].end:
        last = found.pop()
        new = Stretch(last.start, max(last.end, new.end), last.rules | new.rules)
    found.append(new)


def _automaton(words: str) -> Automaton:
    return Automaton(f"{_BORDER}{words}{_BORDER}")


def _words(count: int) -> Automaton:
    """So many words and more."""
    return Automaton(f" (?:[a-z]+ (?:.* )?){{{count}}}")


def _word(word: str) -> str:
    return word if word.isascii() else _FOREIGN


def _beyond(reading: str, start: int, letters: int) -> int:
    """Where so many letters have come after `start`, in words that hold nothing but letters."""
    more = 2 * letters
    while start + more < len(reading) and sum(map(len, filter(str.isalpha, reading[start : start + more].split()))) < letters:
        more *= 2
    return min(start + more, len(reading))


def _any_apart(words: Iterable[str]) -> str:
    return f"{_ANY}(?:{'|'.join(part for word in sorted(words) for part in _apart(word)) or _NONE})"


def _apart(word: str) -> Iterator[str]:
    """A word broken at least once, by where its first break is."""
    for cut in range(1, len(word)):
        yield word[:cut] + "[ ?]+" + "[ ?]*".join(word[cut:])
