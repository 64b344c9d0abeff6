"""Rules, phrases and patterns to findings: one linear set over a text as it is written, one over its bare letters.

A first look passes over nearly all text; only around what it sees is each rule asked.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from hashlib import sha256
from itertools import chain

from outgate.detectors.injection.expressions import NOTHING, compact, expression, rarest, reach
from outgate.detectors.injection.finding import Detector, Found, Weight
from outgate.detectors.injection.patterns import bounded
from outgate.detectors.injection.phrases import OwnPhrases, words
from outgate.detectors.injection.rules import BEGIN, HIDDEN, RULES, InjectionRule
from outgate.detectors.injection.views import View, quoted, views
from outgate.detectors.regex_engines import Linear

_WORD = re.compile(rb"\\[nrt]|[a-z]+")
_MEMORY = 16 * 1024 * 1024
"""Bytes for the states of the first look: with few it would make the same ones again and again."""


class RuleDetector(Detector):
    """`phrases` and `patterns` are an operator's own, reported as `phrase.<n>` and `pattern.<n>`, and certain."""

    def __init__(
        self,
        disabled: Collection[str] = (),
        phrases: Sequence[str] = (),
        patterns: Sequence[str] = (),
        rules: Sequence[InjectionRule] = RULES,
    ) -> None:
        self.revision = sha256(repr((rules, sorted(disabled), list(phrases), list(patterns))).encode()).hexdigest()[:12]
        kept = [rule for rule in rules if rule.id not in disabled]
        self._weights = {rule.id: rule.weight for rule in kept}
        self._rare = Linear(rarest(kept) if kept else NOTHING, memory=_MEMORY)
        self._rules = [(rule.id, Linear(expression(rule)), *reach(rule)) for rule in kept]
        self._opening = {rule.id for rule in kept if rule.pieces[0] == (BEGIN,)}
        self._by_word = defaultdict[bytes, set[int]](set)
        for number, rule in enumerate(kept):
            for text in rule.pieces[rule.rare[0]]:
                self._by_word[text.split()[0].encode()].add(number)
        self._bare = [(rule.id, Linear(compact(rule))) for rule in kept if rule.hides and HIDDEN not in disabled]
        self._any_bare = Linear("|".join(compact(rule) for rule in kept if rule.hides) if self._bare else NOTHING)
        self._phrases = OwnPhrases(phrases)
        self._patterns = [(f"pattern.{number}", bounded(pattern)) for number, pattern in enumerate(patterns, 1)]
        self._names = (*(rule.id for rule in rules), HIDDEN, *self._phrases.names, *(name for name, _ in self._patterns))

    def find(self, text: str, /) -> tuple[Found, ...]:
        """All that one text matches, in table order."""
        found: set[str] = set()
        for view in views(text, thorough=bool(self._phrases.names)):
            found.update(self._phrases.find(view), self._matched(view))
            ids = {*self._written(view), *self._disguised(view)}
            if view.hidden and not ids.isdisjoint(name for name, _ in self._bare):
                ids.add(HIDDEN)
            found |= ids
        return tuple(Found(name, self._weights.get(name, Weight.CERTAIN)) for name in self._names if name in found) if found else ()

    def _written(self, view: View) -> Iterator[str]:
        """The rules that a text matches as it is written."""
        written = view.written
        near: defaultdict[int, list[list[int]]] = defaultdict(list)
        for start, end in self._rare.spans(written):
            numbers = (self._by_word.get(word, ()) for word in _WORD.findall(written[start:end].lower()))
            for number in set(chain.from_iterable(numbers)):
                _, _, before, after = self._rules[number]
                _widen(near[number], start - before, end + after)
        for number, stretches in near.items():
            name, rule, _, _ = self._rules[number]
            spans = (span for start, end in stretches for span in rule.spans(written, max(0, start), end))
            if any(name not in self._opening or not quoted(written, at) for at, _ in spans):
                yield name

    def _disguised(self, view: View) -> Iterator[str]:
        """The rules that its bare letters match: hidden, or where the words are cut."""
        if not view.letters:
            return
        spans = list(self._any_bare.spans(view.letters))
        for (start, end), (first, last) in zip(spans, view.places(spans), strict=True):
            if not view.whole(first, last):
                continue
            yield from (name for name, rule in self._bare if rule.search(view.letters, start, end))
            if view.disguised(first, last):
                yield HIDDEN

    def _matched(self, view: View) -> Iterator[str]:
        if self._patterns:
            plain = " ".join(words(view.folded)).encode()
            yield from (name for name, pattern in self._patterns if pattern.search(plain))


def _widen(stretches: list[list[int]], start: int, end: int) -> None:
    """Add a stretch, as part of the last one where they overlap."""
    if stretches and start <= stretches[-1][1]:
        stretches[-1][1] = end
    else:
        stretches.append([start, end])
